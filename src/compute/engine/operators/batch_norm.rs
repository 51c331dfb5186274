//! Batch norm, fused with the ReLU after it.

use crate::compute::engine::kernel::conv_region::ChannelSums;
use crate::compute::engine::kernel::prologue::{Prologue, scale_and_clamp};
use crate::compute::engine::kernel::simd::LANES;
use crate::compute::engine::kernel::team;
use crate::compute::engine::kernel::vectorised::vectorised;
use crate::compute::engine::memory_layout::{MapLayout, MapView, MapViewMut, WriteMode};

/// Statistics of a batch, one number per slot.
#[derive(Debug, Clone)]
pub struct NormStatistics {
    pub mean: Vec<f32>,
    /// Biased variance.
    pub variance: Vec<f32>,
    /// `1 / sqrt(variance + epsilon)`
    pub inverse: Vec<f32>,
}

impl NormStatistics {
    /// Computes the statistics from sums over `count` pixels per channel.
    pub fn from_sums(sums: &ChannelSums, count: usize, epsilon: f64) -> Self {
        let count = count as f64;
        let means: Vec<f64> = sums.sum.iter().map(|sum| sum / count).collect();
        let variances: Vec<f64> =
            sums.square.iter().zip(&means).map(|(square, mean)| (square / count - mean * mean).max(0.0)).collect();
        Self::new(&means, &variances, epsilon)
    }

    pub fn new(means: &[f64], variances: &[f64], epsilon: f64) -> Self {
        Self {
            mean: means.iter().map(|&x| x as f32).collect(),
            variance: variances.iter().map(|&x| x as f32).collect(),
            inverse: variances.iter().map(|x| (1.0 / (x + epsilon).sqrt()) as f32).collect(),
        }
    }
}

/// Factor and summand of each slot: batch norm as an affine map once its statistics are known.
#[derive(Debug, Clone)]
pub struct NormAffine {
    pub factor: Vec<f32>,
    pub summand: Vec<f32>,
}

impl NormAffine {
    /// `weight` and `bias` are one number per slot.
    pub fn new(statistics: &NormStatistics, weight: &[f32], bias: &[f32]) -> Self {
        let factor: Vec<f32> = weight.iter().zip(&statistics.inverse).map(|(w, i)| w * i).collect();
        let summand =
            bias.iter().zip(&statistics.mean).zip(&factor).map(|((bias, mean), factor)| bias - mean * factor).collect();
        Self { factor, summand }
    }
}

impl NormAffine {
    /// Returns the norm as the prologue of the convolution that reads its input.
    pub fn prologue(&self, relu: bool) -> Prologue<'_> {
        Prologue { factor: &self.factor, summand: &self.summand, relu }
    }
}

fn block_lanes(values: &[f32], block: usize) -> &[f32; LANES] {
    values[block * LANES..].first_chunk().expect("one number per slot")
}

/// Writes `max(x * factor + summand, 0)` with `relu`, else without the maximum.
pub fn forward(affine: &NormAffine, relu: bool, x: MapView, y: &mut MapViewMut) {
    let (blocks, prologue) = (y.layout.blocks(), affine.prologue(relu));
    y.for_rows(|plane, row, to| {
        let of_block = prologue.block(plane % blocks);
        scale_and_clamp(x.row(plane, row), to, of_block.factor, of_block.summand, of_block.floor);
    });
}

vectorised! {
    fn sum_row(x: &[f32], sum: &mut [f32; LANES], square: &mut [f32; LANES], shift: &[f32; LANES]) {
        for x in x.as_chunks::<LANES>().0 {
            for i in 0..LANES {
                let x = x[i] - shift[i];
                sum[i] += x;
                square[i] += x * x;
            }
        }
    }
}

