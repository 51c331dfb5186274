//! The one place that opens files to read: plain files only, and never more bytes than their kind has.
//!
//! A pipe may deliver nothing for ever, a device never ends, and a file that says 1 kB may grow while it is read. So a file is
//! opened without waiting for a writer, what was opened is asked whether it is a plain file, and reading ends at a limit.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek};
use std::path::Path;

/// Largest settings file in bytes: 16 MiB.
pub(crate) const SETTINGS_BYTES: u64 = 16 << 20;
/// Largest list, record of epochs or table of scores in bytes: 256 MiB, about a million lines.
#[cfg(feature = "data")]
pub(crate) const TABLE_BYTES: u64 = 256 << 20;
/// Largest picture file or slice in bytes: 4 GiB.
#[cfg(feature = "data")]
pub(crate) const PICTURE_BYTES: u64 = 4 << 30;
/// Largest file of weights in bytes: 64 GiB.
#[cfg(feature = "run")]
pub(crate) const WEIGHTS_BYTES: u64 = 64 << 30;

/// Opens a plain file. Symbolic links are followed. Errors: the file is missing or may not be read, or it is a folder, pipe,
/// socket or device.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let opened = open_without_waiting(path);
    // The kind of the file explains more than what the system says of a socket or of a folder.
    let metadata = match &opened {
        Ok(file) => file.metadata()?,
        Err(_) => std::fs::metadata(path)?,
    };
    check_plain(&metadata)?;
    opened
}

/// Checks that a file is a plain one. The errors say what it is instead.
pub(super) fn check_plain(metadata: &Metadata) -> io::Result<()> {
    match metadata {
        m if m.is_dir() => Err(io::Error::other("it is a folder")),
        m if !m.is_file() => Err(io::Error::other("it is not a plain file")),
        _ => Ok(()),
    }
}

/// Opens a file; a pipe is opened at once, whether or not something writes to it.
fn open_without_waiting(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, rustix::fs::OFlags::NONBLOCK.bits() as i32);
    options.open(path)
}

/// Opens a plain file to append to, or creates it. A symbolic link is refused: in a folder of someone else it may lead anywhere.
#[cfg(feature = "data")]
pub(crate) fn append(path: &Path) -> io::Result<File> {
    if std::fs::symlink_metadata(path).is_ok_and(|m| m.is_symlink()) {
        return Err(io::Error::other("it is a symbolic link"));
    }
    let mut options = File::options();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW;
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.bits() as i32);
    }
    let file = options.open(path)?;
    check_plain(&file.metadata()?)?;
    Ok(file)
}

/// Reads a plain file of at most `limit` bytes. Errors: those of [`open`], and that the file is larger.
pub(crate) fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let length = file.metadata()?.len();
    let too_large = || io::Error::other(format!("it is larger than {}", size(limit)));
    if length > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    // A file of /proc says that it is empty, so the length is where memory begins, not where reading ends.
    bytes.try_reserve_exact(usize::try_from(length).unwrap_or(usize::MAX))?;
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(too_large());
    }
    Ok(bytes)
}

/// Reads a plain text file of at most `limit` bytes. Errors: those of [`read`], and that a byte is not UTF-8.
pub(crate) fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    String::from_utf8(read(path, limit)?).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        io::Error::new(io::ErrorKind::InvalidData, format!("byte {at} is not UTF-8 text"))
    })
}

/// Returns the first `count` bytes of a plain file, or all of them if it is shorter.
#[cfg(any(feature = "data", feature = "cli"))]
pub(crate) fn read_head(path: &Path, count: u64) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    open(path)?.take(count).read_to_end(&mut head)?;
    Ok(head)
}

/// Returns `count` bytes around the middle of a plain file, or all of them if it is shorter.
#[cfg(feature = "data")]
pub(crate) fn read_middle(path: &Path, count: u64) -> io::Result<Vec<u8>> {
    let mut file = open(path)?;
    let length = file.metadata()?.len();
    file.seek(io::SeekFrom::Start(length.saturating_sub(count) / 2))?;
    let mut middle = Vec::new();
    file.take(count).read_to_end(&mut middle)?;
    Ok(middle)
}

/// Returns what all paths to one file share, over links and other spellings: the numbers of its device and of the file. `None` if the
/// file is missing.
#[cfg(unix)]
pub(crate) fn identity(path: &Path) -> Option<impl Ord + Send + use<>> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|m| (m.dev(), m.ino()))
}

/// Returns what all paths to one file share, over symbolic links and other spellings. `None` if the file is missing.
#[cfg(not(unix))]
pub(crate) fn identity(path: &Path) -> Option<impl Ord + Send + use<>> {
    path.canonicalize().ok()
}

/// Returns a limit as messages show it.
fn size(bytes: u64) -> String {
    if bytes >= 1 << 30 { format!("{} GiB", bytes >> 30) } else { format!("{} MiB", bytes >> 20) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_files_up_to_their_limit_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, vec![b'x'; 1000]).unwrap();
        assert_eq!(read(&path, 1000).unwrap().len(), 1000);
        assert!(read(&path, 999).unwrap_err().to_string().starts_with("it is larger than"));
        assert_eq!(read_text(&path, 1000).unwrap().len(), 1000);
        assert_eq!(read(folder.path(), 1000).unwrap_err().to_string(), "it is a folder");
        assert_eq!(read(&folder.path().join("no"), 1000).unwrap_err().kind(), io::ErrorKind::NotFound);
        std::fs::write(&path, b"ab\xff").unwrap();
        assert_eq!(read_text(&path, 1000).unwrap_err().to_string(), "byte 2 is not UTF-8 text");
    }

    #[cfg(unix)]
    #[test]
    fn what_never_ends_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let socket = folder.path().join("socket");
        let _held = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        for path in [&pipe, &socket, &link] {
            assert_eq!(read(path, 1000).unwrap_err().to_string(), "it is not a plain file", "{}", path.display());
        }
    }
}
