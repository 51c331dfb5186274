//! Scores of predictions: per image and class, means over images, scores of pooled pixels, and confidence intervals.
//! `docs/metrics.md` has the formulas and where other tools differ.
//!
//! Class 0 is the background: its scores are reported, but no mean over classes includes it. The data block sets the score
//! of an image for a class that neither map contains ([`EmptyClassRule`](crate::text::config::Empty)). If only one map contains the
//! class, its overlap is 0 and its distance is the diagonal of the image, so that a mean never leaves out an image in which
//! the network missed everything.
//!
//! Pixels that the truth ignores ([`IGNORED_CLASS`]) count in no score: they are taken out of prediction and truth.
//!
//! - [`measure`] measures one image with [`counts`], [`boundary`] and [`surface`] (which uses [`distance`]);
//!   [`measure_volume`] measures all slices of a volume together.
//! - [`PixelTally`] counts the pixels of all images: [`Calibration`], [`ConfusionMatrix`] and [`PrecisionRecallCurve`].
//! - [`CaseScore`] holds the measurements of an image and computes each metric from them.
//! - [`Summary`] holds means over images, [`Intervals`] their bootstrap intervals.
//! - [`cases_csv`] writes the file of all images, [`CaseTable`] reads it; [`Evaluation`] is the file of everything else.

pub(crate) mod boundary;
mod box_summary;
pub(crate) mod calibration;
mod case;
pub(crate) mod case_file;
mod case_table;
mod confusion;
pub(crate) mod counts;
pub(crate) mod distance;
mod evaluation;
mod intervals;
mod metric_scores;
mod pixel_tally;
mod precision_recall;
mod run_hint;
pub(crate) mod score_hints;
pub(crate) mod statistics;
mod summary;
pub(crate) mod surface;
mod volume;
mod volume_pair;
mod volume_surface;

pub use box_summary::BoxSummary;
pub(crate) use calibration::Calibration;
pub use case::CaseScore;
pub(crate) use case::DistanceUnit;
pub use case_table::{CaseTable, cases_csv};
pub use confusion::{ConfusionMatrix, ConfusionTally};
pub use counts::{PixelCounts, count_pixels};
pub use evaluation::{Evaluation, VolumeEvaluation};
pub use intervals::Intervals;
pub use metric_scores::MetricScores;
pub use pixel_tally::{PixelFigures, PixelTally};
pub use precision_recall::PrecisionRecallCurve;
pub use run_hint::RunHint;
pub use summary::Summary;
pub use volume::measure_volume;
pub use volume_pair::VolumePair;

use crate::base::error::Result;
use crate::text::config::Metric;
use crate::text::config::case_rules::IGNORED_CLASS;

/// Predicted and true class map of an image, `[height, width]` in row-major order.
pub struct MaskPair<'a> {
    /// The predicted class of each pixel.
    pub pred: &'a [u8],
    /// The true class of each pixel, or [`IGNORED_CLASS`].
    pub truth: &'a [u8],
    /// Height and width of both maps in pixels.
    pub size: [usize; 2],
    /// Spacing of the pixels in millimetres, height then width. If `None`, distances are in pixels.
    pub spacing: Option<[f64; 2]>,
}

/// Measures one image for `classes` classes: pixel counts, and the boundaries and distances that `metrics` need. Fails if
/// the maps differ in size or contain a class that does not exist.
pub fn measure(stem: impl Into<String>, pair: &MaskPair<'_>, classes: usize, metrics: &[Metric]) -> Result<CaseScore> {
    let mut case = CaseScore::new(stem, count_pixels(pair.pred, pair.truth, classes)?);
    case.count_ignored(pair.truth.len());
    case.unit = if pair.spacing.is_some() { DistanceUnit::Mm } else { DistanceUnit::Px };
    let boundary = metrics.contains(&Metric::BoundaryIou);
    let surface = metrics.iter().any(|m| m.is_distance());
    if !boundary && !surface {
        return Ok(case);
    }
    for (class, scored) in case.per_class.iter_mut().enumerate() {
        let counted = |(&c, &t): (&u8, &u8)| usize::from(c) == class && t != IGNORED_CLASS;
        let of = |map: &[u8]| -> Vec<bool> { map.iter().zip(pair.truth).map(counted).collect() };
        let (pred, truth) = (of(pair.pred), of(pair.truth));
        if boundary {
            scored.boundary = Some(boundary::boundary_overlap(&pred, &truth, pair.size, boundary::BAND_WIDTH_SHARE));
        }
        if surface {
            scored.surface =
                Some(surface::surface_distances(&pred, &truth, pair.size, pair.spacing.unwrap_or([1.0, 1.0])));
        }
    }
    Ok(case)
}
