//! Batch norms whose output is not written.
//!
//! In training a norm waits for the statistics of the whole batch, so that it is a pass of its own over a map that has just
//! been written and is read once more behind it. Where the one reader is a convolution that looks at each number before it
//! computes with it, as Winograd's transforms do, the norm is done there: forward, and again for the gradient of the weights.

use super::node::{Kind, Node, Through, Unit, Value, ValueId};

/// Finds such norms, and lets the convolutions read what the norms read.
pub(super) fn read_through(nodes: &mut [Node], values: &[Value], results: &[ValueId]) {
    let mut readers = vec![0; values.len()];
    let read = nodes.iter().flat_map(|node| &node.inputs).chain(results);
    read.for_each(|&id| readers[id] += 1);
    for at in 0..nodes.len() {
        let (value, output) = match (&nodes[at].unit, &nodes[at].inputs[..]) {
            (Unit::Conv(conv), &[input]) if conv.kind == Kind::Gather => (input, nodes[at].outputs[0]),
            _ => continue,
        };
        let producer = values[value].producer;
        let source = match &nodes[producer].unit {
            Unit::Norm(_) if readers[value] == 1 => nodes[producer].inputs[0],
            Unit::Norm(_) | Unit::Image | Unit::Relayout | Unit::Conv(_) | Unit::Plain { .. } => continue,
        };
        if let Unit::Conv(conv) = &mut nodes[at].unit
            && conv.window.reads_through(&values[source].layout, &values[output].layout)
        {
            conv.through = Some(Through { node: producer, value });
            nodes[at].inputs[0] = source;
            if let Unit::Norm(norm) = &mut nodes[producer].unit {
                norm.read_through = true;
            }
        }
    }
}
