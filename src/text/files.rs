//! Sources of model files: the disk, or texts in memory that override files on disk.
//!
//! Depends on paths and bytes, not on syntax. Imports are read from the same source as the file that contains them.

use super::diag::Diagnostic;
use super::source::{SourceId, SourceMap};
use crate::base::file;
use crate::base::path::{absolute, or_working_folder};
use crate::base::problem::problem;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Component, Path, PathBuf};

/// Largest size of a model file in bytes: 4 MiB.
pub const MAX_FILE_BYTES: u64 = 4 << 20;

/// A source of model files. Implement it for files that are not on disk, such as the open files of an editor.
pub trait Files {
    /// Returns the bytes of the file at `path`. A file longer than [`MAX_FILE_BYTES`] may be cut off one byte after that
    /// limit.
    ///
    /// Fails if the file is missing or cannot be read. The text of the error is shown after ``cannot read `PATH`:``.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Returns the names of the files in a folder, for "did you mean"; empty if the folder cannot be listed.
    fn names(&self, folder: &Path) -> Vec<String>;
}

/// The files on disk.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

/// Maximum number of file names read from a folder.
const MAX_NAMES: usize = 1000;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        file::read(path, MAX_FILE_BYTES)
    }

    fn names(&self, folder: &Path) -> Vec<String> {
        let folder = or_working_folder(folder);
        let Ok(files) = std::fs::read_dir(folder) else { return Vec::new() };
        files.take(MAX_NAMES).flatten().filter_map(|f| f.file_name().into_string().ok()).collect()
    }
}

impl<F: Files + ?Sized> Files for &F {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        (**self).read(path)
    }

    fn names(&self, folder: &Path) -> Vec<String> {
        (**self).names(folder)
    }
}

/// Texts in memory that override other files, such as the unsaved texts of an editor.
#[derive(Debug, Clone, Default)]
pub struct Overlay<F = Disk> {
    texts: BTreeMap<PathBuf, String>,
    base: F,
}

impl<F> Overlay<F> {
    /// Creates an overlay of `base` without texts.
    pub fn new(base: F) -> Self {
        Self { texts: BTreeMap::new(), base }
    }

    /// Sets the text of `path`, whether or not the underlying files contain it.
    pub fn set(&mut self, path: impl AsRef<Path>, text: impl Into<String>) {
        self.texts.insert(normalized(path.as_ref()), text.into());
    }

    /// Removes the text of `path`, so that the underlying file is visible again.
    pub fn remove(&mut self, path: impl AsRef<Path>) {
        self.texts.remove(&normalized(path.as_ref()));
    }
}

impl<F: Files> Files for Overlay<F> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match self.texts.get(&normalized(path)) {
            Some(text) => Ok(text.clone().into_bytes()),
            None => self.base.read(path),
        }
    }

    fn names(&self, folder: &Path) -> Vec<String> {
        let mut names: BTreeSet<String> = self.base.names(folder).into_iter().collect();
        // The folder of a bare name is empty; it means the working folder.
        let folder = normalized(or_working_folder(folder));
        let own = self.texts.keys().filter(|path| path.parent() == Some(&folder));
        names.extend(own.filter_map(|path| path.file_name()?.to_str()).map(str::to_string).take(MAX_NAMES));
        names.into_iter().collect()
    }
}

/// Normalizes a path: absolute if the working folder is known, without `.` and `..`.
pub(crate) fn normalized(path: &Path) -> PathBuf {
    let mut parts = PathBuf::new();
    for component in absolute(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(parts.pop()),
            Component::Normal(_) | Component::RootDir | Component::Prefix(_) => parts.push(component),
        }
    }
    parts
}

/// Reads a model file into `sources`. Fails with E0106 if the file is missing, not UTF-8 or larger than 4 MiB.
pub fn read(files: &dyn Files, sources: &mut SourceMap, path: &Path) -> Result<SourceId, Diagnostic> {
    let name = path.display().to_string();
    let bytes = files.read(path).map_err(|e| {
        let inside = path.join("model.model");
        match files.read(&inside).is_ok() {
            true => problem!(E0106, "cannot read `{name}`: {e}"; help: "it is a run folder, and its network is `{}`", inside.display()),
            false => problem!(E0106, "cannot read `{name}`: {e}"),
        }
    })?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(problem!(E0106, "cannot read `{name}`: it is larger than {} MiB", MAX_FILE_BYTES >> 20).into());
    }
    let text = String::from_utf8(bytes).map_err(|e| {
        problem!(E0106, "cannot read `{name}`: byte {} is not UTF-8", e.utf8_error().valid_up_to();
            help: "save the file as UTF-8 text")
    })?;
    Ok(sources.add(name, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_in_memory_hide_files_below_under_any_spelling_of_the_path() {
        let mut files = Overlay::new(Disk);
        files.set("models/./a.model", "npc 1\n");
        assert_eq!(files.read(Path::new("models/b/../a.model")).unwrap(), b"npc 1\n");
        assert!(files.names(Path::new("models")).contains(&"a.model".to_string()));
        assert!(files.names(Path::new("./models")).contains(&"npnet.model".to_string()));
        files.remove("models/a.model");
        assert!(files.read(Path::new("models/a.model")).is_err());
    }
}
