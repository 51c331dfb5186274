//! The graph as JSON: every node and every block with its costs. `docs/graph.md` describes each field.

use super::item_facts::{ItemFacts, describe};
use super::tree::{BlockTree, TreeItem, TreeItemKind};
use crate::graph::check::CheckedGraph;
use crate::graph::ir::{self, NodeId, Outlet};
use crate::study::cost::Convention;
use crate::text::source::{SourceMap, Span};
use serde_json::{Value, json};

/// Returns `ir::to_json` extended by costs, formulas, places and blocks.
pub(crate) fn json(checked: &CheckedGraph, convention: Convention, sources: &SourceMap) -> Value {
    let graph = checked.graph();
    let tree = BlockTree::new(graph);
    let described = describe(checked, &tree, convention);
    let mut value = ir::to_json(graph);
    let place = |span: Option<Span>| {
        span.map(|span| {
            let (line, column) = sources.line_column(span);
            json!({"file": sources.file(span.source).name, "line": line, "column": column})
        })
    };
    let formulas = |id: NodeId| -> Vec<String> {
        let slots = 0..graph.node(id).outputs.len();
        slots.map(|slot| graph.formula(Outlet { node: id, slot }).to_string()).collect()
    };
    let ids = graph.order();
    let items = || tree.items.iter().zip(&described.facts);
    for (item, facts) in items().filter(|(i, _)| matches!(i.kind, TreeItemKind::Input | TreeItemKind::Operator)) {
        let at = item.nodes.start;
        let node = &mut value["nodes"][at];
        node["formulas"] = json!(formulas(ids[at]));
        node["params"] = json!(facts.params);
        node["macs"] = json!(facts.macs);
        node["source"] = json!(place(facts.span));
    }
    let blocks: Vec<Value> =
        items().filter_map(|(item, facts)| block_json(item, facts, json!(place(facts.span)))).collect();
    value["params"] = json!(described.params);
    value["macs"] = json!(described.macs);
    value["convention"] = json!(convention.name());
    value["blocks"] = json!(blocks);
    value
}

/// Returns a block instance with its nodes, tensors and costs, or `None` for other items.
fn block_json(item: &TreeItem, facts: &ItemFacts, source: Value) -> Option<Value> {
    let TreeItemKind::Block { block } = &item.kind else { return None };
    let nodes: Vec<usize> = item.nodes.clone().collect();
    let outlet = |outlet: &Outlet| [outlet.node.index(), outlet.slot];
    Some(json!({
        "path": item.path,
        "block": block,
        "around": item.around,
        "nodes": nodes,
        "inputs": item.inputs.iter().map(|input| outlet(&input.outlet)).collect::<Vec<_>>(),
        "outputs": item.outputs.iter().map(outlet).collect::<Vec<_>>(),
        "params": facts.params,
        "macs": facts.macs,
        "class": item.class,
        "source": source,
    }))
}
