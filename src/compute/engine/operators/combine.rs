//! Sum, difference, product and quotient. One operand may be `[c, 1, 1]` or `[1, h, w]` if the other is `[c, h, w]`;
//! the gradient of such an operand is a sum.
//!
//! A map of one channel may have other lanes than the result; otherwise operands and result have equal segments.

use super::operator_kernel::{BackwardArgs, ChannelPlacement, ForwardArgs, KernelProperties, OperatorKernel};
use super::{BackwardNeeds, plane_sums, row_loops};
use crate::compute::engine::kernel::simd::LANES;
use crate::compute::engine::kernel::vectorised::vectorised;
use crate::compute::engine::memory_layout::{FeatureMap, MapLayout, MapView, MapViewMut, WriteMode};
use crate::graph::op::{Combine, ElementwiseFunction};

impl OperatorKernel for Combine {
    fn properties(&self) -> KernelProperties {
        let needs = match self.function {
            ElementwiseFunction::Add | ElementwiseFunction::Sub => BackwardNeeds::NOTHING,
            ElementwiseFunction::Mul | ElementwiseFunction::Div => BackwardNeeds::INPUTS,
        };
        KernelProperties { needs, placement: ChannelPlacement::AsWidest, cheap: true }
    }

    fn forward(&self, ForwardArgs { inputs, .. }: ForwardArgs, output: &mut MapViewMut, _: &mut [MapViewMut]) {
        match self.function {
            ElementwiseFunction::Add => combine(inputs, output, |a, b| a + b),
            ElementwiseFunction::Sub => combine(inputs, output, |a, b| a - b),
            ElementwiseFunction::Mul => combine(inputs, output, |a, b| a * b),
            ElementwiseFunction::Div => {
                combine(inputs, output, |a, b| a / b);
                clear_gaps(output);
            }
        }
    }

    fn backward(
        &self,
        BackwardArgs { inputs, gradient: grad, .. }: BackwardArgs,
        slot: usize,
        into: &mut MapViewMut,
        write: WriteMode,
    ) {
        let [own, other, g] =
            [inputs[slot], inputs[1 - slot], grad].map(|view| BroadcastOperand::new(view, grad.layout));
        match (self.function, slot) {
            // The gradient does not depend on the other operand, whose numbers may have been freed.
            (ElementwiseFunction::Add, _) | (ElementwiseFunction::Sub, 0) => {
                write_gradient(g, g, own.broadcast, into, write, |g, _| g)
            }
            (ElementwiseFunction::Sub, _) => write_gradient(g, g, own.broadcast, into, write, |g, _| -g),
            (ElementwiseFunction::Mul, _) => write_gradient(g, other, own.broadcast, into, write, |g, other| g * other),
            (ElementwiseFunction::Div, 0) => {
                write_gradient(g, other, own.broadcast, into, write, |g, divisor| g / divisor);
                clear_gaps(into);
            }
            (ElementwiseFunction::Div, _) => divisor_gradient(g, other, own, into, write),
        }
    }

    fn weight_gradients(&self, _: &[MapView], _: MapView) -> Vec<(&'static str, Vec<f32>)> {
        Vec::new()
    }
}

/// How an operand is broadcast to the size of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Broadcast {
    None,
    /// One number per channel.
    PerChannel,
    /// One number per pixel.
    PerPixel,
}

impl Broadcast {
    fn of(operand: &MapLayout, result: &MapLayout) -> Self {
        let [_, c, h, w] = result.dims();
        match operand.dims() {
            [_, d, i, j] if [d, i, j] == [c, h, w] => Broadcast::None,
            [_, d, _, _] if d == c => Broadcast::PerChannel,
            _ => Broadcast::PerPixel,
        }
    }
}

/// An operand with access to its numbers by rows of the result.
#[derive(Clone, Copy)]
struct BroadcastOperand<'a> {
    view: MapView<'a>,
    broadcast: Broadcast,
    blocks: usize,
}

impl<'a> BroadcastOperand<'a> {
    fn new(view: MapView<'a>, result: &MapLayout) -> Self {
        Self { view, broadcast: Broadcast::of(view.layout, result), blocks: result.blocks() }
    }

    fn row(&self, plane: usize, y: usize) -> &'a [f32] {
        match self.broadcast {
            Broadcast::None => self.view.row(plane, y),
            Broadcast::PerChannel => self.view.row(plane, 0),
            Broadcast::PerPixel => self.view.row(plane / self.blocks, y),
        }
    }
}

/// Zeros the unused lanes: their divisor may be 0.
fn clear_gaps(map: &mut MapViewMut) {
    let (lanes, used) = (map.layout.lanes, row_loops::used_lanes(map.layout));
    if used.iter().all(|&used| used == lanes) {
        return;
    }
    map.for_rows(|plane, _, row| row_loops::clear_gaps(row, lanes, used[plane % used.len()]));
}

fn combine(inputs: &[MapView], output: &mut MapViewMut, f: impl Fn(f32, f32) -> f32 + Sync) {
    let [a, b] = [0, 1].map(|i| BroadcastOperand::new(inputs[i], output.layout));
    if a.broadcast == Broadcast::None {
        apply(a, b, output, WriteMode::Overwrite, f);
    } else {
        apply(b, a, output, WriteMode::Overwrite, |b, a| f(a, b));
    }
}

/// Computes `to = f(whole, other)`, or `to += f(whole, other)`.
fn apply(
    whole: BroadcastOperand,
    other: BroadcastOperand,
    to: &mut MapViewMut,
    write: WriteMode,
    f: impl Fn(f32, f32) -> f32 + Sync,
) {
    to.for_rows(|plane, y, to| apply_row(whole, other, plane, y, to, write, &f));
}

