//! Compiled kernels on disk, so that each is compiled once on a machine.
//!
//! An entry contains all that its code was made from: the version of the compiler, the options and the text. It is used only if
//! these are the same, its length is right and its checksum as well. Everything else is compiled anew and written over it. A
//! folder that cannot be written or read is no error: kernels are compiled then.

use crate::base::atomic::write_atomic;
use crate::base::file;
use crate::base::hash::{fnv1a_bytes, splitmix64_finish};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// First line of an entry, with the version of its form.
const MAGIC: &[u8] = b"npc kernel 1\n";
/// Ending of an entry's name.
const ENDING: &str = "kernel";
/// Largest entry in bytes: 64 MiB.
const MOST_ENTRY_BYTES: u64 = 64 << 20;
/// Bytes of all entries: 512 MiB, some twenty thousand kernels.
const MOST_BYTES: u64 = 512 << 20;

/// A folder of compiled kernels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CubinCache {
    folder: PathBuf,
    most_bytes: u64,
}

impl CubinCache {
    /// The cache in this folder, which is made when the first entry is written.
    pub fn in_folder(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf(), most_bytes: MOST_BYTES }
    }

    /// The same with another limit of all entries, in bytes.
    pub fn with_limit(self, most_bytes: u64) -> Self {
        Self { most_bytes, ..self }
    }

    /// Returns the user's cache: the folder in `NPC_CUDA_CACHE`, else `npc/cuda` in the folder that the system has for caches.
    /// `None` if `NPC_CUDA_CACHE` is `off` or no folder is known. `variable` returns variables of the environment.
    pub fn of_user(variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        match set("NPC_CUDA_CACHE") {
            Some(value) if value.as_os_str() == "off" => None,
            Some(folder) => Some(Self::in_folder(&folder)),
            None => {
                // The XDG specification ignores folders that are not absolute.
                let caches = set("XDG_CACHE_HOME").filter(|folder| folder.is_absolute());
                let caches = caches.or_else(|| set("LOCALAPPDATA"));
                let caches = caches.or_else(|| set("HOME").map(|home| home.join(".cache")))?;
                Some(Self::in_folder(&caches.join("npc").join("cuda")))
            }
        }
    }

    /// Returns the code that was made from `key`, if it is there and undamaged.
    pub fn find(&self, key: &str) -> Option<Vec<u8>> {
        let entry = file::read(&self.place(key), MOST_ENTRY_BYTES).ok()?;
        decode(&entry, key).map(<[u8]>::to_vec)
    }

    /// Writes the code that was made from `key`. What cannot be written is left out.
    pub fn store(&self, key: &str, code: &[u8]) {
        if std::fs::create_dir_all(&self.folder).is_ok() {
            let _ = write_atomic(&self.place(key), &encode(key, code));
        }
    }

    /// Removes the oldest entries until the others stay below the limit. Other files are left alone.
    pub fn prune(&self) {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut entries: Vec<(SystemTime, u64, PathBuf)> = entries
            .filter(|entry| entry.path().extension().is_some_and(|ending| ending == ENDING))
            .filter_map(|entry| {
                let metadata = entry.metadata().ok().filter(|metadata| metadata.is_file())?;
                Some((metadata.modified().ok()?, metadata.len(), entry.path()))
            })
            .collect();
        entries.sort();
        let mut bytes: u64 = entries.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, own, path) in entries {
            if bytes <= self.most_bytes {
                break;
            }
            // Another process may have removed it.
            let _ = std::fs::remove_file(path);
            bytes -= own;
        }
    }

    /// Returns the file of an entry.
    pub fn place(&self, key: &str) -> PathBuf {
        let hash = fnv1a_bytes(key.as_bytes());
        let other = fnv1a_bytes(&[&splitmix64_finish(hash).to_le_bytes(), key.as_bytes()].concat());
        self.folder.join(format!("{hash:016x}{other:016x}.{ENDING}"))
    }
}

/// An entry: first line, lengths of key and code, both, and a checksum of all before it.
fn encode(key: &str, code: &[u8]) -> Vec<u8> {
    let lengths = [key.len(), code.len()].map(|len| (len as u64).to_le_bytes());
    let mut entry = [MAGIC, &lengths[0], &lengths[1], key.as_bytes(), code].concat();
    entry.extend(fnv1a_bytes(&entry).to_le_bytes());
    entry
}

/// Returns the code of an entry, if it was made from `key` and all of it is there.
fn decode<'a>(entry: &'a [u8], key: &str) -> Option<&'a [u8]> {
    let (content, checksum) = entry.split_at_checked(entry.len().checked_sub(8)?)?;
    if checksum != fnv1a_bytes(content).to_le_bytes() {
        return None;
    }
    let rest = content.strip_prefix(MAGIC)?;
    let (key_len, rest) = rest.split_first_chunk::<8>()?;
    let (code_len, rest) = rest.split_first_chunk::<8>()?;
    let (own_key, code) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*key_len)).ok()?)?;
    let complete = code.len() as u64 == u64::from_le_bytes(*code_len) && !code.is_empty();
    (complete && own_key == key.as_bytes()).then_some(code)
}
