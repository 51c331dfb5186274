//! Means of scores over images and classes.

use super::case::{CaseScore, ClassScore, DistanceUnit, measured_metrics};
use super::counts::PixelCounts;
use super::metric_scores::MetricScores;
use super::run_hint::RunHint;
use super::score_hints::{ScoreSigns, only_foreground, score_hints};
use super::statistics::nan_mean;
use crate::base::count::counted;
use crate::base::error::Result;
use crate::base::number::thousands;
use crate::base::problem::problem;
use crate::text::config::{EmptyClassRule, Metric};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Scores of a set of images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Number of images.
    pub n: usize,
    /// Mean IoU, as in `mean`.
    pub iou: Option<f64>,
    /// Mean Dice, as in `mean`.
    pub dice: Option<f64>,
    /// Mean over the foreground classes of the means over the images.
    pub mean: MetricScores,
    /// Means over the images by the name of the class, background included.
    pub per_class: BTreeMap<String, MetricScores>,
    /// Scores of the pixels of all images together, in which large objects weigh more.
    pub pooled: PooledScores,
    /// Number of pairs of image and foreground class that neither map contains.
    pub empty: usize,
    /// Rule for the score of a class in an image where neither map contains it.
    pub empty_rule: EmptyClassRule,
    /// Number of pairs of image and foreground class that only one map contains: their overlap is 0, their distance the
    /// image's diagonal.
    pub one_sided: usize,
    /// Unit of the distances.
    pub unit: DistanceUnit,
    /// Number of groups of the images with a score; `None` if any of them has no group.
    #[serde(default)]
    pub groups: Option<usize>,
    /// Number of pixels that the truth ignores, in all images.
    #[serde(default)]
    pub ignored_pixels: u64,
    /// Number of images of which every pixel is ignored; they have no score.
    #[serde(default)]
    pub ignored_images: usize,
    /// Number of images whose prediction has a pixel of a foreground class. `None` in files of earlier versions.
    #[serde(default)]
    pub images_with_prediction: Option<usize>,
    /// Number of images whose truth has a pixel of a foreground class. `None` in files of earlier versions.
    #[serde(default)]
    pub images_with_foreground: Option<usize>,
    /// Share of the pixels that are predicted as a foreground class, of those that count, 0 to 1. `None` in files of earlier versions.
    #[serde(default)]
    pub predicted_foreground: Option<f64>,
    /// Share of the pixels whose truth is a foreground class.
    #[serde(default)]
    pub true_foreground: Option<f64>,
    /// Foreground classes of which some mask has a pixel, and of which no pixel is predicted at its place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub never_found: Vec<String>,
    /// What the scores show of a run that went wrong; written where it is empty as well, so that programs find the key.
    #[serde(default)]
    pub hints: Vec<RunHint>,
    /// Dice of masks that are foreground everywhere, for the hints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    everywhere: Option<f64>,
}

/// Scores of the pixels of all images together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PooledScores {
    /// Mean IoU, as in `mean`.
    pub iou: Option<f64>,
    /// Mean Dice, as in `mean`.
    pub dice: Option<f64>,
    /// Mean over the foreground classes, without distances, which are undefined for pooled pixels.
    pub mean: MetricScores,
    /// Scores by the name of the class, background included.
    pub per_class: BTreeMap<String, MetricScores>,
}

