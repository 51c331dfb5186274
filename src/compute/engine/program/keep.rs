//! What stays in memory, and until when.

use super::node::{Node, Unit, Value, ValueId};
use crate::compute::engine::unit::{self, Needs};

/// Steps that are computed again in a row before a value is kept instead.
const AGAIN: usize = 3;
/// Values that are not worth computing again, in numbers: 8 MB. Where memory is short, maps are larger than that.
const SMALL: usize = 2 << 20;

#[derive(Debug)]
pub struct Keep {
    /// The last node that reads a value in the forward pass; its producer if none does, and none for results.
    pub forward: Vec<Option<usize>>,
    /// Values that stay after the forward pass.
    pub kept: Vec<bool>,
    /// The first node, in the order of the program, whose backward pass needs a value or what is computed from it.
    pub backward: Vec<Option<usize>>,
}

impl Keep {
    pub fn plan(nodes: &[Node], values: &[Value], results: &[ValueId]) -> Self {
        let mut forward: Vec<Option<usize>> = values.iter().map(|value| Some(value.producer)).collect();
        let mut backward = vec![None; values.len()];
        for (at, node) in nodes.iter().enumerate() {
            node.inputs.iter().for_each(|&id| forward[id] = Some(at));
            let Needs { inputs, output } = needed(node);
            let useful = node.outputs.iter().any(|&id| values[id].differentiable);
            let reads = node.inputs.iter().filter(|_| inputs).chain(node.outputs.iter().filter(|_| output));
            for &id in reads.filter(|_| useful) {
                earlier(&mut backward[id], at);
            }
        }
        results.iter().for_each(|&id| forward[id] = None);
        let again = again(nodes, values);
        // From the end: what a value is computed from is needed as early as the value itself.
        for node in nodes.iter().rev() {
            for &output in node.outputs.iter().filter(|&&id| again[id]) {
                if let Some(at) = backward[output] {
                    node.inputs.iter().for_each(|&id| earlier(&mut backward[id], at));
                }
            }
        }
        let kept = backward.iter().zip(&again).map(|(at, again)| at.is_some() && !again).collect();
        Self { forward, kept, backward }
    }
}

fn earlier(first: &mut Option<usize>, at: usize) {
    *first = Some(first.map_or(at, |first| first.min(at)));
}

fn needed(node: &Node) -> Needs {
    match &node.unit {
        Unit::Image | Unit::Relayout => Needs { inputs: false, output: false },
        Unit::Conv(_) | Unit::Norm(_) => Needs { inputs: true, output: false },
        Unit::Plain { op, .. } => unit::known(op).form().needs,
    }
}

/// The values that are computed again.
fn again(nodes: &[Node], values: &[Value]) -> Vec<bool> {
    let mut depth = vec![0; values.len()];
    for node in nodes.iter().filter(|node| cheap(&node.unit)) {
        let steps = 1 + node.inputs.iter().map(|&id| depth[id]).max().unwrap_or(0);
        for &id in &node.outputs {
            depth[id] = if steps > AGAIN || values[id].layout.size() <= SMALL { 0 } else { steps };
        }
    }
    depth.into_iter().map(|steps| steps > 0).collect()
}

/// Whether a node goes once over its numbers.
fn cheap(unit: &Unit) -> bool {
    match unit {
        Unit::Image | Unit::Conv(_) => false,
        Unit::Relayout | Unit::Norm(_) => true,
        Unit::Plain { op, .. } => unit::known(op).form().cheap,
    }
}
