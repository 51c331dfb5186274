//! The confusion matrix of the pixels or voxels of a split.

use super::counts::{PixelCounts, ratio};
use crate::text::config::case_rules::IGNORED_CLASS;
use serde::{Deserialize, Serialize};

/// Numbers of pixels by true and predicted class. Pixels that the truth ignores are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfusionMatrix {
    /// Names of the classes, in the order of rows and columns.
    pub classes: Vec<String>,
    /// Number of pixels: a row for each true class, a column for each predicted class.
    pub counts: Vec<Vec<u64>>,
}

impl ConfusionMatrix {
    /// Returns the number of pixels of the class `truth` that are predicted as `predicted`.
    pub fn count(&self, truth: usize, predicted: usize) -> u64 {
        self.counts.get(truth).and_then(|row| row.get(predicted)).copied().unwrap_or(0)
    }

    /// Returns the number of pixels of a true class.
    pub fn row_total(&self, truth: usize) -> u64 {
        self.counts.get(truth).map_or(0, |row| row.iter().sum())
    }

    /// Returns the fraction of a true class that is predicted as `predicted`, 0 to 1; `None` if the truth has no pixel of it. On the
    /// diagonal it is the recall.
    pub fn row_share(&self, truth: usize, predicted: usize) -> Option<f64> {
        ratio(self.count(truth, predicted), self.row_total(truth))
    }

    /// Returns the counts of one class against all others, from which the pooled scores are computed.
    pub fn of_class(&self, class: usize) -> PixelCounts {
        let all: u64 = self.counts.iter().flatten().sum();
        let tp = self.count(class, class);
        let fp = (0..self.counts.len()).map(|truth| self.count(truth, class)).sum::<u64>() - tp;
        let fn_ = self.row_total(class) - tp;
        PixelCounts { tp, fp, fn_, tn: all - tp - fp - fn_ }
    }
}

/// Counts the pixels of many images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfusionTally {
    classes: usize,
    /// Row by row.
    counts: Vec<u64>,
}

impl ConfusionTally {
    pub fn new(classes: usize) -> ConfusionTally {
        ConfusionTally { classes, counts: vec![0; classes * classes] }
    }

    /// Adds the pixels of an image, which hold no class that does not exist.
    pub fn add(&mut self, predicted: &[u8], truth: &[u8]) {
        for (&p, &t) in predicted.iter().zip(truth) {
            if t != IGNORED_CLASS {
                self.counts[usize::from(t) * self.classes + usize::from(p)] += 1;
            }
        }
    }

    /// Returns the matrix with the names of the classes.
    pub fn finish(&self, classes: &[String]) -> ConfusionMatrix {
        let counts = self.counts.chunks(self.classes.max(1)).map(<[u64]>::to_vec).collect();
        ConfusionMatrix { classes: classes.to_vec(), counts }
    }
}
