//! Finds the DICOM files of a folder.

use crate::base::error::{Result, RunError};
use crate::base::file;
use crate::data::order::natural;
use std::fs;
use std::path::{Path, PathBuf};

/// Checks whether a folder holds DICOM files, itself or in a single nested folder.
pub(crate) fn holds_dicom(folder: &Path) -> bool {
    find_files(folder, 1).is_ok_and(|(_, files)| !files.is_empty())
}

/// Returns the folder that holds the DICOM files, and the files. Archives often nest a series in folders without other content.
pub(super) fn dicom_files(folder: &Path) -> Result<(PathBuf, Vec<PathBuf>)> {
    find_files(folder, usize::MAX)
}

/// Finds the first `most` DICOM files, and the folder that holds them.
fn find_files(folder: &Path, most: usize) -> Result<(PathBuf, Vec<PathBuf>)> {
    let mut folder = folder.to_path_buf();
    for _ in 0..4 {
        let entries = entries(&folder)?;
        let files: Vec<PathBuf> = entries.iter().filter(|p| p.is_file() && is_dicom(p)).take(most).cloned().collect();
        match &entries.iter().filter(|p| p.is_dir()).collect::<Vec<_>>()[..] {
            [only] if files.is_empty() => folder = only.to_path_buf(),
            _ => return Ok((folder, files)),
        }
    }
    Ok((folder, Vec::new()))
}

/// Lists a folder without hidden files, in natural order.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let fail = |e: std::io::Error| RunError::read(folder, e);
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if !file_name(&path).starts_with('.') {
            paths.push(path);
        }
    }
    paths.sort_by(|a, b| natural(&file_name(a), &file_name(b)));
    Ok(paths)
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Checks for the DICOM prefix after the preamble (PS3.10, 7.1).
pub(crate) fn is_dicom(path: &Path) -> bool {
    let head = file::read_head(path, 132).unwrap_or_default();
    head.get(128..) == Some(b"DICM") && !file_name(path).eq_ignore_ascii_case("DICOMDIR")
}
