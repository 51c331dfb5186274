//! Plain tables and numbers for people.

use crate::study::cost::CostReport;
use std::collections::HashMap;
use std::fmt::Write;

/// `1234567` to `1,234,567`.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// `2159772672` to `2.16 G`.
pub fn short(n: u64) -> String {
    scaled(n).unwrap_or_else(|| n.to_string())
}

/// `12345678` to `12.35 MB`: decimal units.
pub fn bytes(n: u64) -> String {
    scaled(n).map_or_else(|| format!("{n} B"), |text| text + "B")
}

/// With a decimal prefix; `None` below a thousand.
fn scaled(n: u64) -> Option<String> {
    let prefixes = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];
    let (scale, prefix) = prefixes.into_iter().find(|(scale, _)| n as f64 >= *scale)?;
    Some(format!("{:.2} {prefix}", n as f64 / scale))
}

/// Seconds as `0:05`, `12:34` or `1:02:03`.
#[cfg(feature = "run")]
pub fn clock(seconds: f64) -> String {
    let s = seconds.round() as u64;
    match (s / 3600, s / 60 % 60, s % 60) {
        (0, m, s) => format!("{m}:{s:02}"),
        (h, m, s) => format!("{h}:{m:02}:{s:02}"),
    }
}

#[derive(Clone, Copy, PartialEq)]
pub enum Align {
    Left,
    Right,
}

/// Columns as wide as their widest cell, two blanks between.
pub fn columns(header: &[&str], align: &[Align], rows: &[Vec<String>]) -> String {
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

/// The same cells as comma-separated values (RFC 4180), numbers without separators.
pub fn csv(header: &[&str], align: &[Align], rows: &[Vec<String>]) -> String {
    let quoted = |cell: &str| {
        if cell.contains([',', '"', '\n']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_string() }
    };
    let mut out = header.iter().map(|h| quoted(h)).collect::<Vec<_>>().join(",") + "\n";
    for row in rows {
        let plain = |(cell, align): (&String, &Align)| match align {
            Align::Right => cell.replace(',', ""),
            Align::Left => quoted(cell),
        };
        out.push_str(&(row.iter().zip(align).map(plain).collect::<Vec<_>>().join(",") + "\n"));
    }
    out
}

/// The same cells as a Markdown table.
pub fn markdown(header: &[&str], align: &[Align], rows: &[Vec<String>]) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let rule = align.iter().map(|a| if *a == Align::Right { "---:".to_string() } else { "---".to_string() });
    let mut out = line(header.iter().map(|h| h.to_string()).collect()) + &line(rule.collect());
    for row in rows {
        out.push_str(&line(row.iter().map(|c| c.replace('|', "\\|")).collect()));
    }
    out
}

/// A column that is added to the table of nodes: a cell for each node of the report.
pub struct Column {
    pub header: &'static str,
    pub cells: Vec<String>,
}

/// Blocks and nodes as a tree, in the way torchinfo's table is read. `depth` 1 shows the outermost blocks only.
pub fn cost_table(report: &CostReport, depth: usize, extra: &[Column]) -> String {
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
