//! Functions of numbers at one place: activations, sums, products and quotients.

use super::pixels;
use crate::compute::cuda::builder::{CudaBuilder, KernelCall, THREADS};
use crate::compute::cuda::constants::KernelConstants;
use crate::compute::cuda::map::DeviceMap;
use crate::compute::cuda::program::BufferPlace;
use crate::compute::cuda::relayout::relayout;
use crate::compute::fused::{FusedNode, FusedValueId};
use crate::graph::op::{Activation, ActivationFunction, Combine, ElementwiseFunction, PRelu};

const PIXELWISE: &[&str] = &[include_str!("../kernels/pixelwise.cu")];
const REDUCE: &[&str] = &[include_str!("../kernels/reduce.cu")];

/// Numbers that a reduction sums in one thread; more of them share a block.
const SHORT_SUM: usize = 64;
/// Threads that share a long sum.
const GROUP: usize = 128;

/// Numbers from one position to the next along image, row, column and channel; 0 along an axis of length 1 that is
/// broadcast to the axis of `like`.
fn strides(x: DeviceMap, like: DeviceMap) -> [usize; 4] {
    let [_, c, h, w] = x.dims;
    let along = |own: usize, length: usize, stride: usize| if own == 1 && length != 1 { 0 } else { stride };
    [
        along(x.dims[0], like.dims[0], x.area() * x.pitch),
        along(h, like.dims[2], w * x.pitch),
        along(w, like.dims[3], x.pitch),
        along(c, like.channels(), 1),
    ]
}

/// Function of up to three numbers, as C++.
fn value_function(expression: &str) -> String {
    format!("float value(float a, float b, float d) {{ (void)b; (void)d; return {expression}; }}")
}

/// Computes `to = f(a, b, d)` from operands that are broadcast to it, or adds it.
fn pixelwise(b: &mut CudaBuilder, operands: &[DeviceMap], to: DeviceMap, add: bool, expression: &str) {
    let [n, c, h, w] = to.dims;
    let constants = KernelConstants::new()
        .ints([("N", n), ("H", h), ("W", w), ("C", c), ("C4", to.stored_channels()), ("YP", to.pitch)])
        .int("OPERANDS", operands.len())
        .flag("ADD", add)
        .table("STRIDES", operands.iter().flat_map(|&x| strides(x, to)).map(|stride| stride as isize))
        .function(&value_function(expression));
    let call = KernelCall::of_items("pixelwise", PIXELWISE, constants, to.pixels() * (to.stored_channels() / 4));
    b.launch(call, arguments(operands, to));
}

fn arguments(operands: &[DeviceMap], to: DeviceMap) -> Vec<Option<BufferPlace>> {
    let operand = |i: usize| operands.get(i).and_then(DeviceMap::place);
    vec![operand(0), operand(1), operand(2), to.place()]
}

/// Writes the gradient of an operand: `f` at each place of `like`, summed where the operand was broadcast.
fn operand_gradient(
    b: &mut CudaBuilder,
    value: FusedValueId,
    operands: &[DeviceMap],
    like: DeviceMap,
    expression: &str,
) {
    if !b.fused.values[value].differentiable {
        return;
    }
    let (to, add) = b.gradient_into(value);
    if to.dims == like.dims {
        return pixelwise(b, operands, to, add, expression);
    }
    reduce(b, operands, like, to, add, expression);
}

