//! Bootstrap intervals of all scores of a summary, from one set of resamples.
//!
//! A resample is scored by the functions that score the set itself, [`Summary`] and [`ClassScore::get`], so that a quotient of 0 by 0 is
//! the same in both.

use super::boundary::BoundaryOverlap;
use super::case::{CaseScore, ClassScore, measured_metrics};
use super::counts::PixelCounts;
use super::metric_scores::MetricScores;
use super::statistics::{
    Interval, LEAST_UNITS, RESAMPLES, bootstrap_sums, count_defined, nan_mean, percentile_interval,
};
use super::summary::Summary;
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

/// How a score of several images is computed.
#[derive(Clone, Copy, PartialEq)]
enum Aggregation {
    /// Mean of the scores of the images.
    ImageMean,
    /// Score of the pixels of all images together.
    Pooled,
}

/// The values of one score in all resamples.
///
/// `values` are empty if too few sampling units have the score.
struct ResampledScore {
    metric: Metric,
    aggregation: Aggregation,
    /// Number of the class; `None` for the mean over the foreground classes.
    class: Option<usize>,
    values: Vec<f64>,
}

impl Intervals {
    /// Computes the intervals; `None` for fewer than three sampling units with a score, from which no variance can be estimated.
    pub fn new(cases: &[CaseScore], classes: &[String], empty: EmptyClassRule, seed: u64) -> Option<Intervals> {
        // Images of ignored pixels alone have no score.
        let cases: Vec<CaseScore> = cases.iter().filter(|case| !case.is_ignored()).cloned().collect();
        let groups = case_groups(&cases);
        let summary = Summary::new(&cases, classes, empty).ok()?;
        let units = summary.groups.unwrap_or(summary.n);
        if units < LEAST_UNITS {
            return None;
        }
        let metrics: Vec<Metric> = measured_metrics(&cases).collect();
        let scores = resampled_scores(&cases, &metrics, empty, groups.as_deref(), seed);
        let of = |aggregation: Aggregation, class: Option<usize>, point: &MetricScores| {
            let scores = scores.iter().filter(|s| s.aggregation == aggregation && s.class == class);
            scores.filter_map(|s| Some((s.metric, percentile_interval(point.get(s.metric)?, &s.values)?))).collect()
        };
        let by_class = |aggregation: Aggregation, points: &BTreeMap<String, MetricScores>| {
            let class = |(k, name): (usize, &String)| Some((name.clone(), of(aggregation, Some(k), points.get(name)?)));
            classes.iter().enumerate().filter_map(class).collect()
        };
        Some(Intervals {
            units,
            grouped: groups.is_some(),
            resamples: RESAMPLES,
            seed,
            mean: of(Aggregation::ImageMean, None, &summary.mean),
            per_class: by_class(Aggregation::ImageMean, &summary.per_class),
            pooled: of(Aggregation::Pooled, None, &summary.pooled.mean),
            pooled_per_class: by_class(Aggregation::Pooled, &summary.pooled.per_class),
        })
    }
}

/// Number of columns of a class that are not scores of images: the counts, and the pixels of the bands of Boundary IoU.
const PIXEL_COLUMNS: usize = 6;

/// Returns the numbers of a class that are summed over the images: counts of pixels, then the score of each metric with 1, or
/// two zeros where the mean leaves the image out.
fn summands(score: &ClassScore, metrics: &[Metric], empty: EmptyClassRule) -> Vec<f64> {
    let (c, band) = (score.counts, score.boundary.unwrap_or_default());
    let pixels = [c.tp, c.fp, c.fn_, c.tn, band.both, band.either].map(|n| n as f64);
    let of_images = metrics.iter().flat_map(|&m| score.get(m, empty).map_or([0.0; 2], |value| [value, 1.0]));
    pixels.into_iter().chain(of_images).collect()
}

/// Returns the score of the pixels of the drawn images together, from the sums of [`summands`].
fn pooled_class(sums: &[f64], is_band_measured: bool) -> ClassScore {
    let [tp, fp, fn_, tn, both, either] = [0, 1, 2, 3, 4, 5].map(|i| sums[i] as u64);
    let boundary = is_band_measured.then_some(BoundaryOverlap { both, either });
    ClassScore { counts: PixelCounts { tp, fp, fn_, tn }, boundary, surface: None }
}

/// Resamples every measured metric for every class and for the mean over the foreground classes, with the same draws for all of
/// them. Distances are not pooled.
fn resampled_scores(
    cases: &[CaseScore],
    metrics: &[Metric],
    empty: EmptyClassRule,
    groups: Option<&[String]>,
    seed: u64,
) -> Vec<ResampledScore> {
    let classes = cases.first().map_or(0, |case| case.per_class.len());
    let width = PIXEL_COLUMNS + 2 * metrics.len();
    let mut columns = vec![Vec::with_capacity(cases.len()); classes * width];
    for case in cases {
        let numbers = case.per_class.iter().flat_map(|score| summands(score, metrics, empty));
        columns.iter_mut().zip(numbers).for_each(|(column, number)| column.push(number));
    }
    let wanted: Vec<(Metric, Aggregation)> = (metrics.iter())
        .flat_map(|&m| [(m, Aggregation::ImageMean), (m, Aggregation::Pooled)])
        .filter(|(m, aggregation)| *aggregation == Aggregation::ImageMean || !m.is_distance())
        .collect();
    let is_band_measured = metrics.contains(&Metric::BoundaryIou);
    // For each metric the scores of all classes, then their mean.
    let scores = |sums: &[f64]| {
        let of_classes: Vec<&[f64]> = sums.chunks_exact(width).collect();
        let pooled: Vec<ClassScore> = of_classes.iter().map(|sums| pooled_class(sums, is_band_measured)).collect();
        let mut found = Vec::with_capacity(wanted.len() * (classes + 1));
        for &(metric, aggregation) in &wanted {
            let at = PIXEL_COLUMNS + 2 * metrics.iter().position(|&m| m == metric).unwrap_or(0);
            let first = found.len();
            found.extend((0..classes).map(|k| match aggregation {
                Aggregation::ImageMean => of_classes[k][at] / of_classes[k][at + 1],
                Aggregation::Pooled => pooled[k].get(metric, empty).unwrap_or(f64::NAN),
            }));
            let foreground = found[first..].iter().skip(1).copied();
            found.push(nan_mean(foreground).unwrap_or(f64::NAN));
        }
        found
    };
    let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    let mut values = bootstrap_sums(&slices, groups, seed, scores).into_iter();
    let parts = || (0..classes).map(Some).chain([None]);
    let mut resampled = Vec::new();
    for &(metric, aggregation) in &wanted {
        let has_score = |case: &CaseScore, class: usize| case.per_class[class].get(metric, empty).is_some();
        let is_scored = |class: Option<usize>| {
            let scored = cases.iter().map(|case| match class {
                Some(class) => has_score(case, class),
                None => (1..classes).any(|class| has_score(case, class)),
            });
            let scored: Vec<f64> = scored.map(|scored| if scored { 0.0 } else { f64::NAN }).collect();
            count_defined(&scored, groups).1 >= LEAST_UNITS
        };
        resampled.extend(parts().zip(values.by_ref()).map(|(class, values)| {
            let values = if is_scored(class) { values } else { Vec::new() };
            ResampledScore { metric, aggregation, class, values }
        }));
    }
    resampled
}
