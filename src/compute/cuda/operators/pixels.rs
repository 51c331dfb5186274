//! Operators over the channels of each pixel, pixel shuffle, reshaping and dropout.

use crate::compute::cuda::builder::{CudaBuilder, KernelCall};
use crate::compute::cuda::constants::KernelConstants;
use crate::compute::cuda::map::DeviceMap;
use crate::compute::cuda::program::{BufferPlace, BufferRole};
use crate::compute::cuda::relayout::relayout;
use crate::compute::fused::FusedNode;
use crate::graph::op::{Dropout, PixelShuffle};

const REDUCE: &[&str] = &[include_str!("../kernels/channel_reduce.cu")];
const MAXIMUM_GRADIENT: &[&str] = &[include_str!("../kernels/channel_maximum_gradient.cu")];
const SOFTMAX: &[&str] = &[include_str!("../kernels/softmax.cu")];
const SOFTMAX_GRADIENT: &[&str] = &[include_str!("../kernels/softmax_gradient.cu")];
const SHUFFLE: &[&str] = &[include_str!("../kernels/pixel_shuffle.cu")];
const DROPOUT: &[&str] = &[include_str!("../kernels/dropout.cu")];

fn pixel_constants(x: DeviceMap) -> KernelConstants {
    KernelConstants::new().ints([("PIXELS", x.pixels()), ("C", x.channels()), ("C4", x.stored_channels())])
}

pub(super) fn channel_reduce(b: &mut CudaBuilder, node: &FusedNode, maximum: bool) {
    let x = b.map(node.inputs[0]);
    let y = b.output(node.outputs[0]);
    let constants = pixel_constants(x).ints([("XP", x.pitch), ("YP", y.pitch)]).flag("MAXIMUM", maximum);
    b.launch(KernelCall::of_items("channel_reduce", REDUCE, constants, x.pixels()), vec![x.place(), y.place()]);
}

pub(super) fn channel_maximum_gradient(b: &mut CudaBuilder, node: &FusedNode, g: DeviceMap) {
    if !b.fused.values[node.inputs[0]].differentiable {
        return;
    }
    let x = b.map(node.inputs[0]);
    let (into, add) = b.gradient_into(node.inputs[0]);
    let constants = pixel_constants(x).ints([("XP", x.pitch), ("GP", g.pitch), ("TP", into.pitch)]).flag("ADD", add);
    let call = KernelCall::of_items("channel_maximum_gradient", MAXIMUM_GRADIENT, constants, x.pixels());
    b.launch(call, vec![x.place(), g.place(), into.place()]);
}

pub(super) fn softmax(b: &mut CudaBuilder, node: &FusedNode) {
    let x = b.map(node.inputs[0]);
    let y = b.output(node.outputs[0]);
    let constants = pixel_constants(x).ints([("XP", x.pitch), ("YP", y.pitch)]);
    b.launch(KernelCall::of_items("softmax", SOFTMAX, constants, x.pixels()), vec![x.place(), y.place()]);
}

pub(super) fn softmax_gradient(b: &mut CudaBuilder, node: &FusedNode, g: DeviceMap) {
    if !b.fused.values[node.inputs[0]].differentiable {
        return;
    }
    let y = b.map(node.outputs[0]);
    let (into, add) = b.gradient_into(node.inputs[0]);
    let constants = pixel_constants(y).ints([("YP", y.pitch), ("GP", g.pitch), ("TP", into.pitch)]).flag("ADD", add);
    let call = KernelCall::of_items("softmax_gradient", SOFTMAX_GRADIENT, constants, y.pixels());
    b.launch(call, vec![y.place(), g.place(), into.place()]);
}

fn shuffle(b: &mut CudaBuilder, op: &PixelShuffle, from: DeviceMap, to: DeviceMap, to_wide: bool, add: bool) {
    let [n, c, h, w] = to.dims;
    let constants = KernelConstants::new()
        .ints([("N", n), ("H", h), ("W", w), ("C", c), ("C4", to.stored_channels()), ("F", op.factor)])
        .ints([("FP", from.pitch), ("TP", to.pitch)])
        .flag("TO_WIDE", to_wide)
        .flag("ADD", add);
    let call = KernelCall::of_items("pixel_shuffle", SHUFFLE, constants, to.pixels() * to.stored_channels());
    b.launch(call, vec![from.place(), to.place()]);
}

