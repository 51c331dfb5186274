//! Where the voxels of a NIfTI file are: sform, qform, voxel sizes and units.

use super::fields::NiftiFields;
use crate::base::count::counted;
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::data::notice::NoticeTopic;
use crate::data::volume::alignment::{MAX_OFFSET, MaskAlignment, farthest_corner};
use crate::data::volume::grid::VoxelGrid;
use crate::data::volume::note::{VolumeNote, geometry_notes};
use std::path::Path;

/// Rows of a matrix from voxel indices to mm.
type Affine = [[f64; 4]; 3];

/// Distance between qform and sform at a corner, in voxels, that is more than rounding.
const MIN_OFFSET: f64 = 0.05;

/// Returns the grid of a header, and remarks about it. The sform counts, else the qform, else the voxel sizes, as in nibabel.
///
/// Errors: the header declares no single volume, its place is not finite, or qform and sform contradict each other.
pub(super) fn grid_of(path: &Path, fields: &NiftiFields) -> Result<(VoxelGrid, Vec<VolumeNote>)> {
    let dims = dims(path, fields)?;
    let (unit, unit_note) = unit(fields);
    let scaled = |affine: Affine| affine.map(|row| row.map(|v| v * unit));
    let mut notes: Vec<VolumeNote> = unit_note.into_iter().collect();
    let (sform, qform) = (fields.sform_code > 0, fields.qform_code > 0);
    let affine = match (sform, qform) {
        (true, _) => fields.rows,
        (false, true) => qform_affine(path, fields)?,
        (false, false) => default_affine(fields, dims),
    };
    let mut grid = VoxelGrid::new(path, dims, scaled(affine))?;
    if sform && qform {
        notes.extend(compare_forms(path, fields, &grid, scaled(qform_affine(path, fields)?))?);
    }
    if !sform && !qform {
        grid.placed = false;
        let text = "the header gives no orientation (qform_code and sform_code are 0); the first axis is taken as running to the \
                    left, the second to the front, the third to the head";
        notes.push((NoticeTopic::Orientation, text.to_string()));
    }
    let declared = [1, 2, 3].map(|i| fields.pixdim[i].abs() * unit);
    // A voxel size of 0 is none, and a negative one has no meaning.
    let differs =
        |a: usize| dims[a] > 1 && (fields.pixdim[a + 1] <= 0.0 || (declared[a] / grid.spacing[a] - 1.0).abs() > 0.01);
    if sform && (0..3).any(differs) {
        let declared = [1, 2, 3].map(|i| fields.pixdim[i] * unit);
        let [a, b] = [declared, grid.spacing].map(|[x, y, z]| format!("{x:.2} x {y:.2} x {z:.2} mm"));
        notes.push((NoticeTopic::VoxelSize, format!("pixdim says voxels of {a}, the sform {b}; the sform is used")));
    }
    notes.extend(geometry_notes(&grid));
    Ok((grid, notes))
}

/// Returns the size of the volume. Errors: more than three dimensions, or a size that is not positive.
fn dims(path: &Path, fields: &NiftiFields) -> Result<[usize; 3]> {
    let count = match usize::try_from(fields.dim[0]) {
        Ok(count @ 1..=7) => count,
        _ => return Err(problem!(E0714, path, "the NIfTI header declares {}", counted(fields.dim[0], "dimension"))),
    };
    let sizes = &fields.dim[1..=count];
    if let Some(bad) = sizes.iter().position(|&n| n < 1) {
        return Err(problem!(
            E0714,
            path,
            "the NIfTI header declares a size of {} along dimension {}",
            sizes[bad],
            bad + 1
        ));
    }
    if let Some(more) = (3..count).find(|&i| sizes[i] > 1) {
        return Err(problem!(
            E0704,
            path,
            "contains {} along dimension {}; only single volumes are supported",
            counted(sizes[more], "volume"),
            more + 1;
            help: "save each volume to a file of its own"
        ));
    }
    let size = |i: usize| sizes.get(i).map_or(1, |&n| usize::try_from(n).unwrap_or(usize::MAX));
    Ok([size(0), size(1), size(2)])
}

