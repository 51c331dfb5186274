//! Confidence intervals and hypothesis tests of means over images.
//!
//! The sampling unit is the image, or the group of images (a patient, a video) if groups are given: images of one group are
//! not independent, and treating them as independent makes intervals too narrow. An undefined score is NaN and is left out
//! of its mean. All random numbers are seeded, so that results are the same on every machine and for any number of threads.
//! `docs/metrics.md` has the definitions.

mod signed_rank;

pub use signed_rank::wilcoxon;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Number of bootstrap resamples, and of random sign changes in a permutation test.
pub(crate) const RESAMPLES: usize = 10_000;
/// Confidence level of the intervals.
pub(crate) const CONFIDENCE_LEVEL: f64 = 0.95;
/// Smallest number of sampling units with an interval or a p-value: of two units there are three resamples, the two extremes and
/// the mean.
pub(crate) const LEAST_UNITS: usize = 3;
/// Smallest number of sampling units of which a difference may be called distinguishable. The smallest p of the sign-flip test is
/// `2^(1 - n)`, which is below 0.05 from 6 units on; the percentile interval of fewer excludes 0 more often than that by chance.
pub(crate) const LEAST_DISTINGUISHABLE_UNITS: usize = 6;
/// Largest number of sampling units for which the permutation test enumerates all sign changes. Above it,
/// [`RESAMPLES`] random sign changes are drawn.
const EXACT_UNITS: usize = 13;
/// Number of resamples drawn from one random stream.
const RESAMPLES_PER_STREAM: usize = 100;
/// First random stream of the permutation test; the bootstrap uses lower numbers.
const FIRST_PERMUTATION_STREAM: u64 = 1 << 32;

/// A confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Score of a set of images that is a ratio of two sums over the images: a mean (sum of scores over their number), or a
/// pooled score such as Dice (sum of 2 TP over sum of 2 TP + FP + FN).
#[derive(Debug, Clone, PartialEq)]
pub struct RatioScore {
    /// Summands of the numerator, one per image.
    part: Vec<f64>,
    /// Summands of the denominator, one per image.
    whole: Vec<f64>,
}

impl RatioScore {
    /// Creates the mean of the values that are not NaN.
    pub fn mean(values: impl IntoIterator<Item = f64>) -> RatioScore {
        RatioScore::ratio(values.into_iter().map(|v| if v.is_nan() { (0.0, 0.0) } else { (v, 1.0) }))
    }

    /// Creates the ratio of the sum of the first numbers to the sum of the second, from one pair per image.
    pub fn ratio(pairs: impl IntoIterator<Item = (f64, f64)>) -> RatioScore {
        let (part, whole) = pairs.into_iter().unzip();
        RatioScore { part, whole }
    }

    /// Returns the ratio; NaN if the denominator is 0.
    pub fn value(&self) -> f64 {
        self.part.iter().sum::<f64>() / self.whole.iter().sum::<f64>()
    }
}

/// Returns the sampling unit of each image, numbered from 0 in the order of first occurrence, and the number of units.
fn sampling_units(n: usize, groups: Option<&[String]>) -> (Vec<usize>, usize) {
    let Some(groups) = groups else { return ((0..n).collect(), n) };
    assert_eq!(groups.len(), n, "one group for each image");
    let mut known: HashMap<&str, usize> = HashMap::new();
    let of = groups.iter().map(|g| {
        let next = known.len();
        *known.entry(g.as_str()).or_insert(next)
    });
    let of: Vec<usize> = of.collect();
    (of, known.len())
}

/// Returns the number of sampling units: groups, or images that are not grouped.
pub(crate) fn unit_count(n: usize, groups: Option<&[String]>) -> usize {
    sampling_units(n, groups).1
}

fn random_stream(seed: u64, number: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(number);
    rng
}

