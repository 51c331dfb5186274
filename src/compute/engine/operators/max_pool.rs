//! The maximum of each window, sliding or adaptive, and its position.
//!
//! Of equal numbers the first counts, row by row; a NaN counts as the largest. The backward pass finds the position
//! again.

use super::operator_kernel::{BackwardArgs, ChannelPlacement, ForwardArgs, KernelProperties, OperatorKernel};
use super::{BackwardNeeds, row_loops};
use crate::compute::engine::kernel::simd::LANES;
use crate::compute::engine::kernel::team;
use crate::compute::engine::kernel::vectorised::vectorised;
use crate::compute::engine::memory_layout::{MapLayout, MapView, MapViewMut, WriteMode};
use crate::compute::fused::pool_bins::{self, PoolBin};
use crate::graph::op::{MaxPool, MaxPoolTo, MaxPoolWithIndex, PoolWindow};
use std::ops::Range;

impl OperatorKernel for MaxPool {
    fn properties(&self) -> KernelProperties {
        KernelProperties { needs: BackwardNeeds::INPUTS, placement: ChannelPlacement::AsInput, cheap: false }
    }

    fn forward(&self, ForwardArgs { inputs, .. }: ForwardArgs, output: &mut MapViewMut, _: &mut [MapViewMut]) {
        BinGrid::sliding(&self.0, inputs[0].layout, output.layout).forward(inputs[0], output);
    }

    fn backward(
        &self,
        BackwardArgs { inputs, gradient: grad, .. }: BackwardArgs,
        _: usize,
        into: &mut MapViewMut,
        write: WriteMode,
    ) {
        BinGrid::sliding(&self.0, into.layout, grad.layout).backward(inputs[0], grad, into, write);
    }

    fn weight_gradients(&self, _: &[MapView], _: MapView) -> Vec<(&'static str, Vec<f32>)> {
        Vec::new()
    }
}

/// Adaptive pooling to a fixed size.
impl OperatorKernel for MaxPoolTo {
    fn properties(&self) -> KernelProperties {
        KernelProperties { needs: BackwardNeeds::INPUTS, placement: ChannelPlacement::AsInput, cheap: false }
    }

    fn forward(&self, ForwardArgs { inputs, .. }: ForwardArgs, output: &mut MapViewMut, _: &mut [MapViewMut]) {
        BinGrid::adaptive(inputs[0].layout, output.layout).forward(inputs[0], output);
    }

    fn backward(
        &self,
        BackwardArgs { inputs, gradient: grad, .. }: BackwardArgs,
        _: usize,
        into: &mut MapViewMut,
        write: WriteMode,
    ) {
        BinGrid::adaptive(into.layout, grad.layout).backward(inputs[0], grad, into, write);
    }

    fn weight_gradients(&self, _: &[MapView], _: MapView) -> Vec<(&'static str, Vec<f32>)> {
        Vec::new()
    }
}

/// Max pooling with a second output: positions in the flattened `h * w` of the input, as floats. They are exact up to
/// 2^24 pixels.
impl OperatorKernel for MaxPoolWithIndex {
    fn properties(&self) -> KernelProperties {
        KernelProperties { needs: BackwardNeeds::INPUTS, placement: ChannelPlacement::AsInput, cheap: false }
    }

    fn forward(&self, ForwardArgs { inputs, .. }: ForwardArgs, output: &mut MapViewMut, others: &mut [MapViewMut]) {
        let index = &mut others[0];
        let x = inputs[0];
        let bins = BinGrid::sliding(&self.0, x.layout, output.layout);
        bins.forward(x, output);
        let lanes = x.layout.lanes;
        index.for_rows(|plane, y, to| {
            for (across, to) in bins.across.iter().zip(to.chunks_exact_mut(lanes)) {
                let (down, mut places) = (bins.down[y], [0; LANES]);
                find_maxima(x, plane, down, *across, [down.start * bins.w + across.start, bins.w, 1], &mut places);
                to.iter_mut().zip(places).for_each(|(to, place)| *to = place as f32);
            }
        });
    }

    /// Uses the gradient of the first output; the second has none.
    fn backward(
        &self,
        BackwardArgs { inputs, gradient: grad, .. }: BackwardArgs,
        _: usize,
        into: &mut MapViewMut,
        write: WriteMode,
    ) {
        BinGrid::sliding(&self.0, into.layout, grad.layout).backward(inputs[0], grad, into, write);
    }

    fn weight_gradients(&self, _: &[MapView], _: MapView) -> Vec<(&'static str, Vec<f32>)> {
        Vec::new()
    }
}

/// The windows of a pool.
struct BinGrid {
    down: Vec<PoolBin>,
    across: Vec<PoolBin>,
    /// Columns of the input.
    w: usize,
}

