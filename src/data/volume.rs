//! Volumes as stacks of pictures: NIfTI files and DICOM series, turned so that every picture looks as a radiologist
//! expects it.
//!
//! Knows voxels and their place in the patient, no windows and no classes.
//!
//! A slice across the axial axis has the patient's right on the left and the front on top; coronal ones have the head on
//! top, sagittal ones the head on top and the front on the left. Where the file says no orientation, the convention of its
//! format holds. Slices are counted along the axis from feet to head, back to front, left to right; the number in a stem is
//! the one that the file's own array has, as nibabel and viewers count.

mod cache;
pub(super) mod dicom;
mod grid;
pub(super) mod nifti;
mod voxels;

pub(super) use cache::VolumeCache;
pub(super) use grid::VoxelGrid;
pub(super) use voxels::Volume;

use crate::base::error::Result;
use std::path::Path;

/// Whether a path is read as a volume: a NIfTI file by its name, or a folder (of a DICOM series, or of masks for one).
pub(super) fn is_volume(path: &Path) -> bool {
    is_nifti(path) || path.is_dir()
}

pub(super) fn is_nifti(path: &Path) -> bool {
    let name = path.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
    name.ends_with(".nii") || name.ends_with(".nii.gz")
}

/// Where the voxels of a volume lie, without reading them.
pub(super) fn grid(path: &Path) -> Result<VoxelGrid> {
    if is_nifti(path) { nifti::grid(path) } else { dicom::DicomSeries::open(path).map(|series| series.grid) }
}

/// Reads a volume whole. `of` is the volume that a folder of masks belongs to.
pub(super) fn read(path: &Path, of: Option<&Path>) -> Result<Volume> {
    match of {
        _ if is_nifti(path) => nifti::read(path),
        Some(of) if path.is_dir() && !dicom::holds_dicom(path) => dicom::read_masks(path, of),
        _ => dicom::DicomSeries::open(path)?.read(),
    }
}
