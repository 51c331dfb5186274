//! A volume to predict: its slices as the network reads them, and files on its grid.

use super::case_reader::read_slice;
use super::image::{LoadedImage, check_spec, prediction_spec, to_loaded_image};
use super::notice::{FileNotice, NoticeTopic};
use super::volume::nifti_output::{NiftiGeometry, NiftiVoxels, write_nifti_atomic};
use super::volume::{self, Volume, nifti};
use crate::base::count::counted_of;
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::text::config::DataSpec;
use crate::text::config::case_rules::label_colour;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A volume in memory with the rules of the data block.
pub(crate) struct VolumeInput {
    path: PathBuf,
    spec: DataSpec,
    channels: usize,
    volume: Volume,
    geometry: NiftiGeometry,
}

impl VolumeInput {
    /// Reads a NIfTI file, or the folder of a DICOM series, for a network with `channels` input channels.
    pub(crate) fn open(spec: &DataSpec, path: &Path, channels: usize) -> Result<VolumeInput> {
        check_spec(spec)?;
        let volume = volume::read(path, None)?;
        let geometry = match volume::is_nifti(path) {
            true => nifti::geometry(path)?,
            false => NiftiGeometry::of_affine(volume.grid.dims, volume.grid.affine()),
        };
        Ok(VolumeInput { path: path.to_path_buf(), spec: prediction_spec(spec), channels, volume, geometry })
    }

    /// Returns the number of slices along the axis of the data block.
    pub(crate) fn slices(&self) -> usize {
        self.volume.grid.count(self.spec.slicing.axis)
    }

    /// Returns height and width of a slice.
    pub(crate) fn slice_size(&self) -> [usize; 2] {
        self.volume.grid.size(self.spec.slicing.axis)
    }

    /// Returns the number of voxels along each axis of the file's array.
    pub(crate) fn dims(&self) -> [usize; 3] {
        self.volume.grid.dims
    }

    /// Returns the number of a slice in the file's array, as viewers count.
    pub(crate) fn stored_index(&self, index: usize) -> usize {
        self.volume.grid.stored_index(self.spec.slicing.axis, index)
    }

    /// Reads a slice like a data set: oriented, windowed and normalised, at the size of the data block, or with `full` at its own
    /// size.
    pub(crate) fn slice(&self, index: usize, full: bool) -> Result<LoadedImage> {
        let place = PathBuf::from(format!("{} slice {}", self.path.display(), self.stored_index(index)));
        let pixels = read_slice(&self.spec, &self.volume, index, &place)?;
        match full {
            true => {
                to_loaded_image(&pixels, &DataSpec { size: pixels.size, ..self.spec.clone() }, &place, self.channels)
            }
            false => to_loaded_image(&pixels, &self.spec, &place, self.channels),
        }
    }

    /// Writes a slice, height x width, into an array in the order of the file's voxels.
    pub(crate) fn put_slice<T: Copy>(&self, index: usize, slice: &[T], array: &mut [T]) {
        self.volume.grid.put_slice(self.spec.slicing.axis, index, slice, array);
    }

    /// Returns a slice, height x width, of an array in the order of the file's voxels.
    pub(crate) fn slice_of<T: Copy>(&self, index: usize, array: &[T]) -> Vec<T> {
        self.volume.grid.slice_of(self.spec.slicing.axis, index, array)
    }

    /// Writes the classes of all voxels, in the order of the file's voxels, as NIfTI on the same grid: in the labels of the data
    /// block, 8 bits, or 16 bits if a label is above 255. Labels that are colours are written as class indices.
    pub(crate) fn write_classes(&self, path: &Path, classes: &[u8]) -> Result<()> {
        let labels = &self.spec.labels;
        let most = labels.iter().copied().max().unwrap_or(0);
        if holds_class_indices(&self.spec) {
            return write_nifti_atomic(path, &self.geometry, &NiftiVoxels::U8(classes));
        }
        if most > u32::from(u16::MAX) {
            return Err(problem!(E0716, path, "the label {most} does not fit into the 16 bits of a voxel"));
        }
        let label = |class: u8| labels.get(usize::from(class)).copied().unwrap_or(0);
        if most <= u32::from(u8::MAX) {
            let values: Vec<u8> = classes.iter().map(|&c| label(c) as u8).collect();
            write_nifti_atomic(path, &self.geometry, &NiftiVoxels::U8(&values))
        } else {
            let values: Vec<u16> = classes.iter().map(|&c| label(c) as u16).collect();
            write_nifti_atomic(path, &self.geometry, &NiftiVoxels::U16(&values))
        }
    }

    /// Writes 32-bit numbers, one volume in the order of the file's voxels after the other, as four-dimensional NIfTI.
    pub(crate) fn write_values(&self, path: &Path, values: &[f32]) -> Result<()> {
        write_nifti_atomic(path, &self.geometry, &NiftiVoxels::F32Series(values))
    }
}

/// Checks whether the masks of volumes hold class indices, because a voxel has no colour.
pub(crate) fn holds_class_indices(spec: &DataSpec) -> bool {
    spec.labels.iter().any(|label| label_colour(*label).is_some())
}

/// Merges the notices about slices of one volume: those of one topic become one, with the number of slices. Slices of air alone
/// are ordinary, so equal values count only if the whole volume is such.
pub(crate) fn merge_slice_notices(path: &Path, slices: usize, notices: Vec<FileNotice>) -> Vec<FileNotice> {
    let mut topics: BTreeMap<NoticeTopic, (usize, FileNotice)> = BTreeMap::new();
    for notice in notices {
        topics.entry(notice.topic).or_insert((0, notice)).0 += 1;
    }
    topics.retain(|topic, (count, _)| *topic != NoticeTopic::Constant || *count == slices);
    let merged = topics.into_values().map(|(count, first)| match count == slices {
        true => FileNotice { path: path.to_path_buf(), ..first },
        false => FileNotice { text: format!("{}, in {}", first.text, counted_of(count, slices, "slice")), ..first },
    });
    merged.collect()
}

/// Returns the number of slices of a volume from its header.
pub(crate) fn count_slices(spec: &DataSpec, path: &Path) -> Result<usize> {
    Ok(volume::grid(path)?.count(spec.slicing.axis))
}
