//! The chain of block calls that leads to a node.

use super::{Graph, NodeId};
use crate::text::source::Span;
use std::collections::HashMap;

/// The block calls of a graph, by the paths of their instances.
pub struct CallChains<'g> {
    graph: &'g Graph,
    calls: HashMap<&'g str, Span>,
}

impl<'g> CallChains<'g> {
    /// Indexes the block instances of a graph by their paths.
    pub fn new(graph: &'g Graph) -> Self {
        let calls = graph.instances.iter().map(|s| (s.path.as_str(), s.span)).collect();
        CallChains { graph, calls }
    }

    /// Returns the calls that lead to a node, the outermost first.
    pub fn of(&self, id: NodeId) -> Vec<Span> {
        let path = self.graph.node(id).path.as_str();
        path.match_indices('.').filter_map(|(at, _)| self.calls.get(&path[..at]).copied()).collect()
    }
}

impl Graph {
    /// Returns whether both graphs have the same operators on the same edges. Paths may differ.
    pub fn computes_as(&self, other: &Graph) -> bool {
        let (a, b) = (self.order(), other.order());
        let same_node =
            |(&a, &b): (&NodeId, &NodeId)| self.node(a).op == other.node(b).op && self.inputs(a) == other.inputs(b);
        a == b && self.results == other.results && a.iter().zip(&b).all(same_node)
    }
}
