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
pub mod dicom;
mod grid;
pub mod nifti;

pub use cache::Cache;
pub use grid::Grid;

use super::decode::{Pixels, Values};
use crate::base::error::{Result, RunError};
use crate::text::recipe::Axis;
use std::path::Path;

/// A stack of voxels in memory.
pub struct Volume {
    pub grid: Grid,
    pub voxels: Voxels,
    /// Slope and intercept to the values that are meant, where they are not 1 and 0.
    pub scale: Option<[f64; 2]>,
}

/// Voxels with the first axis of the grid running fastest.
pub enum Voxels {
    U8(Vec<u8>),
    I16(Vec<i16>),
    U16(Vec<u16>),
    F32(Vec<f32>),
    /// Of every other sample type, with its name.
    F64(Vec<f64>, &'static str),
}

impl Voxels {
    pub fn len(&self) -> usize {
        match self {
            Voxels::U8(v) => v.len(),
            Voxels::I16(v) => v.len(),
            Voxels::U16(v) => v.len(),
            Voxels::F32(v) => v.len(),
            Voxels::F64(v, _) => v.len(),
        }
    }

    fn bytes(&self) -> usize {
        self.len()
            * match self {
                Voxels::U8(_) => 1,
                Voxels::I16(_) | Voxels::U16(_) => 2,
                Voxels::F32(_) => 4,
                Voxels::F64(..) => 8,
            }
    }
}

/// Whether a path is read as a volume: a NIfTI file by its name, or a folder (of a DICOM series, or of masks for one).
pub fn is_volume(path: &Path) -> bool {
    is_nifti(path) || path.is_dir()
}

pub fn is_nifti(path: &Path) -> bool {
    let name = path.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
    name.ends_with(".nii") || name.ends_with(".nii.gz")
}

/// Where the voxels of a volume lie, without reading them.
pub fn grid(path: &Path) -> Result<Grid> {
    if is_nifti(path) { nifti::grid(path) } else { dicom::Series::open(path).map(|series| series.grid) }
}

/// Reads a volume whole. `of` is the volume that a folder of masks belongs to.
pub fn read(path: &Path, of: Option<&Path>) -> Result<Volume> {
    match of {
        _ if is_nifti(path) => nifti::read(path),
        Some(of) if path.is_dir() && !dicom::holds_dicom(path) => dicom::masks(path, of),
        _ => dicom::Series::open(path)?.read(),
    }
}

impl Volume {
    /// Memory that it holds.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.voxels.bytes()
    }

    /// Slice number `index` across `axis`, in the order that the module's text tells.
    pub fn slice(&self, axis: Axis, index: usize, path: &Path) -> Result<Pixels> {
        let view = self.grid.view(axis);
        let size = view.size;
        if index >= view.count {
            return Err(RunError::at(path, format!("has {} slices; there is no number {index}", view.count)));
        }
        let area = size[0] * size[1];
        let place = |i: usize| view.at(index, i / size[1], i % size[1]);
        let values = match (&self.voxels, self.scale) {
            (Voxels::U8(v), None) => Values::U8((0..area).map(|i| v[place(i)]).collect()),
            (Voxels::I16(v), None) => Values::I16((0..area).map(|i| v[place(i)]).collect()),
            (Voxels::U16(v), None) => Values::U16((0..area).map(|i| v[place(i)]).collect()),
            (Voxels::F32(v), None) => wide(area, |i| f64::from(v[place(i)]), "32-bit float"),
            (Voxels::F64(v, kind), None) => wide(area, |i| v[place(i)], kind),
            (voxels, Some([slope, intercept])) => {
                let stored = |i: usize| match voxels {
                    Voxels::U8(v) => f64::from(v[i]),
                    Voxels::I16(v) => f64::from(v[i]),
                    Voxels::U16(v) => f64::from(v[i]),
                    Voxels::F32(v) => f64::from(v[i]),
                    Voxels::F64(v, _) => v[i],
                };
                wide(area, |i| stored(place(i)) * slope + intercept, "scaled")
            }
        };
        if let Values::Wide(all, kind) = &values
            && let Some(bad) = all.iter().position(|v| !v.is_finite())
        {
            let (x, y) = (bad % size[1], bad / size[1]);
            let message = format!("{kind} value {} at x {x}, y {y} of slice {index} is not a number to use", all[bad]);
            return Err(RunError::at(path, message));
        }
        Ok(Pixels { size, channels: 1, values, lossy: false, warnings: Vec::new() })
    }
}

fn wide(area: usize, value: impl Fn(usize) -> f64, kind: &'static str) -> Values {
    Values::Wide((0..area).map(value).collect(), kind)
}
