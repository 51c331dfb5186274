//! Finds the files that may be images and those that may be masks.

use super::name_words::{NamedRole, common_folder, folders, mask_affix, mask_sign, role_of, role_of_folder, stem};
use crate::base::count::counted;
use crate::base::error::{Result, RunError};
use crate::base::path::{folder_of, or_working_folder, without_dot};
use crate::base::problem::problem;
use crate::data::decode::is_picture;
use crate::data::order::natural;
use crate::data::prediction_inputs::{PredictionInput, list_inputs};
use crate::data::stem::name_problem;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Formats of which one is kept where each picture exists in several, the preferred first.
const COPIES: [&str; 8] = ["png", "tif", "tiff", "bmp", "webp", "gif", "jpg", "jpeg"];

/// The most images without masks whose alpha is looked at.
const LOOKED_AT: usize = 8;

/// The images, and the sets of files that may be their masks.
pub(super) struct FilePool {
    /// Pictures, NIfTI files and folders with a DICOM series.
    pub images: Vec<PathBuf>,
    /// Sets of files that may be the masks, the most likely first. At least one.
    pub masks: Vec<Vec<PathBuf>>,
    /// What makes files masks, if names decided; `None` if both were given.
    pub by_names: Option<String>,
    /// Files that are not used.
    pub skipped: SkippedFiles,
}

/// Files that are not used, by the reason.
#[derive(Default)]
pub(super) struct SkippedFiles {
    /// Formats that are not read.
    pub unread: Vec<PathBuf>,
    /// Names that cannot be lines of a list.
    pub unnamed: Vec<PathBuf>,
    /// Copies of pictures in another format.
    pub copies: Vec<PathBuf>,
}

/// Finds images and masks from files, folders and patterns. Without `masks` names decide which files are masks: those of the same
/// folders, of folders beside them, and else the images themselves, if `is_own_mask` says of each that it has a mask in its alpha.
/// Nothing below `project` is looked at.
pub(super) fn find_files(
    images: &[PathBuf],
    masks: &[PathBuf],
    project: &Path,
    is_own_mask: impl Fn(&Path) -> bool,
) -> Result<FilePool> {
    let listed = list_inputs(images, project)?;
    let mut skipped = SkippedFiles { unread: listed.skipped, ..SkippedFiles::default() };
    let found = usable(listed.found, &mut skipped);
    if masks.is_empty() {
        return by_names(found, skipped, project, is_own_mask);
    }
    let mut given = usable(list_inputs(masks, project)?.found, &mut skipped);
    if found.iter().any(|path| path.is_dir()) {
        given.extend(picture_folders(&given));
    }
    let of_masks: BTreeSet<&PathBuf> = given.iter().collect();
    let rest: Vec<PathBuf> = found.iter().filter(|path| !of_masks.contains(path)).cloned().collect();
    let rest = without_copies(rest, &mut skipped);
    if rest.is_empty() {
        // One folder is given for both.
        return by_names(found, skipped, project, is_own_mask);
    }
    let given = without_copies(given, &mut skipped);
    Ok(FilePool { images: rest, masks: alternatives(given), by_names: None, skipped })
}

/// Returns the paths without a leading `./`, without names that cannot be lines of a list.
fn usable(found: Vec<PredictionInput>, skipped: &mut SkippedFiles) -> Vec<PathBuf> {
    let paths = found.into_iter().map(|input| without_dot(&input.path).to_path_buf());
    let (paths, bad): (Vec<PathBuf>, Vec<PathBuf>) = paths.partition(|path| name_problem(path).is_none());
    skipped.unnamed.extend(bad);
    paths
}

/// Keeps one format where each picture exists in several.
fn without_copies(paths: Vec<PathBuf>, skipped: &mut SkippedFiles) -> Vec<PathBuf> {
    let ending = |path: &PathBuf| path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let mut endings: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in paths.iter().filter(|path| is_picture(path)) {
        endings.entry(stem(path)).or_default().insert(ending(path));
    }
    let copied = endings.values().filter(|endings| endings.len() > 1).count();
    if copied == 0 || copied * 10 < endings.len() * 9 {
        return paths;
    }
    let all: BTreeSet<&String> = endings.values().flatten().collect();
    let best = COPIES.iter().find(|kept| all.iter().any(|ending| ending == *kept)).copied().unwrap_or("png");
    let (kept, left): (Vec<PathBuf>, Vec<PathBuf>) = paths.into_iter().partition(|path| ending(path) == best);
    skipped.copies.extend(left);
    kept
}

