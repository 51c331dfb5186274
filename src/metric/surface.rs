//! Distances between outlines: the 95th percentile of the Hausdorff distance and the average symmetric surface distance, as
//! recommended in Metrics Reloaded (Maier-Hein et al., Nature Methods 2024) and computed by MONAI.

use super::distance::squared_distances;
use super::statistics::quantile;
use serde::{Deserialize, Serialize};

/// Distances between two outlines, in the unit of the spacing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SurfaceDistances {
    /// Both masks have an outline.
    Both {
        /// 95th percentile of the Hausdorff distance, the larger of both directions.
        hd95: f64,
        /// Average symmetric surface distance.
        assd: f64,
    },
    /// Only one mask has an outline. The distance is undefined; the diagonal of the image is the largest possible one.
    One {
        /// Diagonal of the image.
        diagonal: f64,
    },
    /// Neither mask has an outline.
    Neither {
        /// Diagonal of the image.
        diagonal: f64,
    },
}

/// Computes the distances between two masks of `size` (height, width); `spacing` is the distance of neighbouring pixels,
/// height then width.
///
/// The outline of a mask consists of its pixels with one of their four neighbours outside the mask or the image. Directed
/// distances run from each outline pixel of one mask to the nearest outline pixel of the other. HD95 is the larger of the
/// 95th percentiles (linear interpolation) of the two directions, ASSD the mean of all distances of both directions.
pub(crate) fn surface_distances(a: &[bool], b: &[bool], size: [usize; 2], spacing: [f64; 2]) -> SurfaceDistances {
    let (some_a, some_b) = (a.contains(&true), b.contains(&true));
    if !some_a || !some_b {
        let diagonal = (size[0] as f64 * spacing[0]).hypot(size[1] as f64 * spacing[1]);
        return if some_a || some_b {
            SurfaceDistances::One { diagonal }
        } else {
            SurfaceDistances::Neither { diagonal }
        };
    }
    let (a, b) = (outline(a, size), outline(b, size));
    let (there, back) = (directed_distances(&a, &b, size, spacing), directed_distances(&b, &a, size, spacing));
    SurfaceDistances::of_directed(&there, &back)
}

impl SurfaceDistances {
    /// Computes the scores from the sorted distances of each direction, which are not empty.
    pub(super) fn of_directed(there: &[f64], back: &[f64]) -> SurfaceDistances {
        let percentile = |sorted: &[f64]| quantile(sorted, 0.95).unwrap_or(0.0);
        let sum: f64 = there.iter().chain(back).sum();
        SurfaceDistances::Both {
            hd95: percentile(there).max(percentile(back)),
            assd: sum / (there.len() + back.len()) as f64,
        }
    }
}

/// Returns the pixels of the mask with one of their four neighbours outside the mask or the image.
pub fn outline(mask: &[bool], size: [usize; 2]) -> Vec<bool> {
    let [height, width] = size;
    let inner = |y: usize, x: usize| {
        let at = y * width + x;
        y > 0
            && y + 1 < height
            && x > 0
            && x + 1 < width
            && mask[at - width]
            && mask[at + width]
            && mask[at - 1]
            && mask[at + 1]
    };
    mask.iter().enumerate().map(|(i, &m)| m && !inner(i / width, i % width)).collect()
}

/// Returns the sorted distances from each pixel of `from` to the nearest pixel of `to`.
fn directed_distances(from: &[bool], to: &[bool], size: [usize; 2], spacing: [f64; 2]) -> Vec<f64> {
    let squared = squared_distances(to, size, spacing);
    let mut found: Vec<f64> = from.iter().zip(squared).filter(|(f, _)| **f).map(|(_, d)| d.sqrt()).collect();
    found.sort_unstable_by(f64::total_cmp);
    found
}
