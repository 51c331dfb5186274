//! Pairs the images and masks of a folder by the text that the `*` of their patterns matches.
//!
//! An image is a picture, a NIfTI file or a folder with a DICOM series; a mask may also be a folder of pictures. What lies in the
//! folders, looks like a picture and is not read is counted (`left_out.rs`).

use super::case::Case;
use super::decode::is_picture;
use super::file_names::{broken_link, data_root_help, list_names};
use super::left_out::{SearchedFolder, describe_left_out, is_unread_format, pictures_below};
use super::order::natural;
use super::stem::{composed, name_problem, stem_key, stem_of};
use super::volume::{dicom, is_nifti};
use crate::base::count::counted;
use crate::base::error::{Result, RunError};
use crate::base::path::without_dot;
use crate::base::problem::problem;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// A file that matches a pattern.
struct MatchedFile {
    /// Text that the `*` matches, as spelled in the file name.
    stem: String,
    path: PathBuf,
    /// Whether the path is a folder: a DICOM series, or the pictures of its masks.
    is_folder: bool,
}

/// Returns the pairs in the order of their stems. Files that cannot be paired are added to `problems`, and a sentence for each
/// kind of files that are left out to `doubts`.
pub(super) fn pair_files(
    root: &Path,
    images: &str,
    masks: &str,
    problems: &mut Vec<RunError>,
    doubts: &mut Vec<String>,
) -> Vec<Case> {
    let mut take = |result: Result<PatternFiles>| result.map_err(|e| problems.push(e)).ok();
    let (image_files, mask_files) = (take(find_files(root, images, "images")), take(find_files(root, masks, "masks")));
    let (Some(image_files), Some(mask_files)) = (image_files, mask_files) else { return Vec::new() };
    let mask_files = without_stray_folders(mask_files, &image_files.found);
    let searched = [image_files.searched, mask_files.searched];
    let (broken, errors): (BTreeSet<String>, Vec<RunError>) =
        image_files.broken.into_iter().chain(mask_files.broken).unzip();
    let (mut image_files, mut mask_files) = (image_files.found, mask_files.found);
    // The other file of a broken link is not reported as well.
    image_files.retain(|file| !broken.contains(&stem_key(&file.stem)));
    mask_files.retain(|file| !broken.contains(&stem_key(&file.stem)));
    problems.extend(errors);
    reject_names(root, &mut image_files, problems);
    reject_names(root, &mut mask_files, problems);
    if let Err(e) = assign_ambiguous(&mut image_files, &mut mask_files, images, masks) {
        problems.push(e);
        return Vec::new();
    }
    let image_by_key = index_by_stem(image_files, images, problems);
    let mut mask_by_key = index_by_stem(mask_files, masks, problems);

    let (mut cases, mut explained) = (Vec::new(), BTreeSet::new());
    let mut lone_images = Vec::new();
    for (key, image) in image_by_key {
        match mask_by_key.remove(&key) {
            Some(mask) => cases.push(Case::new(image.stem, image.path, mask.path)),
            None => lone_images.push(image),
        }
    }
    let lone_masks: Vec<MatchedFile> = mask_by_key.into_values().collect();
    if !lone_images.is_empty() || !lone_masks.is_empty() {
        let partners = [unread_partners(&lone_images, &searched[1]), unread_partners(&lone_masks, &searched[0])];
        explained.extend(partners.iter().flatten().cloned());
        problems.push(unpaired(root, [lone_images, lone_masks], [images, masks], &partners));
    }
    doubts.extend(describe_left_out(root, &searched, &explained));
    cases.sort_by(|a, b| natural(&a.stem, &b.stem));
    cases
}

