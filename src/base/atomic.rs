//! Atomic writes: a file is written under a temporary name in its folder, then renamed, so it is complete or absent.
//!
//! Depends on bytes and paths only.

use super::error::{Result, RunError};
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

static SERIAL: AtomicU64 = AtomicU64::new(0);

/// Writes `bytes` to `path` and replaces an existing file. A reader sees the old file or the new one, never a part.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().ok_or_else(|| io::Error::other("not a file name"))?;
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    let temporary = path.with_file_name(format!(".{}.{}-{serial}.part", name.to_string_lossy(), std::process::id()));
    let written = fs::File::create(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_ok() {
        sync_folder_of(path);
    }
    written.inspect_err(|_| {
        // A partial file is useless, and the first error is the one to report.
        let _ = fs::remove_file(&temporary);
    })
}

/// Calls [`write`] and turns its error into a [`RunError`] that names the file.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    write(path, bytes).map_err(|e| RunError::write(path, e))
}

/// Syncs the folder, so that the new name survives a loss of power like the bytes do. Errors are ignored: some systems
/// cannot open folders (Windows) or sync them.
fn sync_folder_of(path: &Path) {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    if let Ok(folder) = fs::File::open(folder) {
        let _ = folder.sync_all();
    }
}
