//! Costs of a checked graph: parameters and multiply-accumulates, per node, per block and in total.

mod convention;
pub mod effective;
pub mod field;
mod formula;
pub mod memory;
mod periodic_reads;
pub(crate) mod training_work;

pub use convention::Convention;
pub use formula::{FormulaReport, NodeFormula, cost_formulas};
pub use memory::{MemoryReport, memory, memory_frozen};

use crate::graph::check::{CheckedGraph, FrozenPaths};
use crate::graph::ir::Path;
use crate::graph::op::ParamKind;
use std::collections::HashMap;

/// Costs of one node for one image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeCost {
    /// Dotted path of the node in the model, for example `s.1.conv`.
    pub path: Path,
    /// Name of the operator, as the model language writes it.
    pub op: &'static str,
    /// Shape of the node's first output, `[c, h, w]` without the batch.
    pub output: Vec<usize>,
    /// Numbers that can be trained.
    pub params: u64,
    /// Whether the parameters are frozen.
    pub frozen: bool,
    /// Numbers that are stored and never trained (running statistics).
    pub buffers: u64,
    /// Operations of one image, as the report's convention counts them.
    pub macs: u64,
}

/// A block instance: the sum over the nodes under its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockCost {
    /// Dotted path of the block instance in the model.
    pub path: Path,
    /// Name of the block's declaration.
    pub block: String,
    /// Shape of the first output of its last node, `[c, h, w]` without the batch.
    pub output: Vec<usize>,
    /// Numbers that can be trained.
    pub params: u64,
    /// The part of `params` that is not trained.
    pub frozen: u64,
    /// Numbers that are stored and never trained (running statistics).
    pub buffers: u64,
    /// Operations of one image, as the report's convention counts them.
    pub macs: u64,
    /// Indices into [`CostReport::nodes`], contiguous or not.
    pub nodes: Vec<usize>,
}

/// The costs of a model at one input size: per node, per block instance and in total.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostReport {
    /// The counting rule that `macs` and `counted_params` follow.
    pub convention: Convention,
    /// All nodes in topological order.
    pub nodes: Vec<NodeCost>,
    /// Every block instance that holds nodes, in the order of the graph's scopes.
    pub blocks: Vec<BlockCost>,
    /// Numbers that can be trained, frozen ones included.
    pub params: u64,
    /// The part of `params` that is not trained.
    pub frozen: u64,
    /// The parameters that the convention's tool puts into its total.
    pub counted_params: u64,
    /// Numbers that are stored and never trained (running statistics).
    pub buffers: u64,
    /// Operations of one image. Most conventions count multiply-accumulates; [`Convention`] documents what each counts.
    pub macs: u64,
}

impl CostReport {
    /// Marks the parameters that are frozen.
    pub fn with_frozen(mut self, frozen: &FrozenPaths) -> Self {
        if frozen.is_empty() {
            return self;
        }
        for node in &mut self.nodes {
            node.frozen = node.params > 0 && frozen.contains(&node.path);
        }
        let kept = |n: &NodeCost| if n.frozen { n.params } else { 0 };
        for block in &mut self.blocks {
            block.frozen = block.nodes.iter().map(|&i| kept(&self.nodes[i])).sum();
        }
        self.frozen = self.nodes.iter().map(kept).sum();
        self
    }

    /// Returns the number of parameters that are trained.
    pub fn trainable(&self) -> u64 {
        self.params - self.frozen
    }
}

/// Counts parameters and operations for one image at the input size of the graph. Counts are exact; only a convention that
/// exceeds the checker's limit of 2^63 saturates.
pub fn count(checked: &CheckedGraph, convention: Convention) -> CostReport {
    let graph = checked.graph();
    let nodes: Vec<NodeCost> = graph
        .order()
        .into_iter()
        .map(|id| {
            let node = graph.node(id);
            let inputs = graph.input_types(id);
            let params = node.op.params(&inputs);
            let sum = |kind| params.iter().filter(|p| p.kind == kind).map(|p| p.elements()).sum();
            NodeCost {
                path: node.path.clone(),
                op: node.op.name(),
                output: node.outputs[0].shape().dims().to_vec(),
                params: sum(ParamKind::Trainable),
                frozen: false,
                buffers: sum(ParamKind::Buffer),
                macs: convention.count(&node.op, &inputs, &node.outputs),
            }
        })
        .collect();
    // A node's path contains the path of every scope around it.
    let mut members: HashMap<&str, Vec<usize>> =
        graph.instances.iter().map(|s| (s.path.as_str(), Vec::new())).collect();
    for (i, node) in nodes.iter().enumerate() {
        for (end, _) in node.path.match_indices('.') {
            if let Some(inside) = members.get_mut(&node.path[..end]) {
                inside.push(i);
            }
        }
    }
    let blocks = graph
        .instances
        .iter()
        .filter_map(|scope| {
            let inside = members.remove(scope.path.as_str())?;
            let last = *inside.last()?;
            Some(BlockCost {
                path: scope.path.clone(),
                block: scope.block.clone(),
                output: nodes[last].output.clone(),
                params: inside.iter().map(|&i| nodes[i].params).sum(),
                frozen: 0,
                buffers: inside.iter().map(|&i| nodes[i].buffers).sum(),
                macs: inside.iter().fold(0, |sum, &i| sum.saturating_add(nodes[i].macs)),
                nodes: inside,
            })
        })
        .collect();
    let counted = graph.order().into_iter().zip(&nodes).filter(|(id, _)| convention.counts_params(&graph.node(*id).op));
    CostReport {
        convention,
        counted_params: counted.map(|(_, n)| n.params).sum(),
        params: nodes.iter().map(|n| n.params).sum(),
        frozen: 0,
        buffers: nodes.iter().map(|n| n.buffers).sum(),
        macs: nodes.iter().fold(0, |sum, n| sum.saturating_add(n.macs)),
        nodes,
        blocks,
    }
}
