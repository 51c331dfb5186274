//! Compares the grid of a mask with the grid of its image: every voxel must be at the same place in the patient.
//!
//! Both are brought to one order of voxels first, so that a mask stored in another order is compared, and read, by its place.

use super::grid::{VoxelGrid, cosines, determinant, nearest_axes};
use super::names::is_nifti;
use super::note::VolumeNote;
use crate::base::error::RunError;
use crate::base::path::without_dot;
use crate::base::problem::problem;
use crate::data::notice::NoticeTopic;
use std::path::Path;

/// Largest distance between a corner of the mask and the same corner of its image, in voxels of the image. The qform and the sform of
/// a NIfTI file contradict each other above it.
pub(super) const MAX_OFFSET: f64 = 0.5;
/// Smallest part by which voxel sizes differ in words.
const MIN_SPACING_DIFFERENCE: f64 = 0.005;
/// Smallest angle between axes, in degrees, that is put into words.
const MIN_ANGLE: f64 = 0.1;

/// How the axes of a mask's array run along those of its image's array.
#[derive(PartialEq)]
pub(crate) struct MaskAlignment {
    /// Axis of the image for each axis of the mask.
    axes: [usize; 3],
    /// Whether both run in the same direction.
    forward: [bool; 3],
}

impl MaskAlignment {
    /// Both arrays are stored in the same order of voxels.
    pub(super) const SAME: MaskAlignment = MaskAlignment { axes: [0, 1, 2], forward: [true; 3] };

    /// Finds the axes that run along each other.
    fn of(image: &VoxelGrid, mask: &VoxelGrid) -> MaskAlignment {
        let cosines = cosines(image, mask);
        let axes = nearest_axes(cosines);
        MaskAlignment { axes, forward: [0, 1, 2].map(|a| cosines[a][axes[a]] > 0.0) }
    }

    /// Checks whether the voxels of image and mask are stored in the same order.
    fn is_same_order(&self) -> bool {
        *self == MaskAlignment::SAME
    }
}

/// Returns the grid by which the slices of a mask are read so that they lie on the slices of its image, and remarks.
///
/// Errors: sizes differ, or a corner of the mask is more than half a voxel away from the same corner of the image.
pub(crate) fn align(
    [image_path, mask_path]: [&Path; 2],
    image: &VoxelGrid,
    mask: &VoxelGrid,
) -> Result<(VoxelGrid, Vec<VolumeNote>), RunError> {
    let alignment = MaskAlignment::of(image, mask);
    let same_size = (0..3).all(|a| mask.dims[a] == image.dims[alignment.axes[a]]);
    if !same_size && (mask.dims != image.dims || has_geometry(mask)) {
        return Err(size_error([image_path, mask_path], image, mask));
    }
    let mut notes = Vec::new();
    let mut at = *mask;
    // Masks that are made from the arrays of a DICOM series often have voxel sizes and directions, and no place.
    if same_size && !is_nifti(image_path) && is_nifti(mask_path) && mask.place([0.0; 3]) == [0.0; 3] {
        let first = (0..3).filter(|&a| !alignment.forward[a]).map(|a| alignment.axes[a]);
        let mut of_image = [0.0; 3];
        first.for_each(|b| of_image[b] = image.dims[b] as f64 - 1.0);
        at = mask.moved_to(image.place(of_image));
        if farthest_corner(image, mask, &alignment) > MAX_OFFSET {
            let text =
                "the header gives no place (its origin is 0, 0, 0); the mask is taken to lie where its image does";
            notes.push((NoticeTopic::Orientation, text.to_string()));
        }
    }
    if !same_size || farthest_corner(image, &at, &alignment) > MAX_OFFSET {
        return Err(place_error([image_path, mask_path], image, mask, &alignment));
    }
    if !alignment.is_same_order() {
        let (a, b) = (mask.orientation(), image.orientation());
        let text = format!(
            "the mask is stored in another order of voxels than its image ({a} and {b}); it is turned by its header"
        );
        notes.push((NoticeTopic::VoxelOrder, text));
    }
    Ok((mask.named_as(image, alignment.axes, alignment.forward), notes))
}

