//! Files and folders of the repository.

use std::path::{Path, PathBuf};

/// A file or folder of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The model files of a folder of the repository, sorted.
pub fn model_files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(repository(folder)).unwrap_or_else(|e| panic!("{folder}: {e}"));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "model"));
    files.sort();
    files
}

/// Copies a folder with everything in it.
#[cfg(feature = "cli")]
pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Returns the name of a file without its ending.
pub fn stem(path: &Path) -> String {
    path.file_stem().expect("a file has a name").to_string_lossy().into_owned()
}

/// Calls `check` with each file, and fails once at the end with the failures of all of them. `NPC_TEST_FILE=unet` leaves out the
/// files whose paths do not contain `unet`.
pub fn for_each_file(files: impl IntoIterator<Item = PathBuf>, check: impl Fn(&Path)) {
    let chosen = std::env::var("NPC_TEST_FILE").unwrap_or_default();
    let mut failed = Vec::new();
    for path in files.into_iter().filter(|path| path.to_string_lossy().contains(&chosen)) {
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&path))).is_err() {
            failed.push(path.display().to_string());
        }
    }
    assert!(failed.is_empty(), "failed, with the messages above:\n  {}", failed.join("\n  "));
}