impl Summary {
    /// Summarizes cases. `classes` are the names of all classes in order. Fails if a case has another number of classes, or
    /// if units of distance differ.
    pub fn new(cases: &[CaseScore], classes: &[String], empty_rule: EmptyClassRule) -> Result<Summary> {
        if let Some(case) = cases.iter().find(|c| c.per_class.len() != classes.len()) {
            let (found, expected) = (case.per_class.len(), classes.len());
            return Err(problem!(
                E0740,
                "`{}` has scores of {} instead of {expected}",
                case.stem,
                counted(found, "class")
            ));
        }
        let unit = cases.first().map_or(DistanceUnit::Px, |c| c.unit);
        if let Some(other) = cases.iter().find(|c| c.unit != unit) {
            let (first, units) = (&cases[0].stem, [unit, other.unit].map(DistanceUnit::name));
            return Err(
                problem!(E0740, "distances of `{first}` are in {}, but those of `{}` are in {}", units[0], other.stem, units[1];
                help: "set `spacing` in the data block; it applies to all images"),
            );
        }
        let metrics: Vec<Metric> = measured_metrics(cases).collect();
        let class_mean = |k: usize| {
            let of = |m: Metric| (m, nan_mean(cases.iter().filter_map(|case| case.per_class[k].get(m, empty_rule))));
            MetricScores::new(metrics.iter().map(|&m| of(m)))
        };
        let class_means: Vec<MetricScores> = (0..classes.len()).map(class_mean).collect();
        let pooled: Vec<MetricScores> =
            (0..classes.len()).map(|k| pooled_scores(cases, k, &metrics, empty_rule)).collect();
        let named = |scores: &[MetricScores]| classes.iter().cloned().zip(scores.iter().cloned()).collect();
        let (by_image, by_pixel) = (foreground_means(&class_means), foreground_means(&pooled));
        let objects = || cases.iter().flat_map(|c| c.per_class.iter().skip(1));
        let [predicted_foreground, true_foreground] = foreground_shares(cases);
        let everywhere = dice_of_everything(cases, empty_rule);
        let mut summary = Summary {
            n: cases.len(),
            iou: by_image.get(Metric::Iou),
            dice: by_image.get(Metric::Dice),
            mean: by_image,
            per_class: named(&class_means),
            pooled: PooledScores {
                iou: by_pixel.get(Metric::Iou),
                dice: by_pixel.get(Metric::Dice),
                mean: by_pixel,
                per_class: named(&pooled),
            },
            empty: objects().filter(|c| c.counts.is_absent() && !c.counts.is_of_no_pixels()).count(),
            empty_rule,
            one_sided: objects().filter(|c| c.is_one_sided()).count(),
            unit,
            groups: group_count(cases),
            ignored_pixels: cases.iter().map(|case| case.ignored_pixels).sum(),
            ignored_images: cases.iter().filter(|case| case.is_ignored()).count(),
            images_with_prediction: Some(cases.iter().filter(|case| case.predicts_foreground()).count()),
            images_with_foreground: Some(cases.iter().filter(|case| case.has_foreground()).count()),
            predicted_foreground,
            true_foreground,
            never_found: never_found(cases, classes),
            hints: Vec::new(),
            everywhere,
        };
        summary.hints = score_hints(ScoreSigns {
            dice: summary.dice,
            is_anything_there: summary.images_with_foreground > Some(0),
            nothing_found: summary.nothing_found(),
            only_foreground: summary.only_foreground(),
            never_found: &summary.never_found,
        });
        Ok(summary)
    }

    /// Checks whether no prediction has a pixel of a foreground class: the network has found nothing.
    pub fn finds_nothing(&self) -> bool {
        self.n > 0 && self.images_with_prediction == Some(0)
    }

    /// Returns a sentence about predictions without any foreground; `None` if there is some.
    pub(crate) fn nothing_found(&self) -> Option<String> {
        if !self.finds_nothing() {
            return None;
        }
        let images = |n: usize| counted(n, "mask");
        let masks = match self.images_with_foreground {
            Some(0) => "no mask has any either".to_string(),
            with => {
                let found = images(with.unwrap_or(0));
                let verb = if with == Some(1) { "has" } else { "have" };
                format!("{found} of {} {verb} some", thousands(self.n))
            }
        };
        let dice = self.dice.filter(|dice| *dice > 0.0);
        let dice = dice.map_or(String::new(), |dice| format!(", and the Dice of {dice:.4} is that of the empty masks"));
        Some(format!("no prediction has any foreground: {masks}{dice}"))
    }

