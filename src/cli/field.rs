//! Receptive fields and effective MACs as columns of the table of nodes.

use super::table::Column;
use crate::base::number::thousands;
use crate::graph::check::Checked;
use crate::show::field::{in_order, size_text, stride_text};
use crate::study::cost::CostReport;
use crate::study::cost::effective::effective;
use crate::study::cost::field::{Field, fields};
use clap::ValueEnum;

/// More columns for the table of nodes.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Extra {
    /// Receptive field, height x width in image pixels, and stride
    Field,
    /// MACs that touch pixels and not padding
    Effective,
}

/// Cells for the table of nodes.
pub(super) fn columns(checked: &Checked, report: &CostReport, extra: &[Extra]) -> Vec<Column> {
    let graph = checked.graph();
    let column = |extra: &Extra| match extra {
        Extra::Field => {
            let text = |f: Field| match f.iter().any(|axis| axis.window().is_some()) {
                true => format!("{} /{}", size_text(&f), stride_text(&f)),
                false => size_text(&f),
            };
            Column { header: "field", cells: in_order(graph, &fields(graph)).into_iter().map(text).collect() }
        }
        Extra::Effective => {
            let cells = in_order(graph, &effective(graph));
            let text = |real: u64| if real == 0 { "-".into() } else { thousands(real) };
            debug_assert_eq!(cells.len(), report.nodes.len());
            Column { header: "effective", cells: cells.into_iter().map(text).collect() }
        }
    };
    extra.iter().map(column).collect()
}
