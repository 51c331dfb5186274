//! Bootstrap intervals of all scores of a summary, from one set of resamples.

use super::case::{CaseScore, ClassScore, measured_metrics};
use super::statistics::nan_mean;
use super::statistics::{Interval, RatioScore, bootstrap, percentile_interval};
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

/// Bootstrap values of one metric.
struct ResampledMetric {
    metric: Metric,
    /// Whether the score is pooled, not a mean over images.
    pooled: bool,
    /// Values `[class][resample]`.
    values: Vec<Vec<f64>>,
}

impl Intervals {
    /// Computes the intervals; `None` for fewer than two sampling units, from which no variance can be estimated.
    pub fn new(cases: &[CaseScore], classes: &[String], empty: EmptyClassRule, seed: u64) -> Option<Intervals> {
        let groups = case_groups(cases);
        let mut distinct: Vec<&String> = groups.iter().flatten().collect();
        distinct.sort_unstable();
        distinct.dedup();
        let units = if groups.is_some() { distinct.len() } else { cases.len() };
        if units < 2 || cases.iter().any(|case| case.per_class.len() != classes.len()) {
            return None;
        }
        let metrics: Vec<Metric> = measured_metrics(cases).collect();
        let wanted: Vec<(Metric, bool)> = metrics
            .iter()
            .flat_map(|&m| [(m, false), (m, true)])
            .filter(|(m, pooled)| !pooled || !m.is_distance())
            .collect();
        let column = |metric: Metric, pooled: bool, k: usize| {
            let scores = cases.iter().map(|case| &case.per_class[k]);
            match pooled {
                true => RatioScore::ratio(scores.map(|s| numerator_and_denominator(s, metric))),
                false => RatioScore::mean(scores.map(|s| s.get(metric, empty).unwrap_or(f64::NAN))),
            }
        };
        let columns: Vec<RatioScore> = wanted
            .iter()
            .flat_map(|&(metric, pooled)| (0..classes.len()).map(move |k| column(metric, pooled, k)))
            .collect();
        let mut values = bootstrap(&columns, groups.as_deref(), seed).into_iter();
        let drawn: Vec<ResampledMetric> = wanted
            .iter()
            .map(|&(metric, pooled)| ResampledMetric {
                metric,
                pooled,
                values: values.by_ref().take(classes.len()).collect(),
            })
            .collect();
        let of = |pooled: bool| drawn.iter().filter(move |d| d.pooled == pooled);
        let means = |pooled: bool| {
            of(pooled).filter_map(|d| Some((d.metric, percentile_interval(&foreground_means(&d.values))?))).collect()
        };
        let by_class = |pooled: bool| {
            let class =
                |k: usize| of(pooled).filter_map(|d| Some((d.metric, percentile_interval(&d.values[k])?))).collect();
            classes.iter().enumerate().map(|(k, name)| (name.clone(), class(k))).collect()
        };
        Some(Intervals {
            units,
            grouped: groups.is_some(),
            resamples: crate::metric::statistics::RESAMPLES,
            seed,
            mean: means(false),
            per_class: by_class(false),
            pooled: means(true),
            pooled_per_class: by_class(true),
        })
    }
}

/// Returns, for each resample, the mean over the foreground classes with a score.
fn foreground_means(values: &[Vec<f64>]) -> Vec<f64> {
    let draws = values.first().map_or(0, Vec::len);
    let mean = |r: usize| nan_mean(values.iter().skip(1).map(|v| v[r]));
    (0..draws).map(|r| mean(r).unwrap_or(f64::NAN)).collect()
}
