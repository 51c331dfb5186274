//! The largest number of each window, sliding or adaptive, and where it is.
//!
//! Of equal numbers the first counts, row by row; a NaN counts as the largest. The gradient finds the place again.

use super::plain::{Form, From, Given, Placement, PlainUnit};
use super::window::{self, Bin};
use super::{Needs, row};
use crate::compute::engine::kernel::simd::LANES;
use crate::compute::engine::kernel::team;
use crate::compute::engine::kernel::vectorised::vectorised;
use crate::compute::engine::memory_layout::{Layout, View, ViewMut};
use crate::graph::op::{MaxPool, MaxPoolTo, MaxPoolWithIndex, Window};
use std::ops::Range;

impl PlainUnit for MaxPool {
    fn form(&self) -> Form {
        Form { needs: Needs::INPUTS, placement: Placement::AsInput, cheap: false }
    }

    fn forward(&self, Given { inputs, .. }: Given, output: &mut ViewMut, _: &mut [ViewMut]) {
        Bins::sliding(&self.0, inputs[0].layout, output.layout).forward(inputs[0], output);
    }

    fn backward(&self, From { inputs, gradient: grad, .. }: From, _: usize, into: &mut ViewMut, add: bool) {
        Bins::sliding(&self.0, into.layout, grad.layout).backward(inputs[0], grad, into, add);
    }

    fn weight_gradients(&self, _: &[View], _: View) -> Vec<(&'static str, Vec<f32>)> {
        Vec::new()
    }
}

/// The same to a fixed size.
impl PlainUnit for MaxPoolTo {
    fn form(&self) -> Form {
        Form { needs: Needs::INPUTS, placement: Placement::AsInput, cheap: false }
    }

    fn forward(&self, Given { inputs, .. }: Given, output: &mut ViewMut, _: &mut [ViewMut]) {
        Bins::adaptive(inputs[0].layout, output.layout).forward(inputs[0], output);
    }

    fn backward(&self, From { inputs, gradient: grad, .. }: From, _: usize, into: &mut ViewMut, add: bool) {
        Bins::adaptive(into.layout, grad.layout).backward(inputs[0], grad, into, add);
    }

    fn weight_gradients(&self, _: &[View], _: View) -> Vec<(&'static str, Vec<f32>)> {
        Vec::new()
    }
}

/// The same with a second output: places in the flattened `h * w` of the input, as numbers. They are exact up to 2^24 pixels.
impl PlainUnit for MaxPoolWithIndex {
    fn form(&self) -> Form {
        Form { needs: Needs::INPUTS, placement: Placement::AsInput, cheap: false }
    }

    fn forward(&self, Given { inputs, .. }: Given, output: &mut ViewMut, others: &mut [ViewMut]) {
        let index = &mut others[0];
        let x = inputs[0];
        let bins = Bins::sliding(&self.0, x.layout, output.layout);
        bins.forward(x, output);
        let lanes = x.layout.lanes;
        index.rows(|plane, y, to| {
            for (across, to) in bins.across.iter().zip(to.chunks_exact_mut(lanes)) {
                let (down, mut places) = (bins.down[y], [0; LANES]);
                find(x, plane, down, *across, [down.start * bins.w + across.start, bins.w, 1], &mut places);
                to.iter_mut().zip(places).for_each(|(to, place)| *to = place as f32);
            }
        });
    }

    /// From the gradient of the first output; the second has none.
    fn backward(&self, From { inputs, gradient: grad, .. }: From, _: usize, into: &mut ViewMut, add: bool) {
        Bins::sliding(&self.0, into.layout, grad.layout).backward(inputs[0], grad, into, add);
    }

    fn weight_gradients(&self, _: &[View], _: View) -> Vec<(&'static str, Vec<f32>)> {
        Vec::new()
    }
}

/// The windows of a pool.
struct Bins {
    down: Vec<Bin>,
    across: Vec<Bin>,
    /// Columns of the input.
    w: usize,
}

impl Bins {
    fn sliding(window: &Window, from: &Layout, to: &Layout) -> Self {
        let [down, across] =
            [(0, from.h, to.h), (1, from.w, to.w)].map(|(axis, from, to)| window::sliding(window, axis, from, to));
        Self { down, across, w: from.w }
    }

    fn adaptive(from: &Layout, to: &Layout) -> Self {
        Self { down: window::adaptive(from.h, to.h), across: window::adaptive(from.w, to.w), w: from.w }
    }

    /// Whether the windows of a row lie side by side, two pixels each.
    fn halves(&self) -> bool {
        self.across.iter().enumerate().all(|(i, bin)| (bin.start, bin.end) == (2 * i, 2 * i + 2))
    }

    /// The largest of each column, then of each window.
    fn forward(&self, x: View, output: &mut ViewMut) {
        let (lanes, halves) = (x.layout.lanes, self.halves());
        let scratch = vec![0f32; x.layout.inner()];
        output.rows_with(
            || scratch.clone(),
            |largest, plane, y, to| {
                let Bin { start, end, .. } = self.down[y];
                let source = if end - start == 1 {
                    x.row(plane, start)
                } else {
                    row::two(largest, x.row(plane, start), x.row(plane, start + 1), false, larger);
                    (start + 2..end).for_each(|y| grow(largest, x.row(plane, y)));
                    largest
                };
                if halves && lanes == LANES {
                    max_pairs(source, to);
                } else {
                    max_windows(&self.across, source, to, lanes);
                }
            },
        );
    }

