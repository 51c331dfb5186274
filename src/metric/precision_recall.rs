//! Precision and recall of each foreground class over all thresholds of its probability, one class against the rest.
//!
//! Pixels are counted in bins of probability, so that memory does not grow with the images. The bins are the leading bits of the
//! distance to the nearer of 0 and 1: 1024 bins for each halving of the distance, down to 2^-24. No bin is wider than 1/4096, and bins
//! above 1 - 2^-14 hold one 32-bit number each. A class takes 0.75 MB.

use super::counts::{PixelCounts, ratio};
use crate::text::config::case_rules::IGNORED_CLASS;
use serde::{Deserialize, Serialize};

/// Number of bins for each halving of the distance to 0 or 1.
const STEPS: usize = 1024;
/// Bits of the mantissa that are dropped: 10 of 23 are kept.
const DROPPED: u32 = 23 - STEPS.ilog2();
/// The least distance to 0 or 1 that is not 0: 2^-24, the last step of 32-bit numbers below 1.
const LEAST: f32 = 1.0 / 16_777_216.0;
/// Number of bins of distances below 1/2, with one for distances below [`LEAST`].
const HALF: usize = 1 + 23 * STEPS;
/// Number of bins: those below 1/2, and those from 1/2 on, with one for 1/2 itself.
const BINS: usize = 2 * HALF + 1;
/// Distance between the full curve and the stored one, in units of both axes: less than a pixel of a chart.
const TOLERANCE: f64 = 0.0025;

/// Precision and recall of one class against the others, over the pixels of a split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PrecisionRecallCurve {
    pub class: String,
    /// Number of pixels of the class in the truth.
    pub positives: u64,
    /// Number of pixels that are not ignored.
    pub pixels: u64,
    /// Average precision, as scikit-learn's `average_precision_score` defines it: the sum of precision times the gain in recall
    /// over the thresholds. `None` if the truth has no pixel of the class.
    pub average_precision: Option<f64>,
    /// How far the bins may have moved the average precision.
    pub average_precision_error: Option<f64>,
    /// Recall and precision of the predicted masks, where each pixel has the class of the highest probability.
    pub of_masks: Option<[f64; 2]>,
    /// Recall at each threshold, from the highest threshold to the lowest.
    pub recall: Vec<f64>,
    /// Precision at each threshold. Between two thresholds the curve has the precision of the lower one.
    pub precision: Vec<f64>,
    /// Thresholds: a pixel is of the class where its probability is at least this high.
    pub threshold: Vec<f64>,
}

/// Counts the pixels of many images for one class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ProbabilityHistogram {
    /// Pixels of other classes, then pixels of the class, from low to high probability.
    bins: Vec<u64>,
}

impl ProbabilityHistogram {
    pub(super) fn new() -> ProbabilityHistogram {
        ProbabilityHistogram { bins: vec![0; 2 * BINS] }
    }

    /// Adds the pixels of an image: their probabilities of `class`, and their true classes.
    pub(super) fn add(&mut self, probabilities: &[f32], truth: &[u8], class: u8) {
        for (&probability, &t) in probabilities.iter().zip(truth) {
            if t != IGNORED_CLASS {
                self.bins[usize::from(t == class) * BINS + bin_of(probability)] += 1;
            }
        }
    }

    /// Computes the curve; `masks` are the counts of the predicted masks.
    pub(super) fn finish(&self, class: &str, masks: PixelCounts) -> PrecisionRecallCurve {
        let (others, own) = self.bins.split_at(BINS);
        let positives: u64 = own.iter().sum();
        let mut sums = CurveSums { positives, ..CurveSums::default() };
        let bins = (0..BINS).rev().map(|bin| (bin, own[bin], others[bin])).filter(|(_, a, b)| a + b > 0);
        for (bin, a, b) in bins.filter(|_| positives > 0) {
            sums.add(bin, a, b);
        }
        let points = thinned(&sums.points);
        let column = |i: usize| points.iter().map(|point| point[i]).collect();
        PrecisionRecallCurve {
            class: class.to_string(),
            positives,
            pixels: positives + others.iter().sum::<u64>(),
            average_precision: (positives > 0).then_some(sums.average),
            average_precision_error: (positives > 0)
                .then(|| (sums.most - sums.average).max(sums.average - sums.least).max(0.0)),
            of_masks: masks.recall().zip(masks.precision()).map(|(recall, precision)| [recall, precision]),
            recall: column(0),
            precision: column(1),
            threshold: column(2),
        }
    }
}

