//! From an operator to its unit: the one place that names them all.

use super::*;
use crate::engine::layout::{View, ViewMut};
use crate::engine::weights::LayerWeights;
use crate::op::Op;

/// What a layer with weights cannot do without.
const WEIGHTS: &str = "plan: an operator with parameters has a layer";

/// Writes every number of a step's outputs between their halos. `seed` is there in training.
pub fn forward(op: &Op, layer: Option<&LayerWeights>, inputs: &[View], outputs: &mut [ViewMut], seed: Option<Seed>) {
    if let (Op::MaxPoolWithIndex(op), [output, index]) = (op, &mut *outputs) {
        return max_pool::with_index::forward(op, inputs, output, index);
    }
    let y = &mut outputs[0];
    match op {
        Op::Activation(op) => activation::forward(op, inputs, y),
        Op::PRelu(op) => prelu::forward(op, &layer.expect(WEIGHTS).weight, inputs, y),
        Op::GroupNorm(op) => group_norm::forward(op.groups, op.epsilon, layer, inputs, y),
        Op::InstanceNorm(op) => group_norm::forward(inputs[0].layout.channels(), op.epsilon, layer, inputs, y),
        Op::LayerNorm(op) => layer_norm::forward(op, layer, inputs, y),
        Op::MaxPool(op) => max_pool::forward(op, inputs, y),
        Op::MaxPoolWithIndex(_) => unreachable!("MaxPoolWithIndex::infer: two outputs"),
        Op::Unpool(op) => unpool::forward(op, inputs, y),
        Op::AvgPool(op) => avg_pool::forward(op, inputs, y),
        Op::AvgPoolTo(op) => avg_pool::to_size::forward(op, inputs, y),
        Op::MaxPoolTo(op) => max_pool::to_size::forward(op, inputs, y),
        Op::Resize(op) => resize::forward(op, inputs, y),
        Op::Padding(op) => frame::padding::forward(op, inputs, y),
        Op::Crop(op) => frame::crop::forward(op, inputs, y),
        Op::Slice(op) => channels::forward(op, inputs, y),
        Op::ChannelPad(op) => channels::forward(op, inputs, y),
        Op::ChannelShuffle(op) => channels::forward(op, inputs, y),
        Op::ChannelReduce(op) => channel_reduce::forward(op, inputs, y),
        Op::PixelShuffle(op) => pixel_shuffle::forward(op, inputs, y),
        Op::Concat(op) => concat::forward(op, inputs, y),
        Op::Combine(op) => combine::forward(op, inputs, y),
        Op::Flatten(_) | Op::Unflatten(_) | Op::Reshape(_) => reshape::forward(inputs, y),
        Op::Dropout(op) => dropout::forward(op, seed, inputs, y),
        Op::Input(_) | Op::Conv(_) | Op::ConvTranspose(_) | Op::Linear(_) | Op::BatchNorm(_) => not_plain(op),
    }
}

/// What [`backward`] and [`weight_gradients`] read of the forward pass.
pub fn needs(op: &Op) -> Needs {
    match op {
        Op::Activation(op) => activation::needs(op),
        Op::PRelu(op) => prelu::needs(op),
        Op::GroupNorm(_) | Op::InstanceNorm(_) => group_norm::needs(),
        Op::LayerNorm(op) => layer_norm::needs(op),
        Op::MaxPool(op) => max_pool::needs(op),
        Op::MaxPoolWithIndex(op) => max_pool::with_index::needs(op),
        Op::Unpool(op) => unpool::needs(op),
        Op::AvgPool(op) => avg_pool::needs(op),
        Op::AvgPoolTo(op) => avg_pool::to_size::needs(op),
        Op::MaxPoolTo(op) => max_pool::to_size::needs(op),
        Op::Resize(op) => resize::needs(op),
        Op::Padding(op) => frame::padding::needs(op),
        Op::Crop(op) => frame::crop::needs(op),
        Op::Slice(_) | Op::ChannelPad(_) | Op::ChannelShuffle(_) => channels::needs(),
        Op::ChannelReduce(op) => channel_reduce::needs(op),
        Op::PixelShuffle(op) => pixel_shuffle::needs(op),
        Op::Concat(op) => concat::needs(op),
        Op::Combine(op) => combine::needs(op),
        Op::Flatten(_) | Op::Unflatten(_) | Op::Reshape(_) => reshape::needs(),
        Op::Dropout(op) => dropout::needs(op),
        Op::Input(_) | Op::Conv(_) | Op::ConvTranspose(_) | Op::Linear(_) | Op::BatchNorm(_) => not_plain(op),
    }
}

/// Whether a gradient flows to input `slot`: an input that gives its size or indices alone has none.
pub fn differentiable(op: &Op, slot: usize) -> bool {
    match op {
        Op::Resize(_) | Op::Crop(_) | Op::Unpool(_) => slot == 0,
        Op::Input(_)
        | Op::Conv(_)
        | Op::ConvTranspose(_)
        | Op::Linear(_)
        | Op::BatchNorm(_)
        | Op::GroupNorm(_)
        | Op::InstanceNorm(_)
        | Op::LayerNorm(_)
        | Op::Activation(_)
        | Op::PRelu(_)
        | Op::MaxPool(_)
        | Op::MaxPoolWithIndex(_)
        | Op::AvgPool(_)
        | Op::AvgPoolTo(_)
        | Op::MaxPoolTo(_)
        | Op::Padding(_)
        | Op::Slice(_)
        | Op::ChannelPad(_)
        | Op::ChannelReduce(_)
        | Op::ChannelShuffle(_)
        | Op::PixelShuffle(_)
        | Op::Concat(_)
        | Op::Combine(_)
        | Op::Flatten(_)
        | Op::Unflatten(_)
        | Op::Reshape(_)
        | Op::Dropout(_) => true,
    }
}

