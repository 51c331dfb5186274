//! What is scored, which way is better, and what an image without a class counts. `docs/metrics.md` has the formulas.

use serde::{Deserialize, Serialize};

/// A score of a prediction `A` against the truth `B`, for one class; TP, FP, FN and TN count pixels of that class
/// against all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// `2 TP / (2 TP + FP + FN)`: the overlap as a share of the mean size of `A` and `B` (Dice 1945). 1 is best.
    Dice,
    /// `TP / (TP + FP + FN)`: intersection over union, the Jaccard index. 1 is best.
    Iou,
    /// `TP / (TP + FP)`: how much of the prediction is right. 1 is best.
    Precision,
    /// `TP / (TP + FN)`: how much of the truth is found, the sensitivity. 1 is best.
    Recall,
    /// `TN / (TN + FP)`: how much of the other classes is left alone. 1 is best.
    Specificity,
    /// `(TP + TN) / (TP + TN + FP + FN)`: the share of pixels that are right. 1 is best.
    Accuracy,
    /// Cheng et al. 2021.
    BoundaryIou,
    /// 95th percentile of the Hausdorff distance.
    Hd95,
    /// Average symmetric surface distance.
    Assd,
}

impl Metric {
    /// In the order of tables.
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

    /// The word of the language, and the key in files.
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

    /// The name in tables.
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

    /// Finds the metric that the language calls so, such as `boundary_iou`; `None` for other words.
    pub fn from_name(name: &str) -> Option<Metric> {
        Metric::ALL.into_iter().find(|m| m.name() == name)
    }

    /// A distance: 0 is best, it has a unit, and it is not defined for pooled pixels.
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

    /// Whether counts of pixels are all it takes: what every epoch is scored with.
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

    /// Whether `a` is better than `b`. NaN is better than nothing at all, and anything is better than NaN.
    pub fn better(self, a: f64, b: f64) -> bool {
        !a.is_nan() && (b.is_nan() || if self.is_distance() { a < b } else { a > b })
    }
}

/// What an image counts for a class that neither its prediction nor its ground truth holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmptyClassRule {
    /// A perfect score: 1, or distance 0. What runs of npc 0.1 before this setting did, and so the default of their files.
    #[default]
    One,
    /// Nothing: the image is left out of the mean of that class.
    Skip,
    /// The worst score: 0, or the image's diagonal as the distance.
    Zero,
}

impl EmptyClassRule {
    /// The three rules, in the order of the documentation.
    pub const ALL: [EmptyClassRule; 3] = [EmptyClassRule::One, EmptyClassRule::Skip, EmptyClassRule::Zero];

    /// The word of the language.
    pub fn name(self) -> &'static str {
        match self {
            EmptyClassRule::One => "one",
            EmptyClassRule::Skip => "skip",
            EmptyClassRule::Zero => "zero",
        }
    }

    /// For the line below a table of scores.
    pub fn explanation(self) -> &'static str {
        match self {
            EmptyClassRule::One => "a class in neither prediction nor truth of an image counts as right (empty = one)",
            EmptyClassRule::Skip => "a class in neither prediction nor truth of an image is left out (empty = skip)",
            EmptyClassRule::Zero => {
                "a class in neither prediction nor truth of an image counts as wrong (empty = zero)"
            }
        }
    }
}