fn apply_row(
    whole: BroadcastOperand,
    other: BroadcastOperand,
    plane: usize,
    y: usize,
    to: &mut [f32],
    write: WriteMode,
    f: impl Fn(f32, f32) -> f32,
) {
    let (a, b) = (whole.row(plane, y), other.row(plane, y));
    match other.broadcast {
        Broadcast::None => row_loops::zip(to, a, b, write, f),
        Broadcast::PerChannel => row_loops::map_by_lane(to, a, b, write, f),
        Broadcast::PerPixel => zip_by_pixel(to, a, b, [whole.view.layout.lanes, other.view.layout.lanes], write, f),
    }
}

vectorised! {
    /// Computes `to = f(a, p)`, or `to += f(a, p)`, with one `p` per pixel. `lanes` are those of `a` and of `p`.
    fn zip_by_pixel(
        to: &mut [f32], a: &[f32], p: &[f32], lanes: [usize; 2], write: WriteMode, f: impl Fn(f32, f32) -> f32,
    ) {
        let pixels = p.iter().step_by(lanes[1]);
        if lanes[0] == 1 {
            for ((to, &a), &p) in to.iter_mut().zip(a).zip(pixels) {
                let old = write.old(*to);
                *to = old + f(a, p);
            }
            return;
        }
        let rows = to.as_chunks_mut::<LANES>().0.iter_mut().zip(a.as_chunks::<LANES>().0);
        for ((to, a), &p) in rows.zip(pixels) {
            for lane in 0..LANES {
                let old = write.old(to[lane]);
                to[lane] = old + f(a[lane], p);
            }
        }
    }
}

/// Writes or adds `f(gradient, other)`, summed to the size of an operand of this broadcast.
fn write_gradient(
    g: BroadcastOperand,
    other: BroadcastOperand,
    broadcast: Broadcast,
    into: &mut MapViewMut,
    write: WriteMode,
    f: impl Fn(f32, f32) -> f32 + Sync,
) {
    match broadcast {
        Broadcast::None => apply(g, other, into, write, f),
        Broadcast::PerChannel => sum_over_pixels(g.view, other.view, into, write, f),
        Broadcast::PerPixel => sum_over_channels(g.view, other.view, into, write, f),
    }
}

/// Computes the gradient of the divisor, `-g * a / b^2`: the gradient of a factor times `-1 / b^2`.
fn divisor_gradient(
    g: BroadcastOperand,
    a: BroadcastOperand,
    b: BroadcastOperand,
    into: &mut MapViewMut,
    write: WriteMode,
) {
    let mut product = FeatureMap::zeros(into.layout.clone());
    write_gradient(g, a, b.broadcast, &mut product.view_mut(), WriteMode::Overwrite, |g, a| g * a);
    let product = product.view();
    into.for_rows(|plane, y, to| {
        row_loops::zip(to, product.row(plane, y), b.view.row(plane, y), write, |product, b| -product / (b * b));
    });
    clear_gaps(into);
}

fn sum_over_pixels(
    g: MapView,
    other: MapView,
    into: &mut MapViewMut,
    write: WriteMode,
    f: impl Fn(f32, f32) -> f32 + Sync,
) {
    let sums = plane_sums::plane_sums(g.layout, 1, |plane, y, sums| {
        row_loops::sum_zip(sums, g.row(plane, y), other.row(plane, y), &f);
    });
    let lanes = g.layout.lanes;
    into.for_rows(|plane, _, to| {
        for (to, sum) in to.iter_mut().zip(&sums[plane * lanes..]) {
            *to = write.old(*to) + *sum as f32;
        }
    });
}

/// Sums blocks lane by lane, then the lanes of a pixel.
fn sum_over_channels(
    g: MapView,
    other: MapView,
    into: &mut MapViewMut,
    write: WriteMode,
    f: impl Fn(f32, f32) -> f32 + Sync,
) {
    let (lanes, own, used) = (g.layout.lanes, into.layout.lanes, row_loops::used_lanes(g.layout));
    let row = || vec![0f32; g.layout.inner_len()];
    into.for_rows_with(row, |sums, image, y, to| {
        sums.fill(0.0);
        for (block, &used) in used.iter().enumerate() {
            let plane = image * g.layout.blocks() + block;
            let (g, other) = (g.row(plane, y), other.row(plane, y));
            if used == lanes {
                row_loops::zip(sums, g, other, WriteMode::Accumulate, &f);
                continue;
            }
            let pixels = g.chunks_exact(lanes).zip(other.chunks_exact(lanes));
            for (sums, (g, other)) in sums.chunks_exact_mut(lanes).zip(pixels) {
                row_loops::zip(&mut sums[..used], g, other, WriteMode::Accumulate, &f);
            }
        }
        for (to, sums) in to.chunks_exact_mut(own).zip(sums.chunks_exact(lanes)) {
            let sum = pairwise_sum(sums);
            if write == WriteMode::Accumulate {
                to[0] += sum;
            } else {
                to.fill(0.0);
                to[0] = sum;
            }
        }
    });
}

/// Returns the sum of a pixel's lanes, by halves.
fn pairwise_sum(lanes: &[f32]) -> f32 {
    match lanes {
        &[one] => one,
        _ => {
            let (low, high) = lanes.split_at(lanes.len() / 2);
            pairwise_sum(low) + pairwise_sum(high)
        }
    }
}
