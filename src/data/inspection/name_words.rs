//! Words in the names of files and folders, and what they say about the role of a file.

use crate::data::SplitRole;
use crate::data::case_list::ROLES;
use crate::data::stem::{composed, stem_of};
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// Words of names of masks.
const MASK_WORDS: [&str; 29] = [
    "mask",
    "masks",
    "label",
    "labels",
    "labelmap",
    "seg",
    "segs",
    "segm",
    "segmentation",
    "segmentations",
    "segmented",
    "gt",
    "gts",
    "groundtruth",
    "truth",
    "annotation",
    "annotations",
    "anno",
    "annot",
    "annots",
    "manual",
    "target",
    "targets",
    "contour",
    "contours",
    "roi",
    "rois",
    "delineation",
    "delineations",
];
/// Words of names of images.
const IMAGE_WORDS: [&str; 27] = [
    "image",
    "images",
    "img",
    "imgs",
    "input",
    "inputs",
    "original",
    "originals",
    "orig",
    "scan",
    "scans",
    "raw",
    "photo",
    "photos",
    "picture",
    "pictures",
    "frame",
    "frames",
    "slice",
    "slices",
    "data",
    "ct",
    "cts",
    "mr",
    "mri",
    "volume",
    "volumes",
];
/// Words of names of folders that hold a part of a split, besides those of lists.
const ROLE_WORDS: [(&str, SplitRole); 3] =
    [("tr", SplitRole::Train), ("ts", SplitRole::Test), ("holdout", SplitRole::Test)];
/// Words of names of folders that belong to one patient or one recording.
const PATIENT_WORDS: [&str; 19] = [
    "patient", "patients", "pat", "pt", "subject", "subj", "sub", "case", "study", "person", "id", "video", "vid",
    "seq", "sequence", "session", "exam", "p", "s",
];

/// Characters before the part of a name that says that a file is a mask.
const SEPARATORS: [char; 6] = ['_', '-', '.', ' ', '+', '@'];

/// What a word says about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NamedRole {
    Image,
    Mask,
}

/// Returns the words of a name in lower case. They end at other characters than letters and digits, between letters and digits, and
/// before a capital letter that begins a word: `labelsTr` has two.
pub(super) fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut words: Vec<String> = Vec::new();
    let mut open = false;
    for (i, &c) in chars.iter().enumerate() {
        let before = i.checked_sub(1).map(|i| chars[i]);
        let next_is_lower = chars.get(i + 1).is_some_and(|c| c.is_lowercase());
        let begins = before.is_none_or(|b| {
            b.is_numeric() != c.is_numeric()
                || (c.is_uppercase() && (b.is_lowercase() || (b.is_uppercase() && next_is_lower)))
        });
        if !c.is_alphanumeric() {
            open = false;
            continue;
        }
        match words.last_mut().filter(|_| open && !begins) {
            Some(word) => word.extend(c.to_lowercase()),
            None => words.push(c.to_lowercase().collect()),
        }
        open = true;
    }
    words.into_iter().flat_map(part_and_role).collect()
}

/// Divides `trainannot` and `valmasks` into the part of a split and what the files are.
fn part_and_role(word: String) -> Vec<String> {
    let parts = ["training", "train", "validation", "valid", "val", "testing", "test"];
    let role = parts.iter().find_map(|part| Some((*part, word.strip_prefix(part)?)));
    match role.filter(|(_, rest)| role_of_word(rest).is_some()) {
        Some((part, rest)) => vec![part.to_string(), rest.to_string()],
        None => vec![word],
    }
}

fn role_of_word(word: &str) -> Option<NamedRole> {
    if MASK_WORDS.contains(&word) {
        Some(NamedRole::Mask)
    } else {
        IMAGE_WORDS.contains(&word).then_some(NamedRole::Image)
    }
}

/// Returns the role of a folder by its name. A name with words of both says nothing.
pub(super) fn role_of_folder(name: &str) -> Option<NamedRole> {
    let words = words(name);
    // "Ground Truth" and "Training_GroundTruth" are words of their own.
    let mut roles = words.iter().filter_map(|word| role_of_word(word));
    let first = roles.next()?;
    // "ISIC_Segmentation_Images" may be either.
    roles.all(|role| role == first).then_some(first)
}

/// Returns the beginning and the end of a stem that say that a file is a mask, such as `_mask` of `p1_mask`.
pub(super) fn mask_affix(stem: &str) -> Option<[String; 2]> {
    let chars: Vec<char> = stem.chars().collect();
    let is_mask = |part: &[char]| {
        let text: String = part.iter().collect();
        let words = words(&text);
        let named = words.iter().any(|word| MASK_WORDS.contains(&word.as_str()));
        // The number before them is that of the case.
        let begins = words.first().is_some_and(|word| !word.chars().all(char::is_numeric));
        named && begins && words.iter().all(|word| MASK_WORDS.contains(&word.as_str()) || is_filler(word))
    };
    let boundary = |at: usize| !chars[at].is_alphanumeric() || at == 0 || !chars[at - 1].is_alphanumeric();
    // The longest end that consists of such words begins at a separator.
    let suffix = (1..chars.len()).find(|&at| SEPARATORS.contains(&chars[at]) && is_mask(&chars[at..]));
    let camel = || {
        (1..chars.len()).find(|&at| chars[at].is_uppercase() && !chars[at - 1].is_uppercase() && is_mask(&chars[at..]))
    };
    if let Some(at) = suffix.or_else(camel) {
        return Some([String::new(), chars[at..].iter().collect()]);
    }
    let prefix =
        (1..chars.len()).rev().find(|&at| boundary(at) && chars[at].is_alphanumeric() && is_mask(&chars[..at]));
    prefix.map(|at| [chars[..at].iter().collect(), String::new()])
}