/// Returns the values of each score in `RESAMPLES` bootstrap resamples, `[score][resample]`. A value is NaN if its resample
/// defines no score. See `bootstrap_sums`.
///
/// # Panics
/// Panics if the scores or the groups differ in length.
pub fn bootstrap(scores: &[RatioScore], groups: Option<&[String]>, seed: u64) -> Vec<Vec<f64>> {
    let columns: Vec<&[f64]> = scores.iter().flat_map(|score| [&score.part[..], &score.whole[..]]).collect();
    bootstrap_sums(&columns, groups, seed, |sums| sums.chunks_exact(2).map(|s| s[0] / s[1]).collect())
}

/// Computes scores from sums over the images, in `RESAMPLES` bootstrap resamples: `[score][resample]`. A column holds one number
/// per image, and `scores` gets the sum of each column over the drawn images. A resample draws as many units as there are, with
/// replacement (Efron 1979; with groups the cluster bootstrap, Davison and Hinkley 1997, section 3.8). All columns share the
/// same draws, so `scores` may be any function of all sums.
///
/// # Panics
/// Panics if the columns or the groups differ in length.
pub(crate) fn bootstrap_sums(
    columns: &[&[f64]],
    groups: Option<&[String]>,
    seed: u64,
    scores: impl Fn(&[f64]) -> Vec<f64> + Sync,
) -> Vec<Vec<f64>> {
    let n = columns.first().map_or(0, |c| c.len());
    assert!(columns.iter().all(|c| c.len() == n), "columns of one length");
    let (of, count) = sampling_units(n, groups);
    let width = columns.len();
    if count == 0 {
        return vec![vec![f64::NAN; RESAMPLES]; scores(&vec![0.0; width]).len()];
    }
    // Row by row, so that a draw adds contiguous memory.
    let mut rows = vec![0.0; count * width];
    for (k, column) in columns.iter().enumerate() {
        for (&value, &unit) in column.iter().zip(&of) {
            rows[unit * width + k] += value;
        }
    }
    let block = |b: usize| {
        let mut rng = random_stream(seed, b as u64);
        let size = RESAMPLES_PER_STREAM.min(RESAMPLES - b * RESAMPLES_PER_STREAM);
        let mut values = Vec::with_capacity(size);
        let mut sums = vec![0.0; width];
        for _ in 0..size {
            sums.fill(0.0);
            for _ in 0..count {
                // The high half of the product is uniform up to a bias of 2^-32 times the number of units.
                let unit = ((u64::from(rng.next_u32()) * count as u64) >> 32) as usize;
                sums.iter_mut().zip(&rows[unit * width..][..width]).for_each(|(s, r)| *s += r);
            }
            values.push(scores(&sums));
        }
        values
    };
    let blocks: Vec<Vec<Vec<f64>>> = (0..RESAMPLES.div_ceil(RESAMPLES_PER_STREAM)).into_par_iter().map(block).collect();
    let draws: Vec<Vec<f64>> = blocks.into_iter().flatten().collect();
    (0..draws.first().map_or(0, Vec::len)).map(|k| draws.iter().map(|draw| draw[k]).collect()).collect()
}

/// Returns the percentile interval of resampled values, from the 2.5th to the 97.5th percentile. `None` if all are NaN, or if
/// the score `point` of the set itself is.
///
/// The interval is widened to hold `point`. Percentiles leave it out where the score is skewed, and where all values are equal
/// but for the order in which they were summed.
pub(crate) fn percentile_interval(point: f64, values: &[f64]) -> Option<Interval> {
    if point.is_nan() {
        return None;
    }
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let low = quantile(&sorted, (1.0 - CONFIDENCE_LEVEL) / 2.0)?;
    let high = quantile(&sorted, (1.0 + CONFIDENCE_LEVEL) / 2.0)?;
    Some(Interval { low: low.min(point), high: high.max(point) })
}

/// Returns the quantile `q` in 0..1 of sorted numbers with linear interpolation, as `numpy.quantile` does. `None` for an
/// empty list.
pub fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = q * last as f64;
    let below = (at.floor() as usize).min(last);
    let above = (below + 1).min(last);
    Some(sorted[below] + (sorted[above] - sorted[below]) * (at - below as f64))
}

