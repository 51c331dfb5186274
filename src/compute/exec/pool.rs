//! Adaptive max pooling, which Burn does not have.

use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{Tensor, TensorData};

/// `torch.nn.AdaptiveMaxPool2d`: output `i` of `to` is the maximum of `floor(i * from / to)..ceil((i + 1) * from / to)`
/// along each axis.
///
/// The maximum over a window is separable, so each axis is reduced by itself: its windows are placed side by side,
/// extended to the length of the longest by repeating their last element.
pub(super) fn max_pool_to(x: Tensor<4>, [height, width]: [usize; 2]) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    if h.is_multiple_of(height) && w.is_multiple_of(width) {
        let window = [h / height, w / width];
        return max_pool2d(x, MaxPoolOptions::new(window).with_stride(window));
    }
    let across = max_along_axis(x.reshape([n * c * h, w, 1]), width).reshape([n * c, h, width]);
    max_along_axis(across, height).reshape([n, c, height, width])
}

/// Reduces `[outer, from, inner]` to `[outer, to, inner]`.
fn max_along_axis(x: Tensor<3>, to: usize) -> Tensor<3> {
    let [outer, from, inner] = x.dims();
    let bounds = |i: usize| (i * from / to, ((i + 1) * from).div_ceil(to));
    let longest = (0..to).map(|i| bounds(i).1 - bounds(i).0).max().unwrap_or(1);
    let mut places = Vec::with_capacity(to * longest);
    for (start, end) in (0..to).map(bounds) {
        places.extend((0..longest).map(|k| (start + k).min(end - 1) as i64));
    }
    let places = Tensor::from_data(TensorData::new(places, [to * longest]), &x.device());
    x.select(1, places).reshape([outer, to, longest, inner]).max_dim(2).reshape([outer, to, inner])
}
