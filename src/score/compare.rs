//! Compares runs on the same images: means with intervals, and paired differences to the first run.
//!
//! Reads the files of `npc eval` (`cases.csv` or `volumes.csv`, `eval.json`) and needs no network. Runs with different images, classes, rules
//! for empty masks or units of distance are refused.

mod comparability;
mod equal_runs;
mod evaluated_run;

pub(crate) use evaluated_run::{EvaluatedRun, ScoredUnit};

use crate::base::count::counted;
use crate::base::error::Result;
use crate::base::number::p_value;
use crate::base::problem::problem;
use crate::metric::statistics::unit_count;
use crate::metric::statistics::{
    Interval, LEAST_DISTINGUISHABLE_UNITS, LEAST_UNITS, RatioScore, bootstrap, holm_correction, mean_and_deviation,
    nan_mean, paired_mean_difference, percentile_interval, wilcoxon,
};
use crate::metric::{CaseTable, DistanceUnit};
use crate::score::sweep_scores::{PointDifference, resampled_mean};
use crate::text::config::{EmptyClassRule, Metric};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

pub(crate) struct ComparisonOptions {
    /// Metrics to compare; one that is named twice counts once. A run without a score for one of them is an error.
    pub metrics: Vec<Metric>,
    /// Class to compare, instead of the mean over the foreground classes.
    pub class: Option<String>,
    /// Whether runs that differ only in the seed form one group, compared over images and seeds.
    pub group_seeds: bool,
    /// Seed of the bootstrap.
    pub seed: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Comparison {
    /// Number of images or volumes.
    pub n: usize,
    /// What is compared.
    pub of: ScoredUnit,
    /// Number of groups of images (patients, videos), which are resampled as a whole; `None` without groups.
    pub groups: Option<usize>,
    pub split: String,
    /// Foreground classes that the mean covers.
    pub classes: Vec<String>,
    pub empty_rule: EmptyClassRule,
    pub unit: DistanceUnit,
    /// The metrics that are compared: those that were requested and can be.
    pub metrics: Vec<Metric>,
    /// Compared runs; the first one is the reference.
    pub runs: Vec<RunGroup>,
    pub differences: Vec<MetricDifference>,
    /// Remarks on how to read the numbers.
    pub notes: Vec<String>,
    /// Names of the images or volumes.
    #[serde(skip)]
    pub stems: Vec<String>,
}

/// A run, or the runs of one experiment with several seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct RunGroup {
    pub name: String,
    #[serde(serialize_with = "crate::base::path::lossy::all")]
    pub folders: Vec<PathBuf>,
    pub seeds: Vec<u64>,
    pub scores: BTreeMap<Metric, ScoreEstimate>,
    /// Score of each image or volume, in the order of the names: the mean over classes and seeds; NaN without a score.
    #[serde(skip)]
    pub cases: BTreeMap<Metric, Vec<f64>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct ScoreEstimate {
    /// Mean over images, then classes, then seeds. `None` if no image defines a score.
    pub mean: Option<f64>,
    /// Confidence interval of the mean over images, and over seeds if there are several.
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
    /// Number of seeds that both have.
    pub seeds: usize,
    /// Mean of `run - reference`.
    pub mean: f64,
    pub low: f64,
    pub high: f64,
    /// p of the sign-flip permutation test. `None` with several seeds, since the test knows images alone.
    pub p: Option<f64>,
    /// `p` with Holm's correction for the number of compared runs.
    pub p_holm: Option<f64>,
    /// p of the signed-rank test on each image's mean over the classes; `None` if images are grouped, and with several seeds.
    pub wilcoxon: Option<f64>,
    /// Whether the interval excludes 0, over enough images or groups.
    pub distinguishable: bool,
}

/// Compares runs with the first run as the reference.
pub(crate) fn compare(runs: Vec<EvaluatedRun>, options: &ComparisonOptions) -> Result<Comparison> {
    let first = runs.first().ok_or_else(|| problem!(E0740, "no runs to compare"))?;
    runs[1..].iter().try_for_each(|other| comparability::check_comparable(first, other))?;
    let images = ComparedImages {
        stems: first.cases.stems.clone(),
        classes: selected_classes(first, options.class.as_deref())?,
        groups: first.cases.groups.clone(),
        seed: options.seed,
    };
    let count = runs.len();
    let is_first = |k: usize| !options.metrics[..k].contains(&options.metrics[k]);
    let wanted: Vec<Metric> = (0..options.metrics.len()).filter(|&k| is_first(k)).map(|k| options.metrics[k]).collect();
    let (metrics, left_out) = comparable_metrics(&runs, &wanted)?;
    runs.iter().try_for_each(|run| check_metrics(run, &metrics))?;
    let mut notes = comparability::comparison_notes(&runs, options.group_seeds);
    notes.extend(equal_runs::note(&runs));
    notes.extend(images.note_on_units(first.of));
    notes.extend(left_out);
    let of = first.of;
    let (split, summary) = (first.evaluation.split.clone(), first.evaluation.summary.clone());
    let groups = match options.group_seeds {
        true => evaluated_run::group_by_seed(runs)?,
        false => runs.into_iter().map(|run| vec![run]).collect(),
    };
    if groups.len() == 1 {
        notes.push(format!(
            "nothing is compared: the {} differ only in the seed, and `--group-seeds` makes one group of them; add runs of another \
             experiment, or leave out `--group-seeds` to compare seed with seed",
            counted(count, "run")
        ));
    }
    let names = evaluated_run::group_names(&groups);
    let scores: Vec<SeedAverages> =
        groups.iter().map(|runs| metrics.iter().map(|&m| (m, images.seed_averages(runs, m))).collect()).collect();
    let run_groups = groups.iter().zip(&names).zip(&scores);
    let run_groups = run_groups.map(|((runs, name), scores)| images.run_group(runs, name, scores)).collect();
    let differences = metrics.iter().flat_map(|&metric| images.differences(metric, &names, &groups)).collect();
    notes.extend(
        groups[1..].iter().zip(&names[1..]).filter_map(|(runs, name)| seed_note(runs, &groups[0], [name, &names[0]])),
    );
    Ok(Comparison {
        n: images.stems.len(),
        of,
        groups: images.group_count(),
        split,
        classes: images.classes,
        empty_rule: summary.empty_rule,
        unit: summary.unit,
        metrics,
        runs: run_groups,
        differences,
        notes,
        stems: images.stems,
    })
}

/// Returns the metrics that these runs can be compared by, and a note on those that are left out. Fails if none is left.
fn comparable_metrics(runs: &[EvaluatedRun], wanted: &[Metric]) -> Result<(Vec<Metric>, Option<String>)> {
    let (distances, mut metrics): (Vec<Metric>, Vec<Metric>) = wanted.iter().partition(|m| m.is_distance());
    let Some(why) = comparability::distance_obstacle(runs).filter(|_| !distances.is_empty()) else {
        return Ok((wanted.to_vec(), None));
    };
    metrics.retain(|metric| !metric.is_distance());
    let names = distances.iter().map(|m| m.title()).collect::<Vec<_>>().join(", ");
    if metrics.is_empty() {
        return Err(problem!(E0740, "{names} of these runs cannot be compared: {why}"));
    }
    Ok((metrics, Some(format!("left out: {names}, because distances of these runs cannot be compared: {why}"))))
}

/// Returns the classes to compare. Fails if `class` is not a foreground class.
fn selected_classes(run: &EvaluatedRun, class: Option<&str>) -> Result<Vec<String>> {
    let known = &run.cases.classes;
    match class {
        None => Ok(known.clone()),
        Some(class) if known.iter().any(|c| c == class) => Ok(vec![class.to_string()]),
        Some(class) => Err(
            problem!(E0503, "no foreground class `{class}`"; help: "the foreground classes are {}", known.join(", ")),
        ),
    }
}

/// Fails if the run has no scores of a metric.
fn check_metrics(run: &EvaluatedRun, metrics: &[Metric]) -> Result<()> {
    let Some(metric) = metrics.iter().find(|m| !run.cases.scores.contains_key(m)) else { return Ok(()) };
    Err(problem!(E0741, &run.folder, "the run has no `{}` scores", metric.name();
        help: "evaluate it again with `npc eval {} --split {}`", run.folder.display(), run.evaluation.split))
}

/// Scores `[class][image]` of a run group by metric, averaged over the seeds.
type SeedAverages = BTreeMap<Metric, Vec<Vec<f64>>>;

/// Images and classes that runs are compared on.
struct ComparedImages {
    /// Names of the images, in the order of the first run.
    stems: Vec<String>,
    classes: Vec<String>,
    /// Group of each image, if images are grouped.
    groups: Option<Vec<String>>,
    /// Seed of the bootstrap.
    seed: u64,
}

impl ComparedImages {
    /// Returns the number of groups; `None` if images are not grouped.
    fn group_count(&self) -> Option<usize> {
        self.groups.as_deref().map(|groups| unit_count(groups.len(), Some(groups)))
    }

