//! Cross entropy of 32-bit logits on the CPU: computes value and gradient in one pass over the pixels.
//!
//! With the weights `w` of the classes, the smoothing `e` over `k` classes and `W = sum over pixels w_y`, a pixel has the
//! target `q_c = ((1 - e) w_c [c = y] + e/k w_c) / W`. Its contribution is `sum_c q_c (-log p_c)`, whose derivative by the
//! logit of class `c` is `p_c sum q - q_c`. Bands of pixels depend only on the shape and their sums are added in a fixed order,
//! so the bits do not depend on the number of threads. If logits are not finite, the loss is NaN.

use super::targets::LossTargets;
use crate::compute::device::is_cpu;
use crate::compute::engine::kernel::vectorised::vectorised;
use crate::compute::engine::operators::exp::{exp, ln};
use crate::compute::engine_bridge;
use crate::text::config::case_rules::IGNORED_CLASS;
use burn::tensor::{DType, Tensor, TensorData};
use rayon::prelude::*;

/// Number of pixels of a band, which are summed in 32 bits; a multiple of [`LANES`].
const BAND: usize = 512;
const LANES: usize = 16;
/// Minimum number of bands of a thread.
const ENOUGH: usize = 8;

/// Checks whether [`cross_entropy`] supports these logits; Burn's operators are used for others.
pub(super) fn supports(logits: &Tensor<4>) -> bool {
    is_cpu(&logits.device()) && logits.dtype() == DType::F32 && !engine_bridge::engine_is_disabled()
}

/// Computes [`super::pixel::cross_entropy`] from logits `[n, k, h, w]` and the classes of the targets, which are below `k` or ignored. The
/// gradient is computed if the logits' device records gradients.
pub(super) fn cross_entropy(logits: &Tensor<4>, targets: &LossTargets, weights: &[f64], smoothing: f64) -> Tensor<1> {
    let [_, k, h, w] = logits.dims();
    let device = logits.device();
    let x = logits.clone().without_autodiff().into_data();
    let x: &[f32] = x.as_slice().expect("32-bit, as `supports` saw");
    let y: Vec<i32> = targets.classes.clone().into_data().convert::<i32>().try_into_vec().expect("converted");
    let target = TargetWeights::new(k, &y, weights, smoothing);
    let mut slope = vec![0f32; if device.is_autodiff() { x.len() } else { 0 }];
    let value = target.entropy(x, &y, h * w, &mut slope);
    let value = Tensor::from_data(TensorData::from([value as f32]), &device);
    if slope.is_empty() {
        return value;
    }
    // `along - along` adds exactly 0 to the value, in any order of summation, and the slope to the gradient.
    let slope = Tensor::from_data(TensorData::new(slope, logits.dims()), &device);
    let along = logits.clone().mul(slope).sum();
    along.clone().sub(along.detach()).add(value)
}

/// The target `q` of a pixel as weights of each class.
struct TargetWeights {
    /// `(1 - e) w_c / W`, for the pixel's own class.
    own: Vec<f32>,
    /// `e/k w_c / W`
    spread: Vec<f32>,
    /// Whether weights of ignored pixels must be taken away.
    skips: bool,
}

/// A band of pixels of one image.
struct PixelBand<'a> {
    /// Logits of each class; `slope` has the same order.
    x: Vec<&'a [f32]>,
    y: &'a [i32],
    /// Empty if no gradient is needed.
    slope: Vec<&'a mut [f32]>,
}

