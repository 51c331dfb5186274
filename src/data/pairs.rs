//! Pairs the images and masks of a folder by the text that the `*` of their patterns matches.
//!
//! An image is a picture, a NIfTI file or a folder with a DICOM series; a mask may also be a folder of pictures.

use super::case::Case;
use super::decode::is_picture;
use super::order::natural;
use super::volume::{dicom, is_nifti};
use crate::base::error::{Result, RunError};
use crate::base::path::without_dot;
use crate::base::problem::problem;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// Maximum number of names in a message.
const MAX_NAMED_FILES: usize = 10;

/// A file that matches a pattern.
struct MatchedFile {
    /// Text that the `*` matches, as spelled in the file name.
    stem: String,
    path: PathBuf,
}

/// Returns the pairs in the order of their stems. Files that cannot be paired are added to `problems`.
pub(super) fn pair_files(root: &Path, images: &str, masks: &str, problems: &mut Vec<RunError>) -> Vec<Case> {
    let mut take = |result: Result<Vec<MatchedFile>>| result.map_err(|e| problems.push(e)).ok();
    let (image_files, mask_files) = (take(find_files(root, images, "images")), take(find_files(root, masks, "masks")));
    let (Some(mut image_files), Some(mut mask_files)) = (image_files, mask_files) else { return Vec::new() };
    reject_non_utf8(&mut image_files, &mut mask_files, problems);
    if let Err(e) = assign_ambiguous(&mut image_files, &mut mask_files, images, masks) {
        problems.push(e);
        return Vec::new();
    }
    let image_by_key = index_by_stem(image_files, images, problems);
    let mut mask_by_key = index_by_stem(mask_files, masks, problems);

    let mut cases = Vec::new();
    let mut lone_images = Vec::new();
    for (key, image) in image_by_key {
        match mask_by_key.remove(&key) {
            Some(mask) => cases.push(Case::new(image.stem, image.path, mask.path)),
            None => lone_images.push(image),
        }
    }
    let lone_masks: Vec<MatchedFile> = mask_by_key.into_values().collect();
    if !lone_images.is_empty() || !lone_masks.is_empty() {
        problems.push(unpaired(root, lone_images, lone_masks, images, masks));
    }
    cases.sort_by(|a, b| natural(&a.stem, &b.stem));
    cases
}

/// Removes files whose names are not UTF-8, since their stems cannot be written to a list.
fn reject_non_utf8(images: &mut Vec<MatchedFile>, masks: &mut Vec<MatchedFile>, problems: &mut Vec<RunError>) {
    for found in [images, masks] {
        let is_text = |f: &MatchedFile| f.path.to_str().is_some();
        problems.extend(found.iter().filter(|f| !is_text(f)).map(
            |f| problem!(E0710, &f.path, "the file name is not UTF-8"; help: "rename it, for example with convmv"),
        ));
        found.retain(is_text);
    }
}

fn unpaired(
    root: &Path,
    images: Vec<MatchedFile>,
    masks: Vec<MatchedFile>,
    image_glob: &str,
    mask_glob: &str,
) -> RunError {
    let mut parts = Vec::new();
    let mut help = Vec::new();
    for (found, what, other, glob) in [(images, "image", "mask", mask_glob), (masks, "mask", "image", image_glob)] {
        if !found.is_empty() {
            let s = if found.len() == 1 { "" } else { "s" };
            parts.push(format!("{} {what}{s} without {other}", found.len()));
            help.push(format!("no {other} matches `{glob}` for {}", list_names(root, found)));
        }
    }
    let error = problem!(E0710, root, "{}", parts.join(", "));
    help.into_iter().fold(error, RunError::help)
}

fn list_names(root: &Path, mut found: Vec<MatchedFile>) -> String {
    found.sort_by(|a, b| natural(&a.stem, &b.stem));
    let mut text: Vec<String> = found
        .iter()
        .take(MAX_NAMED_FILES)
        .map(|f| f.path.strip_prefix(root).unwrap_or(&f.path).display().to_string())
        .collect();
    if found.len() > MAX_NAMED_FILES {
        text.push(format!("and {} more", found.len() - MAX_NAMED_FILES));
    }
    text.join(", ")
}

/// Assigns each file that matches both patterns (`*.png` and `*_mask.png` in one folder) to the longer pattern.
fn assign_ambiguous(
    images: &mut Vec<MatchedFile>,
    masks: &mut Vec<MatchedFile>,
    image_glob: &str,
    mask_glob: &str,
) -> Result<()> {
    let in_images: BTreeSet<PathBuf> = images.iter().map(|f| f.path.clone()).collect();
    let both: BTreeSet<PathBuf> =
        masks.iter().filter(|f| in_images.contains(&f.path)).map(|f| f.path.clone()).collect();
    if both.is_empty() {
        return Ok(());
    }
    let (images_say, masks_say) = (image_glob.chars().count(), mask_glob.chars().count());
    if images_say == masks_say {
        let first = both.iter().next().cloned().unwrap_or_default();
        return Err(problem!(
            E0710,
            &first,
            "matches both the image pattern `{image_glob}` and the mask pattern `{mask_glob}`";
            help: "make one of the patterns longer; a file that matches both belongs to the longer one"
        ));
    }
    let loser = if images_say < masks_say { images } else { masks };
    loser.retain(|f| !both.contains(&f.path));
    Ok(())
}

