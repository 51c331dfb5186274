//! The volumes of a data set as wholes: all of their slices, whichever of them are cases.

use super::case::{Case, SplitRole, check_same_size, slice_stem};
use super::dataset::Dataset;
use super::image::{LoadedImage, prediction_spec, to_loaded_image};
use super::volume::VoxelGrid;
use super::{case_reader, resize};
use crate::base::error::Result;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// One volume of a data set, with its mask.
pub(crate) struct VolumeCase<'a> {
    data: &'a Dataset,
    /// Any slice of the volume.
    case: Case,
    grid: VoxelGrid,
}

impl Dataset {
    /// Returns the volume that a case is a slice of, and the index of the slice in it; `None` for a picture.
    pub(crate) fn slice_in_volume(&self, role: SplitRole, index: usize) -> Option<(&Path, usize)> {
        let case = self.cases(role).get(index)?;
        Some((case.image.as_path(), case.slice?))
    }

    /// Opens the volume that a case is a slice of.
    pub(crate) fn volume(&self, role: SplitRole, index: usize) -> Result<VolumeCase<'_>> {
        let case = self.case(role, index)?.clone();
        let grid = case_reader::voxel_grid(&case, &self.volumes)?;
        Ok(VolumeCase { data: self, case, grid })
    }

    /// Returns the volumes with slices in another role than this one.
    pub(crate) fn volumes_of_other_roles(&self, role: SplitRole) -> HashSet<PathBuf> {
        let others = SplitRole::ALL.into_iter().filter(|other| *other != role);
        let slices = others.flat_map(|other| self.cases(other)).filter(|case| case.slice.is_some());
        slices.map(|case| case.image.clone()).collect()
    }
}

impl VolumeCase<'_> {
    /// Returns the stem of the volume, which the stems of its slices begin with.
    pub(crate) fn name(&self) -> &str {
        self.case.volume_stem()
    }

    /// Returns the group of the volume's slices.
    pub(crate) fn group(&self) -> Option<&str> {
        self.case.group.as_deref()
    }

    /// Returns the number of slices, and their height and width.
    pub(crate) fn size(&self) -> [usize; 3] {
        let axis = self.data.spec.slicing.axis;
        let [height, width] = self.grid.size(axis);
        [self.grid.count(axis), height, width]
    }

    /// Returns the distance between slices, between rows and between columns in mm. `spacing` of the data block replaces the last
    /// two.
    pub(crate) fn spacing(&self) -> [f64; 3] {
        let axis = self.data.spec.slicing.axis;
        let [rows, columns] = self.data.spec.spacing.unwrap_or_else(|| self.grid.pixel_spacing(axis));
        [self.grid.slice_spacing(axis), rows, columns]
    }

    /// Returns the ground truth of a slice as class indices, height x width.
    pub(crate) fn truth(&self, slice: usize) -> Result<Vec<u8>> {
        let case = self.slice(slice);
        let [_, height, width] = self.size();
        let (mask, of_mask, _) = case_reader::read_classes(&self.data.spec, &case, &self.data.volumes)?;
        check_same_size(&case, [height, width], of_mask)?;
        Ok(resize::nearest(&mask, of_mask, [height, width]))
    }

    /// Reads a slice at the size of the data block, as for training.
    pub(crate) fn image(&self, slice: usize, channels: usize) -> Result<LoadedImage> {
        let case = self.slice(slice);
        let pixels = case_reader::read_pixels(&self.data.spec, &case, &self.data.volumes)?;
        let path = case.display_path(&case.image);
        to_loaded_image(&pixels, &prediction_spec(&self.data.spec), &path, channels)
    }

    fn slice(&self, index: usize) -> Case {
        let number = self.grid.stored_index(self.data.spec.slicing.axis, index);
        Case { stem: slice_stem(self.name(), number), slice: Some(index), ..self.case.clone() }
    }
}
