//! Volumes as stacks of slices: NIfTI files and DICOM series, oriented as radiologists view them.
//!
//! This module handles voxels and their positions in the patient; windows and classes are handled elsewhere.
//!
//! Axial slices have the patient's right on the left and the front on top; coronal slices have the head on top; sagittal slices
//! have the head on top and the front on the left. If a file gives no orientation, the convention of its format is used. Slices
//! are counted along the axis from feet to head, back to front, left to right. The number in a stem is the index in the file's
//! own array, as nibabel and viewers count.

mod cache;
pub(super) mod dicom;
mod grid;
pub(super) mod nifti;
pub(super) mod nifti_output;
mod voxels;

pub(super) use cache::VolumeCache;
pub(super) use grid::VoxelGrid;
pub(super) use voxels::Volume;

use crate::base::error::Result;
use std::path::Path;

/// Checks whether a path is read as a volume: a NIfTI file name, or a folder (a DICOM series, or the masks of one).
pub(super) fn is_volume(path: &Path) -> bool {
    is_nifti(path) || path.is_dir()
}

pub(super) fn is_nifti(path: &Path) -> bool {
    let name = path.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
    name.ends_with(".nii") || name.ends_with(".nii.gz")
}

/// Reads the voxel grid of a volume without its voxels.
pub(super) fn grid(path: &Path) -> Result<VoxelGrid> {
    if is_nifti(path) { nifti::grid(path) } else { dicom::DicomSeries::open(path).map(|series| series.grid) }
}

/// Reads a whole volume. `of` is the volume that a folder of masks belongs to.
pub(super) fn read(path: &Path, of: Option<&Path>) -> Result<Volume> {
    match of {
        _ if is_nifti(path) => nifti::read(path),
        Some(of) if path.is_dir() && !dicom::holds_dicom(path) => dicom::read_masks(path, of),
        _ => dicom::DicomSeries::open(path)?.read(),
    }
}
