//! Describes the changes between two models and their effect on shapes, costs and weights.

use super::compared::ComparedModel;
use crate::graph::canon::{CanonicalGraph, GraphDiff};
use crate::graph::ir::{BlockInstance, HyperParameter, NodeId};
use crate::study::cost::{Convention, CostReport, count};
use std::collections::HashSet;

/// Two models with their costs.
pub struct ModelDifference<'a> {
    /// The earlier and the later model.
    pub sides: [&'a ComparedModel; 2],
    /// Costs of both by [`Convention::Conv`].
    pub costs: [CostReport; 2],
}

/// Nodes that only one of the models has: those of a whole block instance, or a single node.
pub struct NodeGroup {
    /// Dotted path of the block instance or the node.
    pub path: String,
    /// The block's name, or the node's operator.
    pub what: String,
    /// Ids of the nodes in the graph of that model.
    pub nodes: Vec<NodeId>,
}

/// Nodes that changed in the same way.
pub struct NodeChange {
    /// Dotted path of the changed node, or both paths where it was renamed. For several nodes it is the first path and the
    /// number of further nodes.
    pub path: String,
    /// The settings that differ, such as `conv: bias = true -> false`, or both operators where these differ.
    pub what: String,
    /// Shape of the output, or empty where the nodes have several shapes.
    pub shape: String,
    /// Parameters and MACs, before and after.
    pub costs: [[u64; 2]; 2],
    /// Number of nodes that changed in this way.
    pub count: usize,
}

impl<'a> ModelDifference<'a> {
    /// Counts both models.
    pub fn new(a: &'a ComparedModel, b: &'a ComparedModel) -> Self {
        Self { costs: [a, b].map(|s| count(&s.checked, Convention::Conv)), sides: [a, b] }
    }

    /// Returns parameters and multiply-accumulates of nodes of one model.
    pub fn cost(&self, side: usize, nodes: &[NodeId]) -> [u64; 2] {
        let of = |id: &NodeId| &self.costs[side].nodes[id.index()];
        [nodes.iter().map(|id| of(id).params).sum(), nodes.iter().fold(0, |n, id| n.saturating_add(of(id).macs))]
    }

    /// Returns the shape of a node's output, `[c, h, w]`.
    pub fn shape(&self, side: usize, id: NodeId) -> String {
        self.sides[side].checked.graph().node(id).outputs[0].to_string()
    }

    /// Groups nodes by the largest block instance that has no counterpart in the other model. Other nodes form groups of
    /// their own.
    pub fn groups(&self, side: usize, nodes: &[NodeId]) -> Vec<NodeGroup> {
        let graph = self.sides[side].checked.graph();
        let inside = |path: &str, scope: &str| path.strip_prefix(scope).is_some_and(|rest| rest.starts_with('.'));
        let gone: HashSet<&str> = nodes.iter().map(|id| self.sides[side].path(*id)).collect();
        // Nodes that are not part of the canonical form are ignored.
        let kept: Vec<&str> = {
            let canon = CanonicalGraph::new(graph);
            let paths = canon.terms().iter().map(|t| graph.node(t.node).path.as_str());
            paths.filter(|p| !gone.contains(p)).collect()
        };
        let whole: Vec<&BlockInstance> =
            graph.instances.iter().filter(|s| !kept.iter().any(|path| inside(path, &s.path))).collect();
        let mut groups: Vec<NodeGroup> = Vec::new();
        for &id in nodes {
            let node = graph.node(id);
            let scope = whole.iter().filter(|s| inside(&node.path, &s.path)).min_by_key(|s| s.path.len());
            let (path, what) = match scope {
                Some(scope) => (scope.path.clone(), scope.block.clone()),
                None => (node.path.clone(), node.op.name().to_string()),
            };
            match groups.iter_mut().find(|g| g.path == path) {
                Some(group) => group.nodes.push(id),
                None => groups.push(NodeGroup { path, what, nodes: vec![id] }),
            }
        }
        groups
    }

