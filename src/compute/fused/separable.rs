//! The rows and columns that each position of a separable operator reads: resizing, average pooling, padding and cropping.
//!
//! The axes are independent; each function returns the taps down and across. The gradient has the same taps, transposed.
//! Resizing computes as `torch.nn.functional.interpolate`: the same source coordinates, in the same 32-bit arithmetic.

use super::{AxisTaps, pool_bins};
use crate::graph::op::{AvgPool, Crop, Interpolation, Padding, PaddingMode, Resize};

pub(crate) fn resize_taps(op: &Resize, from: [usize; 2], to: [usize; 2]) -> [AxisTaps; 2] {
    [(from[0], to[0]), (from[1], to[1])].map(|(from, to)| {
        if from == to {
            return AxisTaps::same(from);
        }
        match op.mode {
            Interpolation::Nearest => nearest(from, to),
            Interpolation::Bilinear => bilinear(from, to, op.align_corners),
        }
    })
}

/// `min(floor(i * from / to), from - 1)` for each position `i`.
fn nearest(from: usize, to: usize) -> AxisTaps {
    let scale = from as f32 / to as f32;
    AxisTaps::new(from, to, |i| {
        let place = if to.is_multiple_of(from) { i / (to / from) } else { (i as f32 * scale) as usize };
        [(place.min(from - 1), 1.0)]
    })
}

/// `(1 - part) * x[low] + part * x[low + 1]`, clamped at the border.
fn bilinear(from: usize, to: usize, align_corners: bool) -> AxisTaps {
    let scale = match align_corners {
        true if to > 1 => (from - 1) as f32 / (to - 1) as f32,
        true => 0.0,
        false => from as f32 / to as f32,
    };
    AxisTaps::new(from, to, |i| {
        let source = if align_corners { i as f32 * scale } else { ((i as f32 + 0.5) * scale - 0.5).max(0.0) };
        let low = (source as usize).min(from - 1);
        let part = (source - low as f32).clamp(0.0, 1.0);
        // The last position and integer coordinates read one number.
        let single = low + 1 == from || part == 0.0;
        let taps = [(low, if single { 1.0 } else { 1.0 - part }), (low + 1, part)];
        taps.into_iter().take(if single { 1 } else { 2 })
    })
}

pub(crate) fn sliding_taps(op: &AvgPool, from: [usize; 2], to: [usize; 2]) -> [AxisTaps; 2] {
    let axis = |axis, from, to| pool_bins::means(from, &pool_bins::sliding(&op.0, axis, from, to));
    [axis(0, from[0], to[0]), axis(1, from[1], to[1])]
}

pub(crate) fn adaptive_taps(from: [usize; 2], to: [usize; 2]) -> [AxisTaps; 2] {
    let axis = |from, to| pool_bins::means(from, &pool_bins::adaptive(from, to));
    [axis(from[0], to[0]), axis(from[1], to[1])]
}

pub(crate) fn padding_taps(op: &Padding, from: [usize; 2], to: [usize; 2]) -> [AxisTaps; 2] {
    let [top, _, left, _] = op.sides;
    [(from[0], to[0], top), (from[1], to[1], left)].map(|(from, to, before)| {
        AxisTaps::new(from, to, |i| source(op.mode, i, before, from).map(|place| (place, 1.0)))
    })
}

/// Returns the source of position `i` of an axis with `before` positions in front of `size`; `None` is a zero.
fn source(mode: PaddingMode, i: usize, before: usize, size: usize) -> Option<usize> {
    let inside = i.checked_sub(before).filter(|&i| i < size);
    match mode {
        PaddingMode::Constant => inside,
        PaddingMode::Replicate => Some(i.saturating_sub(before).min(size - 1)),
        PaddingMode::Reflect => inside.or(Some(match i.checked_sub(before) {
            Some(i) => 2 * (size - 1) - i,
            None => before - i,
        })),
    }
}

pub(crate) fn crop_taps(op: &Crop, from: [usize; 2], to: [usize; 2]) -> [AxisTaps; 2] {
    let [top, left] = op.start(from, to).expect("Crop::infer: the window fits");
    [(from[0], to[0], top), (from[1], to[1], left)]
        .map(|(from, to, start)| AxisTaps::new(from, to, |i| [(start + i, 1.0)]))
}
