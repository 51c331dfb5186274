//! Metrics, their directions, and the rule for images without a class. `docs/metrics.md` has the formulas.

use serde::{Deserialize, Serialize};

/// A metric of a prediction `A` against the ground truth `B` for one class. TP, FP, FN and TN count pixels of that class
/// against all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// `2 TP / (2 TP + FP + FN)`: the overlap divided by the mean size of `A` and `B` (Dice 1945). 1 is best.
    Dice,
    /// `TP / (TP + FP + FN)`: intersection over union, the Jaccard index. 1 is best.
    Iou,
    /// `TP / (TP + FP)`: the fraction of the prediction that is right. 1 is best.
    Precision,
    /// `TP / (TP + FN)`: the fraction of the ground truth that is found, also called sensitivity. 1 is best.
    Recall,
    /// `TN / (TN + FP)`: the fraction of the other classes that is not predicted as this one. 1 is best.
    Specificity,
    /// `(TP + TN) / (TP + TN + FP + FN)`: the fraction of pixels that are right. 1 is best.
    Accuracy,
    /// IoU of the boundary regions (Cheng et al. 2021).
    BoundaryIou,
    /// 95th percentile of the Hausdorff distance.
    Hd95,
    /// Average symmetric surface distance.
    Assd,
}

impl Metric {
    /// All metrics in the order of tables.
    pub const ALL: [Metric; 9] = [
        Metric::Dice,
        Metric::Iou,
        Metric::Precision,
        Metric::Recall,
        Metric::Specificity,
        Metric::Accuracy,
        Metric::BoundaryIou,
        Metric::Hd95,
        Metric::Assd,
    ];

    /// Returns the name in the language, which is also the key in files.
    pub fn name(self) -> &'static str {
        match self {
            Metric::Dice => "dice",
            Metric::Iou => "iou",
            Metric::Precision => "precision",
            Metric::Recall => "recall",
            Metric::Specificity => "specificity",
            Metric::Accuracy => "accuracy",
            Metric::BoundaryIou => "boundary_iou",
            Metric::Hd95 => "hd95",
            Metric::Assd => "assd",
        }
    }

    /// Returns the title in tables.
    pub fn title(self) -> &'static str {
        match self {
            Metric::Dice => "Dice",
            Metric::Iou => "IoU",
            Metric::Precision => "precision",
            Metric::Recall => "recall",
            Metric::Specificity => "specificity",
            Metric::Accuracy => "accuracy",
            Metric::BoundaryIou => "boundary IoU",
            Metric::Hd95 => "HD95",
            Metric::Assd => "ASSD",
        }
    }

    /// Finds a metric by its name in the language, such as `boundary_iou`.
    pub fn from_name(name: &str) -> Option<Metric> {
        Metric::ALL.into_iter().find(|m| m.name() == name)
    }

    /// Checks whether the metric is a distance: 0 is best, it has a unit, and it is undefined for pooled pixels.
    pub fn is_distance(self) -> bool {
        match self {
            Metric::Hd95 | Metric::Assd => true,
            Metric::Dice
            | Metric::Iou
            | Metric::Precision
            | Metric::Recall
            | Metric::Specificity
            | Metric::Accuracy
            | Metric::BoundaryIou => false,
        }
    }

    /// Checks whether pixel counts are enough to compute the metric; such metrics are computed in every epoch.
    pub fn is_cheap(self) -> bool {
        match self {
            Metric::Dice
            | Metric::Iou
            | Metric::Precision
            | Metric::Recall
            | Metric::Specificity
            | Metric::Accuracy => true,
            Metric::BoundaryIou | Metric::Hd95 | Metric::Assd => false,
        }
    }

    /// Checks whether `a` is better than `b`. NaN is never better, and every other number is better than NaN.
    pub fn better(self, a: f64, b: f64) -> bool {
        !a.is_nan() && (b.is_nan() || if self.is_distance() { a < b } else { a > b })
    }
}

/// Score of an image for a class that is in neither its prediction nor its ground truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmptyClassRule {
    /// A perfect score: 1, or distance 0. Runs of npc 0.1 before this setting did this, so it is the default for their files.
    #[default]
    One,
    /// No score: the image is left out of the mean of that class.
    Skip,
    /// The worst score: 0, or the diagonal of the image as the distance.
    Zero,
}

impl EmptyClassRule {
    /// The three rules, in the order of the documentation.
    pub const ALL: [EmptyClassRule; 3] = [EmptyClassRule::One, EmptyClassRule::Skip, EmptyClassRule::Zero];

    /// Returns the name in the language.
    pub fn name(self) -> &'static str {
        match self {
            EmptyClassRule::One => "one",
            EmptyClassRule::Skip => "skip",
            EmptyClassRule::Zero => "zero",
        }
    }

    /// Returns the explanation below a table of scores of units, each `an image` or `a volume`.
    pub fn explanation(self, unit: &str) -> String {
        let consequence = match self {
            EmptyClassRule::One => "counts as right",
            EmptyClassRule::Skip => "is left out",
            EmptyClassRule::Zero => "counts as wrong",
        };
        format!("a class in neither prediction nor truth of {unit} {consequence} (empty = {})", self.name())
    }
}
