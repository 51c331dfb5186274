//! Remarks about the headers of volumes.

use super::grid::{VoxelGrid, cosines};
use crate::data::notice::NoticeTopic;

/// A remark about the header of a volume.
pub(crate) type VolumeNote = (NoticeTopic, String);

/// Largest cosine of the angle between two axes that counts as perpendicular: about half a degree.
const PERPENDICULAR: f64 = 0.01;

/// Returns remarks about the axes of a grid. Oblique axes are the rule in some scans and are read along the nearest axes of the
/// patient; axes that are not perpendicular are rare.
pub(super) fn geometry_notes(grid: &VoxelGrid) -> Option<VolumeNote> {
    let cosines = cosines(grid, grid);
    let most = [[0, 1], [0, 2], [1, 2]].map(|[a, b]| cosines[a][b].abs()).into_iter().fold(0.0, f64::max);
    let degrees = 90.0 - most.min(1.0).acos().to_degrees();
    let text = format!(
        "the axes of the voxels are not perpendicular, {degrees:.1} degrees off, as with a tilted gantry; slices are read as stored"
    );
    (most > PERPENDICULAR).then_some((NoticeTopic::Shear, text))
}
