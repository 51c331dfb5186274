//! Volumes as stacks of slices: NIfTI files and DICOM series, oriented as radiologists view them.
//!
//! This module handles voxels and their positions in the patient; windows and classes are handled elsewhere.
//!
//! Axial slices have the patient's right on the left and the front on top; coronal slices have the head on top; sagittal slices
//! have the head on top and the front on the left. If a file gives no orientation, the convention of its format is used. Slices
//! are counted along the axis from feet to head, back to front, left to right. The number in a stem is the index in the file's
//! own array, as nibabel and viewers count.

mod alignment;
mod cache;
pub(super) mod dicom;
mod grid;
pub(super) mod identity;
mod names;
pub(super) mod nifti;
pub(super) mod nifti_output;
mod note;
mod voxels;

pub(super) use cache::VolumeCache;
pub(super) use grid::VoxelGrid;
pub(super) use names::PAIR_HELP;
pub(crate) use names::is_nifti;
pub(super) use voxels::Volume;

use super::notice::FileRole;
use crate::base::error::Result;
use note::VolumeNote;
use std::path::Path;

/// Checks whether a path is read as a volume: a NIfTI file name, or a folder (a DICOM series, or the masks of one).
pub(super) fn is_volume(path: &Path) -> bool {
    is_nifti(path) || path.is_dir()
}

/// Reads the voxel grid of a volume without its voxels, and remarks about the header.
fn header(path: &Path) -> Result<(VoxelGrid, Vec<VolumeNote>)> {
    if is_nifti(path) { nifti::header(path) } else { dicom::DicomSeries::open(path).map(|s| (s.grid, s.notes)) }
}

/// Reads the voxel grid of a volume without its voxels.
pub(super) fn grid(path: &Path) -> Result<VoxelGrid> {
    header(path).map(|(grid, _)| grid)
}

/// Checks that the voxels of a mask are where those of its image are. A folder of pictures has no place of its own.
pub(super) fn check_alignment(image: &Path, of_image: &VoxelGrid, mask: &Path) -> Result<()> {
    if is_nifti(mask) || dicom::holds_dicom(mask) {
        alignment::align([image, mask], of_image, &grid(mask)?)?;
    }
    Ok(())
}

/// Reads a whole volume. `of` is the image that a mask belongs to; the mask is read along the axes of its image.
pub(super) fn read(path: &Path, of: Option<&Path>) -> Result<Volume> {
    let Some(image) = of else { return read_whole(path) };
    if !is_nifti(path) && !dicom::holds_dicom(path) {
        return dicom::read_masks(path, image);
    }
    let mut mask = read_whole(path)?;
    let (grid, notes) = alignment::align([image, path], &grid(image)?, &mask.grid)?;
    mask.notes.extend(notes);
    Ok(Volume { grid, role: FileRole::Mask, ..mask })
}

fn read_whole(path: &Path) -> Result<Volume> {
    if is_nifti(path) { nifti::read(path) } else { dicom::DicomSeries::open(path)?.read() }
}
