//! Softmax over the channels of each pixel. Unused lanes become 0.

use super::exp::exp;
use super::pixel_reduction::{ChannelBlocks, PixelReduction};
use super::row_loops;
use crate::compute::engine::memory_layout::{MapView, MapViewMut, WriteMode};

pub(super) fn forward(x: MapView, output: &mut MapViewMut) {
    let channels = ChannelBlocks::of(x);
    // Maximum of a pixel, and one over the sum of the exponentials.
    let common = PixelReduction::new(x.layout, (f32::NEG_INFINITY, 0.0), |image, y, common| {
        // A NaN is never the maximum, but makes the sum a NaN.
        channels.fold(image, y, common, |(max, _), _, x| *max = if x > *max { x } else { *max });
        channels.fold(image, y, common, |(max, sum), _, x| *sum += exp(x - *max));
        common.iter_mut().for_each(|(_, sum)| *sum = 1.0 / *sum);
    });
    let lanes = x.layout.lanes;
    output.for_rows(|plane, y, to| {
        let (used, image) = channels.plane(plane);
        let pixels = to.chunks_exact_mut(lanes).zip(x.row(plane, y).chunks_exact(lanes)).zip(common.row(image, y));
        for ((to, x), &(max, factor)) in pixels {
            row_loops::map(to, x, WriteMode::Overwrite, |x| exp(x - max) * factor);
        }
        row_loops::clear_gaps(to, lanes, used);
    });
}

/// Computes `y * (g - sum of g * y)`.
pub(super) fn backward(output: MapView, grad: MapView, into: &mut MapViewMut, write: WriteMode) {
    let channels = ChannelBlocks::of(output);
    let sums = PixelReduction::new(output.layout, 0f32, |image, y, sums| {
        channels.fold_with(grad, image, y, sums, |sum, _, y, g| *sum += y * g);
    });
    let lanes = output.layout.lanes;
    into.for_rows(|plane, y, to| {
        let (_, image) = channels.plane(plane);
        let rows = output.row(plane, y).chunks_exact(lanes).zip(grad.row(plane, y).chunks_exact(lanes));
        for ((to, (y, g)), &sum) in to.chunks_exact_mut(lanes).zip(rows).zip(sums.row(image, y)) {
            row_loops::zip(to, y, g, write, |y, g| y * (g - sum));
        }
    });
}