impl BinGrid {
    fn sliding(window: &PoolWindow, from: &MapLayout, to: &MapLayout) -> Self {
        let [down, across] =
            [(0, from.h, to.h), (1, from.w, to.w)].map(|(axis, from, to)| pool_bins::sliding(window, axis, from, to));
        Self { down, across, w: from.w }
    }

    fn adaptive(from: &MapLayout, to: &MapLayout) -> Self {
        Self { down: pool_bins::adaptive(from.h, to.h), across: pool_bins::adaptive(from.w, to.w), w: from.w }
    }

    /// Whether the windows of a row are adjacent and two pixels wide.
    fn has_pairs(&self) -> bool {
        self.across.iter().enumerate().all(|(i, bin)| (bin.start, bin.end) == (2 * i, 2 * i + 2))
    }

    /// Takes the maximum of each column, then of each window.
    fn forward(&self, x: MapView, output: &mut MapViewMut) {
        let (lanes, has_pairs) = (x.layout.lanes, self.has_pairs());
        let scratch = vec![0f32; x.layout.inner_len()];
        output.for_rows_with(
            || scratch.clone(),
            |largest, plane, y, to| {
                let PoolBin { start, end, .. } = self.down[y];
                let source = if end - start == 1 {
                    x.row(plane, start)
                } else {
                    row_loops::zip(largest, x.row(plane, start), x.row(plane, start + 1), WriteMode::Overwrite, larger);
                    (start + 2..end).for_each(|y| take_larger(largest, x.row(plane, y)));
                    largest
                };
                if has_pairs && lanes == LANES {
                    max_pairs(source, to);
                } else {
                    max_windows(&self.across, source, to, lanes);
                }
            },
        );
    }

    /// Adds gradients at the positions of the maxima. Rows that no two windows share are computed in parallel.
    fn backward(&self, x: MapView, grad: MapView, into: &mut MapViewMut, write: WriteMode) {
        let layout = into.layout;
        let apart = self.down.windows(2).all(|bins| bins[0].end <= bins[1].start);
        if !apart {
            into.for_planes(|plane, rows| {
                self.scatter(x, grad, plane, 0..self.down.len(), &mut RowBand { rows, first: 0, layout }, write);
            });
            return;
        }
        let mut bands = Vec::with_capacity(layout.n * layout.blocks() * self.down.len());
        for (plane, mut rest) in
            into.data[..layout.buffer_len()].chunks_exact_mut(layout.plane_len().max(1)).enumerate()
        {
            let mut first = 0;
            for i in 0..self.down.len() {
                let next = self.down.get(i + 1).map_or(layout.h, |bin| bin.start);
                let (rows, below) = rest.split_at_mut((next - first) * layout.row_len());
                bands.push((plane, i..i + 1, RowBand { rows, first, layout }));
                (rest, first) = (below, next);
            }
        }
        let least = team::MIN_SHARE / layout.row_len().max(1);
        team::for_chunks(&mut bands, 1, least, |_, band| {
            let (plane, windows, band) = &mut band[0];
            self.scatter(x, grad, *plane, windows.clone(), band, write);
        });
    }

    /// Adds the gradients of some rows of windows, which lie in the band.
    fn scatter(
        &self,
        x: MapView,
        grad: MapView,
        plane: usize,
        windows: Range<usize>,
        band: &mut RowBand,
        write: WriteMode,
    ) {
        if write == WriteMode::Overwrite {
            band.clear();
        }
        let (lanes, step, halo) = (x.layout.lanes, band.layout.row_len(), band.layout.halo);
        let has_pairs = self.has_pairs() && lanes == LANES;
        for i in windows {
            let down = self.down[i];
            let g = grad.row(plane, i);
            if has_pairs && down.end - down.start == 2 {
                let [above, below] = band.pair(down.start);
                scatter_pairs(x.row(plane, down.start), x.row(plane, down.start + 1), g, above, below);
                continue;
            }
            for (across, g) in self.across.iter().zip(g.chunks_exact(lanes)) {
                let first = (down.start - band.first) * step + (halo + across.start) * lanes;
                let mut places = [0; LANES];
                find_maxima(x, plane, down, *across, [first, step, lanes], &mut places);
                for (lane, (g, place)) in g.iter().zip(places).enumerate() {
                    band.rows[place as usize + lane] += g;
                }
            }
        }
    }
}

/// Rows of one plane to write, the first of which is row `first`.
struct RowBand<'a> {
    rows: &'a mut [f32],
    first: usize,
    layout: &'a MapLayout,
}

