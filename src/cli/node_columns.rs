//! Receptive fields and effective MACs as columns of the table of nodes.

use crate::graph::check::CheckedGraph;
use crate::show::field::{in_order, size_text, stride_text};
use crate::show::table::{Cell, Column};
use crate::study::cost::CostReport;
use crate::study::cost::effective::effective_macs;
use crate::study::cost::field::{ReceptiveField, receptive_fields};
use clap::ValueEnum;

/// Optional column of the table of nodes.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ExtraColumn {
    /// Receptive field, height x width in image pixels, and stride
    Field,
    /// MACs spent on image pixels rather than padding
    Effective,
}

/// Returns optional columns for the table of nodes, with their cells.
pub(super) fn extra_columns(
    checked: &CheckedGraph,
    report: &CostReport,
    extra: &[ExtraColumn],
) -> Vec<(Column, Vec<Cell>)> {
    let graph = checked.graph();
    let column = |extra: &ExtraColumn| match extra {
        ExtraColumn::Field => {
            let text = |f: ReceptiveField| match f.iter().any(|axis| axis.intervals().is_some()) {
                true => format!("{} /{}", size_text(&f), stride_text(&f)),
                false => size_text(&f),
            };
            (
                Column::numbers("field"),
                in_order(graph, &receptive_fields(graph)).into_iter().map(|f| text(f).into()).collect(),
            )
        }
        ExtraColumn::Effective => {
            let cells = in_order(graph, &effective_macs(graph));
            debug_assert_eq!(cells.len(), report.nodes.len());
            (Column::numbers("effective"), cells.into_iter().map(Cell::nonzero_count).collect())
        }
    };
    extra.iter().map(column).collect()
}