/// Returns the largest distance between the corners of the mask and those of the image, in voxels of the image.
pub(super) fn farthest_corner(image: &VoxelGrid, mask: &VoxelGrid, alignment: &MaskAlignment) -> f64 {
    let mut farthest: f64 = 0.0;
    for corner in 0..8usize {
        let of_mask = [0, 1, 2].map(|a| if corner >> a & 1 == 1 { mask.dims[a] as f64 - 1.0 } else { 0.0 });
        let mut wanted = [0.0; 3];
        for a in 0..3 {
            let last = mask.dims[a] as f64 - 1.0;
            wanted[alignment.axes[a]] = if alignment.forward[a] { of_mask[a] } else { last - of_mask[a] };
        }
        let found = image.index_of(mask.place(of_mask));
        farthest = (0..3).fold(farthest, |most, b| most.max((found[b] - wanted[b]).abs()));
    }
    farthest
}

/// Checks that a header is not the one that programs write when they know no geometry: voxels of 1 mm at the origin.
fn has_geometry(grid: &VoxelGrid) -> bool {
    let identity = grid.columns().iter().enumerate().all(|(a, column)| {
        column.iter().enumerate().all(|(r, v)| (v.abs() - if a == r { 1.0 } else { 0.0 }).abs() < 1e-6)
    });
    let at_origin = grid.place([0.0; 3]).iter().all(|v| v.abs() < 1e-6);
    grid.placed && !(identity && at_origin)
}

fn size_error([image_path, mask_path]: [&Path; 2], image: &VoxelGrid, mask: &VoxelGrid) -> RunError {
    let shown = |[x, y, z]: [usize; 3]| format!("{x} x {y} x {z}");
    problem!(
        E0712,
        mask_path,
        "mask and image differ in size: the mask has {} voxels (right x front x head), its image {} has {}",
        shown(mask.world_dims()),
        without_dot(image_path).display(),
        shown(image.world_dims());
        help: "resample the mask to the grid of its image"
    )
}

fn place_error(
    [image_path, mask_path]: [&Path; 2],
    image: &VoxelGrid,
    mask: &VoxelGrid,
    alignment: &MaskAlignment,
) -> RunError {
    let shown = without_dot(image_path).display().to_string();
    let [a, b] = [mask.spacing, image.spacing].map(voxel_size);
    if mask.placed && !image.placed {
        return problem!(
            E0712,
            mask_path,
            "the header of its image {shown} gives no place and no directions (qform_code and sform_code are 0), and that of the mask \
             does; whether they fit is open";
            help: "if both arrays have the same order, write the image with the header of its mask, for example with nibabel: \
                   nibabel.Nifti1Image(array, mask.affine)"
        );
    }
    if !has_geometry(mask) && has_geometry(image) {
        return problem!(
            E0712,
            mask_path,
            "the mask was saved without geometry: its header has voxels of {a} and no place, its image {shown} has voxels of {b} \
             at {}",
            position(image.place([0.0; 3]));
            help: "if both arrays have the same order, write the mask with the header of its image, for example with nibabel: \
                   nibabel.Nifti1Image(array, image.affine)"
        );
    }
    let differences = differences(image, mask, alignment);
    let error =
        problem!(E0712, mask_path, "the mask is not at the place of its image {shown}: {}", differences.join("; "));
    match alignment.is_same_order() {
        true => error.help("resample the mask to the grid of its image, or correct the header that is wrong"),
        false => error.help(
            "if both arrays have the same order, the header of one is wrong: write the mask with the header of its image",
        ),
    }
}