/// Returns the bootstrap interval of the mean of the values that are not NaN. `None` if fewer than `LEAST_UNITS` sampling
/// units have a value.
pub fn mean_interval(values: &[f64], groups: Option<&[String]>, seed: u64) -> Option<Interval> {
    let (_, count) = count_defined(values, groups);
    let mean = RatioScore::mean(values.iter().copied());
    let point = mean.value();
    (count >= LEAST_UNITS)
        .then(|| bootstrap(&[mean], groups, seed))?
        .first()
        .and_then(|drawn| percentile_interval(point, drawn))
}

/// Counts the values that are not NaN, and the sampling units with such a value.
pub(super) fn count_defined(values: &[f64], groups: Option<&[String]>) -> (usize, usize) {
    let (of, count) = sampling_units(values.len(), groups);
    let (n, defined) = defined_units(values, &of, count);
    (n, defined.into_iter().filter(|defined| *defined).count())
}

/// Counts the values that are not NaN, and returns which of the `count` sampling units have such a value. `of` is the unit of each
/// value.
fn defined_units(values: &[f64], of: &[usize], count: usize) -> (usize, Vec<bool>) {
    let mut defined = vec![false; count];
    let mut n = 0;
    for (unit, _) in of.iter().zip(values).filter(|(_, v)| !v.is_nan()) {
        (defined[*unit], n) = (true, n + 1);
    }
    (n, defined)
}

/// Checks whether an interval over a number of sampling units excludes 0, and is of enough units to say so.
pub(crate) fn excludes_zero(interval: &Interval, units: usize) -> bool {
    units >= LEAST_DISTINGUISHABLE_UNITS && (interval.low > 0.0 || interval.high < 0.0)
}

/// Difference of a score between two runs on the same images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PairedDifference {
    /// Number of images with a score from both runs.
    pub n: usize,
    /// Mean of `a - b` over these images.
    pub mean: f64,
    /// Lower end of the 95 % bootstrap interval of the mean.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Two-sided p of the sign-flip permutation test.
    pub p: f64,
    /// Number of sampling units with a score from both runs.
    pub units: usize,
}

impl PairedDifference {
    /// Checks whether the interval excludes 0, and there are enough units for that to mean something.
    pub fn distinguishable(&self) -> bool {
        excludes_zero(&Interval { low: self.low, high: self.high }, self.units)
    }
}

/// Returns the mean of `a - b` with its bootstrap interval and permutation p. `a` and `b` hold one score per image, in the
/// same order; images with NaN in either list are left out. `None` if fewer than `LEAST_UNITS` sampling units remain.
///
/// # Panics
/// Panics if `a`, `b` and `groups` differ in length.
pub fn paired_difference(a: &[f64], b: &[f64], groups: Option<&[String]>, seed: u64) -> Option<PairedDifference> {
    assert_eq!(a.len(), b.len(), "two scores for each image");
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    paired_mean_difference(&[differences], groups, seed)
}

/// Returns the paired difference of a mean over classes. `differences` is `[class][image]`; the mean is the mean over the
/// classes of the means over the images. `n` counts images with a difference in any class.
///
/// # Panics
/// Panics if the lists and `groups` differ in length.
pub fn paired_mean_difference(
    differences: &[Vec<f64>],
    groups: Option<&[String]>,
    seed: u64,
) -> Option<PairedDifference> {
    let images = differences.first()?.len();
    let any: Vec<f64> =
        (0..images).map(|i| if differences.iter().all(|d| d[i].is_nan()) { f64::NAN } else { 0.0 }).collect();
    let (of, all) = sampling_units(images, groups);
    let (n, defined) = defined_units(&any, &of, all);
    let count = defined.iter().filter(|defined| **defined).count();
    if count < LEAST_UNITS {
        return None;
    }
    let columns: Vec<RatioScore> = differences.iter().map(|d| RatioScore::mean(d.iter().copied())).collect();
    let columns: Vec<RatioScore> = columns.into_iter().filter(|c| !c.value().is_nan()).collect();
    let classes = columns.len() as f64;
    let drawn = bootstrap(&columns, groups, seed);
    // As in the set itself, a class without a score has no part in the mean.
    let mean = |r: usize| nan_mean(drawn.iter().map(|class| class[r])).unwrap_or(f64::NAN);
    let means: Vec<f64> = (0..RESAMPLES).map(mean).collect();
    // Contribution of each unit to the mean; the permutation test flips its sign.
    let mut weights = vec![0.0; all];
    for column in &columns {
        let whole = column.whole.iter().sum::<f64>() * classes;
        of.iter().zip(&column.part).for_each(|(&unit, part)| weights[unit] += part / whole);
    }
    let mean = weights.iter().sum();
    let Interval { low, high } = percentile_interval(mean, &means)?;
    // Units without a score have no sign to flip.
    let weights: Vec<f64> = weights.into_iter().zip(defined).filter(|(_, defined)| *defined).map(|(w, _)| w).collect();
    Some(PairedDifference { n, mean, low, high, p: sign_flip_p_value(&weights, seed), units: count })
}

