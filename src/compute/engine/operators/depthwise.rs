//! Depthwise convolutions: as many groups as channels, one output channel per group.

use crate::compute::engine::kernel::simd::LANES;
use crate::compute::engine::kernel::team;
use crate::compute::engine::kernel::vectorised::vectorised;
use crate::compute::engine::memory_layout::{MapLayout, MapView, MapViewMut, WriteMode};
use crate::compute::fused::ConvWindow;
use crate::compute::fused::KernelTap;
use std::ops::Range;

/// Packs `[c, 1, kh, kw]` (PyTorch) as `[block][tap][lane]`; each channel is multiplied by its `scale`, if it is not
/// empty.
pub(crate) fn pack(window: &ConvWindow, layout: &MapLayout, weight: &[f32], scale: &[f32]) -> Vec<f32> {
    let taps = window.taps();
    let mut packed = vec![0.0; layout.blocks() * taps * LANES];
    for (channel, slot) in layout.slot_of_channel().into_iter().enumerate() {
        for tap in 0..taps {
            let to = (slot / LANES * taps + tap) * LANES + slot % LANES;
            packed[to] = weight[channel * taps + tap] * scale.get(channel).copied().unwrap_or(1.0);
        }
    }
    packed
}

/// A tap with the columns for which it lies in the larger map.
struct DepthwiseTap {
    number: usize,
    y: isize,
    /// Columns of the smaller map for which the tap lies in the larger one, and the larger map's column of the first of
    /// them.
    columns: Range<usize>,
    first: usize,
}

fn taps(window: &ConvWindow, smaller: &MapLayout, larger: &MapLayout) -> Vec<DepthwiseTap> {
    let region = window.region([smaller.h, smaller.w]);
    let stride = window.stride[1] as isize;
    let of = |tap: &KernelTap| {
        let columns = region.columns_inside(tap, larger.w);
        let first = (columns.start as isize * stride + tap.x).max(0) as usize;
        DepthwiseTap { number: tap.weight, y: tap.y, columns, first }
    };
    region.taps.iter().map(of).collect()
}

vectorised! {
    fn correlate_row(to: &mut [f32], from: &[f32], weight: &[f32; LANES], stride: usize) {
        let from = from.as_chunks::<LANES>().0.iter().step_by(stride);
        for (to, from) in to.as_chunks_mut::<LANES>().0.iter_mut().zip(from) {
            for i in 0..LANES {
                to[i] += from[i] * weight[i];
            }
        }
    }
}

vectorised! {
    fn correlate_transposed_row(to: &mut [f32], from: &[f32], weight: &[f32; LANES], stride: usize) {
        let to = to.as_chunks_mut::<LANES>().0.iter_mut().step_by(stride);
        for (to, from) in to.zip(from.as_chunks::<LANES>().0) {
            for i in 0..LANES {
                to[i] += from[i] * weight[i];
            }
        }
    }
}

vectorised! {
    fn product_row(sum: &mut [f32; LANES], larger: &[f32], smaller: &[f32], stride: usize) {
        let larger = larger.as_chunks::<LANES>().0.iter().step_by(stride);
        for (a, b) in larger.zip(smaller.as_chunks::<LANES>().0) {
            for i in 0..LANES {
                sum[i] += a[i] * b[i];
            }
        }
    }
}

fn block_lanes(values: &[f32], at: usize) -> &[f32; LANES] {
    values[at * LANES..].first_chunk().expect("one number per slot")
}

/// Reads the larger map and writes the smaller one. `bias` is one number per slot.
pub(crate) fn forward(
    window: &ConvWindow,
    packed: &[f32],
    bias: Option<&[f32]>,
    relu: bool,
    x: MapView,
    y: &mut MapViewMut,
) {
    let taps = taps(window, y.layout, x.layout);
    let (count, blocks) = (window.taps(), y.layout.blocks());
    y.for_rows(|plane, row, to| {
        let block = plane % blocks;
        match bias {
            Some(bias) => to.as_chunks_mut::<LANES>().0.fill(*block_lanes(bias, block)),
            None => to.fill(0.0),
        }
        for tap in &taps {
            let from = (row * window.stride[0]) as isize + tap.y;
            if 0 <= from && from < x.layout.h as isize && !tap.columns.is_empty() {
                let from = &x.row(plane, from as usize)[tap.first * LANES..];
                let to = &mut to[tap.columns.start * LANES..tap.columns.end * LANES];
                correlate_row(to, from, block_lanes(packed, block * count + tap.number), window.stride[1]);
            }
        }
        if relu {
            to.iter_mut().for_each(|x| *x = if *x < 0.0 { 0.0 } else { *x });
        }
    });
}

/// Computes the gradient of the larger map from the gradient of the smaller one.
pub(crate) fn backward(window: &ConvWindow, packed: &[f32], g: MapView, into: &mut MapViewMut, write: WriteMode) {
    let taps = taps(window, g.layout, into.layout);
    let (count, blocks) = (window.taps(), g.layout.blocks());
    into.for_rows(|plane, row, to| {
        if write == WriteMode::Overwrite {
            to.fill(0.0);
        }
        for tap in &taps {
            let (from, stride) = (row as isize - tap.y, window.stride[0] as isize);
            if from.rem_euclid(stride) != 0 || from < 0 || from / stride >= g.layout.h as isize {
                continue;
            }
            let from = &g.row(plane, (from / stride) as usize)[tap.columns.start * LANES..tap.columns.end * LANES];
            if !from.is_empty() {
                let weight = block_lanes(packed, plane % blocks * count + tap.number);
                correlate_transposed_row(&mut to[tap.first * LANES..], from, weight, window.stride[1]);
            }
        }
    });
}

/// Returns the gradient of the weights, `[c, 1, kh, kw]`.
pub(crate) fn weight_gradient(window: &ConvWindow, larger: MapView, smaller: MapView) -> Vec<f32> {
    let taps = taps(window, smaller.layout, larger.layout);
    let (count, blocks) = (window.taps(), smaller.layout.blocks());
    let planes: Vec<Vec<f64>> = team::map(smaller.layout.n * blocks, |plane| {
        let mut sums = vec![0.0f64; count * LANES];
        for row in 0..smaller.layout.h {
            for tap in &taps {
                let from = (row * window.stride[0]) as isize + tap.y;
                if from < 0 || from >= larger.layout.h as isize || tap.columns.is_empty() {
                    continue;
                }
                let mut sum = [0.0; LANES];
                let from = &larger.row(plane, from as usize)[tap.first * LANES..];
                let to = &smaller.row(plane, row)[tap.columns.start * LANES..tap.columns.end * LANES];
                product_row(&mut sum, from, to, window.stride[1]);
                let sums = sums[tap.number * LANES..].iter_mut();
                sums.zip(sum).for_each(|(total, sum)| *total += f64::from(sum));
            }
        }
        sums
    });
    let mut all = vec![0.0; smaller.layout.channels() * count];
    for (channel, slot) in smaller.layout.slot_of_channel().into_iter().enumerate() {
        for tap in 0..count {
            let of = |image: usize| planes[image * blocks + slot / LANES][tap * LANES + slot % LANES];
            all[channel * count + tap] = (0..smaller.layout.n).map(of).sum::<f64>() as f32;
        }
    }
    all
}
