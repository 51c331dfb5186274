//! Number, slices and voxel sizes of the volumes of a set.

use crate::data::dataset::Dataset;
use crate::data::volume;
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The volumes whose slices are the cases of a set.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct VolumeSpan {
    pub volumes: usize,
    /// Number of slices of all volumes, used or not.
    pub slices: usize,
    /// Least and largest number of slices of a volume.
    pub slices_each: [usize; 2],
    /// Least and largest distance between neighbouring pixels of a slice, in mm.
    pub pixel_mm: [f64; 2],
    /// Least and largest distance between slices, in mm.
    pub slice_mm: [f64; 2],
}

/// Reads the headers of the volumes; `None` if no case is a slice. A volume that cannot be read is reported elsewhere.
pub(super) fn volume_span(data: &Dataset) -> Option<VolumeSpan> {
    let slices = data.parts.all().filter(|(_, case)| case.slice.is_some());
    let paths: BTreeSet<&PathBuf> = slices.map(|(_, case)| &case.image).collect();
    let axis = data.spec.slicing.axis;
    let grids: Vec<_> = paths.par_iter().filter_map(|path| volume::grid(path).ok()).collect();
    let counts: Vec<usize> = grids.iter().map(|grid| grid.count(axis)).collect();
    let pixels = grids.iter().flat_map(|grid| grid.pixel_spacing(axis));
    let between = grids.iter().map(|grid| grid.slice_spacing(axis));
    Some(VolumeSpan {
        volumes: grids.len(),
        slices: counts.iter().sum(),
        slices_each: [*counts.iter().min()?, *counts.iter().max()?],
        pixel_mm: ends(pixels),
        slice_mm: ends(between),
    })
}

fn ends(values: impl Iterator<Item = f64> + Clone) -> [f64; 2] {
    [values.clone().fold(f64::INFINITY, f64::min), values.fold(f64::NEG_INFINITY, f64::max)]
}