    /// Returns a sentence about predictions that are foreground in nearly every pixel, where the masks are not; `None` if they are not so.
    pub(crate) fn only_foreground(&self) -> Option<String> {
        only_foreground(self.predicted_foreground, self.true_foreground, self.everywhere)
    }

    /// Returns the mean of a metric; NaN if it is undefined.
    pub fn get(&self, metric: Metric) -> f64 {
        self.mean.get(metric).unwrap_or(f64::NAN)
    }
}

/// Returns the shares of foreground in predictions and masks, by the counts of the first class; `None` without pixels.
fn foreground_shares(cases: &[CaseScore]) -> [Option<f64>; 2] {
    let mut first = PixelCounts::default();
    cases.iter().filter_map(|case| case.per_class.first()).for_each(|class| first.add(class.counts));
    let share = |background: u64| (first.total() > 0).then(|| 1.0 - background as f64 / first.total() as f64);
    [share(first.tp + first.fp), share(first.tp + first.fn_)]
}

/// Returns the mean Dice of masks that are foreground everywhere. `None` with several foreground classes, of which such a mask could
/// hold any.
fn dice_of_everything(cases: &[CaseScore], empty_rule: EmptyClassRule) -> Option<f64> {
    let of_case = |case: &CaseScore| -> Option<f64> {
        let counts = case.per_class.get(1)?.counts;
        let truth = counts.tp + counts.fn_;
        let everything = PixelCounts { tp: truth, fp: counts.total() - truth, fn_: 0, tn: 0 };
        ClassScore { counts: everything, boundary: None, surface: None }.get(Metric::Dice, empty_rule)
    };
    let of_two = cases.iter().all(|case| case.per_class.len() == 2);
    of_two.then(|| nan_mean(cases.iter().filter_map(of_case)))?
}

/// Returns the foreground classes that masks hold and that are nowhere found.
fn never_found(cases: &[CaseScore], classes: &[String]) -> Vec<String> {
    let is_missed = |class: usize| {
        let counts = || cases.iter().map(|case| case.per_class[class].counts);
        counts().any(|c| c.fn_ > 0) && counts().all(|c| c.tp == 0)
    };
    (1..classes.len()).filter(|&class| is_missed(class)).map(|class| classes[class].clone()).collect()
}

/// Returns the number of groups of the images that are not ignored; `None` if any of them has no group.
fn group_count(cases: &[CaseScore]) -> Option<usize> {
    let groups: Option<BTreeSet<&str>> =
        cases.iter().filter(|case| !case.is_ignored()).map(|case| case.group.as_deref()).collect();
    groups.map(|groups| groups.len()).filter(|count| *count > 0)
}

/// Returns the mean over the foreground classes with a score.
fn foreground_means(scores: &[MetricScores]) -> MetricScores {
    let metrics: Vec<Metric> = scores.first().map_or(Vec::new(), |s| s.metrics().collect());
    MetricScores::new(metrics.into_iter().map(|m| (m, nan_mean(scores.iter().skip(1).filter_map(|s| s.get(m))))))
}

/// Returns the scores of one class over the pixels of all images.
fn pooled_scores(cases: &[CaseScore], class: usize, metrics: &[Metric], empty_rule: EmptyClassRule) -> MetricScores {
    let metrics = || metrics.iter().copied().filter(|m| !m.is_distance());
    if cases.is_empty() {
        return MetricScores::new(metrics().map(|m| (m, None)));
    }
    let mut sum = ClassScore { counts: PixelCounts::default(), boundary: Some(Default::default()), surface: None };
    for case in cases.iter().map(|case| &case.per_class[class]) {
        sum.counts.add(case.counts);
        if let (Some(all), Some(one)) = (&mut sum.boundary, case.boundary) {
            (all.both, all.either) = (all.both + one.both, all.either + one.either);
        }
    }
    MetricScores::new(metrics().map(|m| (m, sum.get(m, empty_rule))))
}
