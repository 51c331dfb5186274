//! Bootstrap intervals of all scores of a summary, from one set of resamples.

use super::case::{CaseScore, ClassScore, measured_metrics};
use super::statistics::nan_mean;
use super::statistics::unit_count;
use super::statistics::{Interval, RESAMPLES, RatioScore, bootstrap, percentile_interval};
use crate::text::config::{EmptyClassRule, Metric};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// 95 % confidence intervals over images, or over groups of images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intervals {
    /// Number of sampling units: groups of images, or images if there are no groups.
    pub units: usize,
    /// Whether the sampling units are groups of images.
    pub grouped: bool,
    /// Number of bootstrap samples.
    pub resamples: usize,
    /// Seed of the bootstrap.
    pub seed: u64,
    /// Intervals of the mean over the foreground classes of the means over the images.
    pub mean: BTreeMap<Metric, Interval>,
    /// Intervals of the means over the images, by class.
    pub per_class: BTreeMap<String, BTreeMap<Metric, Interval>>,
    /// Intervals of the pooled scores, as means over the foreground classes.
    pub pooled: BTreeMap<Metric, Interval>,
    /// Intervals of the pooled scores, by class.
    pub pooled_per_class: BTreeMap<String, BTreeMap<Metric, Interval>>,
}

/// Returns the group of each case; `None` if any case has no group.
pub(super) fn case_groups(cases: &[CaseScore]) -> Option<Vec<String>> {
    cases.iter().map(|case| case.group.clone()).collect()
}

/// Returns numerator and denominator of a pooled score.
fn numerator_and_denominator(score: &ClassScore, metric: Metric) -> (f64, f64) {
    let c = score.counts;
    let (part, whole) = match metric {
        Metric::Dice => (2 * c.tp, 2 * c.tp + c.fp + c.fn_),
        Metric::Iou => (c.tp, c.tp + c.fp + c.fn_),
        Metric::Precision => (c.tp, c.tp + c.fp),
        Metric::Recall => (c.tp, c.tp + c.fn_),
        Metric::Specificity => (c.tn, c.tn + c.fp),
        Metric::Accuracy => (c.tp + c.tn, c.tp + c.tn + c.fp + c.fn_),
        Metric::BoundaryIou => score.boundary.map_or((0, 0), |b| (b.both, b.either)),
        Metric::Hd95 | Metric::Assd => (0, 0),
    };
    (part as f64, whole as f64)
}

/// How a score of several images is computed.
#[derive(Clone, Copy, PartialEq)]
enum Aggregation {
    /// Mean of the scores of the images.
    ImageMean,
    /// Score of the pixels of all images together.
    Pooled,
}

/// Bootstrap values of one metric.
struct ResampledMetric {
    metric: Metric,
    aggregation: Aggregation,
    /// Values `[class][resample]`.
    values: Vec<Vec<f64>>,
}

impl Intervals {
    /// Computes the intervals; `None` for fewer than two sampling units, from which no variance can be estimated.
    pub fn new(cases: &[CaseScore], classes: &[String], empty: EmptyClassRule, seed: u64) -> Option<Intervals> {
        let groups = case_groups(cases);
        let units = unit_count(cases.len(), groups.as_deref());
        if units < 2 || cases.iter().any(|case| case.per_class.len() != classes.len()) {
            return None;
        }
        let metrics = resampled_metrics(cases, classes.len(), empty, groups.as_deref(), seed);
        Some(Intervals {
            units,
            grouped: groups.is_some(),
            resamples: RESAMPLES,
            seed,
            mean: mean_intervals(&metrics, Aggregation::ImageMean),
            per_class: class_intervals(&metrics, classes, Aggregation::ImageMean),
            pooled: mean_intervals(&metrics, Aggregation::Pooled),
            pooled_per_class: class_intervals(&metrics, classes, Aggregation::Pooled),
        })
    }
}

/// Resamples every measured metric for every class, with the same draws for all of them. Distances are not pooled.
fn resampled_metrics(
    cases: &[CaseScore],
    classes: usize,
    empty: EmptyClassRule,
    groups: Option<&[String]>,
    seed: u64,
) -> Vec<ResampledMetric> {
    let wanted: Vec<(Metric, Aggregation)> = measured_metrics(cases)
        .flat_map(|m| [(m, Aggregation::ImageMean), (m, Aggregation::Pooled)])
        .filter(|(m, aggregation)| *aggregation == Aggregation::ImageMean || !m.is_distance())
        .collect();
    let score = |metric: Metric, aggregation: Aggregation, k: usize| {
        let scores = cases.iter().map(|case| &case.per_class[k]);
        match aggregation {
            Aggregation::Pooled => RatioScore::ratio(scores.map(|s| numerator_and_denominator(s, metric))),
            Aggregation::ImageMean => RatioScore::mean(scores.map(|s| s.get(metric, empty).unwrap_or(f64::NAN))),
        }
    };
    let scores: Vec<RatioScore> = wanted
        .iter()
        .flat_map(|&(metric, aggregation)| (0..classes).map(move |k| score(metric, aggregation, k)))
        .collect();
    let mut values = bootstrap(&scores, groups, seed).into_iter();
    let metrics = wanted.into_iter().map(|(metric, aggregation)| {
        let values = values.by_ref().take(classes).collect();
        ResampledMetric { metric, aggregation, values }
    });
    metrics.collect()
}

/// Returns the intervals of the means over the foreground classes.
fn mean_intervals(metrics: &[ResampledMetric], aggregation: Aggregation) -> BTreeMap<Metric, Interval> {
    let of = metrics.iter().filter(|m| m.aggregation == aggregation);
    of.filter_map(|m| Some((m.metric, percentile_interval(&foreground_means(&m.values))?))).collect()
}

/// Returns the intervals of each class.
fn class_intervals(
    metrics: &[ResampledMetric],
    classes: &[String],
    aggregation: Aggregation,
) -> BTreeMap<String, BTreeMap<Metric, Interval>> {
    let class = |k: usize| {
        let of = metrics.iter().filter(|m| m.aggregation == aggregation);
        of.filter_map(|m| Some((m.metric, percentile_interval(&m.values[k])?))).collect()
    };
    classes.iter().enumerate().map(|(k, name)| (name.clone(), class(k))).collect()
}

/// Returns, for each resample, the mean over the foreground classes with a score.
fn foreground_means(values: &[Vec<f64>]) -> Vec<f64> {
    let draws = values.first().map_or(0, Vec::len);
    let mean = |r: usize| nan_mean(values.iter().skip(1).map(|v| v[r]));
    (0..draws).map(|r| mean(r).unwrap_or(f64::NAN)).collect()
}
