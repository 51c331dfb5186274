//! Padding and cropping.

use crate::graph::op::{Crop, Padding, PaddingMode};
use burn::tensor::Tensor;
use burn::tensor::ops::PadMode;

pub(super) fn pad(x: Tensor<4>, op: &Padding) -> Tensor<4> {
    let [top, bottom, left, right] = op.sides;
    let mode = match op.mode {
        PaddingMode::Constant => PadMode::Constant(0.0),
        PaddingMode::Reflect => PadMode::Reflect,
        PaddingMode::Replicate => PadMode::Edge,
    };
    x.pad([(top, bottom), (left, right)], mode)
}

/// Crops to `op.size`, or to the size of `like` if `op` has none.
pub(super) fn crop(x: Tensor<4>, op: &Crop, like: Option<Tensor<4>>) -> Tensor<4> {
    let [_, _, h, w] = x.dims();
    let size = op.size.unwrap_or_else(|| {
        let [_, _, h, w] = like.as_ref().map_or([1; 4], Tensor::dims);
        [h, w]
    });
    let [top, left] = op.start([h, w], size).expect("Crop::infer: the window fits");
    x.narrow(2, top, size[0]).narrow(3, left, size[1])
}
