//! Absolute paths, and paths in messages.

use std::path::{Path, PathBuf};

/// Returns the absolute path, for files and commands that are used from another folder. A path without an absolute form
/// (the empty path) is returned unchanged.
pub(crate) fn absolute(path: impl AsRef<Path>) -> PathBuf {
    let path = path.as_ref();
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

/// Returns a path as messages show it: without a leading `./`. The current folder remains `.`.
pub(crate) fn without_dot(path: &Path) -> &Path {
    path.strip_prefix(".").ok().filter(|rest| !rest.as_os_str().is_empty()).unwrap_or(path)
}
