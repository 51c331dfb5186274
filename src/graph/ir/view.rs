//! The graph as text and JSON; pictures are in `crate::show::picture`. The text is canonical, so it can be kept as a snapshot:
//! equal graphs give equal text on every machine.

use super::{Graph, Node, NodeId, Outlet};
use crate::graph::ty::TensorType;
use serde_json::{Value, json};
use std::fmt::Write;

fn outlet(graph: &Graph, o: Outlet) -> String {
    if graph.node(o.node).outputs.len() > 1 { format!("{}.{}", o.node, o.slot) } else { o.node.to_string() }
}

fn types(node: &Node) -> String {
    node.outputs.iter().map(TensorType::to_string).collect::<Vec<_>>().join(", ")
}

/// Returns the operator of a node with its settings: `conv(out = 32, k = 3)`.
fn call(node: &Node) -> String {
    let settings: Vec<_> = node.op.config().into_iter().map(|(k, v)| format!("{k} = {v}")).collect();
    if settings.is_empty() { node.op.name().into() } else { format!("{}({})", node.op.name(), settings.join(", ")) }
}

fn inputs(graph: &Graph, id: NodeId) -> String {
    graph.inputs(id).into_iter().map(|o| outlet(graph, o)).collect::<Vec<_>>().join(", ")
}

/// Returns one line for each node: id, operator with settings, inputs, types, path.
pub fn to_text(graph: &Graph) -> String {
    let mut out = format!("graph {}\n", graph.name);
    for s in &graph.settings {
        let _ = writeln!(out, "  with {} = {}", s.name, s.value);
    }
    let rows: Vec<[String; 3]> = graph
        .order()
        .into_iter()
        .map(|id| {
            let node = graph.node(id);
            let from = inputs(graph, id);
            let head = if from.is_empty() { call(node) } else { format!("{} <- {from}", call(node)) };
            [format!("{id} = {head}"), types(node), node.path.clone()]
        })
        .collect();
    let width = |i: usize| rows.iter().map(|r| r[i].len()).max().unwrap_or(0);
    let (w0, w1) = (width(0), width(1));
    for [head, types, path] in &rows {
        let _ = writeln!(out, "  {head:w0$}  : {types:w1$}  # {path}");
    }
    for (name, o) in &graph.results {
        let _ = writeln!(out, "  return {name} = {} : {}", outlet(graph, *o), graph.ty(*o));
    }
    out
}

/// Returns the nodes in order, with inputs as pairs `[node, output]`.
pub fn to_json(graph: &Graph) -> Value {
    let nodes: Vec<Value> = graph
        .order()
        .into_iter()
        .map(|id| {
            let node = graph.node(id);
            let config: serde_json::Map<_, _> =
                node.op.config().into_iter().map(|(k, v)| (k.to_string(), Value::String(v))).collect();
            json!({
                "id": id.index(),
                "path": node.path,
                "op": node.op.name(),
                "config": config,
                "inputs": graph.inputs(id).iter().map(|o| [o.node.index(), o.slot]).collect::<Vec<_>>(),
                "outputs": node.outputs.iter().map(|t| t.shape().dims().to_vec()).collect::<Vec<_>>(),
            })
        })
        .collect();
    let results: Vec<Value> =
        graph.results.iter().map(|(n, o)| json!({"name": n, "node": o.node.index(), "output": o.slot})).collect();
    let settings: serde_json::Map<_, _> =
        graph.settings.iter().map(|s| (s.name.clone(), Value::String(s.value.clone()))).collect();
    json!({"schema": 1, "name": graph.name, "settings": settings, "nodes": nodes, "results": results})
}
