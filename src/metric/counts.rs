//! Counts of true and false positives and negatives, from which most metrics are computed.

use crate::base::count::counted;
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::text::config::case_rules::IGNORED_CLASS;
use serde::{Deserialize, Serialize};

/// Pixel counts of one class against all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PixelCounts {
    /// True positives: pixels of the class in prediction and truth.
    pub tp: u64,
    /// False positives: pixels of the class in the prediction only.
    pub fp: u64,
    /// False negatives: pixels of the class in the truth only.
    pub fn_: u64,
    /// True negatives: all other pixels.
    #[serde(default)]
    pub tn: u64,
}

impl PixelCounts {
    /// Checks whether neither map contains the class.
    pub fn is_absent(self) -> bool {
        self.tp + self.fp + self.fn_ == 0
    }

    /// Returns the number of pixels that were counted: those of the image that are not ignored.
    pub fn total(self) -> u64 {
        self.tp + self.fp + self.fn_ + self.tn
    }

    /// Checks whether no pixel was counted: every pixel of the image is ignored.
    pub fn is_of_no_pixels(self) -> bool {
        self.total() == 0
    }

    /// Returns |A and B| / |A or B|; `None` if both are empty.
    pub fn iou(self) -> Option<f64> {
        ratio(self.tp, self.tp + self.fp + self.fn_)
    }

    /// Returns 2 |A and B| / (|A| + |B|); `None` if both are empty.
    pub fn dice(self) -> Option<f64> {
        ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn_)
    }

    /// Returns TP / (TP + FP), the positive predictive value; `None` if no pixel is predicted.
    pub fn precision(self) -> Option<f64> {
        ratio(self.tp, self.tp + self.fp)
    }

    /// Returns TP / (TP + FN), the sensitivity; `None` if the truth has no pixel of the class.
    pub fn recall(self) -> Option<f64> {
        ratio(self.tp, self.tp + self.fn_)
    }

    /// Returns TN / (TN + FP); `None` if every true pixel is of the class.
    pub fn specificity(self) -> Option<f64> {
        ratio(self.tn, self.tn + self.fp)
    }

    /// Returns (TP + TN) / all pixels; `None` without pixels.
    pub fn accuracy(self) -> Option<f64> {
        ratio(self.tp + self.tn, self.tp + self.tn + self.fp + self.fn_)
    }

    pub(super) fn add(&mut self, other: PixelCounts) {
        self.tp += other.tp;
        self.fp += other.fp;
        self.fn_ += other.fn_;
        self.tn += other.tn;
    }
}

pub(super) fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Counts the pixels of each class in one image. Pixels that the truth ignores count nowhere. Fails if `pred` and `truth` differ in size or contain a class that does
/// not exist.
pub fn count_pixels(pred: &[u8], truth: &[u8], classes: usize) -> Result<Vec<PixelCounts>> {
    if pred.len() != truth.len() {
        return Err(problem!(
            E0712,
            "the prediction has {}, but the ground truth has {}",
            counted(pred.len(), "pixel"),
            truth.len()
        ));
    }
    // A joint histogram first: one addition per pixel.
    let mut pairs = vec![0u64; 256 * 256];
    pred.iter().zip(truth).for_each(|(&p, &t)| pairs[usize::from(p) * 256 + usize::from(t)] += 1);
    let mut counts = vec![PixelCounts::default(); classes];
    let mut counted = 0;
    for (i, n) in pairs.into_iter().enumerate().filter(|(_, n)| *n > 0) {
        let (p, t) = (i / 256, i % 256);
        if t == usize::from(IGNORED_CLASS) {
            continue;
        }
        counted += n;
        if p >= classes || t >= classes {
            let (what, class) = if p >= classes { ("prediction", p) } else { ("ground truth", t) };
            return Err(problem!(
                E0713,
                "the {what} contains class {class}, but the classes are 0 to {}",
                classes.saturating_sub(1)
            ));
        }
        if p == t {
            counts[p].tp += n;
        } else {
            counts[p].fp += n;
            counts[t].fn_ += n;
        }
    }
    for c in &mut counts {
        c.tn = counted - c.tp - c.fp - c.fn_;
    }
    Ok(counts)
}
