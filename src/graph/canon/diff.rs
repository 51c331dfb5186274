//! The changes between two graphs that do not compute the same.
//!
//! Terms are paired by these criteria, in this order: equal path and label; equal colour; equal colour by inputs alone; equal
//! operator with paired first inputs; equal path and operator name, after which paired first inputs count again; equal path.
//! Unpaired terms were removed or added.

use super::colour::{colours, colours_from_inputs};
use super::matching::{GraphComparison, compare};
use super::term::{CanonicalGraph, TermId};
use crate::graph::ir::{Graph, NodeId};
use std::collections::{HashMap, HashSet};

/// The changes that turn one graph into the other. Nodes that are not part of the canonical forms are in none of the lists.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GraphDiff {
    /// Nodes with the same computation under another path.
    pub renamed: Vec<(NodeId, NodeId)>,
    /// Nodes with another operator or setting at the same place, and both labels.
    pub changed: Vec<(NodeId, NodeId, [String; 2])>,
    /// Nodes with the same computation and another input, where both inputs are in both graphs.
    pub rewired: Vec<RewiredNode>,
    /// Nodes with the same computation and another output shape.
    pub reshaped: Vec<(NodeId, NodeId)>,
    /// Nodes that only the first graph has.
    pub removed: Vec<NodeId>,
    /// Nodes that only the second graph has.
    pub added: Vec<NodeId>,
    /// Paired nodes with weights, changed ones included.
    pub weights: Vec<(NodeId, NodeId)>,
}

/// A node with another input than before.
#[derive(Debug, Clone, PartialEq)]
pub struct RewiredNode {
    /// The node in the first graph and in the second.
    pub node: (NodeId, NodeId),
    /// The input in the first graph and in the second.
    pub read: (NodeId, NodeId),
}

impl GraphDiff {
    /// Returns whether nothing changed except paths and shapes.
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.rewired.is_empty() && self.removed.is_empty() && self.added.is_empty()
    }
}

/// Returns the changes from `a` to `b`; `None` where both compute the same function.
pub fn diff_graphs(a: &Graph, b: &Graph) -> Option<GraphDiff> {
    let (x, y) = (CanonicalGraph::new(a), CanonicalGraph::new(b));
    match compare(&x, &y) {
        GraphComparison::Equal { .. } => None,
        GraphComparison::Different(_) | GraphComparison::Undecided => {
            Some(TermAlignment::new([a, b], [&x, &y]).graph_diff())
        }
    }
}

