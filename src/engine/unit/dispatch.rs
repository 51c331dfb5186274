//! From an operator to its unit: [`Plain::of`] is the one place that names all operators.

use super::{Needs, Seed, activation, avg_pool, combine, concat, max_pool, prelu, resize, unpool};
use crate::engine::layout::{View, ViewMut};
use crate::engine::weights::LayerWeights;
use crate::op::{
    Activation, AvgPool, AvgPoolTo, Combine, Concat, MaxPool, MaxPoolTo, MaxPoolWithIndex, Op, PRelu, Resize, Unpool,
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
}

impl<'a> Plain<'a> {
    /// Nothing for operators that have nodes of their own, and for those without a unit.
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
            Op::GroupNorm(_)
            | Op::InstanceNorm(_)
            | Op::LayerNorm(_)
            | Op::Padding(_)
            | Op::Crop(_)
            | Op::Slice(_)
            | Op::ChannelPad(_)
            | Op::ChannelReduce(_)
            | Op::ChannelShuffle(_)
            | Op::PixelShuffle(_)
            | Op::Flatten(_)
            | Op::Unflatten(_)
            | Op::Reshape(_)
            | Op::Dropout(_) => None,
        }
    }

    fn known(op: &'a Op) -> Self {
        Self::of(op).expect("the builder asked `supported`")
    }
}

/// Whether an operator can be a node as it is.
pub fn supported(op: &Op) -> bool {
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
    }
}

/// Whether a gradient flows to an input: indices have none.
pub fn differentiable(op: &Op, slot: usize) -> bool {
    !(slot == 1 && matches!(op, Op::Unpool(_)))
}

fn slopes(layer: Option<&LayerWeights>) -> &[f32] {
    &layer.expect("plan: `prelu` has a layer").weight
}

/// Writes an operator's outputs. `layer` are its weights, if it has any.
pub fn forward(op: &Op, layer: Option<&LayerWeights>, inputs: &[View], outputs: &mut [ViewMut], _seed: Option<Seed>) {
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
    let From { inputs: x, output: y, gradient: g, .. } = from;
    match Plain::known(op) {
        Plain::Activation(op) => activation::backward(op, x, y, g, slot, into, add),
        Plain::PRelu(op) => prelu::backward(op, slopes(from.layer), x, y, g, slot, into, add),
        Plain::MaxPool(op) => max_pool::backward(op, x, y, g, slot, into, add),
        Plain::MaxPoolWithIndex(op) => max_pool::with_index::backward(op, x, y, g, slot, into, add),
        Plain::MaxPoolTo(op) => max_pool::to_size::backward(op, x, y, g, slot, into, add),
        Plain::Unpool(op) => unpool::backward(op, x, y, g, slot, into, add),
        Plain::AvgPool(op) => avg_pool::backward(op, x, y, g, slot, into, add),
        Plain::AvgPoolTo(op) => avg_pool::to_size::backward(op, x, y, g, slot, into, add),
        Plain::Resize(op) => resize::backward(op, x, y, g, slot, into, add),
        Plain::Concat(op) => concat::backward(op, x, y, g, slot, into, add),
        Plain::Combine(op) => combine::backward(op, x, y, g, slot, into, add),
    }
}

/// Gradients of an operator's own weights.
pub fn weight_gradients(op: &Op, inputs: &[View], gradient: View) -> Vec<(&'static str, Vec<f32>)> {
    match Plain::known(op) {
        Plain::PRelu(op) => vec![("weight", prelu::gradient(op, inputs, gradient))],
        Plain::Activation(_)
        | Plain::MaxPool(_)
        | Plain::MaxPoolWithIndex(_)
        | Plain::MaxPoolTo(_)
        | Plain::Unpool(_)
        | Plain::AvgPool(_)
        | Plain::AvgPoolTo(_)
        | Plain::Resize(_)
        | Plain::Concat(_)
        | Plain::Combine(_) => Vec::new(),
    }
}
