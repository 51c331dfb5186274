//! Pixels counted: what most metrics are made of.

use crate::base::error::{Result, RunError};
use serde::{Deserialize, Serialize};

/// Pixels of one class, taken against all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PixelCounts {
    /// Predicted and true.
    pub tp: u64,
    /// Predicted only.
    pub fp: u64,
    /// True only.
    pub fn_: u64,
    /// Neither.
    #[serde(default)]
    pub tn: u64,
}

impl PixelCounts {
    /// Whether neither map holds the class.
    pub fn is_absent(self) -> bool {
        self.tp + self.fp + self.fn_ == 0
    }

    /// |A and B| / |A or B|; `None` where both are empty.
    pub fn iou(self) -> Option<f64> {
        ratio(self.tp, self.tp + self.fp + self.fn_)
    }

    /// 2 |A and B| / (|A| + |B|); `None` where both are empty.
    pub fn dice(self) -> Option<f64> {
        ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn_)
    }

    /// TP / (TP + FP), the positive predictive value; `None` where nothing is predicted.
    pub fn precision(self) -> Option<f64> {
        ratio(self.tp, self.tp + self.fp)
    }

    /// TP / (TP + FN), sensitivity; `None` where nothing is true.
    pub fn recall(self) -> Option<f64> {
        ratio(self.tp, self.tp + self.fn_)
    }

    /// TN / (TN + FP); `None` where the class is everywhere.
    pub fn specificity(self) -> Option<f64> {
        ratio(self.tn, self.tn + self.fp)
    }

    /// (TP + TN) / all pixels; `None` of no pixels.
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

/// Counts per class of one image. `pred` and `truth` are class maps of one size.
pub fn count_pixels(pred: &[u8], truth: &[u8], classes: usize) -> Result<Vec<PixelCounts>> {
    if pred.len() != truth.len() {
        return Err(RunError::new(format!(
            "a prediction of {} pixels cannot be scored against a truth of {}",
            pred.len(),
            truth.len()
        )));
    }
    // Pairs of values first: one addition per pixel.
    let mut pairs = vec![0u64; 256 * 256];
    pred.iter().zip(truth).for_each(|(&p, &t)| pairs[usize::from(p) * 256 + usize::from(t)] += 1);
    let mut counts = vec![PixelCounts::default(); classes];
    for (i, n) in pairs.into_iter().enumerate().filter(|(_, n)| *n > 0) {
        let (p, t) = (i / 256, i % 256);
        if p >= classes || t >= classes {
            let (what, class) = if p >= classes { ("prediction", p) } else { ("truth", t) };
            return Err(RunError::new(format!("the {what} holds class {class}; there are {classes}, counted from 0")));
        }
        if p == t {
            counts[p].tp += n;
        } else {
            counts[p].fp += n;
            counts[t].fn_ += n;
        }
    }
    for c in &mut counts {
        c.tn = pred.len() as u64 - c.tp - c.fp - c.fn_;
    }
    Ok(counts)
}
