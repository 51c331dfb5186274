//! The forward pass with Burn's operators: runs the plan's steps on tensors.
//!
//! It depends on the plan and Burn, not on sizes. Every size is read from the tensors, so a network works at other
//! heights and widths than it was checked at, if its operators accept them. A vector `[n, c]` is represented as the map
//! `[n, c, 1, 1]`, so that all operators work on one kind of tensor.
//!
//! The definitions are PyTorch's. Burn's own operators are used if they agree; otherwise a function here computes the
//! operator and documents the difference.

mod activation;
mod channel;
mod norm;
mod pad_crop;
mod pool;
mod resample;

pub(crate) use norm::update_statistics;

use super::device::is_cpu;
use super::network::{Layer, Network};
use crate::graph::op::{Combine, ElementwiseFunction, Op, PoolWindow, Reshape, Resize, ResizeTarget};
use crate::graph::plan::{Step, ValueId};
use burn::nn::{DropoutConfig, Linear};
use burn::tensor::module::{adaptive_avg_pool2d, avg_pool2d, conv2d, max_pool2d, max_pool2d_with_indices};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions};
use burn::tensor::{IndexingUpdateOp, Int, Tensor};

/// The inputs and outputs of steps.
#[derive(Clone)]
enum StepValue {
    Tensor(Tensor<4>),
    /// Positions in the flattened `h * w` of a map of size `from`.
    Index {
        at: Tensor<4, Int>,
        from: [usize; 2],
    },
}

impl StepValue {
    fn tensor(self) -> Tensor<4> {
        match self {
            StepValue::Tensor(x) => x,
            StepValue::Index { at, .. } => at.float(),
        }
    }
}

impl Network {
    /// Returns the results in the order of the model, `[n, c, h, w]` each. A vector is `[n, c, 1, 1]`, pool indices are
    /// floats.
    ///
    /// `x` is `[n, c, h, w]` on the network's device. The network and not `x` determines whether the pass trains
    /// (dropout, batch statistics, gradients).
    pub fn forward(&self, x: Tensor<4>) -> Vec<Tensor<4>> {
        self.forward_with_engine(&x).unwrap_or_else(|| self.forward_with_burn(x, |_, _| {}))
    }

    /// Computes the same with Burn's operators, and calls `inspect` with each step's results before the next step runs.
    pub(crate) fn forward_with_burn(&self, x: Tensor<4>, mut inspect: impl FnMut(&Step, &Tensor<4>)) -> Vec<Tensor<4>> {
        let x = if self.device.is_autodiff() { x.autodiff() } else { x.without_autodiff() };
        // This is the only owner, so that the image is freed after the last step that reads it.
        let mut image = Some(x);
        let mut values: Vec<Option<StepValue>> = vec![None; self.plan.values];
        for step in &self.plan.steps {
            let inputs = step.inputs.iter().map(|&id| read(&values, id)).collect();
            // Freed before the step runs, since Burn changes a tensor in place if it has one owner.
            step.frees.iter().for_each(|id| values[id.index()] = None);
            let outputs = self.run_step(step, inputs, &mut image);
            for ((id, _), value) in step.outputs.iter().zip(outputs) {
                if let StepValue::Tensor(x) = &value {
                    inspect(step, x);
                }
                if !step.frees.contains(id) {
                    values[id.index()] = Some(value);
                }
            }
        }
        self.plan.results.iter().map(|(_, id)| read(&values, *id).tensor()).collect()
    }

