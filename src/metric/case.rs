//! Measurements of one image, and the metrics computed from them.

use super::boundary::BoundaryOverlap;
use super::counts::{PixelCounts, ratio};
use super::metric_scores::MetricScores;
use super::statistics::nan_mean;
use super::surface::SurfaceDistances;
use crate::text::config::{EmptyClassRule, Metric};
use serde::{Deserialize, Serialize};

/// Unit of distances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DistanceUnit {
    /// Pixels at the data block's size.
    #[default]
    Px,
    /// Millimetres: the images have a spacing.
    Mm,
}

impl DistanceUnit {
    /// `px` or `mm`.
    pub fn name(self) -> &'static str {
        match self {
            DistanceUnit::Px => "px",
            DistanceUnit::Mm => "mm",
        }
    }
}

/// Measurements of one class in one image.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ClassScore {
    /// Pixel counts by prediction and truth.
    pub counts: PixelCounts,
    /// Pixels of the bands of Boundary IoU; `None` if the metric was not requested.
    pub boundary: Option<BoundaryOverlap>,
    /// Distances between the outlines; `None` if no distance was requested.
    pub surface: Option<SurfaceDistances>,
}

impl ClassScore {
    /// Returns the score that enters means; `None` if the image is left out or the metric was not measured. `empty` sets the
    /// score of a class in neither map. A class in only one map has overlap 0, and the image's diagonal as its distance.
    ///
    /// An image of which every pixel is ignored has no score, whatever `empty` says.
    pub fn get(&self, metric: Metric, empty: EmptyClassRule) -> Option<f64> {
        let c = self.counts;
        if c.is_of_no_pixels() {
            return None;
        }
        // The overlap of two empty masks is undefined; `empty` defines it.
        let overlap = |value: Option<f64>| match (c.is_absent(), empty) {
            (false, _) => Some(value.unwrap_or(0.0)),
            (true, EmptyClassRule::One) => Some(1.0),
            (true, EmptyClassRule::Zero) => Some(0.0),
            (true, EmptyClassRule::Skip) => None,
        };
        let distance = |pick: fn(f64, f64) -> f64| match (self.surface?, empty) {
            (SurfaceDistances::Both { hd95, assd }, _) => Some(pick(hd95, assd)),
            (SurfaceDistances::One { diagonal }, _)
            | (SurfaceDistances::Neither { diagonal }, EmptyClassRule::Zero) => Some(diagonal),
            (SurfaceDistances::Neither { .. }, EmptyClassRule::One) => Some(0.0),
            (SurfaceDistances::Neither { .. }, EmptyClassRule::Skip) => None,
        };
        match metric {
            Metric::Dice => overlap(c.dice()),
            Metric::Iou => overlap(c.iou()),
            Metric::Precision => overlap(c.precision()),
            Metric::Recall => overlap(c.recall()),
            // These count the pixels without the class, so they are defined for empty masks.
            Metric::Specificity => c.specificity(),
            Metric::Accuracy => c.accuracy(),
            Metric::BoundaryIou => self.boundary.and_then(|b| overlap(ratio(b.both, b.either))),
            Metric::Hd95 => distance(|hd95, _| hd95),
            Metric::Assd => distance(|_, assd| assd),
        }
    }

    /// Checks whether the metric was measured.
    pub fn is_measured(&self, metric: Metric) -> bool {
        match metric {
            Metric::BoundaryIou => self.boundary.is_some(),
            Metric::Hd95 | Metric::Assd => self.surface.is_some(),
            Metric::Dice
            | Metric::Iou
            | Metric::Precision
            | Metric::Recall
            | Metric::Specificity
            | Metric::Accuracy => true,
        }
    }

    /// Checks whether only one map contains the class: overlaps are 0, distances the diagonal.
    pub fn is_one_sided(&self) -> bool {
        let c = self.counts;
        (c.tp + c.fp == 0) != (c.tp + c.fn_ == 0)
    }
}

/// Scores of one image, in the order of the classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseScore {
    /// Name of the image without folder and extension.
    pub stem: String,
    /// The group that the image belongs to (a patient, a video). Images of one group are not independent.
    #[serde(default)]
    pub group: Option<String>,
    /// Measurements of each class, in the order of the classes, background first.
    pub per_class: Vec<ClassScore>,
    /// Unit of the distances.
    #[serde(default)]
    pub unit: DistanceUnit,
    /// Number of pixels that the truth ignores.
    #[serde(default)]
    pub ignored_pixels: u64,
}

impl CaseScore {
    /// Creates a score from pixel counts, without boundaries and distances.
    pub fn new(stem: impl Into<String>, counts: Vec<PixelCounts>) -> Self {
        let per_class = counts.into_iter().map(|counts| ClassScore { counts, ..ClassScore::default() }).collect();
        Self { stem: stem.into(), group: None, per_class, unit: DistanceUnit::Px, ignored_pixels: 0 }
    }

    /// Checks whether the prediction has a pixel of a class other than the first, ignored pixels apart.
    pub fn predicts_foreground(&self) -> bool {
        self.per_class.iter().skip(1).any(|class| class.counts.tp + class.counts.fp > 0)
    }

    /// Checks whether the truth has a pixel of a class other than the first.
    pub fn has_foreground(&self) -> bool {
        self.per_class.iter().skip(1).any(|class| class.counts.tp + class.counts.fn_ > 0)
    }

    /// Takes the pixels of `all` that no class counts as ignored.
    pub(super) fn count_ignored(&mut self, all: usize) {
        let counted = self.per_class.first().map_or(0, |class| class.counts.total());
        self.ignored_pixels = all as u64 - counted;
    }

    /// Checks whether every pixel of the image is ignored.
    pub fn is_ignored(&self) -> bool {
        self.ignored_pixels > 0 && self.per_class.iter().all(|class| class.counts.is_of_no_pixels())
    }

    /// Returns the mean over the foreground classes.
    pub fn mean(&self, empty: EmptyClassRule) -> MetricScores {
        let of = |metric| nan_mean(self.per_class.iter().skip(1).filter_map(|c| c.get(metric, empty)));
        MetricScores::new(measured_metrics(std::slice::from_ref(self)).map(|metric| (metric, of(metric))))
    }
}

/// Returns the metrics that were measured for every case, in the order of tables.
pub(super) fn measured_metrics(cases: &[CaseScore]) -> impl Iterator<Item = Metric> + '_ {
    Metric::ALL.into_iter().filter(|&m| cases.iter().all(|case| case.per_class.iter().all(|c| c.is_measured(m))))
}