    /// Returns a note if there are too few sampling units for intervals, or for a difference to be distinguishable.
    fn note_on_units(&self, of: ScoredUnit) -> Option<String> {
        let units = self.units();
        let what = match (self.groups.is_some(), units) {
            (true, 1) => format!("group of {}", of.name()),
            (true, _) => format!("groups of {}", of.name()),
            (false, 1) => of.one().to_string(),
            (false, _) => of.name().to_string(),
        };
        if units < LEAST_UNITS {
            return Some(format!(
                "no intervals and no p-values: {units} {what} cannot show how scores vary; at least {LEAST_UNITS} are needed"
            ));
        }
        let least = 0.5f64.powi(units as i32 - 1);
        (units < LEAST_DISTINGUISHABLE_UNITS).then(|| {
            format!(
                "no difference over {units} {what} is distinguishable: the smallest p that they can have is {}",
                p_value(least)
            )
        })
    }

    /// Returns the scores `[class][image]` of one run, with NaN for a missing score.
    fn scores(&self, table: &CaseTable, metric: Metric) -> Vec<Vec<f64>> {
        let at: BTreeMap<&str, usize> = table.stems.iter().enumerate().map(|(i, s)| (s.as_str(), i)).collect();
        let column = |class: &String| {
            let k = table.classes.iter().position(|c| c == class);
            let values = k.and_then(|k| table.scores.get(&metric)?.get(k));
            let value = |s: &String| Some(*values?.get(*at.get(s.as_str())?)?);
            self.stems.iter().map(|s| value(s).unwrap_or(f64::NAN)).collect()
        };
        self.classes.iter().map(column).collect()
    }

