//! Absolute paths.

use std::path::{Path, PathBuf};

/// Returns the absolute path, for files and commands that are used from another folder. A path without an absolute form
/// (the empty path) is returned unchanged.
pub(crate) fn absolute(path: impl AsRef<Path>) -> PathBuf {
    let path = path.as_ref();
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}
