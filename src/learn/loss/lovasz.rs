//! Lovász-softmax (Berman, Rannen Triki and Blaschko 2018): the convex extension of the Jaccard loss.

use super::softmax::SoftPrediction;
use burn::tensor::Tensor;

/// Computes the Lovász-softmax loss. With the errors `m_i = |g_i - p_i|` of a class in descending order it is
///
/// ```text
/// sum_i m_i (J_i - J_(i-1)),  J_i = 1 - I_i / U_i
/// ```
///
/// where `I_i` is the number of pixels of the class outside the first `i`, and `U_i` is the number of pixels of the class plus the
/// number of other pixels among the first `i` (algorithm 1). Ignored pixels are in neither number. The mean is over the present classes, class 0 included, of the whole
/// batch, or for `per_image` of each image and then over images.
///
/// The differences of `J` are computed as quotients of integers, `1 / U_i` at a pixel of the class and `I_i / (U_i (U_i - 1))` at
/// another one, because the subtraction would cancel in 32 bits. The integers are exact below 2^24 pixels.
pub(super) fn lovasz(soft: &SoftPrediction, per_image: bool) -> Tensor<1> {
    let [n, k, h, w] = soft.logits.dims();
    let (groups, pixels) = if per_image { (n, h * w) } else { (1, n * h * w) };
    // [n, k, h, w] to [groups, k, pixels]
    let rows = |map: Tensor<4>| {
        let map: Tensor<3> = map.reshape([n, k, h * w]);
        if per_image { map } else { map.swap_dims(0, 1).reshape([1, k, n * h * w]) }
    };
    let truth = rows(soft.one_hot().float());
    let errors = rows(soft.p()).sub(truth.clone()).abs();

    // The order is not differentiated; it is piecewise constant.
    let order = errors.clone().detach().argsort_descending(2);
    let ours = truth.gather(2, order.clone());
    let mut others = ours.clone().neg().add_scalar(1.0);
    if let Some(counted) = soft.targets.counted_map() {
        // An ignored pixel is neither of the class nor another one, so it moves no `J`.
        others = others.mul(rows(counted.repeat_dim(1, k)).gather(2, order.clone()));
    }
    let size = ours.clone().sum_dim(2);
    let left = size.clone().sub(ours.clone().cumsum(2));
    let union = size.clone().add(others.clone().cumsum(2)).clamp_min(1.0);
    let before = union.clone().sub_scalar(1.0).clamp_min(1.0);
    let steps = ours.div(union.clone()).add(others.mul(left).div(union).div(before));

    let losses = errors.gather(2, order).mul(steps.detach()).sum_dim(2);
    // An absent class has size 0.
    let present = size.clamp_max(1.0);
    let counted = present.clone().sum_dim(1).clamp_min(1.0);
    debug_assert!(losses.dims() == [groups, k, 1] && pixels > 0);
    soft.targets.mean_of_images(losses.mul(present).sum_dim(1).div(counted))
}