/// Computes the statistics of a map in two passes.
pub fn statistics(x: MapView, epsilon: f64) -> NormStatistics {
    let count = (x.layout.n * x.layout.h * x.layout.w) as f64;
    let [sum, _] = over_rows(x.layout, |plane, row, [sum, square]| {
        sum_row(x.row(plane, row), sum, square, &[0.0; LANES]);
    });
    let means: Vec<f64> = sum.iter().map(|sum| sum / count).collect();
    let shift: Vec<f32> = means.iter().map(|&x| x as f32).collect();
    let [sum, square] = over_rows(x.layout, |plane, row, [sum, square]| {
        sum_row(x.row(plane, row), sum, square, block_lanes(&shift, plane % x.layout.blocks()));
    });
    // The shift is the rounded mean; the remaining difference to the mean is corrected here.
    let variances: Vec<f64> =
        sum.iter().zip(&square).map(|(sum, square)| (square / count - (sum / count).powi(2)).max(0.0)).collect();
    NormStatistics::new(&means, &variances, epsilon)
}

/// Computes two sums per slot over all rows: each row in 32 bits, the rows in 64, in an order that the shape
/// determines.
fn over_rows(layout: &MapLayout, row_sums: impl Fn(usize, usize, &mut [[f32; LANES]; 2]) + Sync) -> [Vec<f64>; 2] {
    let blocks = layout.blocks();
    let band = layout.h.div_ceil((32 / (layout.n * blocks).max(1)).max(1)).max(1);
    let bands: Vec<(usize, usize)> =
        (0..layout.n * blocks).flat_map(|plane| (0..layout.h).step_by(band).map(move |y| (plane, y))).collect();
    let parts: Vec<[[f64; LANES]; 2]> = team::map(bands.len(), |i| {
        let (plane, first) = bands[i];
        let mut total = [[0.0; LANES]; 2];
        for y in first..(first + band).min(layout.h) {
            let mut sums = [[0.0; LANES]; 2];
            row_sums(plane, y, &mut sums);
            for (total, sum) in total.iter_mut().flatten().zip(sums.as_flattened()) {
                *total += f64::from(*sum);
            }
        }
        total
    });
    let mut all = [vec![0.0; layout.slots()], vec![0.0; layout.slots()]];
    for ((plane, _), part) in bands.into_iter().zip(parts) {
        for (all, part) in all.iter_mut().zip(part) {
            for (to, from) in all[plane % blocks * LANES..].iter_mut().zip(part) {
                *to += from;
            }
        }
    }
    all
}

/// The state of one layer that its backward pass reads.
pub struct BatchNormBackward<'a> {
    pub statistics: &'a NormStatistics,
    pub affine: &'a NormAffine,
    pub relu: bool,
    /// Whether the statistics are those of the batch, so that the gradient also flows through them.
    pub of_batch: bool,
}

vectorised! {
    fn reduce_row(
        x: &[f32], g: &[f32], sums: &mut [[f32; LANES]; 2], mean: &[f32; LANES], inverse: &[f32; LANES],
        factor: &[f32; LANES], summand: &[f32; LANES], floor: f32,
    ) {
        let [bias, weight] = sums;
        for (x, g) in x.as_chunks::<LANES>().0.iter().zip(g.as_chunks::<LANES>().0) {
            for i in 0..LANES {
                let g = if x[i] * factor[i] + summand[i] > floor { g[i] } else { 0.0 };
                bias[i] += g;
                weight[i] += g * ((x[i] - mean[i]) * inverse[i]);
            }
        }
    }
}

/// Returns `a * g + b * x + c`, where `a` is the layer's factor and `g` is 0 where the ReLU was 0.
#[inline(always)]
fn input_gradient_at(x: f32, g: f32, b: f32, c: f32, factor: f32, summand: f32, floor: f32) -> f32 {
    let g = if x * factor + summand > floor { g } else { 0.0 };
    g * factor + x * b + c
}

