//! Stems, the names of cases: which part of a file name they are, and when two of them are equal.

use crate::base::error::RunError;
use crate::base::problem::problem;
use std::path::Path;
use unicode_normalization::UnicodeNormalization;

/// Returns a text in Unicode's composed form (NFC). Some systems store `é` as one character and others as two.
pub(super) fn composed(text: &str) -> String {
    if text.is_ascii() { text.to_string() } else { text.nfc().collect() }
}

/// Returns a text in Unicode's decomposed form (NFD).
pub(super) fn decomposed(text: &str) -> String {
    text.nfd().collect()
}

/// Returns what all spellings of one stem share: upper and lower case are equal, and so are Unicode's forms of a letter.
pub(super) fn stem_key(stem: &str) -> String {
    composed(&composed(stem).to_lowercase())
}

/// Returns a file name without its extension; `.nii.gz` is one extension.
pub(super) fn stem_of(name: &str) -> &str {
    let unzipped = match name.len().checked_sub(7).and_then(|at| name.get(at..)) {
        Some(end) if end.eq_ignore_ascii_case(".nii.gz") => &name[..name.len() - 3],
        _ => name,
    };
    &unzipped[..unzipped.rfind('.').unwrap_or(unzipped.len())]
}

/// Returns the problem of a name that cannot be a line of a list, if there is one: it is not UTF-8, or it holds a line feed or
/// another control character.
pub(super) fn name_problem(path: &Path) -> Option<RunError> {
    let Some(text) = path.to_str() else {
        return Some(problem!(E0710, path, "the file name is not UTF-8"; help: "rename it, for example with convmv"));
    };
    let control = text.chars().find(|c| c.is_control())?;
    Some(problem!(
        E0710,
        path,
        "the file name contains the control character U+{:04X}",
        control as u32;
        help: "rename it; the lists of a run have one name a line"
    ))
}
