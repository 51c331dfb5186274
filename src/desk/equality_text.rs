//! Whether two models compute the same function, as text and as JSON.

use super::compared::ComparedModel;
use crate::base::count::counted;
use crate::graph::canon::{GraphComparison, TermDifference};
use crate::graph::ir::NodeId;
use crate::show::table::{Cell, Column, Table};
use serde_json::{Value, json};

/// Returns the image sizes for which the models are equal.
fn sizes_where_equal(a: &ComparedModel, b: &ComparedModel) -> String {
    let [x, y] = [a, b].map(|side| side.checked.contract());
    if !x.path_conditions.is_empty() || !y.path_conditions.is_empty() {
        let size = a.checked.input().spatial().map_or(String::new(), |[h, w]| format!("{h}x{w}"));
        return format!("at {size} only, since the structure of the graphs depends on the image size");
    }
    match (x.to_string(), y.to_string()) {
        (x, y) if x == y => format!("at every supported size ({x})"),
        (x, y) => format!("at every size that both support ({}: {x}; {}: {y})", a.label, b.label),
    }
}

/// Returns names and shapes of the weights of a node.
fn weights_text(side: &ComparedModel, id: NodeId) -> String {
    let graph = side.checked.graph();
    let params = graph.node(id).op.params(&graph.input_types(id));
    params.iter().map(|p| format!("{} {:?}", p.name, p.shape)).collect::<Vec<_>>().join(", ")
}

/// Returns the verdict as text: the sizes for which the models are equal, or the first difference.
pub(crate) fn comparison_text(a: &ComparedModel, b: &ComparedModel, found: &GraphComparison) -> String {
    match found {
        GraphComparison::Equal { weights } => equality_text(a, b, weights),
        GraphComparison::Different(difference) => first_difference_text(a, b, difference),
        GraphComparison::Undecided => format!(
            "{} and {} are not shown to be the same; every part has an equal one, but the search for a pairing of all \
             weights reached its limit\n",
            a.label, b.label
        ),
    }
}

/// Returns the sizes for which the models are equal, and a table of the corresponding layers with different names or shapes.
fn equality_text(a: &ComparedModel, b: &ComparedModel, pairs: &[(NodeId, NodeId)]) -> String {
    let mut out = format!("{} and {} compute the same function\n  {}\n", a.label, b.label, sizes_where_equal(a, b));
    let owners = pairs.iter().filter(|(x, _)| !weights_text(a, *x).is_empty()).count();
    let differs = |(x, y): &&(NodeId, NodeId)| a.path(*x) != b.path(*y) || weights_text(a, *x) != weights_text(b, *y);
    let row = |&(x, y): &(NodeId, NodeId)| {
        [a.path(x), &weights_text(a, x), b.path(y), &weights_text(b, y)].map(Cell::from).to_vec()
    };
    let renamed: Vec<Vec<Cell>> = pairs.iter().filter(differs).map(row).collect();
    let names = match renamed.len() {
        0 => "under the same names".to_string(),
        n => format!("{n} of them under other names or in other shapes"),
    };
    out += &format!("  {} with weights correspond, {names}\n", counted(owners, "layer"));
    if !renamed.is_empty() {
        let columns = [a.label.as_str(), "weights", b.label.as_str(), "weights"].map(Column::words);
        out += &format!("\n{}", Table::new(columns.to_vec(), renamed).to_text());
    }
    out
}

fn first_difference_text(a: &ComparedModel, b: &ComparedModel, difference: &TermDifference) -> String {
    let mut out = format!("{} and {} are not shown to be the same; the first difference:\n", a.label, b.label);
    for (side, at) in [(a, &difference.a), (b, &difference.b)] {
        out += &match at {
            Some((id, label)) => format!("  {}: {}  {label}\n    {}\n", side.label, side.path(*id), side.location(*id)),
            None => format!("  {}: every part has an equal one in the other model\n", side.label),
        };
    }
    out
}

/// Returns the verdict as JSON.
pub(crate) fn comparison_json(a: &ComparedModel, b: &ComparedModel, found: &GraphComparison) -> Value {
    let at = |side: &ComparedModel, at: &Option<(NodeId, String)>| {
        at.as_ref().map(|(id, label)| json!({"path": side.path(*id), "computes": label, "place": side.location(*id)}))
    };
    let mut all = json!({"schema": 1, "a": a.label, "b": b.label});
    let more = match found {
        GraphComparison::Equal { weights: pairs } => {
            let pairs: Vec<_> = pairs.iter().map(|&(x, y)| json!([a.path(x), b.path(y)])).collect();
            json!({"verdict": "equal", "holds": sizes_where_equal(a, b), "weights": pairs})
        }
        GraphComparison::Different(d) => {
            json!({"verdict": "different", "first": {"a": at(a, &d.a), "b": at(b, &d.b)}})
        }
        GraphComparison::Undecided => json!({"verdict": "undecided"}),
    };
    if let (Value::Object(all), Value::Object(more)) = (&mut all, more) {
        all.extend(more);
    }
    all
}