    /// Returns the mean over runs of each image's score, `[class][image]`. Runs without a score for the image are left out.
    fn seed_averages(&self, runs: &[EvaluatedRun], metric: Metric) -> Vec<Vec<f64>> {
        let all: Vec<Vec<Vec<f64>>> = runs.iter().map(|r| self.scores(&r.cases, metric)).collect();
        let average = |k: usize, i: usize| {
            let values: Vec<f64> = all.iter().map(|run| run[k][i]).collect();
            mean_and_deviation(&values).map_or(f64::NAN, |(mean, _)| mean)
        };
        (0..self.classes.len()).map(|k| (0..self.stems.len()).map(|i| average(k, i)).collect()).collect()
    }

    /// Returns the runs of a group with the estimates of their scores.
    fn run_group(&self, runs: &[EvaluatedRun], name: &str, scores: &SeedAverages) -> RunGroup {
        RunGroup {
            name: name.to_string(),
            folders: runs.iter().map(|r| r.folder.clone()).collect(),
            seeds: runs.iter().map(|r| r.settings.train.seed).collect(),
            scores: scores.iter().map(|(&metric, all)| (metric, self.estimate(runs, metric, all))).collect(),
            cases: scores.iter().map(|(&metric, all)| (metric, mean_of_each_image(all))).collect(),
        }
    }

