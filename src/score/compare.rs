//! Compares runs on the same images: means with intervals, and paired differences to the first run.
//!
//! Reads the files of `npc eval` (`cases.csv`, `eval.json`) and needs no network. Runs with different images, classes, rules
//! for empty masks or units of distance are refused.

mod evaluated_run;

pub(crate) use evaluated_run::EvaluatedRun;

use crate::base::error::{Result, RunError};
use crate::metric::statistics::{
    Interval, RatioScore, bootstrap, holm_correction, mean_and_deviation, paired_mean_difference, percentile_interval,
    wilcoxon,
};
use crate::metric::{CaseTable, DistanceUnit};
use crate::text::config::{EmptyClassRule, Metric};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

pub(crate) struct ComparisonOptions {
    /// Metrics to compare. A run without a score for one of them is an error.
    pub metrics: Vec<Metric>,
    /// Class to compare, instead of the mean over the foreground classes.
    pub class: Option<String>,
    /// Whether runs that differ only in the seed form one group, with scores averaged image by image.
    pub group_seeds: bool,
    /// Seed of the bootstrap.
    pub seed: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Comparison {
    /// Number of images.
    pub n: usize,
    /// Number of groups of images (patients, videos), which are resampled as a whole; `None` without groups.
    pub groups: Option<usize>,
    pub split: String,
    /// Foreground classes that the mean covers.
    pub classes: Vec<String>,
    pub empty_rule: EmptyClassRule,
    pub unit: DistanceUnit,
    /// Compared runs; the first one is the reference.
    pub runs: Vec<RunGroup>,
    pub differences: Vec<MetricDifference>,
    /// Remarks on how to read the numbers.
    pub notes: Vec<String>,
}

/// A run, or the runs of one experiment with several seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct RunGroup {
    pub name: String,
    pub folders: Vec<PathBuf>,
    pub seeds: Vec<u64>,
    pub scores: BTreeMap<Metric, ScoreEstimate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct ScoreEstimate {
    /// Mean over images, then classes, then seeds. `None` if no image defines a score.
    pub mean: Option<f64>,
    /// Confidence interval of the mean over images.
    pub interval: Option<Interval>,
    /// Sample standard deviation over the seeds.
    pub deviation: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct MetricDifference {
    pub metric: Metric,
    pub run: String,
    pub reference: String,
    /// Number of images with a score from both runs.
    pub n: usize,
    /// Mean of `run - reference`.
    pub mean: f64,
    pub low: f64,
    pub high: f64,
    /// p of the sign-flip permutation test.
    pub p: f64,
    /// `p` with Holm's correction for the number of compared runs.
    pub p_holm: f64,
    /// p of the signed-rank test on each image's mean over the classes; `None` if images are grouped.
    pub wilcoxon: Option<f64>,
    /// Whether the interval excludes 0.
    pub distinguishable: bool,
}

/// Compares runs with the first run as the reference.
pub(crate) fn compare(runs: Vec<EvaluatedRun>, options: &ComparisonOptions) -> Result<Comparison> {
    let first = runs.first().ok_or_else(|| RunError::new("no runs to compare"))?;
    for other in &runs[1..] {
        evaluated_run::check_comparable(first, other)?;
    }
    let stems = first.cases.stems.clone();
    let classes = match &options.class {
        None => first.cases.classes.clone(),
        Some(class) if first.cases.classes.contains(class) => vec![class.clone()],
        Some(class) => {
            let known = first.cases.classes.join(", ");
            return Err(RunError::new(format!("no foreground class `{class}`")).help(format!("there are {known}")));
        }
    };
    for run in &runs {
        if let Some(metric) = options.metrics.iter().find(|m| !run.cases.scores.contains_key(m)) {
            let message = format!("the run is not scored by {}", metric.name());
            return Err(RunError::at(&run.folder, message).help(format!("`npc eval {}`", run.folder.display())));
        }
    }
    let groups = first.cases.groups.clone();
    let notes = evaluated_run::comparison_notes(&runs, options.group_seeds);
    let (split, empty_rule, unit) =
        (first.evaluation.split.clone(), first.evaluation.summary.empty_rule, first.evaluation.summary.unit);
    let entrants = if options.group_seeds {
        evaluated_run::group_by_seed(runs)?
    } else {
        runs.into_iter().map(|r| vec![r]).collect()
    };
    let names = evaluated_run::group_names(&entrants);
    // `[entrant][class][image]` of each metric, seeds averaged, in the order of the first run's images.
    let scores: Vec<BTreeMap<Metric, Vec<Vec<f64>>>> = entrants
        .iter()
        .map(|runs| options.metrics.iter().map(|&m| (m, seed_averages(runs, m, &classes, &stems))).collect())
        .collect();
    let mut made: Vec<RunGroup> = Vec::new();
    for ((runs, name), scores) in entrants.iter().zip(&names).zip(&scores) {
        let estimate = |metric: Metric| {
            let of_seeds: Vec<f64> = runs
                .iter()
                .map(|run| mean_over_classes(&ordered_scores(&run.cases, metric, &classes, &stems)))
                .collect();
            let all = &scores[&metric];
            let mean = Some(mean_over_classes(all)).filter(|m| !m.is_nan());
            let deviation = mean_and_deviation(&of_seeds).and_then(|(_, sd)| sd);
            ScoreEstimate { mean, interval: image_interval(all, groups.as_deref(), options.seed), deviation }
        };
        made.push(RunGroup {
            name: name.clone(),
            folders: runs.iter().map(|r| r.folder.clone()).collect(),
            seeds: runs.iter().map(|r| r.settings.train.seed).collect(),
            scores: options.metrics.iter().map(|&m| (m, estimate(m))).collect(),
        });
    }
    let mut differences = Vec::new();
    for &metric in &options.metrics {
        let of_metric = (1..made.len()).filter_map(|i| {
            let (a, b) = (&scores[i][&metric], &scores[0][&metric]);
            metric_difference(metric, [&names[i], &names[0]], [a, b], groups.as_deref(), options.seed)
        });
        let mut of_metric: Vec<MetricDifference> = of_metric.collect();
        let adjusted = holm_correction(&of_metric.iter().map(|d| d.p).collect::<Vec<_>>());
        of_metric.iter_mut().zip(adjusted).for_each(|(d, p)| d.p_holm = p);
        differences.extend(of_metric);
    }
    let groups = groups.map(|g| g.into_iter().collect::<std::collections::BTreeSet<_>>().len());
    Ok(Comparison { n: stems.len(), groups, split, classes, empty_rule, unit, runs: made, differences, notes })
}

/// Returns the scores `[class][image]` of one run, with images in the order of `stems` and NaN for a missing score.
fn ordered_scores(table: &CaseTable, metric: Metric, classes: &[String], stems: &[String]) -> Vec<Vec<f64>> {
    let at: BTreeMap<&str, usize> = table.stems.iter().enumerate().map(|(i, s)| (s.as_str(), i)).collect();
    let column = |class: &String| {
        let k = table.classes.iter().position(|c| c == class);
        let values = k.and_then(|k| table.scores.get(&metric)?.get(k));
        let value = |s: &String| Some(*values?.get(*at.get(s.as_str())?)?);
        stems.iter().map(|s| value(s).unwrap_or(f64::NAN)).collect()
    };
    classes.iter().map(column).collect()
}

/// Returns the mean over runs of each image's score, `[class][image]`. Runs without a score for the image are left out.
fn seed_averages(runs: &[EvaluatedRun], metric: Metric, classes: &[String], stems: &[String]) -> Vec<Vec<f64>> {
    let all: Vec<Vec<Vec<f64>>> = runs.iter().map(|r| ordered_scores(&r.cases, metric, classes, stems)).collect();
    let one = |k: usize, i: usize| {
        let values: Vec<f64> = all.iter().map(|run| run[k][i]).collect();
        mean_and_deviation(&values).map_or(f64::NAN, |(mean, _)| mean)
    };
    (0..classes.len()).map(|k| (0..stems.len()).map(|i| one(k, i)).collect()).collect()
}

/// Returns the mean over the images of each class, then over the classes with a score.
fn mean_over_classes(scores: &[Vec<f64>]) -> f64 {
    let classes: Vec<f64> = scores.iter().map(|c| RatioScore::mean(c.iter().copied()).value()).collect();
    mean_and_deviation(&classes).map_or(f64::NAN, |(mean, _)| mean)
}

/// Returns the bootstrap interval of the mean over classes; `None` for fewer than two images or groups.
fn image_interval(scores: &[Vec<f64>], groups: Option<&[String]>, seed: u64) -> Option<Interval> {
    let units = groups.map_or(scores.first()?.len(), |g| {
        let distinct: std::collections::BTreeSet<&String> = g.iter().collect();
        distinct.len()
    });
    if units < 2 {
        return None;
    }
    let columns: Vec<RatioScore> = scores.iter().map(|c| RatioScore::mean(c.iter().copied())).collect();
    let drawn = bootstrap(&columns, groups, seed);
    let draws = drawn.first()?.len();
    let mean = |r: usize| {
        let classes: Vec<f64> = drawn.iter().map(|c| c[r]).collect();
        mean_and_deviation(&classes).map_or(f64::NAN, |(mean, _)| mean)
    };
    percentile_interval(&(0..draws).map(mean).collect::<Vec<_>>())
}

/// Returns the paired difference of two runs; `None` if fewer than two images or groups have both scores.
fn metric_difference(
    metric: Metric,
    names: [&String; 2],
    scores: [&[Vec<f64>]; 2],
    groups: Option<&[String]>,
    seed: u64,
) -> Option<MetricDifference> {
    let [a, b] = scores;
    let by_class: Vec<Vec<f64>> = a.iter().zip(b).map(|(a, b)| a.iter().zip(b).map(|(a, b)| a - b).collect()).collect();
    let paired = paired_mean_difference(&by_class, groups, seed)?;
    let of_image = |i: usize| {
        let classes: Vec<f64> = by_class.iter().map(|c| c[i]).collect();
        mean_and_deviation(&classes).map_or(f64::NAN, |(mean, _)| mean)
    };
    let images: Vec<f64> = (0..by_class.first()?.len()).map(of_image).collect();
    Some(MetricDifference {
        metric,
        run: names[0].clone(),
        reference: names[1].clone(),
        n: paired.n,
        mean: paired.mean,
        low: paired.low,
        high: paired.high,
        p: paired.p,
        p_holm: paired.p,
        wilcoxon: if groups.is_some() { None } else { wilcoxon(&images) },
        distinguishable: paired.distinguishable(),
    })
}