/// Sums `f` at each place of `like` over the axes along which `to` has length 1, and writes or adds the sums.
fn reduce(b: &mut CudaBuilder, operands: &[DeviceMap], like: DeviceMap, to: DeviceMap, add: bool, expression: &str) {
    let [n, c, h, w] = to.dims;
    let over = |axis: usize| if to.dims[axis] == like.dims[axis] { 1 } else { like.dims[axis] };
    let over = [0, 1, 2, 3].map(over);
    let group = if over.iter().product::<usize>() > SHORT_SUM { GROUP } else { 1 };
    let threads = if group > 1 { GROUP } else { THREADS };
    let constants = KernelConstants::new()
        .ints([("N", n), ("H", h), ("W", w), ("C", c), ("C4", to.stored_channels()), ("YP", to.pitch)])
        .ints([("OVER_N", over[0]), ("OVER_C", over[1]), ("OVER_H", over[2]), ("OVER_W", over[3])])
        .ints([("GROUP", group), ("OPERANDS", operands.len())])
        .flag("ADD", add)
        .table("STRIDES", operands.iter().flat_map(|&x| strides(x, like)).map(|stride| stride as isize))
        .function(&value_function(expression));
    let call = KernelCall {
        name: "reduce",
        sources: REDUCE,
        constants,
        threads,
        shared_bytes: threads * 8,
        has_barriers: group > 1,
        grid: [(to.pixels() * to.stored_channels()).div_ceil(threads / group), 1],
    };
    b.launch(call, arguments(operands, to));
}

/// One slope, or one for each channel, as a map.
fn slopes(b: &mut CudaBuilder, op: &PRelu, layer: Option<usize>, channels: usize) -> DeviceMap {
    let weight = b.weight(layer.expect("plan: `prelu` has a layer"), "weight");
    pixels::channel_map(b, weight, if op.per_channel { channels } else { 1 })
}

pub(super) fn prelu(b: &mut CudaBuilder, node: &FusedNode, op: &PRelu, layer: Option<usize>) {
    let x = b.map(node.inputs[0]);
    let slopes = slopes(b, op, layer, x.channels());
    let y = b.output(node.outputs[0]);
    pixelwise(b, &[x, slopes], y, false, "a > 0.f ? a : a * b");
}

pub(super) fn prelu_gradients(b: &mut CudaBuilder, node: &FusedNode, op: &PRelu, layer: Option<usize>, g: DeviceMap) {
    let x = b.map(node.inputs[0]);
    let slopes = slopes(b, op, layer, x.channels());
    operand_gradient(b, node.inputs[0], &[x, slopes, g], g, "a > 0.f ? d : d * b");
    let buffer = b.temporary(slopes.pitch);
    let sums = DeviceMap { buffer, ..slopes };
    reduce(b, &[x, g], x, sums, false, "a > 0.f ? 0.f : a * b");
    let to = b.weight_gradient(layer.expect("plan: `prelu` has a layer"), "weight");
    relayout(b, sums, to, true, false);
}

/// Spreads the gradient of a mean over channels evenly over them.
pub(super) fn channel_mean_gradient(b: &mut CudaBuilder, node: &FusedNode, g: DeviceMap) {
    if b.fused.values[node.inputs[0]].differentiable {
        let (into, add) = b.gradient_into(node.inputs[0]);
        pixelwise(b, &[g], into, add, &format!("a / {}.f", into.channels()));
    }
}

pub(super) fn activation(b: &mut CudaBuilder, node: &FusedNode, op: &Activation) {
    let x = b.map(node.inputs[0]);
    let expression = match op.function {
        ActivationFunction::Relu => "a < 0.f ? 0.f : a".to_owned(),
        ActivationFunction::Relu6 => "a < 0.f ? 0.f : a > 6.f ? 6.f : a".to_owned(),
        ActivationFunction::LeakyRelu { slope } => format!("a > 0.f ? a : a * {:e}f", slope as f32),
        ActivationFunction::Elu { alpha } => format!("a > 0.f ? a : {:e}f * expm1f(a)", alpha as f32),
        ActivationFunction::Gelu => "a * (0.5f * (1.f + erff(a * 0.707106781f)))".to_owned(),
        ActivationFunction::Silu => "a / (1.f + expf(-a))".to_owned(),
        ActivationFunction::HardSwish => "a * (fminf(fmaxf(a + 3.f, 0.f), 6.f) * 0.166666667f)".to_owned(),
        ActivationFunction::HardSigmoid => "fminf(fmaxf(a + 3.f, 0.f), 6.f) * 0.166666667f".to_owned(),
        ActivationFunction::Sigmoid => "1.f / (1.f + expf(-a))".to_owned(),
        ActivationFunction::Tanh => "tanhf(a)".to_owned(),
        ActivationFunction::Softmax => return pixels::softmax(b, node),
    };
    let y = b.output(node.outputs[0]);
    pixelwise(b, &[x], y, false, &expression);
}

