//! Operators that reduce, select or move channels.

use crate::graph::op::{Reduction, Slice};
use burn::tensor::Tensor;

/// Reduces `[n, c, h, w]` to `[n, 1, h, w]`.
pub(super) fn reduce(x: Tensor<4>, function: Reduction) -> Tensor<4> {
    match function {
        Reduction::Mean => x.mean_dim(1),
        Reduction::Max => x.max_dim(1),
    }
}

/// Selects channels `op.from..op.to`, or all from `op.from` on.
pub(super) fn slice(x: Tensor<4>, op: &Slice) -> Tensor<4> {
    let to = op.to.unwrap_or(x.dims()[1]);
    x.narrow(1, op.from, to - op.from)
}

/// Extends `[n, c, h, w]` to `[n, out, h, w]` with channels of zeros.
pub(super) fn channel_pad(x: Tensor<4>, out: usize) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    if out == c {
        return x;
    }
    let zeros = Tensor::zeros([n, out - c, h, w], &x.device());
    Tensor::cat(vec![x, zeros], 1)
}

pub(super) fn channel_shuffle(x: Tensor<4>, groups: usize) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    x.reshape([n, groups, c / groups, h * w]).swap_dims(1, 2).reshape([n, c, h, w])
}

pub(super) fn pixel_shuffle(x: Tensor<4>, factor: usize) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    let out = c / (factor * factor);
    let parts = x.reshape([n, out, factor, factor, h, w]).permute([0, 1, 4, 2, 5, 3]);
    parts.reshape([n, out, h * factor, w * factor])
}