impl RowBand<'_> {
    fn clear(&mut self) {
        let halo = self.layout.halo * self.layout.lanes;
        for row in self.rows.chunks_exact_mut(self.layout.row_len().max(1)) {
            row[halo..][..self.layout.inner_len()].fill(0.0);
        }
    }

    /// Returns rows `y` and `y + 1` without their halos.
    fn pair(&mut self, y: usize) -> [&mut [f32]; 2] {
        let (row, halo, inner) = (self.layout.row_len(), self.layout.halo * self.layout.lanes, self.layout.inner_len());
        let (above, below) = self.rows[(y - self.first) * row..][..2 * row].split_at_mut(row);
        [&mut above[halo..halo + inner], &mut below[halo..halo + inner]]
    }
}

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if b > a || b.is_nan() { b } else { a }
}

vectorised! {
    fn take_larger(largest: &mut [f32], row: &[f32]) {
        largest.iter_mut().zip(row).for_each(|(a, &b)| *a = larger(*a, b));
    }
}

vectorised! {
    fn max_pairs(from: &[f32], to: &mut [f32]) {
        for (to, from) in to.as_chunks_mut::<LANES>().0.iter_mut().zip(from.as_chunks::<{ 2 * LANES }>().0) {
            for lane in 0..LANES {
                to[lane] = larger(from[lane], from[LANES + lane]);
            }
        }
    }
}

vectorised! {
    fn max_windows(bins: &[PoolBin], from: &[f32], to: &mut [f32], lanes: usize) {
        if lanes == 1 {
            for (to, bin) in to.iter_mut().zip(bins) {
                *to = from[bin.start..bin.end].iter().fold(f32::NEG_INFINITY, |a, &b| larger(a, b));
            }
            return;
        }
        let from = from.as_chunks::<LANES>().0;
        for (to, bin) in to.as_chunks_mut::<LANES>().0.iter_mut().zip(bins) {
            let mut all = [f32::NEG_INFINITY; LANES];
            for from in &from[bin.start..bin.end] {
                for lane in 0..LANES {
                    all[lane] = larger(all[lane], from[lane]);
                }
            }
            *to = all;
        }
    }
}

vectorised! {
    /// Adds gradients of 2x2 windows to the first maximum of each.
    fn scatter_pairs(a: &[f32], b: &[f32], g: &[f32], to_a: &mut [f32], to_b: &mut [f32]) {
        let from = a.as_chunks::<{ 2 * LANES }>().0.iter().zip(b.as_chunks::<{ 2 * LANES }>().0);
        let to = to_a.as_chunks_mut::<{ 2 * LANES }>().0.iter_mut().zip(to_b.as_chunks_mut::<{ 2 * LANES }>().0);
        for (((a, b), (to_a, to_b)), g) in from.zip(to).zip(g.as_chunks::<LANES>().0) {
            for lane in 0..LANES {
                let right = lane + LANES;
                let above = larger(a[lane], a[right]);
                let below = larger(b[lane], b[right]);
                // A number is the first maximum if it is no smaller than those after it and larger than those before
                // it.
                let is_above = !(below > above || below.is_nan());
                let is_left_above = !(a[right] > a[lane] || a[right].is_nan());
                let is_left_below = !(b[right] > b[lane] || b[right].is_nan());
                let (of_a, of_b) = if is_above { (g[lane], 0.0) } else { (0.0, g[lane]) };
                to_a[lane] += if is_left_above { of_a } else { 0.0 };
                to_a[right] += if is_left_above { 0.0 } else { of_a };
                to_b[lane] += if is_left_below { of_b } else { 0.0 };
                to_b[right] += if is_left_below { 0.0 } else { of_b };
            }
        }
    }
}

vectorised! {
    /// Finds the positions of a window's maxima, one per lane. `[first, down, right]` are the position of the window's
    /// first pixel and the steps to the next row and the next pixel.
    fn find_maxima(x: MapView, plane: usize, down: PoolBin, across: PoolBin, steps: [usize; 3], places: &mut [u32; LANES]) {
        if x.layout.lanes == 1 {
            scan_window::<1>(x, plane, down, across, steps, places);
        } else {
            scan_window::<LANES>(x, plane, down, across, steps, places);
        }
    }
}

#[inline(always)]
fn scan_window<const L: usize>(
    x: MapView,
    plane: usize,
    down: PoolBin,
    across: PoolBin,
    [first, down_step, right]: [usize; 3],
    places: &mut [u32; LANES],
) {
    let mut largest = [f32::NEG_INFINITY; L];
    places.fill(first as u32);
    for y in down.start..down.end {
        let row = &x.row(plane, y).as_chunks::<L>().0[across.start..across.end];
        let first = first + (y - down.start) * down_step;
        for (i, pixel) in row.iter().enumerate() {
            let place = (first + i * right) as u32;
            for lane in 0..L {
                let more = pixel[lane] > largest[lane] || pixel[lane].is_nan();
                largest[lane] = if more { pixel[lane] } else { largest[lane] };
                places[lane] = if more { place } else { places[lane] };
            }
        }
    }
}
