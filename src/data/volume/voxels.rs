//! Volumes in memory, and their slices.

use super::grid::VoxelGrid;
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::data::pixels::{Pixels, SampleValues};
use crate::text::config::SliceAxis;
use std::path::Path;

/// The voxels of a volume with their grid.
pub(crate) struct Volume {
    pub grid: VoxelGrid,
    pub voxels: Voxels,
    /// Slope and intercept from stored to real values, if they are not 1 and 0.
    pub scale: Option<[f64; 2]>,
}

/// Stored voxels; the first axis of the grid is contiguous.
pub(crate) enum Voxels {
    U8(Vec<u8>),
    I16(Vec<i16>),
    U16(Vec<u16>),
    F32(Vec<f32>),
    /// Every other sample type, with its name.
    F64(Vec<f64>, &'static str),
}

impl Voxels {
    pub(crate) fn len(&self) -> usize {
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
            return Err(problem!(E0714, path, "the volume has {} slices; there is no number {index}", view.count));
        }
        let area = size[0] * size[1];
        let place = |i: usize| view.at(index, i / size[1], i % size[1]);
        let values = match (&self.voxels, self.scale) {
            (Voxels::U8(v), None) => SampleValues::U8((0..area).map(|i| v[place(i)]).collect()),
            (Voxels::I16(v), None) => SampleValues::I16((0..area).map(|i| v[place(i)]).collect()),
            (Voxels::U16(v), None) => SampleValues::U16((0..area).map(|i| v[place(i)]).collect()),
            (Voxels::F32(v), None) => to_wide(area, |i| f64::from(v[place(i)]), "32-bit float"),
            (Voxels::F64(v, kind), None) => to_wide(area, |i| v[place(i)], kind),
            (voxels, Some([slope, intercept])) => {
                let stored = |i: usize| match voxels {
                    Voxels::U8(v) => f64::from(v[i]),
                    Voxels::I16(v) => f64::from(v[i]),
                    Voxels::U16(v) => f64::from(v[i]),
                    Voxels::F32(v) => f64::from(v[i]),
                    Voxels::F64(v, _) => v[i],
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
        Ok(Pixels { size, channels: 1, values, lossy: false, warnings: Vec::new() })
    }
}

fn to_wide(area: usize, value: impl Fn(usize) -> f64, kind: &'static str) -> SampleValues {
    SampleValues::Wide((0..area).map(value).collect(), kind)
}
