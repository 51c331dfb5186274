//! Functions of single numbers, and softmax.
//!
//! If the output determines the slope, the gradient is computed from the output, so that the input may be freed. At a
//! kink the gradient is that of the flat or scaled side, as in PyTorch. A NaN stays a NaN.

use super::exp::{exp, sigmoid};
use super::operator_kernel::{BackwardArgs, ChannelPlacement, ForwardArgs, KernelProperties, OperatorKernel};
use super::{BackwardNeeds, row_loops, softmax};
use crate::compute::engine::memory_layout::{MapView, MapViewMut, WriteMode};
use crate::graph::op::{Activation, Function};

impl OperatorKernel for Activation {
    fn properties(&self) -> KernelProperties {
        let needs = match self.function {
            // With a negative factor below 0, the sign of the output does not determine the sign of the input.
            Function::LeakyRelu { slope: factor } | Function::Elu { alpha: factor } if factor < 0.0 => {
                BackwardNeeds::INPUTS
            }
            Function::Relu
            | Function::Relu6
            | Function::LeakyRelu { .. }
            | Function::Elu { .. }
            | Function::HardSigmoid
            | Function::Sigmoid
            | Function::Tanh
            | Function::Softmax => BackwardNeeds::OUTPUT,
            Function::Gelu | Function::Silu | Function::HardSwish => BackwardNeeds::INPUTS,
        };
        KernelProperties { needs, placement: ChannelPlacement::AsInput, cheap: true }
    }

    fn forward(&self, ForwardArgs { inputs, .. }: ForwardArgs, output: &mut MapViewMut, _: &mut [MapViewMut]) {
        let x = inputs[0];
        match self.function {
            Function::Relu => map(x, output, |x| if x < 0.0 { 0.0 } else { x }),
            Function::Relu6 => map(x, output, relu6),
            Function::LeakyRelu { slope } => {
                let slope = slope as f32;
                map(x, output, move |x| if x > 0.0 { x } else { x * slope });
            }
            Function::Elu { alpha } => {
                let alpha = alpha as f32;
                map(x, output, move |x| if x > 0.0 { x } else { alpha * libm::expm1f(x) });
            }
            Function::Gelu => map(x, output, |x| x * normal_cdf(x)),
            Function::Silu => map(x, output, |x| x * sigmoid(x)),
            Function::HardSwish => map(x, output, |x| x * (relu6(x + 3.0) * (1.0 / 6.0))),
            Function::HardSigmoid => map(x, output, |x| relu6(x + 3.0) * (1.0 / 6.0)),
            Function::Sigmoid => map(x, output, sigmoid),
            Function::Tanh => map(x, output, libm::tanhf),
            Function::Softmax => softmax::forward(x, output),
        }
    }

    fn backward(
        &self,
        BackwardArgs { inputs, output, gradient: grad, .. }: BackwardArgs,
        _: usize,
        into: &mut MapViewMut,
        write: WriteMode,
    ) {
        let (x, y) = (inputs[0], output);
        match self.function {
            Function::Relu => zip(y, grad, into, write, |y, g| if y <= 0.0 { 0.0 } else { g }),
            Function::Relu6 => zip(y, grad, into, write, |y, g| if y <= 0.0 || y >= 6.0 { 0.0 } else { g }),
            Function::LeakyRelu { slope } => {
                let source = if slope < 0.0 { x } else { y };
                let slope = slope as f32;
                zip(source, grad, into, write, move |x, g| if x > 0.0 { g } else { g * slope });
            }
            Function::Elu { alpha } if alpha < 0.0 => {
                let alpha = alpha as f32;
                zip(x, grad, into, write, move |x, g| if x > 0.0 { g } else { g * alpha * exp(x) });
            }
            Function::Elu { alpha } => {
                // alpha * e^x = y + alpha
                let alpha = alpha as f32;
                zip(y, grad, into, write, move |y, g| if y > 0.0 { g } else { g * (y + alpha) });
            }
            Function::Gelu => {
                // The density of the normal distribution: 1 / sqrt(2 pi) * e^(-x^2 / 2).
                let density = |x: f32| {
                    std::f32::consts::FRAC_2_SQRT_PI * std::f32::consts::FRAC_1_SQRT_2 * 0.5 * exp(-0.5 * x * x)
                };
                zip(x, grad, into, write, |x, g| g * (normal_cdf(x) + x * density(x)));
            }
            Function::Silu => zip(x, grad, into, write, |x, g| {
                let s = sigmoid(x);
                g * s * (1.0 + x * (1.0 - s))
            }),
            Function::HardSwish => zip(x, grad, into, write, |x, g| {
                let slope = x * (1.0 / 3.0) + 0.5;
                let slope = if x <= -3.0 { 0.0 } else { slope };
                g * if x >= 3.0 { 1.0 } else { slope }
            }),
            Function::HardSigmoid => {
                zip(y, grad, into, write, |y, g| if y <= 0.0 || y >= 1.0 { 0.0 } else { g * (1.0 / 6.0) });
            }
            Function::Sigmoid => zip(y, grad, into, write, |y, g| g * y * (1.0 - y)),
            Function::Tanh => zip(y, grad, into, write, |y, g| g * (1.0 - y * y)),
            Function::Softmax => softmax::backward(y, grad, into, write),
        }
    }

    fn weight_gradients(&self, _: &[MapView], _: MapView) -> Vec<(&'static str, Vec<f32>)> {
        Vec::new()
    }
}

fn map(x: MapView, output: &mut MapViewMut, f: impl Fn(f32) -> f32 + Sync) {
    output.for_rows(|plane, y, to| row_loops::map(to, x.row(plane, y), WriteMode::Overwrite, &f));
}

fn zip(a: MapView, b: MapView, into: &mut MapViewMut, write: WriteMode, f: impl Fn(f32, f32) -> f32 + Sync) {
    into.for_rows(|plane, y, to| row_loops::zip(to, a.row(plane, y), b.row(plane, y), write, &f));
}

#[inline(always)]
fn relu6(x: f32) -> f32 {
    let x = if x < 0.0 { 0.0 } else { x };
    if x > 6.0 { 6.0 } else { x }
}

/// The cumulative distribution function of the standard normal distribution.
#[inline(always)]
fn normal_cdf(x: f32) -> f32 {
    0.5 * (1.0 + libm::erff(x * std::f32::consts::FRAC_1_SQRT_2))
}
