//! The costs of the nodes and blocks of a model as a table.

use super::table::{Cell, Column, Table};
use crate::study::cost::CostReport;
use std::collections::HashMap;

/// Returns a table with a row for each block and node, indented as a tree like the table of torchinfo. A `depth` of 1 shows
/// the outermost blocks only. Each of `extra` is a further column with a cell for every node of the report, which stays
/// empty for blocks.
pub(crate) fn cost_table(report: &CostReport, depth: usize, extra: Vec<(Column, Vec<Cell>)>) -> Table {
    // The row of a block precedes the row of its first node.
    let known: HashMap<&str, usize> = report.blocks.iter().enumerate().map(|(b, block)| (&*block.path, b)).collect();
    let mut rows = Vec::with_capacity(report.nodes.len() + report.blocks.len());
    let mut shown = vec![false; report.blocks.len()];
    let share = |macs: u64| match macs {
        0 => Cell::Missing,
        _ => Cell::Percent(100.0 * macs as f64 / report.macs as f64),
    };
    let mut row =
        |level: usize, path: &str, op: &str, output: &[usize], params: u64, macs: u64, node: Option<usize>| {
            if level >= depth {
                return;
            }
            let mut cells: Vec<Cell> =
                vec![format!("{}{path}", "  ".repeat(level)).into(), op.into(), format!("{output:?}").into()];
            cells.extend([Cell::nonzero_count(params), Cell::nonzero_count(macs), share(macs)]);
            cells.extend(extra.iter().map(|(_, cells)| node.map_or(Cell::Empty, |i| cells[i].clone())));
            rows.push(cells);
        };
    for (i, node) in report.nodes.iter().enumerate() {
        let mut level = 0;
        let mut prefix = 0;
        // The paths of the blocks around a node are prefixes of its path. The outermost block has the shortest.
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
    let mut columns = ["path", "op", "output"].map(Column::words).to_vec();
    columns.extend(["params", "MACs", "share"].map(Column::numbers));
    columns.extend(extra.into_iter().map(|(column, _)| column));
    Table::new(columns, rows)
}