/// The gradient from `a` (input or output, as the function needs) and `b`, the gradient of the output.
pub(super) fn activation_gradient(b: &mut CudaBuilder, node: &FusedNode, op: &Activation, g: DeviceMap) {
    let (x, y) = (b.map(node.inputs[0]), b.map(node.outputs[0]));
    let (from, expression) = match op.function {
        ActivationFunction::Relu => (y, "a <= 0.f ? 0.f : b".to_owned()),
        ActivationFunction::Relu6 => (y, "a <= 0.f || a >= 6.f ? 0.f : b".to_owned()),
        ActivationFunction::LeakyRelu { slope } => (x, format!("a > 0.f ? b : b * {:e}f", slope as f32)),
        ActivationFunction::Elu { alpha } => (x, format!("a > 0.f ? b : b * {:e}f * expf(a)", alpha as f32)),
        ActivationFunction::Gelu => {
            (x, "b * (0.5f * (1.f + erff(a * 0.707106781f)) + a * 0.398942280f * expf(-0.5f * a * a))".to_owned())
        }
        ActivationFunction::Silu => {
            (x, "b * (1.f / (1.f + expf(-a))) * (1.f + a * (1.f - 1.f / (1.f + expf(-a))))".to_owned())
        }
        ActivationFunction::HardSwish => {
            (x, "b * (a >= 3.f ? 1.f : a <= -3.f ? 0.f : a * 0.333333333f + 0.5f)".to_owned())
        }
        ActivationFunction::HardSigmoid => (y, "a <= 0.f || a >= 1.f ? 0.f : b * 0.166666667f".to_owned()),
        ActivationFunction::Sigmoid => (y, "b * a * (1.f - a)".to_owned()),
        ActivationFunction::Tanh => (y, "b * (1.f - a * a)".to_owned()),
        ActivationFunction::Softmax => return pixels::softmax_gradient(b, node, g),
    };
    operand_gradient(b, node.inputs[0], &[from, g], g, &expression);
}

pub(super) fn combine(b: &mut CudaBuilder, node: &FusedNode, op: &Combine) {
    let [x, other] = [0, 1].map(|slot| b.map(node.inputs[slot]));
    let y = b.output(node.outputs[0]);
    let expression = match op.function {
        ElementwiseFunction::Add => "a + b",
        ElementwiseFunction::Sub => "a - b",
        ElementwiseFunction::Mul => "a * b",
        ElementwiseFunction::Div => "a / b",
    };
    pixelwise(b, &[x, other], y, false, expression);
}

pub(super) fn combine_gradients(b: &mut CudaBuilder, node: &FusedNode, op: &Combine, g: DeviceMap) {
    let [x, other] = [0, 1].map(|slot| b.map(node.inputs[slot]));
    let [first, second] = [node.inputs[0], node.inputs[1]];
    match op.function {
        ElementwiseFunction::Add => {
            operand_gradient(b, first, &[g], g, "a");
            operand_gradient(b, second, &[g], g, "a");
        }
        ElementwiseFunction::Sub => {
            operand_gradient(b, first, &[g], g, "a");
            operand_gradient(b, second, &[g], g, "-a");
        }
        ElementwiseFunction::Mul => {
            operand_gradient(b, first, &[g, other], g, "a * b");
            operand_gradient(b, second, &[g, x], g, "a * b");
        }
        ElementwiseFunction::Div => {
            operand_gradient(b, first, &[g, other], g, "a / b");
            operand_gradient(b, second, &[g, x, other], g, "-a * b / (d * d)");
        }
    }
}