/// Words beside those of masks that belong to the same end of a name: `ground`, and the number of an annotator.
fn is_filler(word: &str) -> bool {
    ["ground", "binary", "gray", "grey", "final", "pixel", "expert"].contains(&word)
        || word.len() <= 2 && word.chars().all(char::is_numeric)
}

/// Returns what makes a file a mask, for people: `names like *_mask`, `files called mask`, or `files in folders called masks`.
pub(super) fn mask_sign(path: &Path, root: &Path) -> String {
    let stem = stem(path);
    if let Some([before, after]) = mask_affix(&stem) {
        return format!("names like `{before}*{after}`");
    }
    let folder = folders(path, root).into_iter().rev().find(|name| role_of_folder(name) == Some(NamedRole::Mask));
    match folder.or_else(|| root.file_name().map(|name| name.to_string_lossy().into_owned())) {
        Some(folder) if role_of_folder(&folder) == Some(NamedRole::Mask) => {
            format!("files in folders called `{folder}`")
        }
        _ => format!("files called `{stem}`"),
    }
}

/// Returns the role of a file by its name, and else by the deepest folder below `root` that has a role.
pub(super) fn role_of(path: &Path, root: &Path) -> Option<NamedRole> {
    let stem = stem(path);
    let words = words(&stem);
    let only = !words.is_empty() && words.iter().all(|w| MASK_WORDS.contains(&w.as_str()) || w == "ground");
    if only || mask_affix(&stem).is_some() {
        return Some(NamedRole::Mask);
    }
    folders(path, root).iter().rev().find_map(|name| role_of_folder(name))
}

/// Returns the part of the split that folders name; `None` if none of them or several do.
pub(super) fn split_role(folders: &[String]) -> Option<SplitRole> {
    let of = |word: &String| ROLES.iter().chain(&ROLE_WORDS).find(|(name, _)| name == word).map(|(_, role)| *role);
    let mut roles = folders.iter().filter_map(|name| words(name).iter().find_map(of));
    let first = roles.next()?;
    roles.all(|role| role == first).then_some(first)
}

/// Checks whether a name looks like that of a patient, a case or a recording: it holds a number.
pub(super) fn names_a_patient(name: &str) -> bool {
    let words = words(name);
    let word_of_one = |w: &String| PATIENT_WORDS.contains(&w.as_str());
    words.iter().any(|w| w.chars().all(char::is_numeric)) || words.first().is_some_and(word_of_one) && words.len() > 1
}

/// Returns the name of a file or folder without its extension, in Unicode's composed form.
pub(super) fn stem(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = if path.is_dir() { &name } else { stem_of(&name) };
    composed(stem)
}

/// Returns the names of the folders of a file below `root`.
pub(super) fn folders(path: &Path, root: &Path) -> Vec<String> {
    let below = path.strip_prefix(root).unwrap_or(path);
    let parent = below.parent().unwrap_or(Path::new(""));
    let name = |part: Component<'_>| match part {
        Component::Normal(name) => Some(composed(&OsStr::to_string_lossy(name))),
        _ => None,
    };
    parent.components().filter_map(name).collect()
}

/// Returns the deepest folder that holds all files.
pub(super) fn common_folder<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> PathBuf {
    let mut paths = paths.into_iter();
    let Some(first) = paths.next() else { return PathBuf::new() };
    let mut common = first.parent().unwrap_or(Path::new("")).to_path_buf();
    for path in paths {
        while !path.starts_with(&common) && common.pop() {}
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_words() {
        let of = |name| words(name).join(" ");
        assert_eq!(of("labelsTr"), "labels tr");
        assert_eq!(of("JPEGImages"), "jpeg images");
        assert_eq!(of("ISIC2018_Task1-2_GroundTruth"), "isic 2018 task 1 2 ground truth");
        assert_eq!(of("trainannot"), "train annot");
        assert_eq!(of("testosterone"), "testosterone");
        assert_eq!(of("Größe (1)"), "größe 1");
    }

    #[test]
    fn ends_and_beginnings_of_masks() {
        let of = |stem| mask_affix(stem).map(|[a, b]| format!("{a}*{b}")).unwrap_or_default();
        let rows = [
            ("p1_mask", "*_mask"),
            ("benign (1)_mask_1", "*_mask_1"),
            ("21_manual1", "*_manual1"),
            ("mask_001", "mask_*"),
            ("p1-ground_truth", "*-ground_truth"),
            ("patient3Seg", "*Seg"),
            ("image_001", ""),
            ("masked man", ""),
            ("mask", ""),
        ];
        for (stem, wanted) in rows {
            assert_eq!(of(stem), wanted, "{stem}");
        }
    }

    #[test]
    fn the_deepest_folder_with_a_role_decides() {
        let of = |path: &str| role_of(Path::new(path), Path::new("d"));
        assert_eq!(of("d/Segmentation/images/a.png"), Some(NamedRole::Image));
        assert_eq!(of("d/PNG/Ground Truth/a.png"), Some(NamedRole::Mask));
        assert_eq!(of("d/images/a_mask.png"), Some(NamedRole::Mask));
        assert_eq!(of("d/train/a.png"), None);
    }
}