    fn run_step(&self, step: &Step, inputs: Vec<StepValue>, image: &mut Option<Tensor<4>>) -> Vec<StepValue> {
        let mut operands = inputs.into_iter();
        let mut next = || operands.next().expect("Graph::verify: as many inputs as the operator's arity");
        let output = match &step.op {
            Op::Input(_) => image.take().expect("Graph::verify: one node is the input"),
            Op::Conv(_) | Op::ConvTranspose(_) | Op::Linear(_) | Op::BatchNorm(_) => {
                let layer = step.layer.expect("plan: an operator with parameters has a layer");
                self.layers[layer].layer.forward(next().tensor(), self.device.is_autodiff())
            }
            Op::GroupNorm(op) => self.affine(step, norm::group_norm(next().tensor(), op.groups, op.epsilon)),
            Op::InstanceNorm(op) => self.affine(step, norm::instance_norm(next().tensor(), op.epsilon)),
            Op::LayerNorm(op) => self.affine(step, norm::layer_norm(next().tensor(), op.epsilon)),
            Op::PRelu(_) => {
                let x = next().tensor();
                activation::above_or(x.clone(), self.affine(step, x))
            }
            Op::Activation(op) => activation::activate(op.function, next().tensor()),
            Op::MaxPool(op) => max_pool2d(next().tensor(), max_options(&op.0)),
            Op::MaxPoolWithIndex(op) => return max_pool_with_index(next().tensor(), &op.0).into(),
            Op::Unpool(_) => unpool(next().tensor(), next()),
            Op::AvgPool(op) => avg_pool2d(next().tensor(), avg_options(&op.0)),
            // The mean over the map is a reduction, which is several times faster than the general pool.
            Op::AvgPoolTo(op) if op.size == [1, 1] => mean_over_map(next().tensor()),
            Op::AvgPoolTo(op) => adaptive_avg_pool2d(next().tensor(), op.size),
            Op::MaxPoolTo(op) => pool::max_pool_to(next().tensor(), op.size),
            Op::Resize(op) => {
                let x = next().tensor();
                let size = resize_target(op, &x, &mut next);
                resample::resize(x, size, op.mode, op.align_corners)
            }
            Op::Padding(op) => pad_crop::pad(next().tensor(), op),
            Op::Crop(op) => {
                let x = next().tensor();
                let like = op.size.is_none().then(|| next().tensor());
                pad_crop::crop(x, op, like)
            }
            Op::Slice(op) => channel::slice(next().tensor(), op),
            Op::ChannelPad(op) => channel::channel_pad(next().tensor(), op.out),
            Op::ChannelReduce(op) => channel::reduce(next().tensor(), op.function),
            Op::ChannelShuffle(op) => channel::channel_shuffle(next().tensor(), op.groups),
            Op::PixelShuffle(op) => channel::pixel_shuffle(next().tensor(), op.factor),
            Op::Concat(_) => Tensor::cat(operands.map(StepValue::tensor).collect(), 1),
            Op::Combine(op) => combine(op, next().tensor(), next().tensor()),
            Op::Flatten(_) => flatten(next().tensor()),
            Op::Unflatten(_) => next().tensor(),
            Op::Reshape(op) => reshape(op, next().tensor()),
            Op::Dropout(op) => DropoutConfig::new(op.p).init().forward(next().tensor()),
        };
        vec![StepValue::Tensor(output)]
    }

    /// Applies the step's factor and summand, if it has them.
    fn affine(&self, step: &Step, x: Tensor<4>) -> Tensor<4> {
        match step.layer {
            Some(layer) => self.layers[layer].layer.forward(x, self.device.is_autodiff()),
            None => x,
        }
    }
}

fn read(values: &[Option<StepValue>], id: ValueId) -> StepValue {
    values[id.index()].clone().expect("plan: a step reads what was written and is not freed")
}

impl Layer {
    fn forward(&self, x: Tensor<4>, training: bool) -> Tensor<4> {
        match self {
            Layer::Conv(conv) => conv.forward(x),
            Layer::ConvTranspose(conv) => conv.forward(x),
            Layer::Linear(linear) => {
                let [n, c, h, w] = x.dims();
                let x = x.reshape([n, c * h * w]);
                let y = if is_cpu(&x.device()) { linear.forward(x) } else { linear_as_convolution(linear, x) };
                let [n, c] = y.dims();
                y.reshape([n, c, 1, 1])
            }
            Layer::BatchNorm(norm) => norm::batch_norm(norm, x, training),
            Layer::Affine(affine) => norm::affine(affine, x),
        }
    }
}