    fn estimate(&self, runs: &[EvaluatedRun], metric: Metric, averages: &[Vec<f64>]) -> ScoreEstimate {
        let values: Vec<_> = runs.iter().map(|run| self.scores(&run.cases, metric)).collect();
        let of_seeds: Vec<f64> = values.iter().map(|scores| mean_over_classes(scores)).collect();
        ScoreEstimate {
            mean: nan_mean(of_seeds.iter().copied()),
            interval: match runs.len() {
                1 => self.image_interval(averages),
                _ => resampled_mean(values, self.groups.as_deref()).map(|found| found.interval),
            },
            deviation: mean_and_deviation(&of_seeds).and_then(|(_, sd)| sd),
        }
    }

    /// Returns the number of sampling units: groups, or images that are not grouped.
    fn units(&self) -> usize {
        self.group_count().unwrap_or(self.stems.len())
    }

    /// Returns the bootstrap interval of the mean over classes; `None` for too few images or groups.
    fn image_interval(&self, scores: &[Vec<f64>]) -> Option<Interval> {
        if self.units() < LEAST_UNITS {
            return None;
        }
        let columns: Vec<RatioScore> = scores.iter().map(|c| RatioScore::mean(c.iter().copied())).collect();
        let drawn = bootstrap(&columns, self.groups.as_deref(), self.seed);
        let draws = drawn.first()?.len();
        let mean = |r: usize| {
            let classes: Vec<f64> = drawn.iter().map(|c| c[r]).collect();
            mean_and_deviation(&classes).map_or(f64::NAN, |(mean, _)| mean)
        };
        percentile_interval(mean_over_classes(scores), &(0..draws).map(mean).collect::<Vec<_>>())
    }

    /// Returns the differences of a metric between every other run and the first one, with Holm's correction.
    fn differences(&self, metric: Metric, names: &[String], groups: &[Vec<EvaluatedRun>]) -> Vec<MetricDifference> {
        let found = (1..names.len()).filter_map(|i| {
            let by_seed = self.seed_differences(metric, &groups[i], &groups[0]);
            let names = [&names[i], &names[0]];
            match by_seed.len() {
                0 => None,
                1 => self.image_difference(metric, names, &by_seed[0]),
                _ => self.seeds_difference(metric, names, by_seed),
            }
        });
        let mut found: Vec<MetricDifference> = found.collect();
        let mut tested: Vec<&mut MetricDifference> = found.iter_mut().filter(|d| d.p.is_some()).collect();
        let adjusted = holm_correction(&tested.iter().filter_map(|d| d.p).collect::<Vec<_>>());
        tested.iter_mut().zip(adjusted).for_each(|(d, p)| d.p_holm = Some(p));
        found
    }

    /// Returns `a - b` as `[seed][class][image]`, paired by seed. Two single runs are a pair whatever their seeds.
    fn seed_differences(&self, metric: Metric, a: &[EvaluatedRun], b: &[EvaluatedRun]) -> Vec<Vec<Vec<f64>>> {
        let difference = |(a, b): (&EvaluatedRun, &EvaluatedRun)| -> Vec<Vec<f64>> {
            let classes = self.scores(&a.cases, metric).into_iter().zip(self.scores(&b.cases, metric));
            classes.map(|(a, b)| a.iter().zip(b).map(|(a, b)| a - b).collect()).collect()
        };
        common_seeds(a, b).into_iter().map(difference).collect()
    }

