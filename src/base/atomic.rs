//! Files that are either complete or not there: written beside their place, then renamed into it.
//!
//! Knows bytes and paths only.

use super::error::{Result, RunError};
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

static SERIAL: AtomicU64 = AtomicU64::new(0);

/// Writes `bytes` to `path`, replacing what is there. A reader sees the old file or the new one, never a part.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().ok_or_else(|| io::Error::other("not a file name"))?;
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    let beside = path.with_file_name(format!(".{}.{}-{serial}.part", name.to_string_lossy(), std::process::id()));
    let written = fs::File::create(&beside)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&beside, path));
    if written.is_ok() {
        keep_entry(path);
    }
    written.inspect_err(|_| {
        // What is left of a failed write is of no use, and the first error is the one to report.
        let _ = fs::remove_file(&beside);
    })
}

/// `write` with the error of a run, which names the file.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    write(path, bytes).map_err(|e| RunError::write(path, e))
}

/// Asks that the new name survives a loss of power as the bytes do. Where folders cannot be opened (Windows), or the file
/// system knows no such request, the rename alone has to do.
fn keep_entry(path: &Path) {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    if let Ok(folder) = fs::File::open(folder) {
        let _ = folder.sync_all();
    }
}