/// Removes folders of pictures from the masks where no image is a folder: they hold further masks, and not those of a DICOM series.
fn without_stray_folders(mut masks: PatternFiles, images: &[MatchedFile]) -> PatternFiles {
    if !images.iter().any(|image| image.is_folder) {
        let is_stray = |mask: &MatchedFile| mask.is_folder && !dicom::holds_dicom(&mask.path);
        let (stray, found): (Vec<_>, Vec<_>) = masks.found.into_iter().partition(is_stray);
        let stray: BTreeSet<PathBuf> = stray.into_iter().map(|mask| mask.path).collect();
        masks.searched.matched.retain(|path| !stray.contains(path));
        masks.searched.found.retain(|path| !stray.contains(path));
        masks.found = found;
    }
    masks
}

/// Removes files whose names cannot be written to a list.
fn reject_names(root: &Path, found: &mut Vec<MatchedFile>, problems: &mut Vec<RunError>) {
    found.retain(|file| {
        let below = file.path.strip_prefix(root).unwrap_or(&file.path);
        let problem = name_problem(below);
        let kept = problem.is_none();
        problems.extend(problem.map(|p| RunError { path: Some(file.path.clone()), ..p }));
        kept
    });
}

/// States which images have no mask and which masks no image. `partners` are the files of other formats that these may have.
fn unpaired(
    root: &Path,
    [images, masks]: [Vec<MatchedFile>; 2],
    globs: [&str; 2],
    partners: &[Vec<PathBuf>; 2],
) -> RunError {
    let mut parts = Vec::new();
    let mut help = Vec::new();
    let kinds = [(images, "image", "mask", globs[1]), (masks, "mask", "image", globs[0])];
    for ((found, what, other, glob), partners) in kinds.into_iter().zip(partners) {
        if !found.is_empty() {
            parts.push(format!("{} without {other}", counted(found.len(), what)));
            help.push(format!("no {other} matches `{glob}` for {}", list_names(root, found.iter().map(|f| &f.path))));
            if !partners.is_empty() {
                let names = list_names(root, partners);
                help.push(format!(
                    "the {other} may be a file in a format that npc does not read: {names}; convert it to PNG"
                ));
            }
        }
    }
    let error = problem!(E0710, root, "{}", parts.join(", "));
    help.into_iter().fold(error, RunError::help)
}