/// Computes a linear layer as a convolution: a GPU multiplies matrices with a 10-bit mantissa (TF32), but convolves in
/// full precision.
fn linear_as_convolution(linear: &Linear, x: Tensor<2>) -> Tensor<2> {
    let [n, c] = x.dims();
    let bias = linear.bias.as_ref().map(|b| b.val());
    // Burn stores the weight as [in, out].
    let weight = linear.weight.val().transpose();
    let out = weight.dims()[0];
    let options = ConvOptions::new([1, 1], [0, 0], [1, 1], 1);
    conv2d(x.reshape([n, c, 1, 1]), weight.reshape([out, c, 1, 1]), bias, options).reshape([n, out])
}

fn max_options(window: &PoolWindow) -> MaxPoolOptions<2> {
    let options = MaxPoolOptions::new(window.kernel).with_stride(window.stride);
    options.with_padding(window.pad).with_ceil_mode(window.ceil)
}

fn avg_options(window: &PoolWindow) -> AvgPoolOptions<2> {
    let options = AvgPoolOptions::new(window.kernel).with_stride(window.stride).with_count_include_pad(true);
    options.with_padding(window.pad).with_ceil_mode(window.ceil)
}

fn mean_over_map(x: Tensor<4>) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    x.reshape([n, c, h * w]).mean_dim(2).reshape([n, c, 1, 1])
}

/// Returns the maxima and their positions.
fn max_pool_with_index(x: Tensor<4>, window: &PoolWindow) -> [StepValue; 2] {
    let [_, _, h, w] = x.dims();
    let (y, at) = max_pool2d_with_indices(x, max_options(window));
    [StepValue::Tensor(y), StepValue::Index { at, from: [h, w] }]
}

/// `torch.nn.MaxUnpool2d`, except that overlapping windows with the same maximum add up; PyTorch keeps the number of the
/// last thread.
fn unpool(x: Tensor<4>, index: StepValue) -> Tensor<4> {
    let StepValue::Index { at, from: [height, width] } = index else {
        unreachable!("Unpool::infer: the second input is an index")
    };
    let [n, c, h, w] = x.dims();
    let empty = Tensor::<3>::zeros([n, c, height * width], &x.device());
    let flat = x.reshape([n, c, h * w]);
    let filled = empty.scatter(2, at.reshape([n, c, h * w]), flat, IndexingUpdateOp::Add);
    filled.reshape([n, c, height, width])
}

fn flatten(x: Tensor<4>) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    x.reshape([n, c * h * w, 1, 1])
}

fn reshape(op: &Reshape, x: Tensor<4>) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    let to = op.dims(c * h * w).expect("Reshape::infer: as many numbers as before");
    let axis = |i: usize| to.get(i).copied().unwrap_or(1);
    x.reshape([n, axis(0), axis(1), axis(2)])
}

fn resize_target(op: &Resize, x: &Tensor<4>, next: &mut impl FnMut() -> StepValue) -> [usize; 2] {
    let [_, _, h, w] = x.dims();
    match op.target {
        ResizeTarget::Like => {
            let [_, _, h, w] = next().tensor().dims();
            [h, w]
        }
        ResizeTarget::Size(size) => size,
        ResizeTarget::Factor([fh, fw]) => [h * fh, w * fw],
    }
}

fn combine(op: &Combine, a: Tensor<4>, b: Tensor<4>) -> Tensor<4> {
    match op.function {
        ElementwiseFunction::Add => a.add(b),
        ElementwiseFunction::Sub => a.sub(b),
        ElementwiseFunction::Mul => a.mul(b),
        ElementwiseFunction::Div => a.div(b),
    }
}
