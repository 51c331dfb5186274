//! Facts about a graph that several lints need.

use crate::graph::ir::{Graph, NodeId, Outlet};
use crate::graph::op::ReadPattern;
use crate::graph::op::read_pattern::map_size;
use crate::graph::ty::TensorType;

/// Facts about a graph, computed once for all lints.
pub(super) struct LintFacts<'a> {
    pub(super) graph: &'a Graph,
    pub(super) order: Vec<NodeId>,
    pub(super) inputs: Vec<Vec<Outlet>>,
    pub(super) types: Vec<Vec<TensorType>>,
    /// Readers of each node, with the input slot.
    pub(super) readers: Vec<Vec<(NodeId, usize)>>,
    pub(super) is_result: Vec<bool>,
}

impl<'a> LintFacts<'a> {
    pub(super) fn new(graph: &'a Graph) -> Self {
        let order = graph.order();
        let mut inputs = vec![Vec::new(); graph.len()];
        let mut types = vec![Vec::new(); graph.len()];
        let mut readers = vec![Vec::new(); graph.len()];
        for &id in &order {
            inputs[id.index()] = graph.inputs(id);
            types[id.index()] = inputs[id.index()].iter().map(|&o| graph.ty(o).clone()).collect();
            for (slot, outlet) in inputs[id.index()].iter().enumerate() {
                readers[outlet.node.index()].push((id, slot));
            }
        }
        let mut is_result = vec![false; graph.len()];
        graph.results.iter().for_each(|(_, outlet)| is_result[outlet.node.index()] = true);
        Self { graph, order, inputs, types, readers, is_result }
    }

    pub(super) fn input_types(&self, id: NodeId) -> &[TensorType] {
        &self.types[id.index()]
    }

    /// Returns what a node reads of one input, vertically and horizontally.
    pub(super) fn reads(&self, id: NodeId, slot: usize) -> [ReadPattern; 2] {
        let node = self.graph.node(id);
        node.op.reads(slot, self.input_types(id), &node.outputs)
    }

    /// Returns height and width of a node's output.
    pub(super) fn size(&self, id: NodeId) -> [usize; 2] {
        map_size(&self.graph.node(id).outputs[0])
    }
}
