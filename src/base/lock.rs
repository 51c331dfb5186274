//! One process for each run folder: two that train into the same one would spoil each other's checkpoints.

use super::error::{Result, RunError};
use std::fs::{File, TryLockError};
use std::io::Write;
use std::path::Path;

/// Held as long as the process works in the folder; the system takes it back when the process ends, however it ends.
pub(crate) struct Lock {
    _held: Option<File>,
}

/// Takes a run folder that is there. With `wait` another process that works in it is waited for, else it is an error.
///
/// The folder itself is what is locked, so that nothing is left behind. Where a folder cannot be opened as a file, or the
/// file system knows no locks, nothing is held.
pub(crate) fn lock(folder: &Path, wait: bool) -> Result<Lock> {
    let Ok(file) = File::open(folder) else { return Ok(Lock { _held: None }) };
    match file.try_lock() {
        Ok(()) => Ok(Lock { _held: Some(file) }),
        Err(TryLockError::Error(_)) => Ok(Lock { _held: None }),
        Err(TryLockError::WouldBlock) if wait => {
            // Nobody may be there to read it.
            let _ = writeln!(std::io::stderr(), "{}: waiting for the process that trains here", folder.display());
            let held = file.lock().is_ok().then_some(file);
            Ok(Lock { _held: held })
        }
        Err(TryLockError::WouldBlock) => Err(RunError::at(folder, "another process trains here")
            .help("wait for it, or choose another folder: `--out DIR`")),
    }
}
