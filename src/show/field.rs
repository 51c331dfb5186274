//! Receptive fields and effective MACs as text and as JSON.

use crate::base::number::thousands;
use crate::graph::check::CheckedGraph;
use crate::graph::ir::Graph;
use crate::study::cost::effective::effective_macs;
use crate::study::cost::field::{AxisField, FieldReach, ReceptiveField, receptive_fields};
use serde_json::Value;

/// Returns the size of a receptive field such as `391x391`, and `all` where only a global pool or norm over the map reads
/// the image.
pub(crate) fn size_text(field: &ReceptiveField) -> String {
    let one = |axis: &AxisField| match &axis.reach {
        FieldReach::Intervals(window) => window.size().to_string(),
        FieldReach::Nothing if axis.sees_whole_axis => "all".into(),
        FieldReach::Nothing => "-".into(),
        FieldReach::Unknown => "?".into(),
    };
    let [h, w] = [0, 1].map(|i| one(&field[i]));
    if h == w && h.parse::<u64>().is_err() { h } else { format!("{h}x{w}") }
}

/// Returns the stride of a receptive field such as `8`, or `8x4` where the axes differ.
pub(crate) fn stride_text(field: &ReceptiveField) -> String {
    let [h, w] = [0, 1].map(|i| field[i].intervals().map_or("-".into(), |w| w.stride().to_string()));
    if h == w { h } else { format!("{h}x{w}") }
}

/// Returns the values of the nodes in the order of a cost report.
pub(crate) fn in_order<T: Clone>(graph: &Graph, by_id: &[T]) -> Vec<T> {
    graph.order().into_iter().map(|id| by_id[id.index()].clone()).collect()
}

/// Describes the receptive field of the first result: `399x399 pixels at stride 1, and the whole image ...`.
pub(crate) fn in_words(checked: &CheckedGraph) -> String {
    let graph = checked.graph();
    let field = &receptive_fields(graph)[graph.results[0].1.node.index()];
    let whole = "the whole image through pools or norms over it";
    let windows = field.iter().any(|axis| axis.intervals().is_some());
    match (windows, field.iter().any(|axis| axis.sees_whole_axis)) {
        (true, false) => format!("{} pixels at stride {}", size_text(field), stride_text(field)),
        (true, true) => format!("{} pixels at stride {}, and {whole}", size_text(field), stride_text(field)),
        (false, true) => whole.to_string(),
        (false, false) => size_text(field),
    }
}

/// Describes the MACs that are not spent on padding: `1,234 MACs, 98.7 %: the rest multiply padding`. `None` where the
/// model has no MACs.
pub(crate) fn effective_in_words(checked: &CheckedGraph) -> Option<String> {
    let graph = checked.graph();
    let macs = macs(graph);
    let real: u64 = effective_macs(graph).iter().sum();
    let percent = 100.0 * real as f64 / macs as f64;
    (macs > 0).then(|| format!("{} MACs, {percent:.1} %: the rest multiply padding", thousands(real)))
}

/// Returns the lines below the table of nodes: the receptive field of the first result and the effective MACs.
pub(crate) fn summary(checked: &CheckedGraph) -> String {
    let field = format!("field    {}\n", in_words(checked));
    field + &effective_in_words(checked).map_or(String::new(), |text| format!("effective {text}\n"))
}

/// Returns the MACs of all convolutions and linear layers.
fn macs(graph: &Graph) -> u64 {
    graph.order().into_iter().map(|id| graph.node(id).op.macs(&graph.input_types(id), &graph.node(id).outputs)).sum()
}

/// Returns receptive field and effective MACs of each node in the order of a cost report.
pub(crate) fn of_nodes(checked: &CheckedGraph) -> (Vec<ReceptiveField>, Vec<u64>) {
    let graph = checked.graph();
    (in_order(graph, &receptive_fields(graph)), in_order(graph, &effective_macs(graph)))
}

/// Returns each property as a pair for height and width, with `null` where no window reads the image or the window is
/// unknown.
pub(crate) fn json(field: &ReceptiveField) -> Value {
    let pair = |of: fn(&AxisField) -> Value| Value::Array(field.iter().map(of).collect());
    serde_json::json!({
        "size": pair(|a| a.intervals().map_or(Value::Null, |w| w.size().into())),
        "stride": pair(|a| a.intervals().map_or(Value::Null, |w| w.stride().to_f64().into())),
        "offset": pair(|a| a.intervals().map_or(Value::Null, |w| w.offset().into())),
        "whole": pair(|a| a.sees_whole_axis.into()),
    })
}
