//! Batch norms that are fused into the convolution that reads them.
//!
//! In training a norm needs the statistics of the whole batch, so it is a separate pass over a map that was just
//! written and is then read once more. If the only reader is a convolution that transforms each number before it
//! multiplies, as Winograd's transforms do, the norm is computed there: in the forward pass, and again for the gradient
//! of the weights.

use super::node::{FusedInputNorm, NodeOp, ProgramNode, ProgramValue, ProgramValueId};
use crate::compute::fused::ConvKind;

/// Finds such norms, and lets the convolutions read the norms' inputs.
pub(super) fn fuse_input_norms(nodes: &mut [ProgramNode], values: &[ProgramValue], results: &[ProgramValueId]) {
    let mut readers = vec![0; values.len()];
    let read = nodes.iter().flat_map(|node| &node.inputs).chain(results);
    read.for_each(|&id| readers[id] += 1);
    for at in 0..nodes.len() {
        let (value, output) = match (&nodes[at].op, &nodes[at].inputs[..]) {
            (NodeOp::Conv(conv), &[input]) if conv.kind == ConvKind::Regular => (input, nodes[at].outputs[0]),
            _ => continue,
        };
        let producer = values[value].producer;
        let source = match &nodes[producer].op {
            NodeOp::Norm(_) if readers[value] == 1 => nodes[producer].inputs[0],
            NodeOp::Norm(_) | NodeOp::Image | NodeOp::Relayout | NodeOp::Conv(_) | NodeOp::Operator { .. } => continue,
        };
        if let NodeOp::Conv(conv) = &mut nodes[at].op
            && conv.window.can_fuse_input_norm(&values[source].layout, &values[output].layout)
        {
            conv.input_norm = Some(FusedInputNorm { node: producer, value });
            nodes[at].inputs[0] = source;
            if let NodeOp::Norm(norm) = &mut nodes[producer].op {
                norm.statistics_only = true;
            }
        }
    }
}
