//! Sum, difference, product and quotient. One operand may be `[c, 1, 1]` or `[1, h, w]` where the other is `[c, h, w]`; the
//! gradient of such an operand is a sum.
//!
//! A map of one channel may have other lanes than the result; otherwise operands and result have equal segments.

use super::plain::{Form, From, Given, Placement, PlainUnit};
use super::{Needs, row, sum};
use crate::compute::engine::kernel::simd::LANES;
use crate::compute::engine::kernel::vectorised::vectorised;
use crate::compute::engine::memory_layout::{Layout, Map, View, ViewMut};
use crate::graph::op::{Combine, Elementwise};

impl PlainUnit for Combine {
    fn form(&self) -> Form {
        let needs = match self.function {
            Elementwise::Add | Elementwise::Sub => Needs::NOTHING,
            Elementwise::Mul | Elementwise::Div => Needs::INPUTS,
        };
        Form { needs, placement: Placement::AsWidest, cheap: true }
    }

    fn forward(&self, Given { inputs, .. }: Given, output: &mut ViewMut, _: &mut [ViewMut]) {
        match self.function {
            Elementwise::Add => join(inputs, output, |a, b| a + b),
            Elementwise::Sub => join(inputs, output, |a, b| a - b),
            Elementwise::Mul => join(inputs, output, |a, b| a * b),
            Elementwise::Div => {
                join(inputs, output, |a, b| a / b);
                clear_gaps(output);
            }
        }
    }

    fn backward(&self, From { inputs, gradient: grad, .. }: From, slot: usize, into: &mut ViewMut, add: bool) {
        let [own, other, g] = [inputs[slot], inputs[1 - slot], grad].map(|view| Operand::new(view, grad.layout));
        match (self.function, slot) {
            // The other operand plays no part, and its numbers may be gone.
            (Elementwise::Add, _) | (Elementwise::Sub, 0) => flow(g, g, own.span, into, add, |g, _| g),
            (Elementwise::Sub, _) => flow(g, g, own.span, into, add, |g, _| -g),
            (Elementwise::Mul, _) => flow(g, other, own.span, into, add, |g, other| g * other),
            (Elementwise::Div, 0) => {
                flow(g, other, own.span, into, add, |g, divisor| g / divisor);
                clear_gaps(into);
            }
            (Elementwise::Div, _) => divide(g, other, own, into, add),
        }
    }

    fn weight_gradients(&self, _: &[View], _: View) -> Vec<(&'static str, Vec<f32>)> {
        Vec::new()
    }
}

/// How an operand lies over the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Span {
    Whole,
    /// One number per channel.
    Channels,
    /// One number per pixel.
    Pixels,
}

impl Span {
    fn of(operand: &Layout, result: &Layout) -> Self {
        let [_, c, h, w] = result.dims();
        match operand.dims() {
            [_, d, i, j] if [d, i, j] == [c, h, w] => Span::Whole,
            [_, d, _, _] if d == c => Span::Channels,
            _ => Span::Pixels,
        }
    }
}

/// An operand as rows of the result see it.
#[derive(Clone, Copy)]
struct Operand<'a> {
    view: View<'a>,
    span: Span,
    blocks: usize,
}

impl<'a> Operand<'a> {
    fn new(view: View<'a>, result: &Layout) -> Self {
        Self { view, span: Span::of(view.layout, result), blocks: result.blocks() }
    }

    fn row(&self, plane: usize, y: usize) -> &'a [f32] {
        match self.span {
            Span::Whole => self.view.row(plane, y),
            Span::Channels => self.view.row(plane, 0),
            Span::Pixels => self.view.row(plane / self.blocks, y),
        }
    }
}

/// What unused lanes are divided by may be 0.
fn clear_gaps(map: &mut ViewMut) {
    let (lanes, used) = (map.layout.lanes, row::used(map.layout));
    if used.iter().all(|&used| used == lanes) {
        return;
    }
    map.rows(|plane, _, row| row::clear_gaps(row, lanes, used[plane % used.len()]));
}

fn join(inputs: &[View], output: &mut ViewMut, f: impl Fn(f32, f32) -> f32 + Sync) {
    let [a, b] = [0, 1].map(|i| Operand::new(inputs[i], output.layout));
    if a.span == Span::Whole {
        apply(a, b, output, false, f);
    } else {
        apply(b, a, output, false, |b, a| f(a, b));
    }
}

/// `to = f(whole, other)`, or `to += f(whole, other)`.
fn apply(whole: Operand, other: Operand, to: &mut ViewMut, add: bool, f: impl Fn(f32, f32) -> f32 + Sync) {
    to.rows(|plane, y, to| apply_row(whole, other, plane, y, to, add, &f));
}