impl TargetWeights {
    fn new(k: usize, y: &[i32], weights: &[f64], smoothing: f64) -> Self {
        let mut counts = vec![0u64; k];
        // An ignored pixel is of none of the classes.
        y.iter().for_each(|&class| {
            if let Some(count) = counts.get_mut(class as usize) {
                *count += 1;
            }
        });
        let weight = |class: usize| weights.get(class).copied().unwrap_or(1.0);
        let whole: f64 = counts.iter().enumerate().map(|(class, &count)| count as f64 * weight(class)).sum();
        let share = |class: usize| if whole > 0.0 { weight(class) / whole } else { 0.0 };
        Self {
            own: (0..k).map(|class| ((1.0 - smoothing) * share(class)) as f32).collect(),
            spread: (0..k).map(|class| (smoothing / k as f64 * share(class)) as f32).collect(),
            // Without smoothing an ignored pixel gets no weight anyway: its class is that of no map.
            skips: smoothing > 0.0 && counts.iter().sum::<u64>() < y.len() as u64,
        }
    }

    /// Returns the value, and writes its derivative by `x` to `slope` unless that is empty. Maps have `pixels` pixels.
    fn entropy(&self, x: &[f32], y: &[i32], pixels: usize, slope: &mut [f32]) -> f64 {
        let mut slope_maps = slope.chunks_exact_mut(pixels).map(|map| map.chunks_mut(BAND));
        let mut bands = Vec::new();
        for (x, y) in x.chunks_exact(self.own.len() * pixels).zip(y.chunks_exact(pixels)) {
            let mut slope: Vec<_> = slope_maps.by_ref().take(self.own.len()).collect();
            for (i, y) in y.chunks(BAND).enumerate() {
                let x = x.chunks_exact(pixels).map(|map| &map[i * BAND..][..y.len()]).collect();
                bands.push(PixelBand { x, y, slope: slope.iter_mut().filter_map(Iterator::next).collect() });
            }
        }
        let sums: Vec<f32> = bands.par_iter_mut().with_min_len(ENOUGH).map(|band| self.band(band)).collect();
        sums.into_iter().map(f64::from).sum()
    }

    fn band(&self, band: &mut PixelBand) -> f32 {
        let count = band.y.len();
        let [mut most, mut sum, mut total, mut loss] = [[0f32; BAND]; 4];
        let (most, sum, total) = (&mut most[..count], &mut sum[..count], &mut total[..count]);
        most.copy_from_slice(band.x[0]);
        band.x[1..].iter().for_each(|x| raise_maxima(most, x));
        let classes = || (0..).zip(self.own.iter().zip(&self.spread));
        for ((class, (&own, &spread)), x) in classes().zip(&band.x) {
            add_class(sum, total, &mut loss[..count], x, most, band.y, class, own, spread);
        }
        if self.skips {
            clear_ignored(total, band.y);
            clear_ignored(&mut loss[..count], band.y);
        }
        finish_sums(sum, total, &mut loss[..count]);
        for ((class, (&own, &spread)), (x, slope)) in classes().zip(band.x.iter().zip(&mut band.slope)) {
            write_slopes(slope, x, most, sum, band.y, class, own, spread);
            if self.skips {
                clear_ignored(slope, band.y);
            }
        }
        let mut lanes = [0f32; LANES];
        for loss in loss.chunks_exact(LANES) {
            lanes.iter_mut().zip(loss).for_each(|(lane, loss)| *lane += loss);
        }
        lanes.iter().sum()
    }
}

/// Sets the values of ignored pixels to 0.
fn clear_ignored(values: &mut [f32], y: &[i32]) {
    let ignored = values.iter_mut().zip(y).filter(|(_, y)| **y == i32::from(IGNORED_CLASS));
    ignored.for_each(|(value, _)| *value = 0.0);
}

vectorised! {
    fn raise_maxima(most: &mut [f32], x: &[f32]) {
        for (most, &x) in most.iter_mut().zip(x) {
            // A NaN may be lost here; the sum of exponentials is then NaN.
            *most = if x > *most { x } else { *most };
        }
    }
}

