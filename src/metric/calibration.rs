//! Expected calibration error over pixels (Naeini et al. 2015; Guo et al. 2017).

use serde::{Deserialize, Serialize};

/// Bins of equal width over confidences 0 to 1, as in Guo et al.
pub(crate) const BINS: usize = 15;

/// Reliability table with its calibration errors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Expected calibration error: the mean of |accuracy - confidence| over the bins, weighted by their pixels. `None`
    /// without pixels.
    pub ece: Option<f64>,
    /// Maximum calibration error: the largest |accuracy - confidence| of a non-empty bin.
    pub mce: Option<f64>,
    /// Number of pixels in all bins.
    pub pixels: u64,
    /// Bins of equal width, from low confidence to high.
    pub bins: Vec<ConfidenceBin>,
}

/// Pixels whose confidence is above `low` and at most `high`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConfidenceBin {
    /// Lower end of the bin, exclusive, 0 to 1.
    pub low: f64,
    /// Upper end of the bin, inclusive, 0 to 1.
    pub high: f64,
    /// Number of pixels in the bin.
    pub pixels: u64,
    /// Mean confidence; `None` if the bin is empty.
    pub confidence: Option<f64>,
    /// Fraction of the bin's pixels with the correct class, 0 to 1; `None` if the bin is empty.
    pub accuracy: Option<f64>,
}

/// Accumulates the pixels of many images.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CalibrationTally {
    pixels: [u64; BINS],
    confidence: [f64; BINS],
    right: [u64; BINS],
}

impl CalibrationTally {
    /// Adds a pixel: the probability of its predicted class, and whether the class is correct. NaN counts as confidence 0.
    pub fn add(&mut self, confidence: f32, right: bool) {
        let confidence = f64::from(confidence).clamp(0.0, 1.0);
        let confidence = if confidence.is_nan() { 0.0 } else { confidence };
        let bin = ((confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
        self.pixels[bin] += 1;
        self.confidence[bin] += confidence;
        self.right[bin] += u64::from(right);
    }

    /// Computes the table and its errors.
    pub fn finish(&self) -> Calibration {
        let bins: Vec<ConfidenceBin> = (0..BINS)
            .map(|b| {
                let n = self.pixels[b];
                let share = |sum: f64| (n > 0).then(|| sum / n as f64);
                ConfidenceBin {
                    low: b as f64 / BINS as f64,
                    high: (b + 1) as f64 / BINS as f64,
                    pixels: n,
                    confidence: share(self.confidence[b]),
                    accuracy: share(self.right[b] as f64),
                }
            })
            .collect();
        let pixels: u64 = self.pixels.iter().sum();
        let gaps: Vec<(u64, f64)> =
            bins.iter().filter_map(|b| Some((b.pixels, (b.accuracy? - b.confidence?).abs()))).collect();
        let ece = gaps.iter().map(|(n, gap)| *n as f64 * gap).sum::<f64>() / pixels as f64;
        let mce = gaps.iter().map(|(_, gap)| *gap).reduce(f64::max);
        Calibration { ece: (pixels > 0).then_some(ece), mce, pixels, bins }
    }
}
