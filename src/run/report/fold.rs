//! A graph folded to a picture's worth of boxes: outer blocks, and runs of operators between them.
//!
//! Knows the graph and no geometry. Every box stands for nodes whose ids follow each other, so that edges between boxes
//! run forward as those between nodes do.

use crate::ir::{Graph, Node, NodeId};
use crate::op::Op;

/// Fewer boxes than this say little: then blocks inside the outer blocks are shown.
const FEW: usize = 6;
/// More boxes than this no longer make a picture.
pub const MOST: usize = 80;
/// Operators that share a box.
const RUN: usize = 3;

#[derive(Debug, Clone, PartialEq)]
pub struct Unit {
    pub title: String,
    /// What it is: a block's name, or settings of the operator.
    pub detail: String,
    /// Dims of its last tensor.
    pub shape: Vec<usize>,
    /// Boxes whose tensors it reads, each once.
    pub inputs: Vec<usize>,
    pub kind: Kind,
    /// Operators in it.
    pub size: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Image,
    Block,
    Operators,
    Result,
}

/// The boxes of a graph in order; `None` where even the outer blocks are too many.
pub fn fold(graph: &Graph) -> Option<Vec<Unit>> {
    let depths = (1..=4).map(|depth| groups(graph, depth)).filter(|g| g.len() <= MOST);
    let mut best: Option<Vec<Group>> = None;
    for groups in depths {
        let enough = best.as_ref().is_some_and(|b| b.len() >= FEW);
        if !enough {
            best = Some(groups);
        }
    }
    best.map(|groups| units(graph, &groups))
}

struct Group {
    nodes: Vec<NodeId>,
    /// Path of the block that all nodes are in.
    scope: Option<String>,
}

/// Runs of nodes that share the block `depth` levels from the outside, and runs of operators that lie in none.
fn groups(graph: &Graph, depth: usize) -> Vec<Group> {
    let scopes: std::collections::HashSet<&str> = graph.scopes.iter().map(|s| s.path.as_str()).collect();
    let scope = |node: &Node| -> Option<String> {
        let around = node.path.match_indices('.').map(|(end, _)| &node.path[..end]).filter(|p| scopes.contains(p));
        around.take(depth).last().map(str::to_string)
    };
    let mut readers = vec![0usize; graph.len()];
    for id in graph.order() {
        graph.inputs(id).iter().for_each(|o| readers[o.node.index()] += 1);
    }
    for (_, outlet) in &graph.results {
        readers[outlet.node.index()] += 1;
    }
    let mut groups: Vec<Group> = Vec::new();
    for id in graph.order() {
        let node = graph.node(id);
        let scope = scope(node);
        let joins = groups.last().is_some_and(|last| {
            let before = last.nodes[last.nodes.len() - 1];
            match (&scope, &last.scope) {
                (Some(a), Some(b)) => a == b,
                (None, None) => {
                    // A chain without branches, and not the image.
                    last.nodes.len() < RUN
                        && before.index() > 0
                        && readers[before.index()] == 1
                        && matches!(&graph.inputs(id)[..], [one] if one.node == before)
                }
                (Some(_), None) | (None, Some(_)) => false,
            }
        });
        match groups.last_mut() {
            Some(last) if joins => last.nodes.push(id),
            _ => groups.push(Group { nodes: vec![id], scope }),
        }
    }
    groups
}

fn units(graph: &Graph, groups: &[Group]) -> Vec<Unit> {
    let mut owner = vec![0; graph.len()];
    for (i, group) in groups.iter().enumerate() {
        group.nodes.iter().for_each(|id| owner[id.index()] = i);
    }
    let dims = |id: NodeId| graph.node(id).outputs[0].shape().dims().to_vec();
    let mut units: Vec<Unit> = Vec::new();
    for (i, group) in groups.iter().enumerate() {
        let mut inputs: Vec<usize> =
            group.nodes.iter().flat_map(|&id| graph.inputs(id)).map(|o| owner[o.node.index()]).collect();
        inputs.retain(|&from| from != i);
        inputs.sort_unstable();
        inputs.dedup();
        let last = group.nodes[group.nodes.len() - 1];
        let (kind, title, detail) = match &group.scope {
            Some(path) => {
                let block = graph.scopes.iter().find(|s| s.path == *path).map_or("", |s| s.block.as_str());
                (Kind::Block, path.clone(), block.to_string())
            }
            None if matches!(graph.node(last).op, Op::Input(_)) => {
                (Kind::Image, graph.node(last).path.clone(), "image".into())
            }
            None => {
                let names: Vec<_> = group.nodes.iter().map(|&id| operator(graph.node(id))).collect();
                (Kind::Operators, names.join(", "), String::new())
            }
        };
        units.push(Unit { title, detail, shape: dims(last), inputs, kind, size: group.nodes.len() });
    }
    for (name, outlet) in &graph.results {
        let shape = graph.ty(*outlet).shape().dims().to_vec();
        let inputs = vec![owner[outlet.node.index()]];
        let title = name.clone();
        units.push(Unit { title, detail: "result".into(), shape, inputs, kind: Kind::Result, size: 0 });
    }
    units
}

/// `conv 3`, `maxpool 2`, `relu`: the operator with its window.
fn operator(node: &Node) -> String {
    let window = node.op.config().into_iter().find(|(key, _)| *key == "k").map(|(_, k)| k);
    window.map_or_else(|| node.op.name().to_string(), |k| format!("{} {k}", node.op.name()))
}
