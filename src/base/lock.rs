//! Locks on run folders: two processes that train into one folder would overwrite each other's checkpoints.

use super::error::Result;
use super::problem::problem;
use std::fs::{File, TryLockError};
use std::io::Write;
use std::path::Path;

/// A lock on a run folder. The operating system releases it when the process ends, even after a crash.
pub(crate) struct RunFolderLock {
    _held: Option<File>,
}

/// Reaction to a folder that another process has locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WhenBusy {
    Wait,
    Fail,
}

/// Locks an existing run folder. If another process holds the lock, `busy` decides between waiting and an error.
///
/// The folder itself is locked, so no lock file remains. If the folder cannot be opened as a file or the file system has no
/// locks, the result holds no lock.
pub(crate) fn lock_run_folder(folder: &Path, busy: WhenBusy) -> Result<RunFolderLock> {
    let Ok(file) = File::open(folder) else { return Ok(RunFolderLock { _held: None }) };
    match file.try_lock() {
        Ok(()) => Ok(RunFolderLock { _held: Some(file) }),
        Err(TryLockError::Error(_)) => Ok(RunFolderLock { _held: None }),
        Err(TryLockError::WouldBlock) if busy == WhenBusy::Wait => {
            // A closed standard error must not end the run.
            let _ = writeln!(std::io::stderr(), "{}: waiting for the process that trains here", folder.display());
            let held = file.lock().is_ok().then_some(file);
            Ok(RunFolderLock { _held: held })
        }
        Err(TryLockError::WouldBlock) => Err(problem!(
            E0722,
            folder,
            "another process trains into this folder";
            help: "wait until it ends, or choose another folder: `--out DIR`"
        )),
    }
}
