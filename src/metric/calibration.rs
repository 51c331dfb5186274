//! What a network's confidence is worth: the expected calibration error (Naeini et al. 2015; Guo et al. 2017) over pixels.

use serde::{Deserialize, Serialize};

/// Bins of equal width over confidences 0 to 1, as in Guo et al.
pub(crate) const BINS: usize = 15;

/// A reliability table and its error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Sum over the bins of their share of the pixels times |accuracy - confidence|; `None` of no pixels.
    pub ece: Option<f64>,
    /// The largest |accuracy - confidence| of a bin that holds pixels.
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
    /// Mean confidence; `None` where the bin is empty, as `accuracy`.
    pub confidence: Option<f64>,
    /// Share of the bin's pixels whose class is right, 0 to 1.
    pub accuracy: Option<f64>,
}

/// Adds up pixels, image by image.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CalibrationTally {
    pixels: [u64; BINS],
    confidence: [f64; BINS],
    right: [u64; BINS],
}

impl CalibrationTally {
    /// A pixel: the probability of the class that was chosen, and whether it was right. NaN counts as no confidence.
    pub fn add(&mut self, confidence: f32, right: bool) {
        let confidence = f64::from(confidence).clamp(0.0, 1.0);
        let confidence = if confidence.is_nan() { 0.0 } else { confidence };
        let bin = ((confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
        self.pixels[bin] += 1;
        self.confidence[bin] += confidence;
        self.right[bin] += u64::from(right);
    }

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
