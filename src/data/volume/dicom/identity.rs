//! Of whom a DICOM series is, and whether two series are the same, from a few of their files: the others are not opened.

use super::elements::DicomReader;
use super::folder::{MAX_NESTED, entries, is_dicom};
use super::format::PixelFormat;
use super::frames;
use dicom_dictionary_std::tags;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// Lists the files of a folder, or of a single folder in it, by their names alone.
fn files_of(folder: &Path) -> Option<Vec<PathBuf>> {
    let mut folder = folder.to_path_buf();
    for _ in 0..MAX_NESTED {
        match &entries(&folder).ok()?[..] {
            [only] if only.is_dir() => folder = only.clone(),
            files => return Some(files.to_vec()),
        }
    }
    None
}

/// Returns the number of files of a series.
pub(crate) fn count_files(folder: &Path) -> Option<usize> {
    files_of(folder).map(|files| files.len())
}

/// Returns a hash of the stored values of the two files in the middle, in either order.
pub(crate) fn probe(folder: &Path) -> Option<u64> {
    let files = files_of(folder)?;
    let last = files.len().checked_sub(1)?;
    let (lower, upper) = (last / 2, last - last / 2);
    let first = hash_values(&files[lower])?;
    // Of an odd number of files both are the one in the middle.
    let mut hashes = [first, if lower == upper { first } else { hash_values(&files[upper])? }];
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
    let first = files_of(folder)?.into_iter().find(|file| is_dicom(file))?;
    let elements = DicomReader::open(&first).ok()?.elements;
    elements.text(tags::PATIENT_ID).filter(|text| !text.is_empty())
}
