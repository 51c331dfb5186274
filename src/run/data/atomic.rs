//! Files that are either complete or not there: written beside their place, then renamed.

use crate::run::error::{Result, RunError};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

static SERIAL: AtomicU64 = AtomicU64::new(0);

/// Writes `bytes` to `path`, replacing what is there. A reader sees the old file or the new one, never a part.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    let fail = |e: std::io::Error| RunError::at(path, format!("cannot be written: {e}"));
    let name = path.file_name().ok_or_else(|| RunError::at(path, "cannot be written: not a file name"))?;
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    let beside = path.with_file_name(format!(".{}.{}-{serial}.part", name.to_string_lossy(), std::process::id()));
    let written = fs::File::create(&beside)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&beside, path));
    written.map_err(|e| {
        // What is left of a failed write is of no use, and the first error is the one to report.
        let _ = fs::remove_file(&beside);
        fail(e)
    })
}