/// Sums over the bins, from high to low probability.
#[derive(Default)]
struct CurveSums {
    positives: u64,
    tp: u64,
    fp: u64,
    average: f64,
    /// Bounds of the average precision of the probabilities themselves.
    least: f64,
    most: f64,
    /// Recall, precision and threshold.
    points: Vec<[f64; 3]>,
}

impl CurveSums {
    /// Adds a bin with `a` pixels of the class and `b` others.
    ///
    /// Within a bin the order of the probabilities is unknown. The average precision is highest where the pixels of the class have
    /// one probability above the others, and lowest where they come last, one by one.
    fn add(&mut self, bin: usize, a: u64, b: u64) {
        let gain = ratio(a, self.positives).unwrap_or(0.0);
        let precision = ratio(self.tp + a, self.tp + a + self.fp + b).unwrap_or(0.0);
        self.average += gain * precision;
        if holds_one_number(bin) || a == 0 || b == 0 && self.fp == 0 {
            self.least += gain * precision;
            self.most += gain * precision;
        } else {
            self.most += gain * ratio(self.tp + a, self.tp + a + self.fp).unwrap_or(0.0);
            self.least += one_by_one(self.tp, a, self.fp + b) / self.positives as f64;
        }
        self.tp += a;
        self.fp += b;
        let recall = ratio(self.tp, self.positives).unwrap_or(0.0);
        self.points.push([recall, precision, threshold_of(bin)]);
    }
}

/// Returns the sum of the precisions after each of `a` pixels of the class, which follow `tp` of the class and `fp` others: the sum of
/// (tp + i) / (tp + i + fp).
fn one_by_one(tp: u64, a: u64, fp: u64) -> f64 {
    a as f64 - fp as f64 * (harmonic(tp + a + fp) - harmonic(tp + fp))
}

/// Returns 1 + 1/2 + ... + 1/n without Euler's constant, by its asymptotic series (DLMF 5.11.2).
fn harmonic(n: u64) -> f64 {
    const EULER: f64 = 0.577_215_664_901_532_9;
    if n < 32 {
        return (1..=n).map(|i| 1.0 / i as f64).sum::<f64>() - EULER;
    }
    let n = n as f64;
    n.ln() + 1.0 / (2.0 * n) - 1.0 / (12.0 * n * n)
}

/// Returns the points of a step curve that stays within [`TOLERANCE`] of the whole one. Points are in the order of recall.
fn thinned(points: &[[f64; 3]]) -> Vec<[f64; 3]> {
    let rounded =
        |[recall, precision, threshold]: [f64; 3]| [round(recall, 1e6), round(precision, 1e6), round(threshold, 1e9)];
    let mut kept: Vec<[f64; 3]> = Vec::new();
    // The run of points since the last one that was kept: its recall, and the range of its precision.
    let (mut from, mut low, mut high) = (0.0, f64::INFINITY, f64::NEG_INFINITY);
    for (i, point) in points.iter().enumerate() {
        (low, high) = (low.min(point[1]), high.max(point[1]));
        let leaves = |next: &[f64; 3]| next[0] - from > TOLERANCE && high.max(next[1]) - low.min(next[1]) > TOLERANCE;
        if points.get(i + 1).is_none_or(leaves) {
            kept.push(rounded(*point));
            (from, low, high) = (point[0], f64::INFINITY, f64::NEG_INFINITY);
        }
        // All pixels of the class are found; lower thresholds only add others.
        if point[0] >= 1.0 {
            break;
        }
    }
    if let Some(last) = points.iter().find(|point| point[0] >= 1.0).filter(|_| kept.last().is_none_or(|k| k[0] < 1.0)) {
        kept.push(rounded(*last));
    }
    kept
}

fn round(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}

/// Returns the bin of a distance from 0 or 1, which is at most 1/2.
fn bin_of_distance(distance: f32) -> usize {
    if distance < LEAST { 0 } else { 1 + ((distance.to_bits() >> DROPPED) - (LEAST.to_bits() >> DROPPED)) as usize }
}

/// Returns the bin of a probability; higher probabilities have higher bins.
fn bin_of(probability: f32) -> usize {
    if probability < 0.5 {
        bin_of_distance(probability)
    } else {
        // The difference is exact (Sterbenz 1974).
        BINS - 1 - bin_of_distance((1.0 - probability).max(0.0))
    }
}

