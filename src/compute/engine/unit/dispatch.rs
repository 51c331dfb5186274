//! From an operator to its unit: [`Plain::of`] is the one place that names all operators.

use super::{
    Needs, Seed, activation, avg_pool, channel_reduce, channels, combine, concat, dropout, frame, group_norm,
    layer_norm, max_pool, pixel_shuffle, prelu, reshape, resize, unpool,
};
use crate::compute::engine::memory_layout::{View, ViewMut};
use crate::compute::engine::weights::LayerWeights;
use crate::graph::op::{
    Activation, AvgPool, AvgPoolTo, ChannelPad, ChannelReduce, ChannelShuffle, Combine, Concat, Crop, Dropout,
    GroupNorm, InstanceNorm, LayerNorm, MaxPool, MaxPoolTo, MaxPoolWithIndex, Op, PRelu, Padding, PixelShuffle, Resize,
    Slice, Unpool,
};

/// The operators that are nodes as they are.
#[derive(Clone, Copy)]
enum Plain<'a> {
    Activation(&'a Activation),
    PRelu(&'a PRelu),
    MaxPool(&'a MaxPool),
    MaxPoolWithIndex(&'a MaxPoolWithIndex),
    MaxPoolTo(&'a MaxPoolTo),
    Unpool(&'a Unpool),
    AvgPool(&'a AvgPool),
    AvgPoolTo(&'a AvgPoolTo),
    Resize(&'a Resize),
    Concat(&'a Concat),
    Combine(&'a Combine),
    GroupNorm(&'a GroupNorm),
    InstanceNorm(&'a InstanceNorm),
    LayerNorm(&'a LayerNorm),
    Padding(&'a Padding),
    Crop(&'a Crop),
    Slice(&'a Slice),
    ChannelPad(&'a ChannelPad),
    ChannelReduce(&'a ChannelReduce),
    ChannelShuffle(&'a ChannelShuffle),
    PixelShuffle(&'a PixelShuffle),
    Dropout(&'a Dropout),
    /// The same numbers under other dims.
    Reshape,
}

impl<'a> Plain<'a> {
    /// Nothing for operators that have nodes of their own.
    fn of(op: &'a Op) -> Option<Self> {
        match op {
            Op::Activation(op) => Some(Plain::Activation(op)),
            Op::PRelu(op) => Some(Plain::PRelu(op)),
            Op::MaxPool(op) => Some(Plain::MaxPool(op)),
            Op::MaxPoolWithIndex(op) => Some(Plain::MaxPoolWithIndex(op)),
            Op::MaxPoolTo(op) => Some(Plain::MaxPoolTo(op)),
            Op::Unpool(op) => Some(Plain::Unpool(op)),
            Op::AvgPool(op) => Some(Plain::AvgPool(op)),
            Op::AvgPoolTo(op) => Some(Plain::AvgPoolTo(op)),
            Op::Resize(op) => Some(Plain::Resize(op)),
            Op::Concat(op) => Some(Plain::Concat(op)),
            Op::Combine(op) => Some(Plain::Combine(op)),
            Op::Input(_) | Op::Conv(_) | Op::ConvTranspose(_) | Op::Linear(_) | Op::BatchNorm(_) => None,
            Op::GroupNorm(op) => Some(Plain::GroupNorm(op)),
            Op::InstanceNorm(op) => Some(Plain::InstanceNorm(op)),
            Op::LayerNorm(op) => Some(Plain::LayerNorm(op)),
            Op::Padding(op) => Some(Plain::Padding(op)),
            Op::Crop(op) => Some(Plain::Crop(op)),
            Op::Slice(op) => Some(Plain::Slice(op)),
            Op::ChannelPad(op) => Some(Plain::ChannelPad(op)),
            Op::ChannelReduce(op) => Some(Plain::ChannelReduce(op)),
            Op::ChannelShuffle(op) => Some(Plain::ChannelShuffle(op)),
            Op::PixelShuffle(op) => Some(Plain::PixelShuffle(op)),
            Op::Dropout(op) => Some(Plain::Dropout(op)),
            Op::Flatten(_) | Op::Unflatten(_) | Op::Reshape(_) => Some(Plain::Reshape),
        }
    }

    fn known(op: &'a Op) -> Self {
        Self::of(op).expect("the builder asked `supported`")
    }
}

/// Whether an operator can be a node as it is.
pub(crate) fn supported(op: &Op) -> bool {
    Plain::of(op).is_some()
}

pub fn needs(op: &Op) -> Needs {
    match Plain::known(op) {
        Plain::Activation(op) => activation::needs(op),
        Plain::PRelu(op) => prelu::needs(op),
        Plain::MaxPool(op) => max_pool::needs(op),
        Plain::MaxPoolWithIndex(op) => max_pool::with_index::needs(op),
        Plain::MaxPoolTo(op) => max_pool::to_size::needs(op),
        Plain::Unpool(op) => unpool::needs(op),
        Plain::AvgPool(op) => avg_pool::needs(op),
        Plain::AvgPoolTo(op) => avg_pool::to_size::needs(op),
        Plain::Resize(op) => resize::needs(op),
        Plain::Concat(op) => concat::needs(op),
        Plain::Combine(op) => combine::needs(op),
        Plain::GroupNorm(_) | Plain::InstanceNorm(_) => group_norm::needs(),
        Plain::LayerNorm(op) => layer_norm::needs(op),
        Plain::Padding(op) => frame::padding::needs(op),
        Plain::Crop(op) => frame::crop::needs(op),
        Plain::Slice(_) | Plain::ChannelPad(_) | Plain::ChannelShuffle(_) => channels::needs(),
        Plain::ChannelReduce(op) => channel_reduce::needs(op),
        Plain::PixelShuffle(op) => pixel_shuffle::needs(op),
        Plain::Dropout(op) => dropout::needs(op),
        Plain::Reshape => reshape::needs(),
    }
}

/// Whether a gradient flows to an input: indices have none, nor have maps that only give a size.
pub fn differentiable(op: &Op, slot: usize) -> bool {
    !(slot == 1 && matches!(op, Op::Unpool(_) | Op::Resize(_) | Op::Crop(_)))
}

fn slopes(layer: Option<&LayerWeights>) -> &[f32] {
    &layer.expect("plan: `prelu` has a layer").weight
}

/// Writes an operator's outputs. `layer` are its weights, if it has any.
pub fn forward(op: &Op, layer: Option<&LayerWeights>, inputs: &[View], outputs: &mut [ViewMut], seed: Option<Seed>) {
    let (output, rest) = outputs.split_first_mut().expect("an operator has an output");
    match Plain::known(op) {
        Plain::Activation(op) => activation::forward(op, inputs, output),
        Plain::PRelu(op) => prelu::forward(op, slopes(layer), inputs, output),
        Plain::MaxPool(op) => max_pool::forward(op, inputs, output),
        Plain::MaxPoolWithIndex(op) => max_pool::with_index::forward(op, inputs, output, &mut rest[0]),
        Plain::MaxPoolTo(op) => max_pool::to_size::forward(op, inputs, output),
        Plain::Unpool(op) => unpool::forward(op, inputs, output),
        Plain::AvgPool(op) => avg_pool::forward(op, inputs, output),
        Plain::AvgPoolTo(op) => avg_pool::to_size::forward(op, inputs, output),
        Plain::Resize(op) => resize::forward(op, inputs, output),
        Plain::Concat(op) => concat::forward(op, inputs, output),
        Plain::Combine(op) => combine::forward(op, inputs, output),
        Plain::GroupNorm(op) => group_norm::forward(op.groups, op.epsilon, layer, inputs, output),
        Plain::InstanceNorm(op) => {
            group_norm::forward(inputs[0].layout.channels(), op.epsilon, layer, inputs, output);
        }
        Plain::LayerNorm(op) => layer_norm::forward(op, layer, inputs, output),
        Plain::Padding(op) => frame::padding::forward(op, inputs, output),
        Plain::Crop(op) => frame::crop::forward(op, inputs, output),
        Plain::Slice(op) => channels::forward(op, inputs, output),
        Plain::ChannelPad(op) => channels::forward(op, inputs, output),
        Plain::ChannelShuffle(op) => channels::forward(op, inputs, output),
        Plain::ChannelReduce(op) => channel_reduce::forward(op, inputs, output),
        Plain::PixelShuffle(op) => pixel_shuffle::forward(op, inputs, output),
        Plain::Dropout(op) => dropout::forward(op, seed, inputs, output),
        Plain::Reshape => reshape::forward(inputs, output),
    }
}

/// What a backward pass through an operator starts from.
#[derive(Clone, Copy)]
pub struct From<'a> {
    /// Without numbers where [`needs`] says so.
    pub inputs: &'a [View<'a>],
    pub output: View<'a>,
    pub gradient: View<'a>,
    pub layer: Option<&'a LayerWeights>,
    pub seed: Option<Seed>,
}

/// Writes or adds to the gradient of input `slot`.
pub fn backward(op: &Op, from: From, slot: usize, into: &mut ViewMut, add: bool) {
    let From { inputs: x, output: y, gradient: g, layer, seed } = from;
    match Plain::known(op) {
        Plain::Activation(op) => activation::backward(op, x, y, g, slot, into, add),
        Plain::PRelu(op) => prelu::backward(op, slopes(layer), x, y, g, slot, into, add),
        Plain::MaxPool(op) => max_pool::backward(op, x, y, g, slot, into, add),
        Plain::MaxPoolWithIndex(op) => max_pool::with_index::backward(op, x, y, g, slot, into, add),
        Plain::MaxPoolTo(op) => max_pool::to_size::backward(op, x, y, g, slot, into, add),
        Plain::Unpool(op) => unpool::backward(op, x, y, g, slot, into, add),
        Plain::AvgPool(op) => avg_pool::backward(op, x, y, g, slot, into, add),
        Plain::AvgPoolTo(op) => avg_pool::to_size::backward(op, x, y, g, slot, into, add),
        Plain::Resize(op) => resize::backward(op, x, y, g, slot, into, add),
        Plain::Concat(op) => concat::backward(op, x, y, g, slot, into, add),
        Plain::Combine(op) => combine::backward(op, x, y, g, slot, into, add),
        Plain::GroupNorm(op) => group_norm::backward(op.groups, op.epsilon, layer, x, g, into, add),
        Plain::InstanceNorm(op) => group_norm::backward(g.layout.channels(), op.epsilon, layer, x, g, into, add),
        Plain::LayerNorm(op) => layer_norm::backward(op, layer, x, g, into, add),
        Plain::Padding(op) => frame::padding::backward(op, x, y, g, slot, into, add),
        Plain::Crop(op) => frame::crop::backward(op, x, y, g, slot, into, add),
        Plain::Slice(op) => channels::backward(op, g, into, add),
        Plain::ChannelPad(op) => channels::backward(op, g, into, add),
        Plain::ChannelShuffle(op) => channels::backward(op, g, into, add),
        Plain::ChannelReduce(op) => channel_reduce::backward(op, x, y, g, slot, into, add),
        Plain::PixelShuffle(op) => pixel_shuffle::backward(op, x, y, g, slot, into, add),
        Plain::Dropout(op) => dropout::backward(op, seed, g, into, add),
        Plain::Reshape => reshape::backward(g, into, add),
    }
}

/// Gradients of an operator's own weights.
pub fn weight_gradients(op: &Op, inputs: &[View], gradient: View) -> Vec<(&'static str, Vec<f32>)> {
    let affine = |[weight, bias]: [Vec<f32>; 2]| vec![("weight", weight), ("bias", bias)];
    match Plain::known(op) {
        Plain::PRelu(op) => vec![("weight", prelu::gradient(op, inputs, gradient))],
        Plain::GroupNorm(op) => affine(group_norm::gradients(op.groups, op.epsilon, inputs, gradient)),
        Plain::InstanceNorm(op) => {
            affine(group_norm::gradients(gradient.layout.channels(), op.epsilon, inputs, gradient))
        }
        Plain::LayerNorm(op) => affine(layer_norm::gradients(op, inputs, gradient)),
        Plain::Activation(_)
        | Plain::MaxPool(_)
        | Plain::MaxPoolWithIndex(_)
        | Plain::MaxPoolTo(_)
        | Plain::Unpool(_)
        | Plain::AvgPool(_)
        | Plain::AvgPoolTo(_)
        | Plain::Resize(_)
        | Plain::Concat(_)
        | Plain::Combine(_)
        | Plain::Padding(_)
        | Plain::Crop(_)
        | Plain::Slice(_)
        | Plain::ChannelPad(_)
        | Plain::ChannelReduce(_)
        | Plain::ChannelShuffle(_)
        | Plain::PixelShuffle(_)
        | Plain::Dropout(_)
        | Plain::Reshape => Vec::new(),
    }
}
