//! Scores of a whole volume: counts over all voxels, and distances between surfaces in three dimensions.

use super::counts::count_pixels;
use super::volume_pair::VolumePair;
use super::volume_surface::volume_surface_distances;
use super::{CaseScore, DistanceUnit};
use crate::base::error::Result;

/// Measures a volume for `classes` classes: voxel counts and surface distances in millimetres, but no bands of Boundary IoU,
/// which is defined for pictures. Fails if the maps differ in size or contain a class that does not exist.
pub fn measure_volume(stem: impl Into<String>, pair: &VolumePair<'_>, classes: usize) -> Result<CaseScore> {
    let mut case = CaseScore::new(stem, count_pixels(pair.pred, pair.truth, classes)?);
    case.unit = DistanceUnit::Mm;
    case.count_ignored(pair.truth.len());
    for (class, scored) in case.per_class.iter_mut().enumerate() {
        scored.surface = Some(volume_surface_distances(pair, class as u8));
    }
    Ok(case)
}
