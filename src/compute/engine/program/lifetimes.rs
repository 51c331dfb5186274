//! Which activations stay in memory, and until when.

use super::node::{NodeOp, ProgramNode, ProgramValue, ProgramValueId};
use crate::compute::engine::operators::{self, BackwardNeeds};

/// Maximum number of successive steps that are recomputed; a longer chain saves a value in between.
const MAX_CHAIN: usize = 3;
/// Size in numbers up to which values are always saved: 8 MB. Memory is short only where maps are larger.
const ALWAYS_SAVED: usize = 2 << 20;

#[derive(Debug)]
pub struct ActivationLifetimes {
    /// The last node that reads a value in the forward pass: its producer if no node reads it, `None` for results.
    pub last_forward_use: Vec<Option<usize>>,
    /// Whether a value stays in memory after the forward pass.
    pub saved: Vec<bool>,
    /// The first node, in the order of the program, whose backward pass needs a value or a value recomputed from it.
    /// The backward pass visits it last.
    pub last_backward_use: Vec<Option<usize>>,
}

impl ActivationLifetimes {
    pub fn of(nodes: &[ProgramNode], values: &[ProgramValue], results: &[ProgramValueId]) -> Self {
        let mut last_forward_use: Vec<Option<usize>> = values.iter().map(|value| Some(value.producer)).collect();
        let mut last_backward_use = vec![None; values.len()];
        for (at, node) in nodes.iter().enumerate() {
            node.inputs.iter().for_each(|&id| last_forward_use[id] = Some(at));
            let BackwardNeeds { inputs, output } = backward_needs(node);
            let useful = node.outputs.iter().any(|&id| values[id].differentiable);
            let reads = node.inputs.iter().filter(|_| inputs).chain(node.outputs.iter().filter(|_| output));
            for &id in reads.filter(|_| useful) {
                lower_to(&mut last_backward_use[id], at);
            }
        }
        results.iter().for_each(|&id| last_forward_use[id] = None);
        let recomputed = rematerialized(nodes, values);
        // From the end: an operand of a recomputed value is needed until the value itself is.
        for node in nodes.iter().rev() {
            for &output in node.outputs.iter().filter(|&&id| recomputed[id]) {
                if let Some(at) = last_backward_use[output] {
                    node.inputs.iter().for_each(|&id| lower_to(&mut last_backward_use[id], at));
                }
            }
        }
        let saved =
            last_backward_use.iter().zip(&recomputed).map(|(at, recomputed)| at.is_some() && !recomputed).collect();
        Self { last_forward_use, saved, last_backward_use }
    }
}

/// Lowers `first` to `at`, if it is none or later.
fn lower_to(first: &mut Option<usize>, at: usize) {
    *first = Some(first.map_or(at, |first| first.min(at)));
}

fn backward_needs(node: &ProgramNode) -> BackwardNeeds {
    match &node.op {
        NodeOp::Image | NodeOp::Relayout => BackwardNeeds { inputs: false, output: false },
        NodeOp::Conv(_) | NodeOp::Norm(_) => BackwardNeeds { inputs: true, output: false },
        NodeOp::Operator { op, .. } => operators::expect_kernel(op).properties().needs,
    }
}

/// Returns which values are recomputed in the backward pass.
fn rematerialized(nodes: &[ProgramNode], values: &[ProgramValue]) -> Vec<bool> {
    let mut depth = vec![0; values.len()];
    for node in nodes.iter().filter(|node| is_cheap(&node.op)) {
        let steps = 1 + node.inputs.iter().map(|&id| depth[id]).max().unwrap_or(0);
        for &id in &node.outputs {
            depth[id] = if steps > MAX_CHAIN || values[id].layout.buffer_len() <= ALWAYS_SAVED { 0 } else { steps };
        }
    }
    depth.into_iter().map(|steps| steps > 0).collect()
}

/// Whether a node is one pass over its numbers.
fn is_cheap(op: &NodeOp) -> bool {
    match op {
        NodeOp::Image | NodeOp::Conv(_) => false,
        NodeOp::Relayout | NodeOp::Norm(_) => true,
        NodeOp::Operator { op, .. } => operators::expect_kernel(op).properties().cheap,
    }
}
