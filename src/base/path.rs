//! Paths that keep their meaning.

use std::path::{Path, PathBuf};

/// The path from the root of the file system, for files and commands that are used from another folder. A path that has no
/// such form (the empty one) stays as it is.
pub(crate) fn absolute(path: impl AsRef<Path>) -> PathBuf {
    let path = path.as_ref();
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}
