//! DICOM series: a folder of files with one slice each, or with several frames whose places are stated. Only this module uses the
//! crates `dicom-*`.
//!
//! Elements are read here, because files may be hostile; JPEG pixels are decoded by `dicom-pixeldata`.

mod bytes;
mod elements;
mod folder;
mod format;
mod frames;
mod identity;
mod jpeg;
mod mask_pictures;
mod rle;
mod series;
mod slice;
mod vocabulary;

pub(crate) use folder::{holds_dicom, is_dicom, is_slice};
pub(crate) use identity::{count_files, patient, probe};
pub(crate) use mask_pictures::read_masks;
pub(crate) use series::DicomSeries;
