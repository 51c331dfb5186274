//! What changed between two graphs that do not compute the same.
//!
//! Terms are put side by side in this order: under one path with one spelling; alike in all that is around them; alike in
//! all that they are computed from; reading what is put side by side already; and last under one path in another spelling.
//! What is left over was removed or added.

use super::colour::{colours, colours_from_inputs};
use super::matching::{GraphComparison, compare};
use super::term::{CanonicalGraph, TermId};
use crate::graph::ir::{Graph, NodeId};
use std::collections::HashMap;

/// How one graph becomes the other. Nodes that canonical forms leave out are in none of the lists.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GraphDiff {
    /// The same computation under another path.
    pub renamed: Vec<(NodeId, NodeId)>,
    /// Another operator or another setting in the same place: with both spellings.
    pub changed: Vec<(NodeId, NodeId, [String; 2])>,
    /// The same computation that reads something else, though both are in both graphs.
    pub rewired: Vec<RewiredNode>,
    /// The same computation on another shape.
    pub reshaped: Vec<(NodeId, NodeId)>,
    /// Nodes of the first graph alone.
    pub removed: Vec<NodeId>,
    /// Nodes of the second graph alone.
    pub added: Vec<NodeId>,
    /// Terms that own weights and stand for each other, changed ones included.
    pub weights: Vec<(NodeId, NodeId)>,
}

/// One computation that reads something else than before.
#[derive(Debug, Clone, PartialEq)]
pub struct RewiredNode {
    /// The reader, in the first graph and in the second.
    pub node: (NodeId, NodeId),
    /// What was read, and what is read now.
    pub read: (NodeId, NodeId),
}

impl GraphDiff {
    /// Nothing changed but, perhaps, names.
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.rewired.is_empty() && self.removed.is_empty() && self.added.is_empty()
    }
}

/// `None` where both compute the same function.
pub fn diff_graphs(a: &Graph, b: &Graph) -> Option<GraphDiff> {
    let (x, y) = (CanonicalGraph::new(a), CanonicalGraph::new(b));
    match compare(&x, &y) {
        GraphComparison::Equal { .. } => None,
        GraphComparison::Different(_) | GraphComparison::Undecided => {
            Some(TermAlignment::new([a, b], [&x, &y]).graph_diff())
        }
    }
}

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

    /// Puts side by side what has one key, in order, where neither is paired yet.
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

    /// The operator as it is written, without the formulas of sizes: those follow from what is before it.
    fn operator_key(&self, side: usize, id: TermId) -> String {
        format!("{:?}", self.graphs[side].node(self.canon[side].term(id).node).op)
    }

    /// Pairs terms of one operator whose first inputs are paired, from the image on.
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
            let s = a.term(x);
            let Some(y) = self.to_b[x.0] else {
                delta.removed.push(s.node);
                continue;
            };
            let t = b.term(y);
            let pair = (s.node, t.node);
            let [m, n] = [self.graphs[0].node(s.node), self.graphs[1].node(t.node)];
            if s.owns_weights && t.owns_weights {
                delta.weights.push(pair);
            }
            if s.label != t.label && m.op != n.op {
                delta.changed.push((s.node, t.node, [s.label.clone(), t.label.clone()]));
                continue;
            }
            if m.path != n.path {
                delta.renamed.push(pair);
            }
            if m.outputs[0] != n.outputs[0] {
                delta.reshaped.push(pair);
            }
            delta.rewired.extend(self.rewired(x, y));
        }
        delta.added = b.ids().filter(|y| self.to_a[y.0].is_none()).map(|y| b.term(y).node).collect();
        for (place, (x, y)) in a.results.iter().zip(&b.results).enumerate() {
            // A result that another node gives now, both being in both graphs.
            let moved = self.to_b[x.0].is_some_and(|now| now != *y) && self.to_a[y.0].is_some();
            if moved && place < a.results.len() {
                let read = (a.term(*x).node, b.term(*y).node);
                delta.rewired.push(RewiredNode { node: read, read });
            }
        }
        delta
    }

    /// An input that is something else now. What was removed or added tells of itself.
    fn rewired(&self, x: TermId, y: TermId) -> Option<RewiredNode> {
        let (s, t) = (self.canon[0].term(x), self.canon[1].term(y));
        let before: Vec<TermId> = s.inputs.iter().filter_map(|i| self.to_b[i.0]).collect();
        let gone = before.iter().find(|i| !t.inputs.contains(i));
        let new = t.inputs.iter().find(|i| self.to_a[i.0].is_some() && !before.contains(i));
        let all = before.len() == s.inputs.len() && t.inputs.iter().all(|i| self.to_a[i.0].is_some());
        let order = !s.commutes && all && before.len() == t.inputs.len() && before != t.inputs;
        let (gone, new) = match (gone, new) {
            (Some(gone), Some(new)) => (*gone, *new),
            _ if order => {
                let at = before.iter().zip(&t.inputs).position(|(p, q)| p != q)?;
                (before[at], t.inputs[at])
            }
            _ => return None,
        };
        let old = self.to_a[gone.0]?;
        let read = (self.canon[0].term(old).node, self.canon[1].term(new).node);
        Some(RewiredNode { node: (s.node, t.node), read })
    }
}

/// `conv(8, k = 1)` to `conv`.
fn operator_name(label: &str) -> &str {
    label.split_once(['(', ' ']).map_or(label, |(name, _)| name)
}