    /// Returns the difference of two groups of runs over images and seeds, as `npc sweep` computes it; `None` for too few images or
    /// groups of images. `by_seed` is `[seed][class][image]`.
    fn seeds_difference(
        &self,
        metric: Metric,
        [run, reference]: [&String; 2],
        by_seed: Vec<Vec<Vec<f64>>>,
    ) -> Option<MetricDifference> {
        let has_score = |i: &usize| by_seed.iter().flatten().any(|class| !class[*i].is_nan());
        let n = (0..self.stems.len()).filter(has_score).count();
        let found: PointDifference = resampled_mean(by_seed, self.groups.as_deref())?;
        Some(MetricDifference {
            metric,
            run: run.clone(),
            reference: reference.clone(),
            n,
            seeds: found.seeds,
            mean: found.mean,
            low: found.interval.low,
            high: found.interval.high,
            p: None,
            p_holm: None,
            wilcoxon: None,
            distinguishable: found.distinguishable(),
        })
    }

    /// Returns the paired difference of two runs, `[class][image]`, over the images; `None` if too few images or groups have both scores.
    fn image_difference(&self, metric: Metric, names: [&String; 2], by_class: &[Vec<f64>]) -> Option<MetricDifference> {
        let paired = paired_mean_difference(by_class, self.groups.as_deref(), self.seed)?;
        let images = mean_of_each_image(by_class);
        Some(MetricDifference {
            metric,
            run: names[0].clone(),
            reference: names[1].clone(),
            n: paired.n,
            seeds: 1,
            mean: paired.mean,
            low: paired.low,
            high: paired.high,
            p: Some(paired.p),
            p_holm: Some(paired.p),
            wilcoxon: if self.groups.is_some() { None } else { wilcoxon(&images) },
            distinguishable: paired.distinguishable(),
        })
    }
}

/// Returns the pairs of runs with one seed. Two single runs are a pair whatever their seeds.
fn common_seeds<'a>(a: &'a [EvaluatedRun], b: &'a [EvaluatedRun]) -> Vec<(&'a EvaluatedRun, &'a EvaluatedRun)> {
    if let ([a], [b]) = (a, b) {
        return vec![(a, b)];
    }
    let seed = |run: &EvaluatedRun| run.settings.train.seed;
    a.iter().filter_map(|one| b.iter().find(|other| seed(other) == seed(one)).map(|other| (one, other))).collect()
}

/// Returns a note if two groups do not have the same seeds: only common seeds are compared.
fn seed_note(a: &[EvaluatedRun], b: &[EvaluatedRun], [run, reference]: [&String; 2]) -> Option<String> {
    let common = common_seeds(a, b).len();
    match common {
        _ if a.len() == common && b.len() == common => None,
        0 => Some(format!(
            "{run} and {reference} have no seed in common, so they are not compared: train both with the same seeds"
        )),
        1 => Some(format!(
            "{run} and {reference} have one seed in common: their difference is of this seed, and its interval covers the images alone"
        )),
        _ => Some(format!(
            "{run} and {reference} have {} in common: their difference is of these",
            counted(common, "seed")
        )),
    }
}

/// Returns the mean over the classes of each image, NaN where no class has a score. `scores` are `[class][image]`.
fn mean_of_each_image(scores: &[Vec<f64>]) -> Vec<f64> {
    let of_image = |i: usize| {
        let classes: Vec<f64> = scores.iter().map(|c| c[i]).collect();
        mean_and_deviation(&classes).map_or(f64::NAN, |(mean, _)| mean)
    };
    (0..scores.first().map_or(0, Vec::len)).map(of_image).collect()
}

/// Returns the mean over the images of each class, then over the classes with a score.
fn mean_over_classes(scores: &[Vec<f64>]) -> f64 {
    let classes: Vec<f64> = scores.iter().map(|c| RatioScore::mean(c.iter().copied()).value()).collect();
    mean_and_deviation(&classes).map_or(f64::NAN, |(mean, _)| mean)
}
