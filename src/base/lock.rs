//! Locks on folders: two processes that train into one folder would overwrite each other's checkpoints, and two that make a project
//! there would mix their files.

use super::error::{Result, RunError};
use super::problem::problem;
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// How often a folder that other processes make and remove is made and opened.
const ATTEMPTS: usize = 100;

/// A lock on a run folder. The operating system releases it when the process ends, even after a crash.
///
/// Folders that were made for the lock and are still empty when it is dropped are removed: the run did not begin.
pub(crate) struct RunFolderLock {
    made: Vec<PathBuf>,
    held: Option<File>,
}

/// Reaction to a folder that another process has locked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum WhenBusy {
    /// Calls the function with the folder, and waits.
    Wait(fn(&Path)),
    Fail,
}

/// Locks a run folder, which is made where it does not exist, so that it is locked before anyone looks whether it holds a run. If another process holds the lock, `busy` decides between waiting and an error.
///
/// The folder itself is locked, so no lock file remains. If the folder cannot be made or opened as a file, or the file system
/// has no locks, the result holds no lock.
pub(crate) fn lock_run_folder(folder: &Path, busy: WhenBusy) -> Result<RunFolderLock> {
    lock_folder(folder, busy, locked)
}

/// Locks the folder of a new project as [`lock_run_folder`] does. Error: another process makes a project in it.
pub(crate) fn lock_project_folder(folder: &Path) -> Result<RunFolderLock> {
    lock_folder(folder, WhenBusy::Fail, |folder| {
        problem!(E0702, folder, "another `npc new` writes into this folder";
            help: "wait until it ends, or choose another folder")
    })
}

fn lock_folder(folder: &Path, busy: WhenBusy, locked: fn(&Path) -> RunError) -> Result<RunFolderLock> {
    for _ in 0..ATTEMPTS {
        let made = make_folders(folder);
        let file = match File::open(folder) {
            Ok(file) => file,
            // Another process may have removed the folder in between.
            Err(e) if e.kind() == ErrorKind::NotFound => continue,
            Err(_) => break,
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(_)) => break,
            Err(TryLockError::WouldBlock) => {
                let WhenBusy::Wait(report) = busy else { return Err(locked(folder)) };
                report(folder);
                if file.lock().is_err() {
                    break;
                }
            }
        }
        // Another process may have removed the folder that it made, after this one had opened it.
        if is_still_at(&file, folder) {
            return Ok(RunFolderLock { made, held: Some(file) });
        }
    }
    Ok(RunFolderLock { made: Vec::new(), held: None })
}

fn locked(folder: &Path) -> RunError {
    problem!(E0722, folder, "another process trains into this folder";
        help: "wait until it ends, or choose another folder: `--out DIR`")
}

/// Checks whether a process holds the lock of a run folder. A folder without a lock is locked for an instant, shared with others
/// that ask.
pub(crate) fn is_locked(folder: &Path) -> bool {
    File::open(folder).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Makes a folder with its parents, and returns those that did not exist, the innermost first. A folder that cannot be made is
/// reported when the run is prepared.
fn make_folders(folder: &Path) -> Vec<PathBuf> {
    let missing = folder.ancestors().filter(|path| !path.as_os_str().is_empty()).take_while(|path| !path.exists());
    let missing: Vec<PathBuf> = missing.map(Path::to_path_buf).collect();
    let _ = std::fs::create_dir_all(folder);
    missing
}

/// Whether the path still leads to the opened folder.
#[cfg(unix)]
fn is_still_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |meta: std::fs::Metadata| (meta.dev(), meta.ino());
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(held), Ok(there)) => id(held) == id(there),
        (Ok(_), Err(_)) => false,
        (Err(_), _) => true,
    }
}

#[cfg(not(unix))]
fn is_still_at(_: &File, _: &Path) -> bool {
    true
}

impl Drop for RunFolderLock {
    fn drop(&mut self) {
        // Only while the lock is held: another process may be about to begin here. A folder that is not empty stays.
        if self.held.is_some() {
            self.made.iter().for_each(|folder| drop(std::fs::remove_dir(folder)));
        }
    }
}
