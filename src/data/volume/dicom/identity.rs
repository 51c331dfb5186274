//! Of whom a DICOM series is, and whether two series are the same, from a few of their files.

use super::elements::DicomReader;
use super::folder::dicom_files;
use super::format::PixelFormat;
use super::frames;
use dicom_dictionary_std::tags;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

/// Returns the number of DICOM files of a folder, if it has some.
pub(crate) fn count_files(folder: &Path) -> Option<usize> {
    dicom_files(folder).ok().map(|(_, files)| files.len()).filter(|n| *n > 0)
}

/// Returns a hash of the stored values of the two files in the middle, in either order.
pub(crate) fn probe(folder: &Path) -> Option<u64> {
    let (_, files) = dicom_files(folder).ok()?;
    let last = files.len().checked_sub(1)?;
    let mut hashes = [hash_values(&files[last / 2])?, hash_values(&files[last - last / 2])?];
    hashes.sort_unstable();
    let mut hash = DefaultHasher::new();
    hashes.hash(&mut hash);
    Some(hash.finish())
}

fn hash_values(file: &Path) -> Option<u64> {
    let format = PixelFormat::of(file, &DicomReader::open(file).ok()?).ok()?;
    let mut hash = DefaultHasher::new();
    format.size.hash(&mut hash);
    frames::each_frame(file, &format, |_, bytes| bytes.each_value(&format, |value| hash.write_i64(value))).ok()?;
    Some(hash.finish())
}

/// Returns the PatientID of a series, that of its first file.
pub(crate) fn patient(folder: &Path) -> Option<String> {
    let (_, files) = dicom_files(folder).ok()?;
    let elements = DicomReader::open(files.first()?).ok()?.elements;
    elements.text(tags::PATIENT_ID).filter(|text| !text.is_empty())
}
