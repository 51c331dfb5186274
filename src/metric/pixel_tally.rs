//! Counts over the pixels of all images of a split: calibration, confusion, and precision by recall. What it holds does not grow
//! with the images.

use super::calibration::{Calibration, CalibrationTally};
use super::confusion::{ConfusionMatrix, ConfusionTally};
use super::precision_recall::{PrecisionRecallCurve, ProbabilityHistogram};
use crate::text::config::case_rules::IGNORED_CLASS;
use rayon::prelude::*;

/// Counts over the pixels of many images.
#[derive(Debug, Clone)]
pub struct PixelTally {
    calibration: CalibrationTally,
    confusion: ConfusionTally,
    /// One for each foreground class.
    histograms: Vec<ProbabilityHistogram>,
}

/// What the counts amount to.
#[derive(Debug, Clone, PartialEq)]
pub struct PixelFigures {
    pub calibration: Calibration,
    pub confusion: ConfusionMatrix,
    pub precision_recall: Vec<PrecisionRecallCurve>,
}

impl PixelTally {
    /// Counts nothing yet, for a number of classes with the background.
    pub fn new(classes: usize) -> PixelTally {
        let histograms = (1..classes).map(|_| ProbabilityHistogram::new()).collect();
        PixelTally { calibration: CalibrationTally::default(), confusion: ConfusionTally::new(classes), histograms }
    }

    /// Adds an image of `n` pixels: the probabilities of each class, `[k, n]`, the predicted classes, `[n]`, and the true ones, `[n]`.
    pub fn add(&mut self, probabilities: &[f32], predicted: &[u8], truth: &[u8]) {
        let pixels = truth.len();
        for (i, (&p, &t)) in predicted.iter().zip(truth).enumerate() {
            if t != IGNORED_CLASS {
                self.calibration.add(probabilities[usize::from(p) * pixels + i], p == t);
            }
        }
        self.confusion.add(predicted, truth);
        let planes = probabilities.par_chunks_exact(pixels.max(1)).skip(1);
        self.histograms.par_iter_mut().zip(planes).enumerate().for_each(|(i, (histogram, plane))| {
            histogram.add(plane, truth, (i + 1) as u8);
        });
    }

    /// Computes the figures; `classes` are the names of all classes.
    pub fn finish(&self, classes: &[String]) -> PixelFigures {
        let confusion = self.confusion.finish(classes);
        let curve = |(i, histogram): (usize, &ProbabilityHistogram)| {
            histogram.finish(&classes[i + 1], confusion.of_class(i + 1))
        };
        let precision_recall = self.histograms.iter().enumerate().map(curve).collect();
        PixelFigures { calibration: self.calibration.finish(), confusion, precision_recall }
    }
}