vectorised! {
    fn input_row(
        x: &[f32], g: &[f32], dx: &mut [f32], b: &[f32; LANES], c: &[f32; LANES],
        factor: &[f32; LANES], summand: &[f32; LANES], floor: f32,
    ) {
        let x = x.as_chunks::<LANES>().0.iter().zip(g.as_chunks::<LANES>().0);
        for ((x, g), dx) in x.zip(dx.as_chunks_mut::<LANES>().0) {
            for i in 0..LANES {
                dx[i] = input_gradient_at(x[i], g[i], b[i], c[i], factor[i], summand[i], floor);
            }
        }
    }
}

vectorised! {
    fn add_row(
        x: &[f32], g: &[f32], dx: &mut [f32], b: &[f32; LANES], c: &[f32; LANES],
        factor: &[f32; LANES], summand: &[f32; LANES], floor: f32,
    ) {
        let x = x.as_chunks::<LANES>().0.iter().zip(g.as_chunks::<LANES>().0);
        for ((x, g), dx) in x.zip(dx.as_chunks_mut::<LANES>().0) {
            for i in 0..LANES {
                dx[i] += input_gradient_at(x[i], g[i], b[i], c[i], factor[i], summand[i], floor);
            }
        }
    }
}

/// Returns the gradients of weight and bias, one number per slot, from the input and the gradient of the output.
pub fn weight_gradients(norm: &BatchNormBackward, x: MapView, g: MapView) -> (Vec<f64>, Vec<f64>) {
    let blocks = x.layout.blocks();
    let floor = if norm.relu { 0.0 } else { f32::NEG_INFINITY };
    let [bias, weight] = over_rows(x.layout, |plane, row, sums| {
        let of = |values| block_lanes(values, plane % blocks);
        let (s, a) = (norm.statistics, norm.affine);
        let (x, g) = (x.row(plane, row), g.row(plane, row));
        reduce_row(x, g, sums, of(&s.mean), of(&s.inverse), of(&a.factor), of(&a.summand), floor);
    });
    (weight, bias)
}

/// Computes the gradient of the input. With the statistics of the batch (Ioffe and Szegedy 2015, section 3) for `m`
/// pixels, it is `factor * (g - sum(g) / m - xhat * sum(g * xhat) / m)`, which is `a * g + b * x + c` per channel.
pub fn input_gradient(
    norm: &BatchNormBackward,
    x: MapView,
    g: MapView,
    (weight, bias): (&[f64], &[f64]),
    into: &mut MapViewMut,
    write: WriteMode,
) {
    let blocks = x.layout.blocks();
    let m = (x.layout.n * x.layout.h * x.layout.w) as f64;
    let (s, a) = (norm.statistics, norm.affine);
    let slots = x.layout.slots();
    let (mut b, mut c) = (vec![0.0; slots], vec![0.0; slots]);
    if norm.of_batch {
        for i in 0..slots {
            let (factor, inverse) = (f64::from(a.factor[i]), f64::from(s.inverse[i]));
            let of_x = -factor * inverse * weight[i] / m;
            b[i] = of_x as f32;
            c[i] = (-factor * bias[i] / m - of_x * f64::from(s.mean[i])) as f32;
        }
    }
    let floor = if norm.relu { 0.0 } else { f32::NEG_INFINITY };
    into.for_rows(|plane, row, dx| {
        let of = |values| block_lanes(values, plane % blocks);
        let (x, g) = (x.row(plane, row), g.row(plane, row));
        let run = if write == WriteMode::Accumulate { add_row } else { input_row };
        run(x, g, dx, of(&b), of(&c), of(&a.factor), of(&a.summand), floor);
    });
}

/// Returns the sum over a map's pixels, one number per slot: the gradient of a bias.
pub(crate) fn sum(g: MapView) -> Vec<f64> {
    let zero = [0.0; LANES];
    let [sum, _] = over_rows(g.layout, |plane, row, [sum, square]| sum_row(g.row(plane, row), sum, square, &zero));
    sum
}