/// Writes the gradient of input `slot`, or adds to it. `g` is that of the first output.
#[allow(clippy::too_many_arguments, reason = "all that a step has")]
pub fn backward(
    op: &Op,
    layer: Option<&LayerWeights>,
    inputs: &[View],
    outputs: &[View],
    g: View,
    slot: usize,
    into: &mut ViewMut,
    add: bool,
    seed: Option<Seed>,
) {
    let y = outputs[0];
    match op {
        Op::Activation(op) => activation::backward(op, inputs, y, g, slot, into, add),
        Op::PRelu(op) => prelu::backward(op, &layer.expect(WEIGHTS).weight, inputs, y, g, slot, into, add),
        Op::GroupNorm(op) => group_norm::backward(op.groups, op.epsilon, layer, inputs, g, into, add),
        Op::InstanceNorm(op) => group_norm::backward(g.layout.channels(), op.epsilon, layer, inputs, g, into, add),
        Op::LayerNorm(op) => layer_norm::backward(op, layer, inputs, g, into, add),
        Op::MaxPool(op) => max_pool::backward(op, inputs, y, g, slot, into, add),
        Op::MaxPoolWithIndex(op) => max_pool::with_index::backward(op, inputs, y, g, slot, into, add),
        Op::Unpool(op) => unpool::backward(op, inputs, y, g, slot, into, add),
        Op::AvgPool(op) => avg_pool::backward(op, inputs, y, g, slot, into, add),
        Op::AvgPoolTo(op) => avg_pool::to_size::backward(op, inputs, y, g, slot, into, add),
        Op::MaxPoolTo(op) => max_pool::to_size::backward(op, inputs, y, g, slot, into, add),
        Op::Resize(op) => resize::backward(op, inputs, y, g, slot, into, add),
        Op::Padding(op) => frame::padding::backward(op, inputs, y, g, slot, into, add),
        Op::Crop(op) => frame::crop::backward(op, inputs, y, g, slot, into, add),
        Op::Slice(op) => channels::backward(op, g, into, add),
        Op::ChannelPad(op) => channels::backward(op, g, into, add),
        Op::ChannelShuffle(op) => channels::backward(op, g, into, add),
        Op::ChannelReduce(op) => channel_reduce::backward(op, inputs, y, g, slot, into, add),
        Op::PixelShuffle(op) => pixel_shuffle::backward(op, inputs, y, g, slot, into, add),
        Op::Concat(op) => concat::backward(op, inputs, y, g, slot, into, add),
        Op::Combine(op) => combine::backward(op, inputs, y, g, slot, into, add),
        Op::Flatten(_) | Op::Unflatten(_) | Op::Reshape(_) => reshape::backward(g, into, add),
        Op::Dropout(op) => dropout::backward(op, seed, g, into, add),
        Op::Input(_) | Op::Conv(_) | Op::ConvTranspose(_) | Op::Linear(_) | Op::BatchNorm(_) => not_plain(op),
    }
}

/// The gradients of a step's tensors, by their names.
pub fn weight_gradients(op: &Op, layer: &LayerWeights, inputs: &[View], g: View) -> Vec<(&'static str, Vec<f32>)> {
    let affine = |[weight, bias]: [Vec<f32>; 2]| {
        let bias = layer.bias.as_ref().map(|_| ("bias", bias));
        std::iter::once(("weight", weight)).chain(bias).collect()
    };
    match op {
        Op::PRelu(op) => vec![("weight", prelu::gradient(op, inputs, g))],
        Op::GroupNorm(op) => affine(group_norm::gradients(op.groups, op.epsilon, inputs, g)),
        Op::InstanceNorm(op) => affine(group_norm::gradients(g.layout.channels(), op.epsilon, inputs, g)),
        Op::LayerNorm(op) => affine(layer_norm::gradients(op, inputs, g)),
        Op::Activation(_)
        | Op::MaxPool(_)
        | Op::MaxPoolWithIndex(_)
        | Op::Unpool(_)
        | Op::AvgPool(_)
        | Op::AvgPoolTo(_)
        | Op::MaxPoolTo(_)
        | Op::Resize(_)
        | Op::Padding(_)
        | Op::Crop(_)
        | Op::Slice(_)
        | Op::ChannelPad(_)
        | Op::ChannelReduce(_)
        | Op::ChannelShuffle(_)
        | Op::PixelShuffle(_)
        | Op::Concat(_)
        | Op::Combine(_)
        | Op::Flatten(_)
        | Op::Unflatten(_)
        | Op::Reshape(_)
        | Op::Dropout(_) => Vec::new(),
        Op::Input(_) | Op::Conv(_) | Op::ConvTranspose(_) | Op::Linear(_) | Op::BatchNorm(_) => not_plain(op),
    }
}

fn not_plain(op: &Op) -> ! {
    unreachable!("`{}` has a unit of its own in a program", op.name())
}