fn apply_row(
    whole: Operand,
    other: Operand,
    plane: usize,
    y: usize,
    to: &mut [f32],
    add: bool,
    f: impl Fn(f32, f32) -> f32,
) {
    let (a, b) = (whole.row(plane, y), other.row(plane, y));
    match other.span {
        Span::Whole => row::two(to, a, b, add, f),
        Span::Channels => row::by_lane(to, a, b, add, f),
        Span::Pixels => by_pixel(to, a, b, [whole.view.layout.lanes, other.view.layout.lanes], add, f),
    }
}

vectorised! {
    /// `to = f(a, p)`, or `to += f(a, p)`, with one `p` per pixel. `lanes` are those of `a` and of `p`.
    fn by_pixel(
        to: &mut [f32], a: &[f32], p: &[f32], lanes: [usize; 2], add: bool, f: impl Fn(f32, f32) -> f32,
    ) {
        let pixels = p.iter().step_by(lanes[1]);
        if lanes[0] == 1 {
            for ((to, &a), &p) in to.iter_mut().zip(a).zip(pixels) {
                let old = if add { *to } else { 0.0 };
                *to = old + f(a, p);
            }
            return;
        }
        let rows = to.as_chunks_mut::<LANES>().0.iter_mut().zip(a.as_chunks::<LANES>().0);
        for ((to, a), &p) in rows.zip(pixels) {
            for lane in 0..LANES {
                let old = if add { to[lane] } else { 0.0 };
                to[lane] = old + f(a[lane], p);
            }
        }
    }
}

/// Writes `f(gradient, other)`, summed to the size of an operand of this span.
fn flow(g: Operand, other: Operand, span: Span, into: &mut ViewMut, add: bool, f: impl Fn(f32, f32) -> f32 + Sync) {
    match span {
        Span::Whole => apply(g, other, into, add, f),
        Span::Channels => over_pixels(g.view, other.view, into, add, f),
        Span::Pixels => over_channels(g.view, other.view, into, add, f),
    }
}

/// The gradient of the divisor, `-g * a / b^2`: what flows to a factor, times `-1 / b^2`.
fn divide(g: Operand, a: Operand, b: Operand, into: &mut ViewMut, add: bool) {
    let mut product = Map::zeros(into.layout.clone());
    flow(g, a, b.span, &mut product.view_mut(), false, |g, a| g * a);
    let product = product.view();
    into.rows(|plane, y, to| {
        row::two(to, product.row(plane, y), b.view.row(plane, y), add, |product, b| -product / (b * b));
    });
    clear_gaps(into);
}

fn over_pixels(g: View, other: View, into: &mut ViewMut, add: bool, f: impl Fn(f32, f32) -> f32 + Sync) {
    let sums = sum::planes(g.layout, 1, |plane, y, sums| {
        row::sum_two(sums, g.row(plane, y), other.row(plane, y), &f);
    });
    let lanes = g.layout.lanes;
    into.rows(|plane, _, to| {
        for (to, sum) in to.iter_mut().zip(&sums[plane * lanes..]) {
            *to = if add { *to } else { 0.0 } + *sum as f32;
        }
    });
}

/// Adds up blocks lane by lane and then the lanes of a pixel.
fn over_channels(g: View, other: View, into: &mut ViewMut, add: bool, f: impl Fn(f32, f32) -> f32 + Sync) {
    let (lanes, own, used) = (g.layout.lanes, into.layout.lanes, row::used(g.layout));
    let row = || vec![0f32; g.layout.inner()];
    into.rows_with(row, |sums, image, y, to| {
        sums.fill(0.0);
        for (block, &used) in used.iter().enumerate() {
            let plane = image * g.layout.blocks() + block;
            let (g, other) = (g.row(plane, y), other.row(plane, y));
            if used == lanes {
                row::two(sums, g, other, true, &f);
                continue;
            }
            let pixels = g.chunks_exact(lanes).zip(other.chunks_exact(lanes));
            for (sums, (g, other)) in sums.chunks_exact_mut(lanes).zip(pixels) {
                row::two(&mut sums[..used], g, other, true, &f);
            }
        }
        for (to, sums) in to.chunks_exact_mut(own).zip(sums.chunks_exact(lanes)) {
            let sum = total(sums);
            if add {
                to[0] += sum;
            } else {
                to.fill(0.0);
                to[0] = sum;
            }
        }
    });
}

/// The sum of a pixel's lanes, halves first.
fn total(lanes: &[f32]) -> f32 {
    match lanes {
        &[one] => one,
        _ => {
            let (low, high) = lanes.split_at(lanes.len() / 2);
            total(low) + total(high)
        }
    }
}
