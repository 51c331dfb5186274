//! Batch norms whose output is not written.
//!
//! In training a norm waits for the statistics of the whole batch, so that it is a pass of its own over a map that has just
//! been written and is read once more behind it. Where the one reader is a convolution that looks at each number before it
//! computes with it, as Winograd's transforms do, the norm is done there: forward, and again for the gradient of the weights.

use super::node::{ConvKind, FusedInputNorm, NodeOp, ProgramNode, ProgramValue, ProgramValueId};

/// Finds such norms, and lets the convolutions read what the norms read.
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
