//! What to look at, and the pairs that come of it.

use crate::data::case::SplitRole;
use std::path::{Path, PathBuf};

/// What to look at. Paths are relative to the working folder.
pub(crate) struct InspectionRequest<'a> {
    /// Files, folders and patterns of images, or of images and masks.
    pub images: &'a [PathBuf],
    /// The same of masks; if there are none, names decide which files are masks.
    pub masks: &'a [PathBuf],
    /// Folder that is not looked into.
    pub project: &'a Path,
}

/// A pair of files that are used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UsedPair {
    pub image: PathBuf,
    pub mask: PathBuf,
    /// Part of the split that the folders name.
    pub role: Option<SplitRole>,
    /// Patient that the folders name.
    pub group: Option<String>,
}