vectorised! {
    /// Adds a class to the sums of `e^(x - most)`, of `q`, and of `-q (x - most)`.
    fn add_class(
        sum: &mut [f32], total: &mut [f32], loss: &mut [f32],
        x: &[f32], most: &[f32], y: &[i32], class: i32, own: f32, spread: f32,
    ) {
        let sums = sum.iter_mut().zip(total).zip(loss);
        for (((sum, total), loss), ((&x, &most), &y)) in sums.zip(x.iter().zip(most).zip(y)) {
            let below = x - most;
            let q = spread + if y == class { own } else { 0.0 };
            *sum += exp(below);
            *total += q;
            *loss -= q * below;
        }
    }
}

vectorised! {
    /// Completes `loss`, and turns `sum` into the factor from an exponential to `p sum q`.
    fn finish_sums(sum: &mut [f32], total: &[f32], loss: &mut [f32]) {
        for ((sum, &total), loss) in sum.iter_mut().zip(total).zip(loss) {
            *loss += total * ln(*sum);
            *sum = total / *sum;
        }
    }
}

vectorised! {
    fn write_slopes(
        to: &mut [f32], x: &[f32], most: &[f32], scale: &[f32], y: &[i32], class: i32, own: f32, spread: f32,
    ) {
        for ((to, &x), ((&most, &scale), &y)) in to.iter_mut().zip(x).zip(most.iter().zip(scale).zip(y)) {
            let below = x - most;
            let q = spread + if y == class { own } else { 0.0 };
            // Below the range of `exp` the product would be subnormal, which is slow.
            let power = if below < -87.0 { 0.0 } else { exp(below) };
            *to = scale * power - q;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::softmax::SoftPrediction;
    use super::super::{pixel, total};
    use super::*;
    use crate::text::config::{LossSpec, LossTerm, WeightedLossTerm};
    use burn::tensor::Device;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Logits, classes and the options of a loss.
    #[derive(Clone)]
    struct LossCase {
        dims: [usize; 4],
        x: Vec<f32>,
        y: Vec<i32>,
        weights: Vec<f64>,
        smoothing: f64,
    }

    impl LossCase {
        fn new(rng: &mut ChaCha8Rng, dims: [usize; 4], range: f32) -> Self {
            let [n, k, h, w] = dims;
            let x = (0..n * k * h * w).map(|_| rng.random_range(-range..range)).collect();
            let ignored = if rng.random() { 0.3 } else { 0.0 };
            let class = |rng: &mut ChaCha8Rng| match rng.random_bool(ignored) {
                true => i32::from(IGNORED_CLASS),
                false => rng.random_range(0..k as i32),
            };
            let y = (0..n * h * w).map(|_| class(rng)).collect();
            let mut weight = |_| if rng.random_bool(0.2) { 0.0 } else { rng.random_range(0.01..9.0) };
            let weights: Vec<f64> = (0..k).map(&mut weight).collect();
            let weights = if rng.random() { weights } else { Vec::new() };
            let smoothing = if rng.random() { rng.random_range(0.01..0.9) } else { 0.0 };
            Self { dims, x, y, weights, smoothing }
        }

        /// Computes value and gradient of `loss` for leaf tensors.
        fn run(&self, loss: impl Fn(&Tensor<4>, &LossTargets) -> Tensor<1>) -> (f32, Vec<f32>) {
            let device = Device::flex().autodiff();
            let [n, _, h, w] = self.dims;
            let x = Tensor::<4>::from_data(TensorData::new(self.x.clone(), self.dims), &device).require_grad();
            let y = LossTargets::new(&self.classes(), [n, h, w], &device);
            let loss = loss(&x, &y);
            let gradient = x.grad(&loss.backward()).expect("a leaf").into_data().try_into_vec().unwrap();
            (loss.without_autodiff().into_scalar(), gradient)
        }

        fn classes(&self) -> Vec<u8> {
            self.y.iter().map(|&class| class as u8).collect()
        }

        /// The value on a device that records no gradients.
        fn unrecorded(&self) -> f32 {
            let ([n, _, h, w], device) = (self.dims, Device::flex());
            let x = Tensor::from_data(TensorData::new(self.x.clone(), self.dims), &device);
            let y = LossTargets::new(&self.classes(), [n, h, w], &device);
            cross_entropy(&x, &y, &self.weights, self.smoothing).into_scalar()
        }

        fn fused(&self) -> (f32, Vec<f32>) {
            self.run(|x, y| cross_entropy(x, y, &self.weights, self.smoothing))
        }

        fn plain(&self) -> (f32, Vec<f32>) {
            let soft = |x: &Tensor<4>, y: &LossTargets| SoftPrediction::new(x.clone(), y.clone());
            self.run(|x, y| pixel::cross_entropy(&soft(x, y), &self.weights, self.smoothing))
        }

        /// The definition, in 64 bits.
        fn exact(&self) -> (f64, Vec<f64>) {
            let [n, k, h, w] = self.dims;
            let pixels = h * w;
            let weight = |class: usize| if self.weights.is_empty() { 1.0 } else { self.weights[class] };
            let counted = |y: i32| y != i32::from(IGNORED_CLASS);
            let whole: f64 = self.y.iter().filter(|y| counted(**y)).map(|&y| weight(y as usize)).sum();
            let share = if whole > 0.0 { 1.0 / whole } else { 0.0 };
            let (mut value, mut gradient) = (0.0, vec![0.0; self.x.len()]);
            for i in (0..n * pixels).filter(|&i| counted(self.y[i])) {
                let at = |class: usize| (i / pixels * k + class) * pixels + i % pixels;
                let x = |class: usize| f64::from(self.x[at(class)]);
                let most = (0..k).map(x).fold(f64::NEG_INFINITY, f64::max);
                let log_sum = most + (0..k).map(|class| (x(class) - most).exp()).sum::<f64>().ln();
                for class in 0..k {
                    let hit = if self.y[i] as usize == class { 1.0 } else { 0.0 };
                    let q = share * weight(class) * ((1.0 - self.smoothing) * hit + self.smoothing / k as f64);
                    value += q * (log_sum - x(class));
                    gradient[at(class)] -= q;
                    (0..k).for_each(|other| gradient[at(other)] += q * (x(other) - log_sum).exp());
                }
            }
            (value, gradient)
        }
    }

    fn distance(found: &[f32], expected: &[f64]) -> f64 {
        let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
        let apart = norm(&mut found.iter().zip(expected).map(|(&a, b)| f64::from(a) - b));
        apart / norm(&mut expected.iter().copied()).max(1e-30)
    }

    fn cases() -> Vec<LossCase> {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let shapes = (2..=8).flat_map(|k| [[1, k, 1, 1], [2, k, 7, 5], [3, k, 37, 29]]);
        let shapes: Vec<[usize; 4]> = shapes.chain([[1, 2, 16, 32], [2, 3, 97, 101]]).collect();
        shapes.into_iter().flat_map(|dims| [0.1, 8.0, 1e4].map(|range| LossCase::new(&mut rng, dims, range))).collect()
    }

    #[test]
    fn value_and_gradient_are_those_of_the_definition_and_of_the_operators() {
        let mut differ = 0;
        for (i, case) in cases().iter().enumerate() {
            let (value, gradient) = case.fused();
            let (plain, plain_gradient) = case.plain();
            let (exact, exact_gradient) = case.exact();
            let wide: Vec<f64> = plain_gradient.iter().map(|&g| f64::from(g)).collect();
            let apart = [
                (f64::from(value) - exact).abs() / exact.max(1e-3),
                f64::from(value - plain).abs() / exact.max(1e-3),
                distance(&gradient, &exact_gradient),
                distance(&gradient, &wide),
            ];
            assert!(apart.iter().all(|&d| d < 4e-6), "case {i}, {:?}: {apart:?}", case.dims);
            // `total` must choose this implementation: the operators round differently.
            let LossCase { weights, smoothing, .. } = case;
            let term = LossTerm::CrossEntropy { weights: weights.clone(), smoothing: *smoothing };
            let spec = LossSpec { terms: vec![WeightedLossTerm { term, weight: 1.0 }] };
            assert_eq!(case.run(|x, y| total(&spec, vec![(x.clone(), 1.0)], y)), (value, gradient.clone()));
            differ += usize::from(gradient != plain_gradient);
            assert_eq!(case.unrecorded(), value);
        }
        assert!(differ > 20, "{differ} gradients differ from the operators' in a bit");
    }

    /// Operations on the loss and on the logits take part in the gradient.
    #[test]
    fn a_loss_may_be_weighed_and_added_to_others() {
        let case = LossCase::new(&mut ChaCha8Rng::seed_from_u64(6), [2, 3, 9, 11], 3.0);
        let (one, once) = case.fused();
        let cross = |x: &Tensor<4>, y: &LossTargets| cross_entropy(x, y, &case.weights, case.smoothing);
        let (value, found) = case.run(|x, y| {
            let of_logits = cross(&x.clone().mul_scalar(2.0), y).mul_scalar(0.25);
            of_logits.add(cross(x, y).mul_scalar(4.0)).add(x.clone().sum())
        });
        let doubled = LossCase { x: case.x.iter().map(|x| 2.0 * x).collect(), ..case.clone() };
        let (two, twice) = doubled.fused();
        let expected: Vec<f64> = once.iter().zip(&twice).map(|(a, b)| f64::from(4.0 * a + 0.5 * b) + 1.0).collect();
        assert!(distance(&found, &expected) < 1e-6);
        let expected = 4.0 * one + 0.25 * two + case.x.iter().sum::<f32>();
        assert!((value - expected).abs() < 1e-3, "{value}, expected {expected}");
    }

    #[test]
    fn a_batch_without_weight_has_no_loss() {
        for smoothing in [0.0, 0.1] {
            let (x, y) = (vec![1e4, 1.0, -1e4, 3.0, 0.5, 0.0], vec![0; 3]);
            let case = LossCase { dims: [1, 2, 1, 3], x, y, weights: vec![0.0, 1.0], smoothing };
            assert_eq!(case.fused(), (0.0, vec![0.0; 6]));
            assert_eq!(case.plain(), (0.0, vec![0.0; 6]));
        }
    }

    #[test]
    fn a_batch_of_ignored_pixels_has_no_loss() {
        for smoothing in [0.0, 0.1] {
            let (x, y) = (vec![1e4, 1.0, -1e4, 3.0, 0.5, 0.0], vec![i32::from(IGNORED_CLASS); 3]);
            for weights in [vec![], vec![2.0, 1.0]] {
                let case = LossCase { dims: [1, 2, 1, 3], x: x.clone(), y: y.clone(), weights, smoothing };
                assert_eq!(case.fused(), (0.0, vec![0.0; 6]));
                assert_eq!(case.plain(), (0.0, vec![0.0; 6]));
            }
        }
    }

    #[test]
    fn what_is_no_number_stays_none() {
        for place in 0..4 {
            let mut x = vec![0.0, 1.0, 2.0, 3.0];
            x[place] = f32::NAN;
            let case = LossCase { dims: [1, 2, 1, 2], x, y: vec![0, 1], weights: Vec::new(), smoothing: 0.0 };
            assert!(case.fused().0.is_nan(), "logit {place}");
        }
    }

    #[test]
    fn bits_do_not_depend_on_threads() {
        let case = LossCase::new(&mut ChaCha8Rng::seed_from_u64(7), [3, 4, 113, 127], 5.0);
        let on =
            |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| case.fused());
        let one = on(1);
        for threads in [2, 3, 5] {
            assert_eq!(on(threads), one, "{threads} threads");
        }
    }
}
