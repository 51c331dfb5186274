//! What names say of files: left behind by a system, unfinished, or surely no picture. Names and links in messages.

use super::order::natural;
use crate::base::error::RunError;
use crate::base::number::thousands;
use crate::base::path::or_working_folder;
use crate::base::printable::printable_line;
use crate::base::problem::problem;
use std::fs;
use std::path::{Path, PathBuf};

/// Files that systems and archives leave in folders, in lower case.
const SYSTEM: [&str; 8] =
    [".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", ".directory", ".localized", "dicomdir"];
/// Extensions of files that hold no picture, so that their bytes are not looked at.
const OTHER: [&str; 16] =
    ["bib", "csv", "db", "htm", "html", "ini", "json", "log", "md", "model", "pdf", "py", "tsv", "txt", "xml", "yaml"];
/// Extensions of files that a browser or a copy has not finished.
const UNFINISHED: [&str; 7] = ["part", "partial", "crdownload", "opdownload", "download", "filepart", "tmp"];
/// Maximum number of names in a message.
const MAX_NAMED_FILES: usize = 10;

/// Checks whether a system, and no person, has left this file.
pub(super) fn is_system_file(path: &Path) -> bool {
    SYSTEM.contains(&name_of(path).to_lowercase().as_str())
}

/// Checks whether the extension says that the file is not yet whole: `3.dcm.part`.
pub(super) fn is_unfinished(path: &Path) -> bool {
    extension(path).is_some_and(|e| UNFINISHED.contains(&e.as_str()))
}

/// Checks whether the extension says that a file is no picture and no volume.
pub(super) fn holds_no_picture(path: &Path) -> bool {
    extension(path).is_some_and(|e| OTHER.contains(&e.as_str()))
}

pub(super) fn is_hidden(path: &Path) -> bool {
    name_of(path).starts_with('.')
}

/// Returns the extension in lower case.
pub(super) fn extension(path: &Path) -> Option<String> {
    path.extension().map(|e| e.to_string_lossy().to_lowercase())
}

pub(super) fn name_of(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Returns up to ten names relative to `root` in natural order, and the number of the others.
pub(super) fn list_names<'a>(root: &Path, paths: impl IntoIterator<Item = &'a PathBuf>) -> String {
    let shown = |path: &PathBuf| {
        let name = path.strip_prefix(root).unwrap_or(path).display().to_string();
        printable_line(&name).into_owned()
    };
    let mut names: Vec<String> = paths.into_iter().map(shown).collect();
    names.sort_by(|a, b| natural(a, b));
    let more = names.len().saturating_sub(MAX_NAMED_FILES);
    names.truncate(MAX_NAMED_FILES);
    if more > 0 {
        names.push(format!("and {} more", thousands(more)));
    }
    names.join(", ")
}

/// Returns what a problem of a missing path of a data block says of the folder that the path starts at.
pub(super) fn data_root_help(root: &Path) -> String {
    let root = or_working_folder(root);
    format!("paths start at `--data-root` (now `{}`)", root.display())
}

/// Returns the problem of a symbolic link that leads nowhere.
pub(super) fn broken_link(path: &Path) -> Option<RunError> {
    let target = fs::read_link(path).ok().filter(|_| !path.exists())?;
    let target = target.display();
    Some(
        problem!(E0701, path, "the symbolic link leads to `{target}`, which is not there"; help: "restore the file, or remove the link"),
    )
}
