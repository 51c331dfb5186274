//! Loads libraries, for the rest of the process.

use crate::base::error::one_line;
use libloading::Library;
use std::path::Path;

/// Loads a library by name or path. It stays loaded: threads and handlers of CUDA's libraries outlive any owner. Error: the
/// system's reason, in one line.
pub(super) fn load_library(path: &Path) -> Result<&'static Library, String> {
    // SAFETY: the libraries of CUDA run initialisers that are made for any process. They come from the system, from a CUDA toolkit
    // or from a Python environment, whose owner runs code as this user anyway.
    let library = unsafe { Library::new(path) }.map_err(|e| reason(&e))?;
    Ok(Box::leak(Box::new(library)))
}

/// The system's words are behind those of the crate.
fn reason(error: &libloading::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => one_line(&source),
        None => one_line(error),
    }
}

/// Loads a library so that others find its functions, and find it by name. Returns whether that worked.
#[cfg(unix)]
pub(super) fn preload_library(path: &Path) -> bool {
    use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
    // SAFETY: as in `load_library`.
    unsafe { Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL) }.map(|library| Box::leak(Box::new(library))).is_ok()
}

/// On other systems the folder of a library is searched for those that it needs.
#[cfg(not(unix))]
pub(super) fn preload_library(_: &Path) -> bool {
    false
}