/// Distinguishes masks from images by their names.
fn by_names(
    found: Vec<PathBuf>,
    mut skipped: SkippedFiles,
    project: &Path,
    is_own_mask: impl Fn(&Path) -> bool,
) -> Result<FilePool> {
    let root = common_folder(&found);
    let series = found.iter().any(|path| path.is_dir());
    let pictures_of_series = if series { picture_folders(&found) } else { Vec::new() };
    let (masks, images): (Vec<PathBuf>, Vec<PathBuf>) =
        found.into_iter().partition(|path| role_of(path, &root) == Some(NamedRole::Mask));
    let (masks, images) = (without_copies(masks, &mut skipped), without_copies(images, &mut skipped));
    if !masks.is_empty() && !images.is_empty() {
        let how = format!("{} are masks", mask_sign(&masks[0], &root));
        let series: BTreeSet<&Path> = masks.iter().map(|path| folder_of(path)).collect();
        let mut masks = masks.clone();
        masks.extend(pictures_of_series.into_iter().filter(|folder| series.contains(folder.as_path())));
        return Ok(FilePool { images, masks: alternatives(masks), by_names: Some(how), skipped });
    }
    let all = if images.is_empty() { masks } else { images };
    match beside(&all, &root, project) {
        Some((folder, masks)) => {
            let how = format!("the files in `{}` are masks", folder.display());
            Ok(FilePool { images: all, masks: alternatives(masks), by_names: Some(how), skipped })
        }
        None => {
            let looked_at = all.iter().step_by(all.len().div_ceil(LOOKED_AT).max(1));
            if all.is_empty() || !looked_at.clone().all(|path| is_own_mask(path)) {
                return Err(no_masks(&root, &all));
            }
            let how = "no mask is beside the images, and parts of each image are transparent: its alpha is the mask";
            Ok(FilePool { images: all.clone(), masks: vec![all], by_names: Some(how.into()), skipped })
        }
    }
}

/// Returns the masks beside images: files in their own folder whose names are those of masks, and else a folder beside or below
/// theirs whose name is that of masks.
fn beside(images: &[PathBuf], root: &Path, project: &Path) -> Option<(PathBuf, Vec<PathBuf>)> {
    let root = or_working_folder(root);
    let known: BTreeSet<&PathBuf> = images.iter().collect();
    let listed = |folder: &Path| -> Vec<PathBuf> {
        let inputs = list_inputs(&[folder.to_path_buf()], project).unwrap_or_default();
        usable(inputs.found, &mut SkippedFiles::default())
    };
    let own: Vec<PathBuf> = listed(root)
        .into_iter()
        .filter(|path| !known.contains(path) && role_of(path, root) == Some(NamedRole::Mask))
        .collect();
    if !own.is_empty() {
        return Some((root.to_path_buf(), own));
    }
    let parent = root.join("..");
    let parent = if root == Path::new(".") { parent.as_path() } else { folder_of(root) };
    let mut siblings: Vec<PathBuf> = std::fs::read_dir(parent).ok()?.flatten().map(|entry| entry.path()).collect();
    siblings.retain(|path| path.is_dir() && path != root);
    siblings.sort_by(|a, b| natural(&a.to_string_lossy(), &b.to_string_lossy()));
    siblings.into_iter().find_map(|folder| {
        let name = folder.file_name()?.to_string_lossy().into_owned();
        let masks = if role_of_folder(&name) == Some(NamedRole::Mask) { listed(&folder) } else { Vec::new() };
        let shown = folder.strip_prefix(".").unwrap_or(&folder).to_path_buf();
        (!masks.is_empty()).then_some((shown, masks))
    })
}

fn no_masks(root: &Path, images: &[PathBuf]) -> RunError {
    let example = images.first().map(|path| stem(path)).unwrap_or_default();
    problem!(
        E0710,
        root,
        "no masks for these {}: no file here, and no folder beside it, has a name like `masks` or `{example}_mask`",
        counted(images.len(), "image");
        help: "say where they are: `--masks 'FOLDER/*.png'`"
    )
}

/// Returns the folders that hold pictures, which may be the masks of a DICOM series, one for each slice.
fn picture_folders(files: &[PathBuf]) -> Vec<PathBuf> {
    let folders = files.iter().filter(|path| is_picture(path)).map(|path| folder_of(path).to_path_buf());
    folders.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Returns all masks as one set, and where they differ in folder or affix, those of each kind as further sets, the largest first.
fn alternatives(masks: Vec<PathBuf>) -> Vec<Vec<PathBuf>> {
    let root = common_folder(&masks);
    let mut kinds: BTreeMap<(Vec<String>, [String; 2]), Vec<PathBuf>> = BTreeMap::new();
    for path in &masks {
        let mut of = folders(path, &root);
        let last = of.iter().rposition(|name| role_of_folder(name) == Some(NamedRole::Mask));
        of.truncate(last.map_or(0, |at| at + 1));
        let affix = if path.is_dir() { None } else { mask_affix(&stem(path)) };
        kinds.entry((of, affix.unwrap_or_default())).or_default().push(path.clone());
    }
    let mut sets = vec![masks];
    if kinds.len() > 1 {
        let mut others: Vec<Vec<PathBuf>> = kinds.into_values().collect();
        others.sort_by_key(|set| std::cmp::Reverse(set.len()));
        sets.extend(others.into_iter().take(8));
    }
    sets
}
