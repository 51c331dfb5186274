//! Operators that are nodes by themselves, as launches: one file a family.

mod channels;
mod pixels;
mod pixelwise;
mod pool;
mod separable;
mod set_norm;

use super::builder::CudaBuilder;
use super::map::DeviceMap;
use crate::compute::fused::separable::{adaptive_taps, crop_taps, padding_taps, resize_taps, sliding_taps};
use crate::compute::fused::{FusedNode, Unsupported};
use crate::graph::op::{GroupNorm, InstanceNorm, LayerNorm, Op, Reduction};
use set_norm::SetNorm;

/// Adds the launches that compute a node's outputs.
pub(super) fn forward(b: &mut CudaBuilder, node: &FusedNode, op: &Op, layer: Option<usize>) -> Result<(), Unsupported> {
    match op {
        Op::Activation(op) => pixelwise::activation(b, node, op),
        Op::Combine(op) => pixelwise::combine(b, node, op),
        Op::MaxPool(op) => pool::forward(b, node, &pool::Bins::sliding(b, node, &op.0)),
        Op::MaxPoolWithIndex(op) => pool::forward(b, node, &pool::Bins::sliding(b, node, &op.0)),
        Op::MaxPoolTo(_) => pool::forward(b, node, &pool::Bins::adaptive(b, node)),
        Op::Unpool(_) => pool::unpool(b, node)?,
        Op::Resize(op) => separable::forward(b, node, |from, to| resize_taps(op, from, to)),
        Op::AvgPool(op) => separable::forward(b, node, |from, to| sliding_taps(op, from, to)),
        Op::AvgPoolTo(_) => separable::forward(b, node, adaptive_taps),
        Op::Padding(op) => separable::forward(b, node, |from, to| padding_taps(op, from, to)),
        Op::Crop(op) => separable::forward(b, node, |from, to| crop_taps(op, from, to)),
        Op::Concat(_) => channels::concat(b, node),
        Op::Slice(op) => channels::forward(b, node, op),
        Op::ChannelPad(op) => channels::forward(b, node, op),
        Op::ChannelShuffle(op) => channels::forward(b, node, op),
        Op::GroupNorm(op) => set_norm::forward(b, node, by_group(op), layer),
        Op::InstanceNorm(op) => set_norm::forward(b, node, by_channel(b, node, op), layer),
        Op::LayerNorm(op) => set_norm::forward(b, node, by_pixel(op), layer),
        Op::PRelu(op) => pixelwise::prelu(b, node, op, layer),
        Op::ChannelReduce(op) => pixels::channel_reduce(b, node, op.function == Reduction::Max),
        Op::PixelShuffle(op) => pixels::pixel_shuffle(b, node, op),
        Op::Flatten(_) | Op::Unflatten(_) | Op::Reshape(_) => pixels::reshape(b, node),
        Op::Dropout(op) => pixels::dropout(b, node, op),
        Op::Input(_) | Op::Conv(_) | Op::ConvTranspose(_) | Op::Linear(_) | Op::BatchNorm(_) => {
            unreachable!("`fuse` gives these nodes of their own")
        }
    }
    Ok(())
}

/// Adds the launches that compute the gradients of a node's inputs from the gradient `g` of its first output.
pub(super) fn backward(b: &mut CudaBuilder, node: &FusedNode, op: &Op, layer: Option<usize>, g: DeviceMap) {
    match op {
        Op::Activation(op) => pixelwise::activation_gradient(b, node, op, g),
        Op::Combine(op) => pixelwise::combine_gradients(b, node, op, g),
        Op::MaxPool(op) => pool::backward(b, node, &pool::Bins::sliding(b, node, &op.0), g),
        Op::MaxPoolWithIndex(op) => pool::backward(b, node, &pool::Bins::sliding(b, node, &op.0), g),
        Op::MaxPoolTo(_) => pool::backward(b, node, &pool::Bins::adaptive(b, node), g),
        Op::Unpool(_) => pool::unpool_backward(b, node, g),
        Op::Resize(op) => separable::backward(b, node, g, |from, to| resize_taps(op, from, to)),
        Op::AvgPool(op) => separable::backward(b, node, g, |from, to| sliding_taps(op, from, to)),
        Op::AvgPoolTo(_) => separable::backward(b, node, g, adaptive_taps),
        Op::Padding(op) => separable::backward(b, node, g, |from, to| padding_taps(op, from, to)),
        Op::Crop(op) => separable::backward(b, node, g, |from, to| crop_taps(op, from, to)),
        Op::Concat(_) => channels::concat_gradients(b, node, g),
        Op::Slice(op) => channels::backward(b, node, g, op),
        Op::ChannelPad(op) => channels::backward(b, node, g, op),
        Op::ChannelShuffle(op) => channels::backward(b, node, g, op),
        Op::GroupNorm(op) => set_norm::backward(b, node, by_group(op), layer, g),
        Op::InstanceNorm(op) => set_norm::backward(b, node, by_channel(b, node, op), layer, g),
        Op::LayerNorm(op) => set_norm::backward(b, node, by_pixel(op), layer, g),
        Op::PRelu(op) => pixelwise::prelu_gradients(b, node, op, layer, g),
        Op::ChannelReduce(op) => match op.function {
            Reduction::Mean => pixelwise::channel_mean_gradient(b, node, g),
            Reduction::Max => pixels::channel_maximum_gradient(b, node, g),
        },
        Op::PixelShuffle(op) => pixels::pixel_shuffle_gradient(b, node, op, g),
        Op::Flatten(_) | Op::Unflatten(_) | Op::Reshape(_) => pixels::reshape_gradient(b, node, g),
        Op::Dropout(op) => pixels::dropout_gradient(b, node, op, g),
        Op::Input(_) | Op::Conv(_) | Op::ConvTranspose(_) | Op::Linear(_) | Op::BatchNorm(_) => {
            unreachable!("`fuse` gives these nodes of their own")
        }
    }
}

fn by_group(op: &GroupNorm) -> SetNorm {
    SetNorm { groups: op.groups, by_pixel: false, epsilon: op.epsilon }
}

fn by_channel(b: &CudaBuilder, node: &FusedNode, op: &InstanceNorm) -> SetNorm {
    SetNorm { groups: b.map(node.inputs[0]).channels(), by_pixel: false, epsilon: op.epsilon }
}

fn by_pixel(op: &LayerNorm) -> SetNorm {
    SetNorm { groups: 1, by_pixel: true, epsilon: op.epsilon }
}
