//! Scores of predictions: per image and class, their means, the same from pooled pixels, and how sure all of it is.
//! `docs/metrics.md` has the formulas and where other tools differ.
//!
//! Plain numbers from class maps; knows neither networks nor pictures. Class 0 is the background: its scores are told, and
//! are in no mean over classes. What an image counts for a class that neither map holds is the data block's choice
//! ([`Empty`](crate::text::config::Empty)); a class that only one of them holds scores 0, and its distance is the image's
//! diagonal. So no image falls out of a mean because a network missed everything in it.
//!
//! - [`measure`]: one image; [`counts`], [`boundary`] and [`surface`] (on [`distance`]) are its parts.
//! - [`CaseScore`]: what came of it, and what each metric makes of that.
//! - [`Summary`]: means over images. [`Intervals`]: their bootstrap intervals. [`Calibration`]: what confidence is worth.
//! - [`cases_csv`], [`CaseTable`]: the file of all images, written and read; [`Evaluation`]: that of everything else.

pub(crate) mod boundary;
pub(crate) mod calibration;
mod case;
pub(crate) mod case_file;
mod case_table;
pub(crate) mod counts;
pub(crate) mod distance;
mod evaluation;
mod intervals;
mod metric_scores;
pub(crate) mod statistics;
mod summary;
pub(crate) mod surface;

pub(crate) use calibration::Calibration;
pub use case::CaseScore;
pub(crate) use case::DistanceUnit;
pub use case_table::{CaseTable, cases_csv};
pub use counts::{PixelCounts, count_pixels};
pub use evaluation::Evaluation;
pub use intervals::Intervals;
pub(crate) use metric_scores::MetricScores;
pub use summary::Summary;

use crate::base::error::Result;
use crate::text::config::Metric;

/// An image to be scored: class maps of `height x width` pixels, row by row.
pub struct MaskPair<'a> {
    /// The predicted class of each pixel.
    pub pred: &'a [u8],
    /// The true class of each pixel.
    pub truth: &'a [u8],
    /// Height and width of both maps in pixels.
    pub size: [usize; 2],
    /// Millimetres a pixel of these maps, height then width. Without it distances are in pixels.
    pub spacing: Option<[f64; 2]>,
}

/// Measures one image for `classes` classes: counts of pixels, and what `metrics` ask for beyond them. Fails where the maps
/// are not of one size or hold a class that there is not.
pub fn measure(stem: impl Into<String>, pair: &MaskPair<'_>, classes: usize, metrics: &[Metric]) -> Result<CaseScore> {
    let mut case = CaseScore::new(stem, count_pixels(pair.pred, pair.truth, classes)?);
    case.unit = if pair.spacing.is_some() { DistanceUnit::Mm } else { DistanceUnit::Px };
    let boundary = metrics.contains(&Metric::BoundaryIou);
    let surface = metrics.iter().any(|m| m.is_distance());
    if !boundary && !surface {
        return Ok(case);
    }
    for (class, scored) in case.per_class.iter_mut().enumerate() {
        let of = |map: &[u8]| -> Vec<bool> { map.iter().map(|&c| usize::from(c) == class).collect() };
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
