//! Functions of single numbers, and softmax.
//!
//! If the output determines the slope, the gradient is computed from the output, so that the input may be freed. At a
//! kink the gradient is that of the flat or scaled side, as in PyTorch. A NaN stays a NaN.

use super::exp::{exp, sigmoid};
use super::operator_kernel::{BackwardArgs, ChannelPlacement, ForwardArgs, KernelProperties, OperatorKernel};
use super::{BackwardNeeds, row_loops, softmax};
use crate::compute::engine::memory_layout::{MapView, MapViewMut, WriteMode};
use crate::graph::op::{Activation, ActivationFunction};

impl OperatorKernel for Activation {
    fn properties(&self) -> KernelProperties {
        let needs = match self.function {
            // With a negative factor below 0, the sign of the output does not determine the sign of the input.
            ActivationFunction::LeakyRelu { slope: factor } | ActivationFunction::Elu { alpha: factor }
                if factor < 0.0 =>
            {
                BackwardNeeds::INPUTS
            }
            ActivationFunction::Relu
            | ActivationFunction::Relu6
            | ActivationFunction::LeakyRelu { .. }
            | ActivationFunction::Elu { .. }
            | ActivationFunction::HardSigmoid
            | ActivationFunction::Sigmoid
            | ActivationFunction::Tanh
            | ActivationFunction::Softmax => BackwardNeeds::OUTPUT,
            ActivationFunction::Gelu | ActivationFunction::Silu | ActivationFunction::HardSwish => {
                BackwardNeeds::INPUTS
            }
        };
        KernelProperties { needs, placement: ChannelPlacement::AsInput, cheap: true }
    }

    fn forward(&self, ForwardArgs { inputs, .. }: ForwardArgs, output: &mut MapViewMut, _: &mut [MapViewMut]) {
        let x = inputs[0];
        match self.function {
            ActivationFunction::Relu => map(x, output, |x| if x < 0.0 { 0.0 } else { x }),
            ActivationFunction::Relu6 => map(x, output, relu6),
            ActivationFunction::LeakyRelu { slope } => {
                let slope = slope as f32;
                map(x, output, move |x| if x > 0.0 { x } else { x * slope });
            }
            ActivationFunction::Elu { alpha } => {
                let alpha = alpha as f32;
                map(x, output, move |x| if x > 0.0 { x } else { alpha * libm::expm1f(x) });
            }
            ActivationFunction::Gelu => map(x, output, |x| x * normal_cdf(x)),
            ActivationFunction::Silu => map(x, output, |x| x * sigmoid(x)),
            ActivationFunction::HardSwish => map(x, output, |x| x * (relu6(x + 3.0) * (1.0 / 6.0))),
            ActivationFunction::HardSigmoid => map(x, output, |x| relu6(x + 3.0) * (1.0 / 6.0)),
            ActivationFunction::Sigmoid => map(x, output, sigmoid),
            ActivationFunction::Tanh => map(x, output, libm::tanhf),
            ActivationFunction::Softmax => softmax::forward(x, output),
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
            ActivationFunction::Relu => zip(y, grad, into, write, |y, g| if y <= 0.0 { 0.0 } else { g }),
            ActivationFunction::Relu6 => zip(y, grad, into, write, |y, g| if y <= 0.0 || y >= 6.0 { 0.0 } else { g }),
            ActivationFunction::LeakyRelu { slope } => {
                let source = if slope < 0.0 { x } else { y };
                let slope = slope as f32;
                zip(source, grad, into, write, move |x, g| if x > 0.0 { g } else { g * slope });
            }
            ActivationFunction::Elu { alpha } if alpha < 0.0 => {
                let alpha = alpha as f32;
                zip(x, grad, into, write, move |x, g| if x > 0.0 { g } else { g * alpha * exp(x) });
            }
            ActivationFunction::Elu { alpha } => {
                // alpha * e^x = y + alpha
                let alpha = alpha as f32;
                zip(y, grad, into, write, move |y, g| if y > 0.0 { g } else { g * (y + alpha) });
            }
            ActivationFunction::Gelu => {
                // The density of the normal distribution: 1 / sqrt(2 pi) * e^(-x^2 / 2).
                let density = |x: f32| {
                    std::f32::consts::FRAC_2_SQRT_PI * std::f32::consts::FRAC_1_SQRT_2 * 0.5 * exp(-0.5 * x * x)
                };
                zip(x, grad, into, write, |x, g| g * (normal_cdf(x) + x * density(x)));
            }
            ActivationFunction::Silu => zip(x, grad, into, write, |x, g| {
                let s = sigmoid(x);
                g * s * (1.0 + x * (1.0 - s))
            }),
            ActivationFunction::HardSwish => zip(x, grad, into, write, |x, g| {
                let slope = x * (1.0 / 3.0) + 0.5;
                let slope = if x <= -3.0 { 0.0 } else { slope };
                g * if x >= 3.0 { 1.0 } else { slope }
            }),
            ActivationFunction::HardSigmoid => {
                zip(y, grad, into, write, |y, g| if y <= 0.0 || y >= 1.0 { 0.0 } else { g * (1.0 / 6.0) });
            }
            ActivationFunction::Sigmoid => zip(y, grad, into, write, |y, g| g * y * (1.0 - y)),
            ActivationFunction::Tanh => zip(y, grad, into, write, |y, g| g * (1.0 - y * y)),
            ActivationFunction::Softmax => softmax::backward(y, grad, into, write),
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