/// Returns the files that have the stem of an unpaired one, in a format that is not read.
fn unread_partners(lone: &[MatchedFile], searched: &SearchedFolder) -> Vec<PathBuf> {
    let keys: BTreeSet<String> = lone.iter().map(|file| stem_key(&file.stem)).collect();
    let key = |path: &PathBuf| stem_key(stem_of(&path.file_name().unwrap_or_default().to_string_lossy()));
    searched.entries.iter().filter(|path| is_unread_format(path) && keys.contains(&key(path))).cloned().collect()
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

/// Indexes files by what all spellings of their stem share; repeated stems are problems.
fn index_by_stem(found: Vec<MatchedFile>, glob: &str, problems: &mut Vec<RunError>) -> BTreeMap<String, MatchedFile> {
    let mut by_key: BTreeMap<String, MatchedFile> = BTreeMap::new();
    for file in found {
        let key = stem_key(&file.stem);
        if let Some(first) = by_key.get(&key) {
            problems.push(problem!(
                E0710,
                &file.path,
                "has the same stem `{}` as {} under `{glob}`",
                file.stem,
                without_dot(&first.path).display();
                help: "keep one of the two files, or narrow the pattern";
                help: "stems are compared ignoring case and Unicode forms, and the extension if the pattern ends in `*`"
            ));
        } else {
            by_key.insert(key, file);
        }
    }
    by_key
}

/// What a pattern finds, and what lies beside it.
struct PatternFiles {
    found: Vec<MatchedFile>,
    /// Links that lead nowhere, by the key of their stem.
    broken: Vec<(String, RunError)>,
    searched: SearchedFolder,
}

/// Returns the files that a pattern matches, with a partner or not; none where the pattern or its folder is wrong.
pub(super) fn matched_files(root: &Path, glob: &str, what: &str) -> Vec<PathBuf> {
    find_files(root, glob, what).map_or_else(|_| Vec::new(), |files| files.found.into_iter().map(|f| f.path).collect())
}

fn find_files(root: &Path, glob: &str, what: &str) -> Result<PatternFiles> {
    if glob.matches('*').count() != 1 {
        return Err(problem!(
            E0710,
            "{what} = \"{glob}\" has {} `*`; it needs exactly one",
            glob.matches('*').count();
            help: "`*` matches the part of the name that image and mask share: \"masks/*_segmentation.png\""
        ));
    }
    let glob = &composed(glob);
    let parts: Vec<&str> = glob.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let star = parts.iter().position(|part| part.contains('*')).unwrap_or(0);
    let (before, after) = parts[star].split_once('*').unwrap_or((parts[star], ""));
    let rest = &parts[star + 1..];
    let start = if glob.starts_with('/') { PathBuf::from("/") } else { root.to_path_buf() };
    let folder = parts[..star].iter().try_fold(start, |at, part| {
        child_path(&at, part).ok_or_else(|| {
            let missing = problem!(E0701, &at.join(part), "no such folder (from {what} = \"{glob}\")");
            if glob.starts_with('/') { missing } else { missing.help(data_root_help(root)) }
        })
    })?;

    let (mut found, mut broken) = (Vec::new(), Vec::new());
    let names = list_folder(&folder)?;
    let entries = names.iter().map(|name| folder.join(name)).collect();
    let pattern = format!("{what} = \"{glob}\"");
    let mut searched = SearchedFolder {
        pattern,
        folder,
        deeper: !rest.is_empty(),
        entries,
        matched: Vec::new(),
        found: BTreeSet::new(),
        without_file: Vec::new(),
    };
    for raw in names {
        let name = composed(&raw.to_string_lossy());
        let hidden = name.starts_with('.') && !before.starts_with('.');
        let Some(capture) = captured_text(&name, before, after).filter(|_| !hidden) else { continue };
        let start = searched.folder.join(&raw);
        let Some(path) = rest.iter().try_fold(start.clone(), |at, part| child_path(&at, part)) else {
            if start.is_dir() && pictures_below(&start, &|_| false, &mut 1000, 2) > 0 {
                searched.without_file.push(start);
            }
            continue;
        };
        let is_folder = path.is_dir();
        let is_case = match is_folder {
            true => dicom::holds_dicom(&path) || (what == "masks" && holds_pictures(&path)),
            false => is_picture(&path) || is_nifti(&path),
        };
        if !is_case {
            continue;
        }
        let mut stem = capture.to_string();
        if rest.is_empty() && after.is_empty() && !is_folder {
            // The `*` matched the extension too.
            stem = stem_of(&stem).to_string();
        }
        if !stem.is_empty() {
            searched.matched.push(if rest.is_empty() { path.clone() } else { start });
            searched.found.insert(path.clone());
            match broken_link(&path) {
                Some(error) => broken.push((stem_key(&stem), error)),
                None => found.push(MatchedFile { stem, path, is_folder }),
            }
        }
    }
    if found.is_empty() {
        if let Some((_, error)) = broken.pop() {
            return Err(error);
        }
        let folder = &searched.folder;
        let mut error =
            problem!(E0710, folder, "no image file matches {what} = \"{glob}\""; help: "{}", describe_contents(folder));
        for sentence in describe_left_out(root, &[searched], &BTreeSet::new()) {
            error = error.help(sentence);
        }
        return Err(error);
    }
    Ok(PatternFiles { found, broken, searched })
}

/// Returns an existing path below a folder: the exact name, or else a name that differs only in case or Unicode form.
fn child_path(folder: &Path, part: &str) -> Option<PathBuf> {
    let exact = folder.join(part);
    if exact.exists() {
        return Some(exact);
    }
    let wanted = stem_key(part);
    let name = list_folder(folder).ok()?.into_iter().find(|name| stem_key(&name.to_string_lossy()) == wanted)?;
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
