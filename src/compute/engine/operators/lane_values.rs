//! Loops over rows whose numbers are scaled and summed per lane.

use crate::compute::engine::kernel::simd::LANES;
use crate::compute::engine::kernel::vectorised::vectorised;
use crate::compute::engine::memory_layout::WriteMode;

/// `K` numbers for each lane of some planes, or of some blocks that all images share.
pub(super) struct LaneValues<const K: usize> {
    lanes: usize,
    /// `[plane][K][lane]`
    values: Vec<f32>,
}

impl<const K: usize> LaneValues<K> {
    /// `of` returns the numbers of a slot; slots are numbered through planes.
    pub(super) fn new(planes: usize, lanes: usize, of: impl Fn(usize) -> [f32; K]) -> Self {
        let mut values = vec![0.0; planes * K * lanes];
        for (slot, plane) in (0..planes).flat_map(|plane| (0..lanes).map(move |lane| (plane * lanes + lane, plane))) {
            for (k, value) in of(slot).into_iter().enumerate() {
                values[(plane * K + k) * lanes + slot % lanes] = value;
            }
        }
        Self { lanes, values }
    }

    /// Returns the numbers of a plane, or of its block.
    pub(super) fn of(&self, plane: usize) -> [&[f32]; K] {
        let planes = self.values.len() / (K * self.lanes);
        let own = &self.values[plane % planes * K * self.lanes..][..K * self.lanes];
        std::array::from_fn(|k| &own[k * self.lanes..][..self.lanes])
    }
}

/// Instantiates the body for blocks and for planes, with the number of lanes as the constant `L`.
macro_rules! for_lanes {
    ($lanes:expr, $body:ident($($arg:expr),*)) => {
        if $lanes == 1 { $body::<1>($($arg),*) } else { $body::<LANES>($($arg),*) }
    };
}

#[inline(always)]
fn fixed<const L: usize, const K: usize>(values: [&[f32]; K]) -> [[f32; L]; K] {
    values.map(|lanes| lanes.try_into().expect("MapLayout: a block has LANES lanes or 1"))
}

vectorised! {
    /// Writes `(x - mean) * factor + summand`.
    pub(super) fn normalise(to: &mut [f32], x: &[f32], values: [&[f32]; 3]) {
        for_lanes!(values[0].len(), normalise_row(to, x, values))
    }
}

#[inline(always)]
fn normalise_row<const L: usize>(to: &mut [f32], x: &[f32], values: [&[f32]; 3]) {
    let [mean, factor, summand] = fixed::<L, 3>(values);
    for (to, x) in to.as_chunks_mut::<L>().0.iter_mut().zip(x.as_chunks::<L>().0) {
        for lane in 0..L {
            to[lane] = (x[lane] - mean[lane]) * factor[lane] + summand[lane];
        }
    }
}

vectorised! {
    /// Writes or adds `g * factor + (x - mean) * slope + summand`.
    pub(super) fn normalise_backward(to: &mut [f32], x: &[f32], g: &[f32], values: [&[f32]; 4], write: WriteMode) {
        for_lanes!(values[0].len(), normalise_backward_row(to, x, g, values, write))
    }
}

#[inline(always)]
fn normalise_backward_row<const L: usize>(to: &mut [f32], x: &[f32], g: &[f32], values: [&[f32]; 4], write: WriteMode) {
    let [mean, factor, slope, summand] = fixed::<L, 4>(values);
    let pixels = x.as_chunks::<L>().0.iter().zip(g.as_chunks::<L>().0);
    for (to, (x, g)) in to.as_chunks_mut::<L>().0.iter_mut().zip(pixels) {
        for lane in 0..L {
            let value = g[lane] * factor[lane] + (x[lane] - mean[lane]) * slope[lane] + summand[lane];
            to[lane] = write.old(to[lane]) + value;
        }
    }
}

vectorised! {
    /// Adds `(x - mean)^2` to the sums of the lanes.
    pub(super) fn sum_squares(sums: &mut [f32], x: &[f32], mean: &[f32]) {
        for_lanes!(mean.len(), sum_squares_row(sums, x, mean))
    }
}

#[inline(always)]
fn sum_squares_row<const L: usize>(sums: &mut [f32], x: &[f32], mean: &[f32]) {
    let [mean, mut all] = fixed::<L, 2>([mean, sums]);
    for x in x.as_chunks::<L>().0 {
        for lane in 0..L {
            all[lane] += (x[lane] - mean[lane]) * (x[lane] - mean[lane]);
        }
    }
    sums.copy_from_slice(&all);
}

vectorised! {
    /// Adds `g` and `g * (x - mean)` to the two sums of each lane.
    pub(super) fn sum_slopes(sums: &mut [f32], x: &[f32], g: &[f32], mean: &[f32]) {
        for_lanes!(mean.len(), sum_slopes_row(sums, x, g, mean))
    }
}

#[inline(always)]
fn sum_slopes_row<const L: usize>(sums: &mut [f32], x: &[f32], g: &[f32], mean: &[f32]) {
    let (bias, weight) = sums.split_at_mut(L);
    let [mean, mut all, mut products] = fixed::<L, 3>([mean, bias, weight]);
    for (x, g) in x.as_chunks::<L>().0.iter().zip(g.as_chunks::<L>().0) {
        for lane in 0..L {
            all[lane] += g[lane];
            products[lane] += g[lane] * (x[lane] - mean[lane]);
        }
    }
    bias.copy_from_slice(&all);
    weight.copy_from_slice(&products);
}