/// Indexes files by their stem in lower case; repeated stems are problems.
fn index_by_stem(found: Vec<MatchedFile>, glob: &str, problems: &mut Vec<RunError>) -> BTreeMap<String, MatchedFile> {
    let mut by_key: BTreeMap<String, MatchedFile> = BTreeMap::new();
    for file in found {
        let key = file.stem.to_lowercase();
        if let Some(first) = by_key.get(&key) {
            problems.push(problem!(
                E0710,
                &file.path,
                "has the same stem `{}` as {} under `{glob}`",
                file.stem,
                without_dot(&first.path).display();
                help: "keep one of the two files, or narrow the pattern";
                help: "stems are compared ignoring case, and ignoring the extension if the pattern ends in `*`"
            ));
        } else {
            by_key.insert(key, file);
        }
    }
    by_key
}

fn find_files(root: &Path, glob: &str, what: &str) -> Result<Vec<MatchedFile>> {
    if glob.matches('*').count() != 1 {
        return Err(problem!(
            E0710,
            "{what} = \"{glob}\" has {} `*`; it needs exactly one",
            glob.matches('*').count();
            help: "`*` matches the part of the name that image and mask share: \"masks/*_segmentation.png\""
        ));
    }
    let parts: Vec<&str> = glob.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let star = parts.iter().position(|part| part.contains('*')).unwrap_or(0);
    let (before, after) = parts[star].split_once('*').unwrap_or((parts[star], ""));
    let rest = &parts[star + 1..];
    let start = if glob.starts_with('/') { PathBuf::from("/") } else { root.to_path_buf() };
    let folder = parts[..star].iter().try_fold(start, |at, part| {
        child_path(&at, part)
            .ok_or_else(|| problem!(E0701, &at.join(part), "no such folder (from {what} = \"{glob}\")"))
    })?;

    let mut found = Vec::new();
    for raw in list_folder(&folder)? {
        let name = raw.to_string_lossy();
        let hidden = name.starts_with('.') && !before.starts_with('.');
        let Some(capture) = captured_text(&name, before, after).filter(|_| !hidden) else { continue };
        let Some(path) = rest.iter().try_fold(folder.join(&raw), |at, part| child_path(&at, part)) else { continue };
        let is_case = match path.is_dir() {
            true => dicom::holds_dicom(&path) || (what == "masks" && holds_pictures(&path)),
            false => is_picture(&path) || is_nifti(&path),
        };
        if !is_case {
            continue;
        }
        let mut stem = capture.to_string();
        if rest.is_empty() && after.is_empty() && !path.is_dir() {
            // The `*` matched the extension too.
            stem = stem_of(&stem).to_string();
        }
        if !stem.is_empty() {
            found.push(MatchedFile { stem, path });
        }
    }
    if found.is_empty() {
        return Err(
            problem!(E0710, &folder, "no image file matches {what} = \"{glob}\""; help: "{}", describe_contents(&folder)),
        );
    }
    Ok(found)
}

/// Returns an existing path below a folder: the exact name, or else a name that differs only in case.
fn child_path(folder: &Path, part: &str) -> Option<PathBuf> {
    let exact = folder.join(part);
    if exact.exists() {
        return Some(exact);
    }
    let wanted = part.to_lowercase();
    let name = list_folder(folder).ok()?.into_iter().find(|name| name.to_string_lossy().to_lowercase() == wanted)?;
    Some(folder.join(name))
}

/// Lists the names in a folder, sorted, since the order of the file system is arbitrary.
fn list_folder(folder: &Path) -> Result<Vec<OsString>> {
    let fail = |e: std::io::Error| RunError::read(folder, e);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail)? {
        names.push(entry.map_err(fail)?.file_name());
    }
    names.sort();
    Ok(names)
}

/// Returns a file name without its extension; `.nii.gz` is one extension.
pub(super) fn stem_of(name: &str) -> &str {
    let unzipped = match name.len().checked_sub(7).and_then(|at| name.get(at..)) {
        Some(end) if end.eq_ignore_ascii_case(".nii.gz") => &name[..name.len() - 3],
        _ => name,
    };
    &unzipped[..unzipped.rfind('.').unwrap_or(unzipped.len())]
}

fn holds_pictures(folder: &Path) -> bool {
    list_folder(folder).is_ok_and(|names| names.iter().any(|name| is_picture(&folder.join(name))))
}

/// Returns the text between a fixed beginning and a fixed end, both compared without case.
fn captured_text<'a>(name: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let count = name.chars().count();
    let (head, tail) = (before.chars().count(), after.chars().count());
    if count <= head + tail {
        return None;
    }
    let at = |n: usize| name.char_indices().nth(n).map_or(name.len(), |(i, _)| i);
    let (start, end) = (at(head), at(count - tail));
    let equal = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
    (equal(&name[..start], before) && equal(&name[end..], after)).then(|| &name[start..end])
}

fn describe_contents(folder: &Path) -> String {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for name in list_folder(folder).unwrap_or_default() {
        let kind = match Path::new(&name).extension() {
            _ if folder.join(&name).is_dir() => "folders".to_string(),
            Some(e) => format!("*.{}", e.to_string_lossy()),
            None => "files without extension".to_string(),
        };
        *kinds.entry(kind).or_default() += 1;
    }
    let held: Vec<String> = kinds.into_iter().map(|(kind, n)| format!("{n} {kind}")).collect();
    if held.is_empty() { "the folder is empty".into() } else { format!("the folder holds {}", held.join(", ")) }
}