/// Returns the two-sided p of the sign-flip permutation test: the fraction of sign changes whose sum lies at least as far
/// from 0 as the observed sum. Up to 13 weights all sign changes are enumerated. Above, random ones are drawn and the
/// observed one is added, so that p is never 0 (Phipson and Smyth 2010).
fn sign_flip_p_value(weights: &[f64], seed: u64) -> f64 {
    let observed = weights.iter().sum::<f64>().abs();
    // A tolerance, since sums of the same numbers in another order may differ in the last bits.
    let least = observed - 1e-12 * weights.iter().map(|w| w.abs()).sum::<f64>();
    let sum = |signs: &dyn Fn(usize) -> bool| -> f64 {
        weights.iter().enumerate().map(|(i, w)| if signs(i) { *w } else { -w }).sum()
    };
    if weights.len() <= EXACT_UNITS {
        let all = 1usize << weights.len();
        let far = (0..all).filter(|bits| sum(&|i| bits >> i & 1 == 1).abs() >= least).count();
        return far as f64 / all as f64;
    }
    let block = |b: usize| {
        let mut rng = random_stream(seed, FIRST_PERMUTATION_STREAM + b as u64);
        let far = (0..RESAMPLES_PER_STREAM).filter(|_| {
            let bits: Vec<u64> = (0..weights.len().div_ceil(64)).map(|_| rng.next_u64()).collect();
            sum(&|i| bits[i / 64] >> (i % 64) & 1 == 1).abs() >= least
        });
        far.count()
    };
    let far: usize = (0..RESAMPLES.div_ceil(RESAMPLES_PER_STREAM)).into_par_iter().map(block).sum();
    (far + 1) as f64 / (RESAMPLES.div_ceil(RESAMPLES_PER_STREAM) * RESAMPLES_PER_STREAM + 1) as f64
}

/// Returns the mean of the values that are not NaN; `None` if all are NaN.
pub(crate) fn nan_mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let known = values.into_iter().filter(|v| !v.is_nan());
    let (sum, n) = known.fold((0.0, 0u64), |(sum, n), x| (sum + x, n + 1));
    (n > 0).then(|| sum / n as f64)
}

/// Returns mean and sample standard deviation (divided by n - 1) of the values that are not NaN. The deviation of a single
/// value is `None`.
pub fn mean_and_deviation(values: &[f64]) -> Option<(f64, Option<f64>)> {
    let values: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
    let mean = nan_mean(values.iter().copied())?;
    let n = values.len() as f64;
    let squares = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
    Some((mean, (n > 1.0).then(|| (squares / (n - 1.0)).sqrt())))
}

/// Adjusts the p-values of several comparisons so that the family-wise error rate is controlled (Holm 1979).
pub fn holm_correction(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&i, &j| p[i].total_cmp(&p[j]));
    let mut adjusted = vec![1.0; p.len()];
    let mut most = 0f64;
    for (rank, &i) in order.iter().enumerate() {
        most = most.max((p.len() - rank) as f64 * p[i]).min(1.0);
        adjusted[i] = most;
    }
    adjusted
}
