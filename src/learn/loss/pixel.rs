//! Terms that are means over pixels.

use super::softmax::SoftPrediction;
use crate::compute::tensor_sum::sum_all;
use crate::text::config::FocalAlpha;
use burn::tensor::{Tensor, activation};

/// Computes cross entropy with class weights `w` and label smoothing `e` over `k` classes,
///
/// ```text
/// sum over pixels ( (1 - e) w_y (-log p_y) + e/k sum_c w_c (-log p_c) ) / sum over pixels w_y
/// ```
///
/// as `torch.nn.CrossEntropyLoss(weight, label_smoothing)`; without weights all are 1. If no pixel of the batch has a class with a
/// weight above 0, the loss is 0 (PyTorch: NaN).
pub(super) fn cross_entropy(soft: &SoftPrediction, weights: &[f64], smoothing: f64) -> Tensor<1> {
    let chosen = soft.true_class_log_p();
    if weights.is_empty() {
        let plain = soft.pixel_mean(chosen).neg();
        if smoothing == 0.0 {
            return plain;
        }
        // The factor 1/k is in the mean over classes.
        let spread = soft.pixel_mean(soft.log_p()).neg();
        return plain.mul_scalar(1.0 - smoothing).add(spread.mul_scalar(smoothing));
    }
    let of_pixels = soft.by_class(weights);
    let whole = sum_all(of_pixels.clone());
    let mut sum = sum_all(chosen.mul(of_pixels)).neg();
    if smoothing > 0.0 {
        let k = soft.classes();
        let weighted = soft.log_p().mul(soft.constants(weights).reshape([1, k, 1, 1]));
        let spread = sum_all(soft.without_ignored(weighted)).neg();
        sum = sum.mul_scalar(1.0 - smoothing).add(spread.mul_scalar(smoothing / k as f64));
    }
    // Smoothing gives pixels without weight the weights of other classes, so the sum may be above 0.
    sum.mask_fill(whole.clone().equal_elem(0.0), 0.0).div(whole.clamp_min(f32::MIN_POSITIVE))
}

/// Computes the focal loss, the mean over pixels of `alpha_y (1 - p_y)^gamma (-log p_y)` (Lin et al. 2017, equation 5, with a
/// softmax).
///
/// `p_y` and `1 - p_y` are `sigmoid(z)` and `sigmoid(-z)` with `z = log p_y - log (sum of the other p)`. This avoids cancellation if
/// `p_y` is near 0 or 1, and the gradient is finite for every gamma.
pub(super) fn focal(soft: &SoftPrediction, gamma: f64, alpha: &FocalAlpha) -> Tensor<1> {
    let mut losses = soft.true_class_log_p().neg();
    if gamma > 0.0 {
        let others = soft.log_p().mask_fill(soft.one_hot(), -1e30);
        // The maximum cancels in the value, so it needs no gradient.
        let most = others.clone().detach().max_dim(1);
        let rest = others.sub(most.clone()).exp().sum_dim(1).log().add(most);
        let z = soft.true_class_log_p().sub(rest);
        let focus = activation::log_sigmoid(z.clone().neg()).mul_scalar(gamma).exp();
        losses = activation::log_sigmoid(z).neg().mul(focus);
    }
    let alpha = match alpha {
        FocalAlpha::None => return soft.pixel_mean(losses),
        FocalAlpha::PerClass(alpha) => alpha.clone(),
        FocalAlpha::Foreground(alpha) => {
            let mut all = vec![*alpha; soft.classes()];
            all[0] = 1.0 - alpha;
            all
        }
    };
    soft.pixel_mean(losses.mul(soft.by_class(&alpha)))
}