pub(super) fn pixel_shuffle(b: &mut CudaBuilder, node: &FusedNode, op: &PixelShuffle) {
    let x = b.map(node.inputs[0]);
    let y = b.output(node.outputs[0]);
    shuffle(b, op, x, y, true, false);
}

pub(super) fn pixel_shuffle_gradient(b: &mut CudaBuilder, node: &FusedNode, op: &PixelShuffle, g: DeviceMap) {
    if b.fused.values[node.inputs[0]].differentiable {
        let (into, add) = b.gradient_into(node.inputs[0]);
        shuffle(b, op, g, into, false, add);
    }
}

/// Copies numbers to another shape in the order `[n][c][h][w]`.
fn reorder(b: &mut CudaBuilder, from: DeviceMap, to: DeviceMap, add: bool) {
    let planar = b.temporary(from.pixels() * from.channels());
    let place = BufferPlace { buffer: planar, offset: 0 };
    relayout(b, from, place, true, false);
    relayout(b, to, place, false, add);
}

pub(super) fn reshape(b: &mut CudaBuilder, node: &FusedNode) {
    let x = b.map(node.inputs[0]);
    let y = b.output(node.outputs[0]);
    reorder(b, x, y, false);
}

pub(super) fn reshape_gradient(b: &mut CudaBuilder, node: &FusedNode, g: DeviceMap) {
    if b.fused.values[node.inputs[0]].differentiable {
        let (into, add) = b.gradient_into(node.inputs[0]);
        reorder(b, g, into, add);
    }
}

/// Zeroes numbers of a map. The seed is that of the pass; each step of the plan draws its own numbers from it.
fn drop_numbers(b: &mut CudaBuilder, node: &FusedNode, op: &Dropout, from: DeviceMap, to: DeviceMap, add: bool) {
    let [n, c, h, w] = to.dims;
    let training = b.is_training();
    // The probability `p` as a share of 2^32. Inference keeps everything.
    let below = if training { (op.p * 4_294_967_296.0) as u32 } else { 0 };
    let seed = b.named(BufferRole::Seed, 2);
    let constants = KernelConstants::new()
        .ints([("N", n), ("H", h), ("W", w), ("C", c), ("C4", to.stored_channels())])
        .ints([("FP", from.pitch), ("TP", to.pitch), ("STEP", node.step)])
        .number("BELOW", f64::from(below))
        .number("SCALE", if training { f64::from((1.0 / (1.0 - op.p)) as f32) } else { 1.0 })
        .flag("ADD", add);
    let call = KernelCall::of_items("dropout", DROPOUT, constants, to.pixels() * to.stored_channels());
    b.launch(call, vec![from.place(), Some(seed), to.place()]);
}

pub(super) fn dropout(b: &mut CudaBuilder, node: &FusedNode, op: &Dropout) {
    let x = b.map(node.inputs[0]);
    let y = b.output(node.outputs[0]);
    drop_numbers(b, node, op, x, y, false);
}

pub(super) fn dropout_gradient(b: &mut CudaBuilder, node: &FusedNode, op: &Dropout, g: DeviceMap) {
    if b.fused.values[node.inputs[0]].differentiable {
        let (into, add) = b.gradient_into(node.inputs[0]);
        drop_numbers(b, node, op, g, into, add);
    }
}

/// Copies a tensor of one number per channel to a map that kernels read in groups of four.
pub(super) fn channel_map(b: &mut CudaBuilder, tensor: BufferPlace, channels: usize) -> DeviceMap {
    let stored = DeviceMap::stored(channels);
    let buffer = b.temporary(stored);
    let map = DeviceMap { buffer, offset: 0, dims: [1, channels, 1, 1], pitch: stored };
    relayout(b, map, tensor, false, false);
    map
}