    /// Returns the changed nodes. Equal changes are merged unless `all` is set.
    pub fn changes(&self, delta: &GraphDiff, all: bool) -> Vec<NodeChange> {
        let [a, b] = self.sides;
        let mut rows: Vec<NodeChange> = Vec::new();
        for (x, y, spelled) in &delta.changed {
            let shapes = [self.shape(0, *x), self.shape(1, *y)];
            let shape = if shapes[0] == shapes[1] { shapes[0].clone() } else { shapes.join(" -> ") };
            let path = match a.path(*x) == b.path(*y) {
                true => a.path(*x).to_string(),
                false => format!("{} -> {}", a.path(*x), b.path(*y)),
            };
            let what = self.change(*x, *y, spelled);
            let costs = [self.cost(0, &[*x]), self.cost(1, &[*y])];
            match rows.iter_mut().find(|row| !all && row.what == what) {
                Some(row) => {
                    row.count += 1;
                    for (sum, more) in row.costs.iter_mut().flatten().zip(costs.iter().flatten()) {
                        *sum = sum.saturating_add(*more);
                    }
                    if row.shape != shape {
                        row.shape = String::new();
                    }
                }
                None => rows.push(NodeChange { path, what, shape, costs, count: 1 }),
            }
        }
        for row in rows.iter_mut().filter(|row| row.count > 1) {
            row.path = format!("{} and {} more", row.path, row.count - 1);
        }
        rows
    }

    /// Returns the settings that differ, such as `conv: bias = true -> false`, or both operators where these differ.
    pub fn change(&self, x: NodeId, y: NodeId, [before, after]: &[String; 2]) -> String {
        let [a, b] = [(0, x), (1, y)].map(|(side, id): (usize, NodeId)| &self.sides[side].checked.graph().node(id).op);
        let (old, new) = (a.config(), b.config());
        let differ: Vec<String> = old
            .iter()
            .zip(&new)
            .filter(|((_, x), (_, y))| x != y)
            .map(|((name, x), (_, y))| format!("{name} = {x} -> {y}"))
            .collect();
        let same_keys = old.iter().map(|(k, _)| k).eq(new.iter().map(|(k, _)| k));
        if a.name() == b.name() && same_keys && !differ.is_empty() {
            return format!("{}: {}", a.name(), differ.join(", "));
        }
        format!("{before} -> {after}")
    }

    /// Returns the hyper-parameters that differ.
    pub fn settings(&self) -> String {
        let [a, b] = self.sides.map(|s| &s.checked.graph().settings);
        let value = |of: &[HyperParameter], name: &str| of.iter().find(|s| s.name == name).map(|s| s.value.clone());
        let names = a.iter().chain(b.iter().filter(|s| value(a, &s.name).is_none())).map(|s| s.name.as_str());
        let differ: Vec<String> = names
            .filter_map(|name| match (value(a, name), value(b, name)) {
                (Some(x), Some(y)) if x == y => None,
                (x, y) => {
                    let text = |v: Option<String>| v.unwrap_or_else(|| "none".into());
                    Some(format!("{name} = {} -> {}", text(x), text(y)))
                }
            })
            .collect();
        if differ.is_empty() { String::new() } else { format!("  {}\n", differ.join(", ")) }
    }

    /// Returns numbers of weight tensors of the second model: those that the first has under the same path with the same
    /// shape, those under another path, and all.
    pub fn tensors(&self, delta: &GraphDiff) -> [usize; 3] {
        let params = |side: usize, id: NodeId| {
            let graph = self.sides[side].checked.graph();
            graph.node(id).op.params(&graph.input_types(id))
        };
        let graph = self.sides[1].checked.graph();
        let all = graph.order().into_iter().map(|id| params(1, id).len()).sum();
        let (mut same, mut renamed) = (0, 0);
        for &(x, y) in &delta.weights {
            let before = params(0, x);
            let kept =
                params(1, y).iter().filter(|p| before.iter().any(|q| q.name == p.name && q.shape == p.shape)).count();
            match self.sides[0].path(x) == self.sides[1].path(y) {
                true => same += kept,
                false => renamed += kept,
            }
        }
        [same, renamed, all]
    }
}