/// Returns the least distance of a bin of distances.
fn least_distance(bin: usize) -> f32 {
    if bin == 0 { 0.0 } else { f32::from_bits(((LEAST.to_bits() >> DROPPED) + bin as u32 - 1) << DROPPED) }
}

/// Returns the least probability of a bin.
fn threshold_of(bin: usize) -> f64 {
    if bin < HALF {
        return f64::from(least_distance(bin));
    }
    // Distances of 32-bit numbers from 1/2 to 1 are multiples of 2^-24.
    let steps = (f64::from(least_distance(BINS - bin)) / f64::from(LEAST)).ceil() - 1.0;
    (1.0 - steps * f64::from(LEAST)).max(0.5)
}

/// Checks whether all probabilities of a bin are the same 32-bit number.
fn holds_one_number(bin: usize) -> bool {
    bin >= HALF && f64::from(least_distance(BINS - bin)) <= STEPS as f64 * f64::from(LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bins_are_in_order_and_narrow() {
        let mut values: Vec<f32> = (0..=100_000).map(|i| i as f32 / 100_000.0).collect();
        values.extend((0..70_000).map(|i| 1.0 - i as f32 * LEAST));
        values.extend((0..1000).map(|i| 0.6f32.powi(i)));
        values.sort_by(f32::total_cmp);
        for pair in values.windows(2) {
            assert!(bin_of(pair[0]) <= bin_of(pair[1]), "{pair:?}");
        }
        for &value in &values {
            let bin = bin_of(value);
            let (low, high) = (threshold_of(bin), if bin + 1 < BINS { threshold_of(bin + 1) } else { 1.0 });
            assert!(low <= f64::from(value) && f64::from(value) <= high, "{value}: {low} to {high}");
            assert!(high - low <= 1.0 / 4096.0 + 1e-12, "{value}: {low} to {high}");
            if holds_one_number(bin) {
                assert!((f64::from(value) - low).abs() < 1e-12, "{value} in the bin of {low}");
            }
        }
        assert_eq!((bin_of(0.0), bin_of(0.5), bin_of(1.0)), (0, HALF, BINS - 1));
        assert_eq!((threshold_of(0), threshold_of(HALF), threshold_of(BINS - 1)), (0.0, 0.5, 1.0));
    }

    #[test]
    fn sums_of_precisions_are_those_of_a_loop() {
        for (tp, a, fp) in [(0, 5, 3), (0, 1, 1), (10, 1000, 7), (100_000, 5_000, 123_456), (3, 40, 0)] {
            let sum: f64 = (1..=a).map(|i| (tp + i) as f64 / (tp + i + fp) as f64).sum();
            assert!((one_by_one(tp, a, fp) - sum).abs() < 1e-9 * sum, "{tp} {a} {fp}");
        }
    }

    proptest! {
        #[test]
        fn a_thinned_curve_stays_near(precisions in prop::collection::vec(0.0..1.0f64, 1..400), smooth in any::<bool>()) {
            let n = precisions.len();
            let precision = |i: usize| if smooth { 1.0 - 0.5 * (i as f64 / n as f64).powi(3) } else { precisions[i] };
            let points: Vec<[f64; 3]> = (0..n).map(|i| [(i + 1) as f64 / n as f64, precision(i), 1.0 - i as f64 / n as f64]).collect();
            let kept = thinned(&points);
            prop_assert!(kept.len() <= points.len() && kept.last().unwrap()[0] == 1.0);
            // Every point lies on a step of the thinned curve, but for the tolerance.
            for [recall, precision, _] in points {
                let near = kept.iter().enumerate().any(|(i, step)| {
                    let start = if i == 0 { 0.0 } else { kept[i - 1][0] };
                    let before = if i == 0 { step[1] } else { kept[i - 1][1] };
                    let off = 2.0 * TOLERANCE + 1e-6;
                    let level = (step[1] - precision).abs() <= off && recall >= start - off && recall <= step[0] + off;
                    let riser = (recall - start).abs() <= off
                        && precision >= step[1].min(before) - off && precision <= step[1].max(before) + off;
                    level || riser || (step[0] - start <= off && recall >= start - off && recall <= step[0] + off)
                });
                prop_assert!(near, "({recall}, {precision}) is off {kept:?}");
            }
        }
    }
}
