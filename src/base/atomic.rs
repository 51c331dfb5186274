//! Atomic writes: a file is written under a temporary name in its folder, then renamed, so it is complete or absent.
//!
//! Depends on bytes and paths only. A file keeps the mode and the owner of the one that it replaces. What is no plain file, such as
//! a device, is never replaced. A temporary file is locked while it is written: what a killed process left behind has no lock,
//! and the next process that writes into the folder removes it.

use super::error::{Result, RunError};
use super::file::check_plain;
use super::path::folder_of;
use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

static SERIAL: AtomicU64 = AtomicU64::new(0);
/// Folders in which this process has looked for temporary files of killed ones.
static TIDIED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Beginning and end of the names of temporary files. The name of the file itself would make some of them too long.
const TEMPORARY: (&str, &str) = (".npc-", ".part");

/// Writes `bytes` to `path` and replaces an existing file. A reader sees the old file or the new one, never a part.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let replaced = match fs::symlink_metadata(path) {
        // A link is replaced and not followed: a run folder of someone else must not lead to other files.
        Ok(metadata) if metadata.is_symlink() => None,
        Ok(metadata) => check_plain(&metadata).map(|()| Some(metadata))?,
        Err(_) => None,
    };
    let (temporary, held) = write_temporary(path, bytes, replaced.as_ref())?;
    let renamed = fs::rename(&temporary, path);
    drop(held);
    match &renamed {
        Ok(()) => sync_folder(folder_of(path)),
        // A partial file is useless, and the first error is the one to report.
        Err(_) => drop(fs::remove_file(&temporary)),
    }
    renamed
}

/// Writes a temporary file beside `path` and returns its name, and the file with its lock.
fn write_temporary(path: &Path, bytes: &[u8], replaced: Option<&Metadata>) -> io::Result<(PathBuf, File)> {
    if path.file_name().is_none() {
        return Err(io::Error::other("not a file name"));
    }
    remove_leftovers(folder_of(path));
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    let (start, end) = TEMPORARY;
    let temporary = path.with_file_name(format!("{start}{}-{serial}{end}", std::process::id()));
    let mut options = File::options();
    let created = options.write(true).create_new(true).open(&temporary);
    let mut file = match created {
        // A process with this number was killed here before.
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(&temporary)?;
            options.open(&temporary)?
        }
        created => created?,
    };
    // Without locks nothing is removed, neither now nor later.
    let _ = file.try_lock();
    let written = file.write_all(bytes).and_then(|()| keep_mode(&file, replaced)).and_then(|()| file.sync_all());
    match written {
        Ok(()) => Ok((temporary, file)),
        Err(e) => {
            let _ = fs::remove_file(&temporary);
            Err(e)
        }
    }
}

/// Gives a new file the mode and, where this process may do so, the owner of the one that it replaces.
fn keep_mode(file: &File, replaced: Option<&Metadata>) -> io::Result<()> {
    let Some(replaced) = replaced else { return Ok(()) };
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let new = file.metadata()?;
        if (new.uid(), new.gid()) != (replaced.uid(), replaced.gid()) {
            let _ = std::os::unix::fs::fchown(file, Some(replaced.uid()), Some(replaced.gid()));
        }
    }
    file.set_permissions(replaced.permissions())
}

/// Calls [`write`] and turns its error into a [`RunError`] that names the file. A symbolic link at `path` is replaced.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    write(path, bytes).map_err(|e| RunError::write(path, e))
}

/// Writes a file that must not exist yet, whole or not at all. Of several processes that write it at once, one does. Errors: those
/// of [`write_atomic`], and there is a file, a folder or a link of this name.
#[cfg(feature = "data")]
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    let written = write_temporary(path, bytes, None).and_then(|(temporary, held)| {
        // A link fails where the name is taken, and renaming would replace the file.
        let linked = match fs::hard_link(&temporary, path) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists && fs::symlink_metadata(path).is_err() => {
                // The file system has no links.
                return fs::rename(&temporary, path);
            }
            linked => linked,
        };
        drop(held);
        let _ = fs::remove_file(&temporary);
        linked.map(|()| sync_folder(folder_of(path)))
    });
    written.map_err(|e| RunError::write(path, e))
}

/// Writes a file that the user has named: the file behind a symbolic link is replaced and the link stays, and a file that has
/// several names keeps them all. Errors as those of [`write_atomic`].
pub(crate) fn write_named_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let target = named_target(path)?;
    let several = fs::metadata(&target).is_ok_and(|m| m.is_file() && names_of(&m) > 1);
    let written = if several { write_in_place(&target, bytes) } else { write(&target, bytes) };
    written.map_err(|e| RunError::write(path, e))
}

/// Returns the file that is meant by a path that the user has named: what a chain of symbolic links ends at. It need not exist.
/// Error: the links never end.
pub(crate) fn named_target(path: &Path) -> Result<PathBuf> {
    behind_links(path).map_err(|e| RunError::write(path, e))
}

