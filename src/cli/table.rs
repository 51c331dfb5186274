//! Plain tables and numbers for people.

use crate::base::csv;
use crate::base::number::thousands;
use crate::study::cost::CostReport;
use std::collections::HashMap;
use std::fmt::Write;

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Align {
    Left,
    Right,
}

/// Columns as wide as their widest cell, two blanks between.
pub(super) fn columns(header: &[&str], align: &[Align], rows: &[Vec<String>]) -> String {
    let width = |i: usize| {
        let cells = rows.iter().map(|r| r[i].chars().count());
        cells.chain([header[i].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let mut out = String::new();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for (i, cell) in cells.enumerate() {
            let gap = if i > 0 { "  " } else { "" };
            let w = widths[i];
            let _ = match align[i] {
                Align::Left => write!(text, "{gap}{cell:<w$}"),
                Align::Right => write!(text, "{gap}{cell:>w$}"),
            };
        }
        let _ = writeln!(out, "{}", text.trim_end());
    };
    line(&mut header.iter().copied());
    line(&mut widths.iter().map(|w| "-".repeat(*w)).collect::<Vec<_>>().iter().map(String::as_str));
    for row in rows {
        line(&mut row.iter().map(String::as_str));
    }
    out
}

/// The same cells as comma-separated values, numbers without separators.
pub(super) fn csv(header: &[&str], align: &[Align], rows: &[Vec<String>]) -> String {
    let plain = |(cell, align): (&String, &Align)| match align {
        Align::Right => cell.replace(',', ""),
        Align::Left => cell.clone(),
    };
    let header: Vec<String> = header.iter().map(|h| h.to_string()).collect();
    let rows = rows.iter().map(|row| row.iter().zip(align).map(plain).collect());
    csv::text(std::iter::once(header).chain(rows))
}

/// The same cells as a Markdown table.
pub(super) fn markdown(header: &[&str], align: &[Align], rows: &[Vec<String>]) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let rule = align.iter().map(|a| if *a == Align::Right { "---:".to_string() } else { "---".to_string() });
    let mut out = line(header.iter().map(|h| h.to_string()).collect()) + &line(rule.collect());
    for row in rows {
        out.push_str(&line(row.iter().map(|c| c.replace('|', "\\|")).collect()));
    }
    out
}

/// A column that is added to the table of nodes: a cell for each node of the report.
pub(super) struct Column {
    pub header: &'static str,
    pub cells: Vec<String>,
}

/// Blocks and nodes as a tree, in the way torchinfo's table is read. `depth` 1 shows the outermost blocks only.
pub(super) fn cost_table(report: &CostReport, depth: usize, extra: &[Column]) -> String {
    // Each node comes after the blocks that it is in; a block's row stands before its first node.
    let known: HashMap<&str, usize> = report.blocks.iter().enumerate().map(|(b, block)| (&*block.path, b)).collect();
    let mut rows = Vec::with_capacity(report.nodes.len() + report.blocks.len());
    let mut shown = vec![false; report.blocks.len()];
    let percent = |macs: u64| match report.macs {
        0 => "-".to_string(),
        total => format!("{:.1} %", 100.0 * macs as f64 / total as f64),
    };
    let mut row =
        |level: usize, path: &str, op: &str, output: &[usize], params: u64, macs: u64, node: Option<usize>| {
            if level >= depth {
                return;
            }
            let zero = |n: u64| if n == 0 { "-".to_string() } else { thousands(n) };
            let mut cells = vec![
                format!("{}{path}", "  ".repeat(level)),
                op.to_string(),
                format!("{output:?}"),
                zero(params),
                zero(macs),
                if macs == 0 { "-".into() } else { percent(macs) },
            ];
            cells.extend(extra.iter().map(|c| node.map(|i| c.cells[i].clone()).unwrap_or_default()));
            rows.push(cells);
        };
    for (i, node) in report.nodes.iter().enumerate() {
        let mut level = 0;
        let mut prefix = 0;
        // The blocks around a node are prefixes of its path, the outermost the shortest.
        for (end, _) in node.path.match_indices('.') {
            let Some(&b) = known.get(&node.path[..end]) else { continue };
            let block = &report.blocks[b];
            if !shown[b] && block.nodes.first() == Some(&i) {
                shown[b] = true;
                let name = block.path[prefix..].trim_start_matches('.');
                row(level, name, &block.block, &block.output, block.params, block.macs, None);
            }
            level += 1;
            prefix = end;
        }
        let name = node.path[prefix..].trim_start_matches('.');
        row(level, name, node.op, &node.output, node.params, node.macs, Some(i));
    }
    use Align::{Left, Right};
    let mut header = vec!["path", "op", "output", "params", "MACs", "share"];
    header.extend(extra.iter().map(|c| c.header));
    let mut align = vec![Left, Left, Left];
    align.resize(header.len(), Right);
    columns(&header, &align, &rows)
}