    /// Gradients go where the largest numbers are. Rows that no two windows share are worked on at once.
    fn backward(&self, x: View, grad: View, into: &mut ViewMut, add: bool) {
        let layout = into.layout;
        let apart = self.down.windows(2).all(|bins| bins[0].end <= bins[1].start);
        if !apart {
            into.planes(|plane, rows| {
                self.scatter(x, grad, plane, 0..self.down.len(), &mut Band { rows, first: 0, layout }, add);
            });
            return;
        }
        let mut bands = Vec::with_capacity(layout.n * layout.blocks() * self.down.len());
        for (plane, mut rest) in into.data[..layout.size()].chunks_exact_mut(layout.plane().max(1)).enumerate() {
            let mut first = 0;
            for i in 0..self.down.len() {
                let next = self.down.get(i + 1).map_or(layout.h, |bin| bin.start);
                let (rows, below) = rest.split_at_mut((next - first) * layout.row());
                bands.push((plane, i..i + 1, Band { rows, first, layout }));
                (rest, first) = (below, next);
            }
        }
        let least = team::SHARE / layout.row().max(1);
        team::chunks(&mut bands, 1, least, |_, band| {
            let (plane, windows, band) = &mut band[0];
            self.scatter(x, grad, *plane, windows.clone(), band, add);
        });
    }

    /// The gradients of some rows of windows, which lie in the band.
    fn scatter(&self, x: View, grad: View, plane: usize, windows: Range<usize>, band: &mut Band, add: bool) {
        if !add {
            band.clear();
        }
        let (lanes, step, halo) = (x.layout.lanes, band.layout.row(), band.layout.halo);
        let halves = self.halves() && lanes == LANES;
        for i in windows {
            let down = self.down[i];
            let g = grad.row(plane, i);
            if halves && down.end - down.start == 2 {
                let [above, below] = band.pair(down.start);
                give_pairs(x.row(plane, down.start), x.row(plane, down.start + 1), g, above, below);
                continue;
            }
            for (across, g) in self.across.iter().zip(g.chunks_exact(lanes)) {
                let first = (down.start - band.first) * step + (halo + across.start) * lanes;
                let mut places = [0; LANES];
                find(x, plane, down, *across, [first, step, lanes], &mut places);
                for (lane, (g, place)) in g.iter().zip(places).enumerate() {
                    band.rows[place as usize + lane] += g;
                }
            }
        }
    }
}

/// Rows of one plane that is written, the first of them row `first`.
struct Band<'a> {
    rows: &'a mut [f32],
    first: usize,
    layout: &'a Layout,
}

impl Band<'_> {
    fn clear(&mut self) {
        let halo = self.layout.halo * self.layout.lanes;
        for row in self.rows.chunks_exact_mut(self.layout.row().max(1)) {
            row[halo..][..self.layout.inner()].fill(0.0);
        }
    }

    /// Row `y` and the next without their halos.
    fn pair(&mut self, y: usize) -> [&mut [f32]; 2] {
        let (row, halo, inner) = (self.layout.row(), self.layout.halo * self.layout.lanes, self.layout.inner());
        let (above, below) = self.rows[(y - self.first) * row..][..2 * row].split_at_mut(row);
        [&mut above[halo..halo + inner], &mut below[halo..halo + inner]]
    }
}

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if b > a || b.is_nan() { b } else { a }
}

vectorised! {
    fn grow(largest: &mut [f32], row: &[f32]) {
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
    fn max_windows(bins: &[Bin], from: &[f32], to: &mut [f32], lanes: usize) {
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
    /// Adds gradients of 2x2 windows to the first largest number of each.
    fn give_pairs(a: &[f32], b: &[f32], g: &[f32], to_a: &mut [f32], to_b: &mut [f32]) {
        let from = a.as_chunks::<{ 2 * LANES }>().0.iter().zip(b.as_chunks::<{ 2 * LANES }>().0);
        let to = to_a.as_chunks_mut::<{ 2 * LANES }>().0.iter_mut().zip(to_b.as_chunks_mut::<{ 2 * LANES }>().0);
        for (((a, b), (to_a, to_b)), g) in from.zip(to).zip(g.as_chunks::<LANES>().0) {
            for lane in 0..LANES {
                let right = lane + LANES;
                let above = larger(a[lane], a[right]);
                let below = larger(b[lane], b[right]);
                // A number is the first largest if it is no smaller than those behind it and larger than those before.
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
    /// The places of a window's largest numbers, one a lane: `[first, down, right]` are the place of the window's first
    /// pixel and the steps to the next ones.
    fn find(x: View, plane: usize, down: Bin, across: Bin, steps: [usize; 3], places: &mut [u32; LANES]) {
        if x.layout.lanes == 1 {
            scan::<1>(x, plane, down, across, steps, places);
        } else {
            scan::<LANES>(x, plane, down, across, steps, places);
        }
    }
}

#[inline(always)]
fn scan<const L: usize>(
    x: View,
    plane: usize,
    down: Bin,
    across: Bin,
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