fn behind_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_path_buf();
    for _ in 0..40 {
        match fs::read_link(&path) {
            Ok(target) => path = folder_of(&path).join(target),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

/// Overwrites a file that has several names, which a renamed one would part. The bytes are on the disk before the first of
/// the old ones is lost.
fn write_in_place(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (temporary, held) = write_temporary(path, bytes, None)?;
    let written = File::options()
        .write(true)
        .truncate(true)
        .open(path)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    drop(held);
    fs::remove_file(&temporary).and(written)
}

#[cfg(unix)]
fn names_of(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(metadata)
}

#[cfg(not(unix))]
fn names_of(_: &Metadata) -> u64 {
    1
}

/// Removes the temporary files of processes that were killed, once in each folder.
pub(crate) fn remove_leftovers(folder: &Path) {
    let Ok(mut tidied) = TIDIED.lock() else { return };
    let Ok(folder) = folder.canonicalize() else { return };
    if !tidied.insert(folder.clone()) {
        return;
    }
    for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if name.to_str().and_then(writer_of).is_some_and(|pid| !is_running(pid)) && is_abandoned(&entry.path()) {
            // A file that cannot be removed does no harm.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Returns the process that the name of a temporary file holds.
fn writer_of(name: &str) -> Option<u32> {
    let (pid, serial) = name.strip_prefix(TEMPORARY.0)?.strip_suffix(TEMPORARY.1)?.split_once('-')?;
    serial.parse::<u64>().ok()?;
    pid.parse().ok()
}

/// Checks whether a process of this number runs here. Where the system does not say, the lock alone decides.
fn is_running(pid: u32) -> bool {
    // A killed process whose parent has not asked for its end is a zombie, state Z of proc_pid_stat(5).
    let state = fs::read_to_string(format!("/proc/{pid}/stat"));
    pid == std::process::id()
        || state.is_ok_and(|s| s.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z')))
}

/// Checks whether the lock of a temporary file is free: its writer may also run in another container or on another machine.
fn is_abandoned(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|m| m.is_file()) && File::open(path).is_ok_and(|file| file.try_lock().is_ok())
}

/// Syncs the folder, so that the new name survives a loss of power like the bytes do. Errors are ignored: some systems
/// cannot open folders (Windows) or sync them.
fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    #[test]
    fn a_replaced_file_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        write_atomic(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_named_file_is_written_behind_its_links_and_keeps_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("real"), "old").unwrap();
        symlink("real", at("link")).unwrap();
        symlink("link", at("second")).unwrap();
        symlink("later", at("dangling")).unwrap();
        fs::hard_link(at("real"), at("twin")).unwrap();
        write_named_file(&at("second"), b"new").unwrap();
        write_named_file(&at("dangling"), b"made").unwrap();
        assert_eq!([at("real"), at("twin"), at("later")].map(|p| fs::read(p).unwrap()), [&b"new"[..], b"new", b"made"]);
        assert!(["link", "second", "dangling"].iter().all(|n| fs::symlink_metadata(at(n)).unwrap().is_symlink()));
        symlink("round", at("round")).unwrap();
        assert!(write_named_file(&at("round"), b"x").unwrap_err().message.ends_with("too many symbolic links"));
        // A file of a run folder is not written through a link.
        write_atomic(&at("link"), b"own").unwrap();
        assert_eq!(fs::read(at("real")).unwrap(), b"new");
        assert!(!fs::symlink_metadata(at("link")).unwrap().is_symlink());
    }

    #[cfg(feature = "data")]
    #[test]
    fn a_new_file_replaces_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write_new(&path, b"first").unwrap();
        assert!(write_new(&path, b"second").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn devices_pipes_and_folders_are_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for path in [pipe.as_path(), Path::new("/dev/null")] {
            for write in [write_atomic, write_named_file] {
                let message = write(path, b"x").unwrap_err().message;
                assert_eq!(message, "cannot be written: it is not a plain file", "{}", path.display());
            }
        }
        assert_eq!(write_atomic(folder.path(), b"x").unwrap_err().message, "cannot be written: it is a folder");
    }

    #[test]
    fn long_names_can_be_written_and_leftovers_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join(".npc-4294967290-3.part");
        let held = folder.path().join(".npc-4294967291-3.part");
        let other = folder.path().join(".npc-notes.part");
        for path in [&left, &held, &other] {
            fs::write(path, "half").unwrap();
        }
        let lock = File::open(&held).unwrap();
        lock.try_lock().unwrap();
        let name = "n".repeat(255);
        write_atomic(&folder.path().join(&name), b"x").unwrap();
        assert_eq!([left.exists(), held.exists(), other.exists()], [false, true, true]);
        assert_eq!(fs::read(folder.path().join(&name)).unwrap(), b"x");
    }
}
