//! Absolute paths, folders of files, and paths in messages.

use std::path::{Path, PathBuf};

/// Returns the absolute path, for files and commands that are used from another folder. A path without an absolute form
/// (the empty path) is returned unchanged.
pub(crate) fn absolute(path: impl AsRef<Path>) -> PathBuf {
    let path = path.as_ref();
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

/// Returns a folder, `.` for the empty path, which stands for the working folder and cannot be opened.
pub(crate) fn or_working_folder(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}

/// Returns the folder that holds a file, `.` for a name alone.
pub(crate) fn folder_of(path: &Path) -> &Path {
    or_working_folder(path.parent().unwrap_or(Path::new("")))
}

/// Returns a path with `/` between its parts, as model files and lists write it. Only on Windows is `\\` such a separator; elsewhere
/// it is a letter of a name.
#[cfg(feature = "data")]
pub(crate) fn with_slashes(path: &str) -> String {
    if cfg!(windows) { path.replace('\\', "/") } else { path.to_string() }
}

/// Checks whether a file lies outside of a folder: by `..`, by an absolute path, or through symbolic links. What is not there leads
/// nowhere.
pub(crate) fn leads_out(folder: &Path, file: &Path) -> bool {
    match (or_working_folder(folder).canonicalize(), file.canonicalize()) {
        (Ok(folder), Ok(file)) => !file.starts_with(folder),
        _ => false,
    }
}

/// Returns a path as messages show it: without a leading `./`. The current folder remains `.`.
pub(crate) fn without_dot(path: &Path) -> &Path {
    path.strip_prefix(".").ok().filter(|rest| !rest.as_os_str().is_empty()).unwrap_or(path)
}

/// Serializes a path as text. Bytes that are not UTF-8 become U+FFFD, because JSON has no other form for them.
#[cfg(feature = "data")]
pub(crate) mod lossy {
    use serde::Serializer;
    use std::path::{Path, PathBuf};

    pub(crate) fn one<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&path.to_string_lossy())
    }

    pub(crate) fn some<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
        match path {
            Some(path) => serializer.serialize_some(&path.to_string_lossy()),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn all<S: Serializer>(paths: &[PathBuf], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(paths.iter().map(|path| path.to_string_lossy()))
    }
}
