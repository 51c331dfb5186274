//! Operators that move channels: concatenation, slice, channel padding, channel shuffle.

use crate::compute::cuda::builder::{CudaBuilder, KernelCall};
use crate::compute::cuda::constants::KernelConstants;
use crate::compute::cuda::map::DeviceMap;
use crate::compute::fused::{ChannelMapping, FusedNode};

const CHANNEL_COPY: &[&str] = &[include_str!("../kernels/channel_copy.cu")];

/// Writes or adds channel `sources[c]` of a map as channel `c`, or zeros; `stored` channels are written.
fn copy(b: &mut CudaBuilder, from: DeviceMap, to: DeviceMap, sources: &[Option<usize>], stored: usize, add: bool) {
    let constants = KernelConstants::new()
        .ints([("PIXELS", to.pixels()), ("C", sources.len()), ("C4", stored)])
        .ints([("XP", from.pitch), ("YP", to.pitch)])
        .flag("ADD", add)
        .table("SOURCE", sources.iter().map(|source| source.map_or(-1, |c| c as isize)));
    let call = KernelCall::of_items("channel_copy", CHANNEL_COPY, constants, to.pixels() * stored);
    b.launch(call, vec![from.place(), to.place()]);
}

pub(super) fn forward(b: &mut CudaBuilder, node: &FusedNode, op: &impl ChannelMapping) {
    let x = b.map(node.inputs[0]);
    let y = b.output(node.outputs[0]);
    let sources: Vec<_> =
        (0..y.channels()).map(|c| Some(op.source(c, x.channels())).filter(|&source| source < x.channels())).collect();
    copy(b, x, y, &sources, y.stored_channels(), false);
}

pub(super) fn backward(b: &mut CudaBuilder, node: &FusedNode, g: DeviceMap, op: &impl ChannelMapping) {
    if !b.fused.values[node.inputs[0]].differentiable {
        return;
    }
    let (into, add) = b.gradient_into(node.inputs[0]);
    let mut sources = vec![None; into.channels()];
    for c in 0..g.channels() {
        if let Some(of) = sources.get_mut(op.source(c, into.channels())) {
            *of = Some(c);
        }
    }
    copy(b, g, into, &sources, into.stored_channels(), add);
}

/// Copies the operands to their channels, unless they were written there.
pub(super) fn concat(b: &mut CudaBuilder, node: &FusedNode) {
    let y = b.output(node.outputs[0]);
    let mut first = 0;
    for (i, &input) in node.inputs.iter().enumerate() {
        let x = b.map(input);
        if !b.is_slice(input, node.outputs[0], first) {
            let last = i + 1 == node.inputs.len();
            // The last operand also clears what fills the last group of channels.
            let stored = if last { y.stored_channels() - first } else { x.channels() };
            let sources: Vec<_> = (0..x.channels()).map(Some).collect();
            copy(b, x, DeviceMap { offset: y.offset + first, ..y }, &sources, stored, false);
        }
        first += x.channels();
    }
}

/// Gives each operand its channels of the gradient. Where nothing else has written an operand's gradient, they stay where
/// they are, and what comes later is added there: nothing reads the gradient of a concatenation after this.
pub(super) fn concat_gradients(b: &mut CudaBuilder, node: &FusedNode, g: DeviceMap) {
    let mut first = 0;
    for &input in &node.inputs {
        let channels = b.fused.values[input].dims[1];
        if b.fused.values[input].differentiable && !b.share_gradient(input, g, first) {
            let (into, add) = b.gradient_into(input);
            let sources: Vec<_> = (first..first + channels).map(Some).collect();
            copy(b, g, into, &sources, into.stored_channels(), add);
        }
        first += channels;
    }
}