/// Returns millimetres per unit of the header.
fn unit(fields: &NiftiFields) -> (f64, Option<VolumeNote>) {
    let (factor, text) = match fields.xyzt_units & 7 {
        // Without a unit, distances are in mm.
        0 | 2 => return (1.0, None),
        1 => (1000.0, "the header gives distances in metres; they are converted to mm".to_string()),
        3 => (0.001, "the header gives distances in micrometres; they are converted to mm".to_string()),
        other => {
            (1.0, format!("unknown unit of distance {other} in the header (xyzt_units); distances are read as mm"))
        }
    };
    (factor, Some((NoticeTopic::Units, text)))
}

/// Returns the voxel sizes with the first axis pointing to the left and the middle of the volume at the origin.
fn default_affine(fields: &NiftiFields, dims: [usize; 3]) -> Affine {
    let size = [1, 2, 3].map(|i| fields.pixdim[i].abs());
    let middle = dims.map(|n| (n as f64 - 1.0) / 2.0);
    [
        [-size[0], 0.0, 0.0, size[0] * middle[0]],
        [0.0, size[1], 0.0, -size[1] * middle[1]],
        [0.0, 0.0, size[2], -size[2] * middle[2]],
    ]
}

/// Returns the qform: the rotation of a unit quaternion, voxel sizes and an offset (nifti1.h, method 2).
fn qform_affine(path: &Path, fields: &NiftiFields) -> Result<Affine> {
    let [mut b, mut c, mut d] = fields.quaternion;
    let squares = b * b + c * c + d * d;
    if !squares.is_finite() || squares > 1.01 {
        return Err(problem!(
            E0714,
            path,
            "the qform of the NIfTI header is not a rotation: its quaternion is longer than 1"
        ));
    }
    let mut a = 1.0 - squares;
    if a < 1e-7 {
        // A rotation by 180 degrees, with rounding.
        let length = squares.sqrt();
        [b, c, d] = [b / length, c / length, d / length];
        a = 0.0;
    }
    let a = a.sqrt();
    let rotation = [
        [a * a + b * b - c * c - d * d, 2.0 * (b * c - a * d), 2.0 * (b * d + a * c)],
        [2.0 * (b * c + a * d), a * a + c * c - b * b - d * d, 2.0 * (c * d - a * b)],
        [2.0 * (b * d - a * c), 2.0 * (c * d + a * b), a * a + d * d - b * b - c * c],
    ];
    let mirrored = if fields.pixdim[0] < 0.0 { -1.0 } else { 1.0 };
    let size = [1, 2, 3].map(|i| fields.pixdim[i].abs());
    Ok([0, 1, 2].map(|r| {
        let [x, y, z] = rotation[r];
        [x * size[0], y * size[1], z * size[2] * mirrored, fields.offset[r]]
    }))
}

/// Compares the qform with the sform, which is used. Viewers differ in which of them they use, so a file in which they contradict
/// each other is refused; if they are about different spaces (such as scanner and template) and agree in their orientation, a
/// remark says which is used.
fn compare_forms(path: &Path, fields: &NiftiFields, grid: &VoxelGrid, qform: Affine) -> Result<Option<VolumeNote>> {
    // A qform that is no grid, such as one of voxels without size, says nothing.
    let Ok(other) = VoxelGrid::new(path, grid.dims, qform) else { return Ok(None) };
    let farthest = farthest_corner(grid, &other, &MaskAlignment::SAME);
    let (a, b) = (other.orientation(), grid.orientation());
    let spaces_differ = fields.qform_code != fields.sform_code;
    if farthest > MAX_OFFSET && (a != b || !spaces_differ) {
        let what = match a == b {
            true => format!("a corner lies {farthest:.1} voxels apart"),
            false => format!("the axes run {a} by the qform and {b} by the sform"),
        };
        return Err(problem!(
            E0714,
            path,
            "qform and sform of the header contradict each other: {what}";
            help: "find out which of them is right and write it into both, for example with nibabel: \
                   image.set_qform(image.affine) where the sform is right"
        ));
    }
    let text = format!("qform and sform differ by up to {farthest:.1} voxels; the sform is used");
    Ok((farthest > MIN_OFFSET).then_some((NoticeTopic::Orientation, text)))
}
