//! Functions of single numbers, and softmax.
//!
//! At a kink the gradient is PyTorch's: that of the flat or scaled side. Burn's own functions with a kink are not used,
//! except `relu`, because they take the other side, and zeros are common (padding, the output of a `relu`). Masks
//! select the side, since two clamps would both pass the gradient.

use crate::graph::op::ActivationFunction;
use burn::tensor::{Tensor, activation};

pub(super) fn activate(function: ActivationFunction, x: Tensor<4>) -> Tensor<4> {
    match function {
        ActivationFunction::Relu => activation::relu(x),
        ActivationFunction::Relu6 => relu6(x),
        ActivationFunction::LeakyRelu { slope } => above_or(x.clone(), x.mul_scalar(slope)),
        ActivationFunction::Elu { alpha } => {
            // Above 88, exp(x) is infinite, and its unused gradient would be 0 * inf.
            let safe = x.clone().mask_fill(x.clone().greater_elem(0.0), 0.0);
            above_or(x, safe.exp().sub_scalar(1.0).mul_scalar(alpha))
        }
        ActivationFunction::Gelu => gelu(x),
        ActivationFunction::Silu => activation::silu(x),
        ActivationFunction::HardSwish => x.clone().mul(hard_sigmoid(x)),
        ActivationFunction::HardSigmoid => hard_sigmoid(x),
        ActivationFunction::Sigmoid => activation::sigmoid(x),
        ActivationFunction::Tanh => x.tanh(),
        ActivationFunction::Softmax => activation::softmax(x, 1),
    }
}

/// Returns `x` where it is above 0, `otherwise` elsewhere.
pub(super) fn above_or(x: Tensor<4>, otherwise: Tensor<4>) -> Tensor<4> {
    otherwise.mask_where(x.clone().greater_elem(0.0), x)
}

/// Computes `x * P(normal < x)`. Burn's own function uses the gradient of the tanh approximation on CUDA, which is 2e-3
/// off.
fn gelu(x: Tensor<4>) -> Tensor<4> {
    let below = x.clone().mul_scalar(std::f64::consts::FRAC_1_SQRT_2).erf().add_scalar(1.0).mul_scalar(0.5);
    x.mul(below)
}

fn hard_sigmoid(x: Tensor<4>) -> Tensor<4> {
    relu6(x.add_scalar(3.0)).div_scalar(6.0)
}

fn relu6(x: Tensor<4>) -> Tensor<4> {
    let above = x.clone().greater_equal_elem(6.0);
    activation::relu(x).mask_fill(above, 6.0)
}
