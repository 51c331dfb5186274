//! Errors of files that cannot be decoded. Each gives one cause.

use crate::base::error::{RunError, one_line};
use crate::base::problem::problem;
use std::fmt::Display;
use std::io::ErrorKind;
use std::path::Path;

/// The file ends too early.
pub(super) fn truncated(path: &Path, format: &str) -> RunError {
    problem!(E0703, path, "the {format} file is truncated"; help: "copy or download the file again")
}

/// The content of the file contradicts its format.
pub(super) fn damaged(path: &Path, format: &str, cause: &dyn Display) -> RunError {
    problem!(E0703, path, "the {format} file is damaged: {}", one_line(cause); help: "copy or download the file again")
}

/// The file is intact, and no decoder reads its kind.
pub(super) fn unsupported(path: &Path, format: &str, what: &dyn Display) -> RunError {
    problem!(
        E0704,
        path,
        "{} is not supported in {format} files",
        one_line(what);
        help: "save it as PNG (masks, 8-bit images) or as plain TIFF"
    )
}

/// The decoder needs more memory than it may use.
pub(super) fn too_large(path: &Path, format: &str) -> RunError {
    problem!(
        E0704,
        path,
        "decoding the {format} file needs more memory than the limit of 512 MiB";
        help: "cut the picture into tiles or store it smaller"
    )
}

/// Returns the error of reading from memory.
pub(super) fn of_io(path: &Path, format: &str, error: &std::io::Error) -> RunError {
    match error.kind() {
        ErrorKind::UnexpectedEof => truncated(path, format),
        _ => damaged(path, format, error),
    }
}

/// Returns the error of a decoder of the crate `image`.
pub(super) fn of_image(path: &Path, format: &str, error: &image::ImageError) -> RunError {
    match error {
        image::ImageError::IoError(e) => of_io(path, format, e),
        image::ImageError::Limits(_) => too_large(path, format),
        image::ImageError::Unsupported(e) => unsupported(path, format, e),
        image::ImageError::Decoding(_) | image::ImageError::Encoding(_) | image::ImageError::Parameter(_) => {
            let mut source: &dyn std::error::Error = error;
            // The innermost error says what is wrong; the others repeat the name of the format.
            while let Some(inner) = source.source() {
                source = inner;
            }
            match source.downcast_ref::<std::io::Error>() {
                Some(e) => of_io(path, format, e),
                None => damaged(path, format, &source),
            }
        }
    }
}
