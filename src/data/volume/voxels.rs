//! Volumes in memory, and their slices.

use super::grid::VoxelGrid;
use super::note::VolumeNote;
use crate::base::count::counted;
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::data::notice::{FileNotice, FileRole};
use crate::data::pixels::{Pixels, SampleValues};
use crate::text::config::SliceAxis;
use std::hash::{Hash, Hasher};
use std::path::Path;

/// The voxels of a volume with their grid.
pub(crate) struct Volume {
    pub grid: VoxelGrid,
    pub voxels: Voxels,
    /// Slope and intercept from stored to real values, if they are not 1 and 0.
    pub scale: Option<[f64; 2]>,
    /// Name of the compression if it is lossy, which changes values by some units.
    pub lossy: Option<&'static str>,
    /// Whether the volume is an image or a mask.
    pub role: FileRole,
    /// Remarks about the header, for every slice.
    pub notes: Vec<VolumeNote>,
}

/// Stored voxels; the first axis of the grid is contiguous.
pub(crate) enum Voxels {
    U8(Vec<u8>),
    I16(Vec<i16>),
    U16(Vec<u16>),
    F32(Vec<f32>),
    /// Every other sample type, with its name.
    Wide(WideVoxels, &'static str),
}

/// Values in the narrowest type that holds all of them exactly, so that a file of 64-bit zeros takes no more memory than it must.
pub(crate) enum WideVoxels {
    I16(Vec<i16>),
    F32(Vec<f32>),
    F64(Vec<f64>),
}

impl Default for WideVoxels {
    fn default() -> Self {
        WideVoxels::I16(Vec::new())
    }
}

impl WideVoxels {
    pub(crate) fn push(&mut self, value: f64) {
        match self {
            WideVoxels::I16(values) => {
                // The conversion saturates, so it changes every value that does not fit.
                let narrow = value as i16;
                if f64::from(narrow).to_bits() == value.to_bits() {
                    values.push(narrow);
                } else {
                    *self = WideVoxels::F32(values.iter().map(|&v| f32::from(v)).collect());
                    self.push(value);
                }
            }
            WideVoxels::F32(values) => {
                let narrow = value as f32;
                if f64::from(narrow) == value || value.is_nan() {
                    values.push(narrow);
                } else {
                    *self = WideVoxels::F64(values.iter().map(|&v| f64::from(v)).collect());
                    self.push(value);
                }
            }
            WideVoxels::F64(values) => values.push(value),
        }
    }

    fn at(&self, index: usize) -> f64 {
        match self {
            WideVoxels::I16(values) => f64::from(values[index]),
            WideVoxels::F32(values) => f64::from(values[index]),
            WideVoxels::F64(values) => values[index],
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            WideVoxels::I16(values) => values.len(),
            WideVoxels::F32(values) => values.len(),
            WideVoxels::F64(values) => values.len(),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            WideVoxels::I16(values) => 2 * values.len(),
            WideVoxels::F32(values) => 4 * values.len(),
            WideVoxels::F64(values) => 8 * values.len(),
        }
    }
}

impl Voxels {
    /// Writes all values to a hash; the type counts.
    pub(super) fn hash_values(&self, hash: &mut impl Hasher) {
        std::mem::discriminant(self).hash(hash);
        match self {
            Voxels::U8(v) => v.hash(hash),
            Voxels::I16(v) => v.hash(hash),
            Voxels::U16(v) => v.hash(hash),
            Voxels::F32(v) => v.iter().for_each(|value| hash.write_u32(value.to_bits())),
            Voxels::Wide(v, _) => (0..v.len()).for_each(|i| hash.write_u64(v.at(i).to_bits())),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Voxels::U8(v) => v.len(),
            Voxels::I16(v) => v.len(),
            Voxels::U16(v) => v.len(),
            Voxels::F32(v) => v.len(),
            Voxels::Wide(v, _) => v.len(),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Voxels::U8(v) => v.len(),
            Voxels::I16(v) => 2 * v.len(),
            Voxels::U16(v) => 2 * v.len(),
            Voxels::F32(v) => 4 * v.len(),
            Voxels::Wide(v, _) => v.bytes(),
        }
    }
}

impl Volume {
    /// Returns the memory of the volume in bytes.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.voxels.bytes()
    }

    /// Extracts slice number `index` across `axis`, oriented and ordered as described in the module documentation.
    pub(crate) fn slice(&self, axis: SliceAxis, index: usize, path: &Path) -> Result<Pixels> {
        let view = self.grid.slice_indexing(axis);
        let size = view.size;
        if index >= view.count {
            return Err(problem!(
                E0714,
                path,
                "the volume has {}; there is no number {index}",
                counted(view.count, "slice")
            ));
        }
        let area = size[0] * size[1];
        let place = |i: usize| view.at(index, i / size[1], i % size[1]);
        let values = match (&self.voxels, self.scale) {
            (Voxels::U8(v), None) => SampleValues::U8(self.grid.slice_of(axis, index, v)),
            (Voxels::I16(v), None) => SampleValues::I16(self.grid.slice_of(axis, index, v)),
            (Voxels::U16(v), None) => SampleValues::U16(self.grid.slice_of(axis, index, v)),
            (Voxels::F32(v), None) => to_wide(area, |i| f64::from(v[place(i)]), "32-bit float"),
            (Voxels::Wide(v, kind), None) => to_wide(area, |i| v.at(place(i)), kind),
            (voxels, Some([slope, intercept])) => {
                let stored = |i: usize| match voxels {
                    Voxels::U8(v) => f64::from(v[i]),
                    Voxels::I16(v) => f64::from(v[i]),
                    Voxels::U16(v) => f64::from(v[i]),
                    Voxels::F32(v) => f64::from(v[i]),
                    Voxels::Wide(v, _) => v.at(i),
                };
                to_wide(area, |i| stored(place(i)) * slope + intercept, "scaled")
            }
        };
        if let SampleValues::Wide(all, kind) = &values
            && let Some(bad) = all.iter().position(|v| !v.is_finite())
        {
            let (x, y) = (bad % size[1], bad / size[1]);
            return Err(problem!(
                E0711,
                path,
                "the {kind} value {} at x {x}, y {y} of slice {index} is not a finite number",
                all[bad]
            ));
        }
        let notice = |(topic, text): &VolumeNote| FileNotice::new(*topic, self.role, path, text.clone());
        let warnings = self.notes.iter().map(notice).collect();
        Ok(Pixels { warnings, lossy: self.lossy, ..Pixels::new(size, 1, values) })
    }
}

fn to_wide(area: usize, value: impl Fn(usize) -> f64, kind: &'static str) -> SampleValues {
    SampleValues::Wide((0..area).map(value).collect(), kind)
}