/// Says what differs between the two grids.
fn differences(image: &VoxelGrid, mask: &VoxelGrid, alignment: &MaskAlignment) -> Vec<String> {
    let mut all = Vec::new();
    if !alignment.is_same_order() {
        let mirrored = determinant(image.columns()) * determinant(mask.columns()) < 0.0;
        let (a, b) = (mask.orientation(), image.orientation());
        let how = match opposite_axis(&a, &b) {
            Some(axis) => format!("mirrored {axis}"),
            None => if mirrored { "mirrored" } else { "turned" }.to_string(),
        };
        all.push(format!("its axes run {a}, those of the image {b}, so it is {how}"));
    }
    let spacing = [0, 1, 2].map(|a| image.spacing[alignment.axes[a]]);
    if (0..3).any(|a| (mask.spacing[a] / spacing[a] - 1.0).abs() > MIN_SPACING_DIFFERENCE) {
        all.push(format!("its voxels are {}, those of the image {}", voxel_size(mask.spacing), voxel_size(spacing)));
    }
    let cosines = cosines(image, mask);
    let angle = |a: usize| cosines[a][alignment.axes[a]].abs().min(1.0).acos().to_degrees();
    let angle = (0..3).map(angle).fold(0.0, f64::max);
    if angle > MIN_ANGLE {
        all.push(format!("its axes are turned by {angle:.1} degrees"));
    }
    let (origin, of_image) = (mask.place([0.0; 3]), image.place([0.0; 3]));
    if !alignment.is_same_order() && (0..3).all(|r| (origin[r] - of_image[r]).abs() < 1e-3) {
        all.push(format!("both have the origin {}, and run different ways from there", position(of_image)));
        return all;
    }
    // The voxel of the mask that should lie on the first voxel of the image.
    let first = [0, 1, 2].map(|a| if alignment.forward[a] { 0.0 } else { mask.dims[a] as f64 - 1.0 });
    let found = mask.place(first);
    let shift = [0, 1, 2].map(|r| found[r] - of_image[r]);
    let distance = shift.iter().map(|v| v * v).sum::<f64>().sqrt();
    if distance > 1e-3 {
        let what = if alignment.is_same_order() { "its origin is" } else { "turned like the image, it is" };
        all.push(format!("{what} {distance:.1} mm off ({})", shift_in_words(shift)));
    }
    all
}

/// Returns the direction along which two arrays run in opposite ways, by their orientation codes, if it is the only difference.
fn opposite_axis(mask: &str, image: &str) -> Option<&'static str> {
    const AXES: [(&str, &str); 3] = [("RL", "left-right"), ("AP", "front-back"), ("SI", "head-feet")];
    let mut different = mask.chars().zip(image.chars()).filter(|(a, b)| a != b);
    let ((a, b), None) = (different.next()?, different.next()) else { return None };
    AXES.into_iter().find(|(letters, _)| letters.contains(a) && letters.contains(b)).map(|(_, name)| name)
}

/// Formats a shift in mm, for example `30.0 to the right, 15.0 to the head`.
fn shift_in_words(shift: [f64; 3]) -> String {
    const WORDS: [[&str; 2]; 3] = [["left", "right"], ["back", "front"], ["feet", "head"]];
    let along = (0..3).filter(|&r| shift[r].abs() >= 0.05);
    let words: Vec<String> =
        along.map(|r| format!("{:.1} to the {}", shift[r].abs(), WORDS[r][usize::from(shift[r] > 0.0)])).collect();
    words.join(", ")
}

/// Formats the size of a voxel.
fn voxel_size([x, y, z]: [f64; 3]) -> String {
    let shown = |v: f64| format!("{v:.3}").trim_end_matches('0').trim_end_matches('.').to_string();
    format!("{} x {} x {} mm", shown(x), shown(y), shown(z))
}

fn position([x, y, z]: [f64; 3]) -> String {
    format!("({x:.1}, {y:.1}, {z:.1})")
}
