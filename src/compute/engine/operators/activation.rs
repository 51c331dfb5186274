//! Functions of single numbers.
//!
//! Where the output tells the slope, the gradient is taken from the output, so that the input may go. At a kink the
//! gradient is that of the flat or scaled side, as in PyTorch. A NaN stays a NaN.

use super::exp::{exp, sigmoid};
use super::operator_kernel::{BackwardArgs, ChannelPlacement, ForwardArgs, KernelProperties, OperatorKernel};
use super::{BackwardNeeds, row_loops, softmax};
use crate::compute::engine::memory_layout::{MapView, MapViewMut, WriteMode};
use crate::graph::op::{Activation, Function};

impl OperatorKernel for Activation {
    fn properties(&self) -> KernelProperties {
        let needs = match self.function {
            // With a negative factor below 0 the output's sign says nothing about that of the input.
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
            Function::Relu => each(x, output, |x| if x < 0.0 { 0.0 } else { x }),
            Function::Relu6 => each(x, output, relu6),
            Function::LeakyRelu { slope } => {
                let slope = slope as f32;
                each(x, output, move |x| if x > 0.0 { x } else { x * slope });
            }
            Function::Elu { alpha } => {
                let alpha = alpha as f32;
                each(x, output, move |x| if x > 0.0 { x } else { alpha * libm::expm1f(x) });
            }
            Function::Gelu => each(x, output, |x| x * below(x)),
            Function::Silu => each(x, output, |x| x * sigmoid(x)),
            Function::HardSwish => each(x, output, |x| x * (relu6(x + 3.0) * (1.0 / 6.0))),
            Function::HardSigmoid => each(x, output, |x| relu6(x + 3.0) * (1.0 / 6.0)),
            Function::Sigmoid => each(x, output, sigmoid),
            Function::Tanh => each(x, output, libm::tanhf),
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
            Function::Relu => pairs(y, grad, into, write, |y, g| if y <= 0.0 { 0.0 } else { g }),
            Function::Relu6 => pairs(y, grad, into, write, |y, g| if y <= 0.0 || y >= 6.0 { 0.0 } else { g }),
            Function::LeakyRelu { slope } => {
                let known = if slope < 0.0 { x } else { y };
                let slope = slope as f32;
                pairs(known, grad, into, write, move |x, g| if x > 0.0 { g } else { g * slope });
            }
            Function::Elu { alpha } if alpha < 0.0 => {
                let alpha = alpha as f32;
                pairs(x, grad, into, write, move |x, g| if x > 0.0 { g } else { g * alpha * exp(x) });
            }
            Function::Elu { alpha } => {
                // alpha * e^x = y + alpha
                let alpha = alpha as f32;
                pairs(y, grad, into, write, move |y, g| if y > 0.0 { g } else { g * (y + alpha) });
            }
            Function::Gelu => {
                // The density of the normal distribution: 1 / sqrt(2 pi) * e^(-x^2 / 2).
                let density = |x: f32| {
                    std::f32::consts::FRAC_2_SQRT_PI * std::f32::consts::FRAC_1_SQRT_2 * 0.5 * exp(-0.5 * x * x)
                };
                pairs(x, grad, into, write, |x, g| g * (below(x) + x * density(x)));
            }
            Function::Silu => pairs(x, grad, into, write, |x, g| {
                let s = sigmoid(x);
                g * s * (1.0 + x * (1.0 - s))
            }),
            Function::HardSwish => pairs(x, grad, into, write, |x, g| {
                let slope = x * (1.0 / 3.0) + 0.5;
                let slope = if x <= -3.0 { 0.0 } else { slope };
                g * if x >= 3.0 { 1.0 } else { slope }
            }),
            Function::HardSigmoid => {
                pairs(y, grad, into, write, |y, g| if y <= 0.0 || y >= 1.0 { 0.0 } else { g * (1.0 / 6.0) });
            }
            Function::Sigmoid => pairs(y, grad, into, write, |y, g| g * y * (1.0 - y)),
            Function::Tanh => pairs(y, grad, into, write, |y, g| g * (1.0 - y * y)),
            Function::Softmax => softmax::backward(y, grad, into, write),
        }
    }

    fn weight_gradients(&self, _: &[MapView], _: MapView) -> Vec<(&'static str, Vec<f32>)> {
        Vec::new()
    }
}

fn each(x: MapView, output: &mut MapViewMut, f: impl Fn(f32) -> f32 + Sync) {
    output.for_rows(|plane, y, to| row_loops::map(to, x.row(plane, y), WriteMode::Overwrite, &f));
}

fn pairs(a: MapView, b: MapView, into: &mut MapViewMut, write: WriteMode, f: impl Fn(f32, f32) -> f32 + Sync) {
    into.for_rows(|plane, y, to| row_loops::zip(to, a.row(plane, y), b.row(plane, y), write, &f));
}

#[inline(always)]
fn relu6(x: f32) -> f32 {
    let x = if x < 0.0 { 0.0 } else { x };
    if x > 6.0 { 6.0 } else { x }
}

/// How much of the normal distribution lies below `x`.
#[inline(always)]
fn below(x: f32) -> f32 {
    0.5 * (1.0 + libm::erff(x * std::f32::consts::FRAC_1_SQRT_2))
}
