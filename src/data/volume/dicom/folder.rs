//! Finds the slices of a DICOM series in its folder.
//!
//! Content decides what a slice is. A file that is named like a slice and is none is an error, since a volume with a slice fewer
//! looks like a whole one; what else lies in the folder is left out and named.

use crate::base::count::counted;
use crate::base::error::{Result, RunError};
use crate::base::file;
use crate::base::problem::problem;
use crate::data::file_names::{
    broken_link, extension, holds_no_picture, is_hidden, is_system_file, is_unfinished, list_names, name_of,
};
use crate::data::notice::NoticeTopic;
use crate::data::order::natural;
use crate::data::volume::note::VolumeNote;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Extensions of DICOM files in lower case.
const EXTENSIONS: [&str; 3] = ["dcm", "dicom", "ima"];
/// Number of folders that may lie in each other above a series. Archives often nest a series in folders without other content.
pub(super) const MAX_NESTED: usize = 4;
/// Number of bytes up to the end of the prefix (PS3.10, 7.1).
const HEAD: usize = 132;

/// The files of a series.
pub(super) struct SeriesFolder {
    /// The folder that holds the slices.
    pub folder: PathBuf,
    pub slices: Vec<PathBuf>,
    /// Files that are no slices, and that no system has left there; folders with further slices.
    left_out: BTreeSet<PathBuf>,
}

impl SeriesFolder {
    /// Finds the DICOM files of a folder, or of a single folder in it. Errors: a file that is named like a slice is no DICOM file.
    pub(super) fn find(root: &Path) -> Result<SeriesFolder> {
        let mut found = SeriesFolder { folder: root.to_path_buf(), slices: Vec::new(), left_out: BTreeSet::new() };
        for _ in 0..MAX_NESTED {
            let folders = found.sort_entries()?;
            match &folders[..] {
                [only] if found.slices.is_empty() => found.folder = only.clone(),
                _ => {
                    found.left_out.extend(folders.into_iter().filter(|folder| lists_dicom(folder)));
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Takes the slices of the current folder, and returns the folders in it.
    fn sort_entries(&mut self) -> Result<Vec<PathBuf>> {
        let (mut folders, mut others) = (Vec::new(), Vec::new());
        for path in all_entries(&self.folder)? {
            if path.is_dir() {
                folders.extend((!is_hidden(&path)).then_some(path));
            } else if is_hidden(&path) {
                // An AppleDouble file (`._3.dcm`) holds the attributes that macOS gives another file.
                let named = has_dicom_extension(&path) && !name_of(&path).starts_with("._");
                self.left_out.extend((named || is_dicom(&path)).then_some(path));
            } else if is_system_file(&path) {
                continue;
            } else if is_unfinished_slice(&path) {
                self.left_out.insert(path);
            } else if is_dicom(&path) {
                self.slices.push(path);
            } else {
                others.push(path);
            }
        }
        let kinds: BTreeSet<String> = self.slices.iter().map(|path| name_kind(path)).collect();
        for path in others {
            if has_dicom_extension(&path) || kinds.contains(&name_kind(&path)) {
                return Err(no_slice(&path));
            }
            self.left_out.extend((!holds_no_picture(&path)).then_some(path));
        }
        Ok(folders)
    }

    /// Returns a remark about what is left out of the folder `root`.
    pub(super) fn note(&self, root: &Path) -> Option<VolumeNote> {
        let what = match self.left_out.len() {
            0 => return None,
            1 => "1 file of its folder is no slice of the series and is left out".to_string(),
            n => format!("{} of its folder are no slices of the series and are left out", counted(n, "file")),
        };
        Some((NoticeTopic::LeftOut, format!("{what}: {}", list_names(root, &self.left_out))))
    }
}

/// Checks whether a folder holds DICOM files, or files that are named so, itself or in a single nested folder.
pub(crate) fn holds_dicom(folder: &Path) -> bool {
    let mut folder = folder.to_path_buf();
    for _ in 0..MAX_NESTED {
        let Ok(entries) = entries(&folder) else { return false };
        let (folders, files): (Vec<&PathBuf>, Vec<&PathBuf>) = entries.iter().partition(|path| path.is_dir());
        let named = |path: &&PathBuf| has_dicom_extension(path) && !is_unfinished_slice(path);
        if files.iter().any(named) || files.iter().any(|path| is_slice(path)) {
            return true;
        }
        match folders[..] {
            [only] => folder = only.clone(),
            _ => return false,
        }
    }
    false
}

/// Checks whether a folder has DICOM files by their names or the content of the first.
fn lists_dicom(folder: &Path) -> bool {
    let files = entries(folder).unwrap_or_default();
    files.iter().any(|path| has_dicom_extension(path)) || files.first().is_some_and(|path| is_slice(path))
}

/// Lists a folder without hidden files, in natural order.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = all_entries(folder)?;
    paths.retain(|path| !is_hidden(path));
    Ok(paths)
}

fn all_entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let fail = |e: std::io::Error| RunError::read(folder, e);
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail)? {
        paths.push(entry.map_err(fail)?.path());
    }
    paths.sort_by(|a, b| natural(&name_of(a), &name_of(b)));
    Ok(paths)
}

/// Checks whether a file is read as a slice of the series in its folder.
pub(crate) fn is_slice(path: &Path) -> bool {
    !is_hidden(path) && !is_unfinished_slice(path) && is_dicom(path)
}

/// Checks for the DICOM prefix after the preamble.
pub(crate) fn is_dicom(path: &Path) -> bool {
    let head = file::read_head(path, HEAD as u64).unwrap_or_default();
    head.get(HEAD - 4..) == Some(b"DICM") && !is_system_file(path)
}

fn has_dicom_extension(path: &Path) -> bool {
    extension(path).is_some_and(|e| EXTENSIONS.contains(&e.as_str()))
}

/// Checks whether the name is that of an unfinished copy of a slice or of an old one: `3.dcm.part`, `3.dcm~`, `3.dcm.bak`.
fn is_unfinished_slice(path: &Path) -> bool {
    let behind = has_dicom_extension(&path.with_extension("")) && !has_dicom_extension(path);
    is_unfinished(path) || behind || name_of(path).ends_with('~')
}

/// Returns what the names of a series have in common: the extension, or that it is a number, as in a UID (`1.2.840.10008.12`).
fn name_kind(path: &Path) -> String {
    match extension(path) {
        Some(e) if e.bytes().all(|b| b.is_ascii_digit()) => "0".into(),
        extension => extension.unwrap_or_default(),
    }
}

/// States why a file that is named like a slice is none.
fn no_slice(path: &Path) -> RunError {
    if let Some(error) = broken_link(path) {
        return error;
    }
    let head = match file::read_head(path, HEAD as u64) {
        Ok(head) => head,
        Err(e) => return RunError::read(path, e),
    };
    let is_text = head.iter().all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace());
    let error = match head.len() {
        0 => problem!(E0703, path, "the file is empty, and its name is that of a slice of the series"),
        n if n < HEAD && !is_text => {
            problem!(
                E0703,
                path,
                "the file is truncated: it has {}, and its name is that of a slice of the series",
                counted(n, "byte")
            )
        }
        _ => problem!(E0704, path, "not a DICOM file, and its name is that of a slice of the series"),
    };
    let error = error.help("copy or download the file again; if it is no slice, move it out of the folder");
    match is_text && !head.is_empty() {
        true => error.help("the file contains text; it may be the error page of a failed download"),
        false => error,
    }
}