/// A partial pairing of the terms of two graphs.
struct TermAlignment<'g> {
    graphs: [&'g Graph; 2],
    canon: [&'g CanonicalGraph; 2],
    to_b: Vec<Option<TermId>>,
    to_a: Vec<Option<TermId>>,
}

impl<'g> TermAlignment<'g> {
    fn new(graphs: [&'g Graph; 2], canon: [&'g CanonicalGraph; 2]) -> Self {
        let [a, b] = canon;
        let mut aligned = TermAlignment { graphs, canon, to_b: vec![None; a.len()], to_a: vec![None; b.len()] };
        let path = |side: usize, id: TermId| graphs[side].node(canon[side].term(id).node).path.clone();
        let label = |side: usize, id: TermId| canon[side].term(id).label.clone();
        aligned.pair_by_key(|side, id| Some((path(side, id), label(side, id))));
        let around = canon.map(colours);
        aligned.pair_by_key(|side, id| Some(around[side][id.0]));
        let below = canon.map(colours_from_inputs);
        aligned.pair_by_key(|side, id| Some(below[side][id.0]));
        aligned.pair_by_first_input();
        aligned.pair_by_key(|side, id| Some((path(side, id), operator_name(&label(side, id)).to_string())));
        aligned.pair_by_first_input();
        aligned.pair_by_key(|side, id| Some(path(side, id)));
        aligned
    }

    fn pair(&mut self, x: TermId, y: TermId) {
        self.to_b[x.0] = Some(y);
        self.to_a[y.0] = Some(x);
    }

    /// Pairs unpaired terms with equal keys, in order.
    fn pair_by_key<K: std::hash::Hash + Eq>(&mut self, key: impl Fn(usize, TermId) -> Option<K>) {
        let mut free: HashMap<K, Vec<TermId>> = HashMap::new();
        for y in self.canon[1].ids().rev().filter(|y| self.to_a[y.0].is_none()) {
            if let Some(key) = key(1, y) {
                free.entry(key).or_default().push(y);
            }
        }
        for x in self.canon[0].ids() {
            if self.to_b[x.0].is_some() {
                continue;
            }
            if let Some(y) = key(0, x).and_then(|key| free.get_mut(&key)?.pop()) {
                self.pair(x, y);
            }
        }
    }

    /// Returns the operator with its written settings. Formulas of sizes are left out, since they follow from the inputs.
    fn operator_key(&self, side: usize, id: TermId) -> String {
        format!("{:?}", self.graphs[side].node(self.canon[side].term(id).node).op)
    }

    /// Pairs terms with equal operators whose first inputs are paired, in topological order.
    fn pair_by_first_input(&mut self) {
        let mut free: HashMap<(TermId, String), Vec<TermId>> = HashMap::new();
        for y in self.canon[1].ids().rev().filter(|y| self.to_a[y.0].is_none()) {
            let term = self.canon[1].term(y);
            if let Some(first) = term.inputs.first() {
                free.entry((*first, self.operator_key(1, y))).or_default().push(y);
            }
        }
        for x in self.canon[0].ids() {
            if self.to_b[x.0].is_some() {
                continue;
            }
            let term = self.canon[0].term(x);
            let first = term.inputs.first().and_then(|first| self.to_b[first.0]);
            if let Some(y) = first.and_then(|first| free.get_mut(&(first, self.operator_key(0, x)))?.pop()) {
                self.pair(x, y);
            }
        }
    }

    fn graph_diff(&self) -> GraphDiff {
        let [a, b] = self.canon;
        let mut delta = GraphDiff::default();
        for x in a.ids() {
            let old_term = a.term(x);
            let Some(y) = self.to_b[x.0] else {
                delta.removed.push(old_term.node);
                continue;
            };
            let new_term = b.term(y);
            let pair = (old_term.node, new_term.node);
            let [old_node, new_node] = [self.graphs[0].node(old_term.node), self.graphs[1].node(new_term.node)];
            if old_term.owns_weights && new_term.owns_weights {
                delta.weights.push(pair);
            }
            if old_term.label != new_term.label && old_node.op != new_node.op {
                delta.changed.push((old_term.node, new_term.node, [old_term.label.clone(), new_term.label.clone()]));
                continue;
            }
            if old_node.path != new_node.path {
                delta.renamed.push(pair);
            }
            if old_node.outputs[0] != new_node.outputs[0] {
                delta.reshaped.push(pair);
            }
            delta.rewired.extend(self.rewired(x, y));
        }
        delta.added = b.ids().filter(|y| self.to_a[y.0].is_none()).map(|y| b.term(y).node).collect();
        for (place, (x, y)) in a.results.iter().zip(&b.results).enumerate() {
            // A result that another node computes, where both nodes are in both graphs.
            let moved = self.to_b[x.0].is_some_and(|now| now != *y) && self.to_a[y.0].is_some();
            if moved && place < a.results.len() {
                let read = (a.term(*x).node, b.term(*y).node);
                delta.rewired.push(RewiredNode { node: read, read });
            }
        }
        delta
    }

    /// Returns the input of a paired term that is another one now. Removed and added inputs are not reported here.
    fn rewired(&self, x: TermId, y: TermId) -> Option<RewiredNode> {
        let (old_term, new_term) = (self.canon[0].term(x), self.canon[1].term(y));
        let before: Vec<TermId> = old_term.inputs.iter().filter_map(|i| self.to_b[i.0]).collect();
        let [read_before, read_now] = [&before, &new_term.inputs].map(|ids| ids.iter().collect::<HashSet<_>>());
        let gone = before.iter().find(|i| !read_now.contains(i));
        let new = new_term.inputs.iter().find(|i| self.to_a[i.0].is_some() && !read_before.contains(i));
        let all = before.len() == old_term.inputs.len() && new_term.inputs.iter().all(|i| self.to_a[i.0].is_some());
        let order = !old_term.commutes && all && before.len() == new_term.inputs.len() && before != new_term.inputs;
        let (gone, new) = match (gone, new) {
            (Some(gone), Some(new)) => (*gone, *new),
            _ if order => {
                let at = before.iter().zip(&new_term.inputs).position(|(p, q)| p != q)?;
                (before[at], new_term.inputs[at])
            }
            _ => return None,
        };
        let old = self.to_a[gone.0]?;
        let read = (self.canon[0].term(old).node, self.canon[1].term(new).node);
        Some(RewiredNode { node: (old_term.node, new_term.node), read })
    }
}

/// Returns `conv` for the label `conv(8, k = 1)`.
fn operator_name(label: &str) -> &str {
    label.split_once(['(', ' ']).map_or(label, |(name, _)| name)
}
