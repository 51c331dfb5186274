//! Files in the folders of a data set that are not read although they look like pictures or volumes.
//!
//! Nothing is decoded: names decide, and the first bytes of files whose names do not say what they are.

use super::decode::is_picture;
use super::file_names::{extension, holds_no_picture, is_hidden, is_system_file, is_unfinished, list_names};
use super::volume::is_nifti;
use crate::base::file;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Extensions of pictures and volumes in formats that npc does not read, in lower case.
const UNREAD: [&str; 68] = [
    "apng", "avif", "bif", "bmp", "cr2", "czi", "dcm", "dds", "dib", "dicom", "dng", "emf", "eps", "exr", "fits",
    "gif", "hdr", "heic", "heif", "ico", "ima", "img", "ims", "j2c", "j2k", "jfif", "jls", "jng", "jp2", "jpe", "jpf",
    "jpx", "jxl", "jxr", "lif", "lsm", "mat", "mgh", "mgz", "mha", "mhd", "mnc", "mng", "mrxs", "nd2", "ndpi", "nef",
    "nhdr", "npy", "npz", "nrrd", "oib", "oif", "pbm", "pcx", "pgm", "pnm", "ppm", "psd", "qoi", "scn", "svg", "svs",
    "tga", "vms", "vsi", "webp", "xcf",
];
/// Extensions of compressed files: `a.png.gz` is a picture that is not read.
const COMPRESSED: [&str; 5] = ["gz", "bz2", "xz", "zst", "z"];
/// Maximum number of files of a folder whose first bytes are read.
const MAX_OPENED: usize = 200;
/// Maximum number of entries of subfolders that are counted, and how deep.
const MAX_COUNTED: usize = 20_000;
const MAX_DEPTH: usize = 4;

/// A folder in which the files of one pattern were searched.
pub(super) struct SearchedFolder {
    /// The pattern with its key, such as `images = "images/*.png"`.
    pub pattern: String,
    pub folder: PathBuf,
    /// Whether the pattern goes on below the folder.
    pub deeper: bool,
    /// Everything in the folder.
    pub entries: Vec<PathBuf>,
    /// Files and folders in it that the pattern matches, or that hold the file of a pattern that goes deeper.
    pub matched: Vec<PathBuf>,
    /// Images or masks that the pattern finds.
    pub found: BTreeSet<PathBuf>,
    /// Folders that match the `*` of a pattern that goes deeper, and have no such file.
    pub without_file: Vec<PathBuf>,
}

/// Checks whether a name says that the file is a picture or volume in a format that is not read.
pub(super) fn is_unread_format(path: &Path) -> bool {
    let Some(extension) = extension(path) else { return false };
    if COMPRESSED.contains(&extension.as_str()) || is_unfinished(path) {
        let inner = path.with_extension("");
        return is_picture(&inner) || is_nifti(&inner) || is_unread_format(&inner);
    }
    UNREAD.contains(&extension.as_str()) && !is_picture(path)
}

/// Checks whether a file holds a picture or volume and its name hides that: by a leading dot, or by another extension.
/// AppleDouble files (`._a.png`) hold the attributes that macOS gives another file.
fn is_disguised_picture(path: &Path) -> bool {
    let head = file::read_head(path, 352).unwrap_or_default();
    match &head[..] {
        [0x89, b'P', b'N', b'G', ..] | [0xff, 0xd8, 0xff, ..] | [b'G', b'I', b'F', b'8', ..] => true,
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => true,
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => true,
        [0, 0, 0, 12, b'j', b'P', ..] | [0xff, 0x4f, 0xff, 0x51, ..] => true,
        bytes => {
            bytes.get(128..132) == Some(b"DICM") || matches!(bytes.get(344..348), Some(b"n+1\0" | b"ni1\0" | b"n+2\0"))
        }
    }
}

/// Checks whether a file that is not read looks like a picture or volume, by its name or else by its first bytes.
pub(super) fn looks_like_picture(path: &Path) -> bool {
    let hidden = is_hidden(path);
    let told = !hidden && is_unread_format(path);
    !is_system_file(path) && (told || !holds_no_picture(path) && is_disguised_picture(path))
}

/// Returns the sentence about files that are not predicted.
pub(crate) fn skipped_sentence(skipped: &[PathBuf]) -> Option<String> {
    let files = if skipped.len() == 1 {
        "file looks like a picture or volume and is"
    } else {
        "files look like pictures or volumes and are"
    };
    let n = skipped.len();
    (n > 0).then(|| {
        format!(
            "{n} {files} not predicted, because npc does not read the format or the name: {}",
            list_names(Path::new(""), skipped)
        )
    })
}

/// The files of one set that are left out, by the reason.
#[derive(Default)]
struct LeftOut {
    /// Formats that npc does not read.
    unread: BTreeSet<PathBuf>,
    /// Readable pictures that match no pattern.
    unmatched: BTreeSet<PathBuf>,
    hidden: BTreeSet<PathBuf>,
    /// Pictures whose names do not say so.
    disguised: BTreeSet<PathBuf>,
    /// Subfolders with pictures that the pattern does not reach, and the number of these.
    below: Vec<(String, BTreeSet<PathBuf>, usize)>,
}

/// Returns a sentence for each kind of files that are left out. `searched` are the folders of both patterns, `explained` the files
/// that an error names already.
pub(super) fn describe_left_out(
    root: &Path,
    searched: &[SearchedFolder],
    explained: &BTreeSet<PathBuf>,
) -> Vec<String> {
    let used: BTreeSet<&Path> = searched.iter().flat_map(|s| &s.matched).map(PathBuf::as_path).collect();
    let mut left = LeftOut::default();
    for place in searched {
        let mut opened = 0;
        for entry in place.entries.iter().filter(|entry| !used.contains(entry.as_path())) {
            if !entry.is_dir() && !explained.contains(entry) {
                left.sort_in(entry, &mut opened);
            }
        }
        left.count_below(place, searched, &used);
        left.sort_in_siblings(place, searched, explained, &mut opened);
    }
    left.sentences(root, searched)
}

impl LeftOut {
    /// Finds the reason why a file is left out, if it looks like a picture or volume at all.
    fn sort_in(&mut self, entry: &Path, opened: &mut usize) {
        let hidden = is_hidden(entry);
        let readable = is_picture(entry) || is_nifti(entry);
        if is_system_file(entry) {
            return;
        }
        if !hidden && readable {
            self.unmatched.insert(entry.to_path_buf());
        } else if !hidden && is_unread_format(entry) {
            self.unread.insert(entry.to_path_buf());
        } else if !holds_no_picture(entry) && *opened < MAX_OPENED {
            *opened += 1;
            if is_disguised_picture(entry) {
                let kind = if hidden { &mut self.hidden } else { &mut self.disguised };
                kind.insert(entry.to_path_buf());
            }
        }
    }

    /// Counts the pictures in subfolders of a folder that is searched.
    fn count_below(&mut self, place: &SearchedFolder, searched: &[SearchedFolder], used: &BTreeSet<&Path>) {
        let known = |folder: &Path| used.contains(folder) || searched.iter().any(|s| s.folder == folder);
        let (mut count, mut left, mut folders) = (0, MAX_COUNTED, BTreeSet::new());
        let others = place.entries.iter().filter(|entry| !place.deeper && !used.contains(entry.as_path()));
        for entry in others.filter(|entry| entry.is_dir() && !is_hidden(entry)) {
            let here = pictures_below(entry, &known, &mut left, MAX_DEPTH);
            if here > 0 {
                count += here;
                folders.insert(entry.clone());
            }
        }
        let repeated = self.below.iter().any(|(_, known, _)| *known == folders);
        if count > 0 && !repeated {
            self.below.push((place.pattern.clone(), folders, count));
        }
    }

    /// Finds what is left out beside the files of a pattern that goes deeper, such as `*/image.png`.
    fn sort_in_siblings(
        &mut self,
        place: &SearchedFolder,
        searched: &[SearchedFolder],
        explained: &BTreeSet<PathBuf>,
        opened: &mut usize,
    ) {
        let folders: BTreeSet<&Path> = place.found.iter().filter(|_| place.deeper).filter_map(|f| f.parent()).collect();
        let siblings = folders.into_iter().flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten());
        for entry in siblings.take(MAX_COUNTED).filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_dir())) {
            let path = entry.path();
            if !explained.contains(&path) && !searched.iter().any(|s| s.found.contains(&path)) {
                self.sort_in(&path, opened);
            }
        }
    }

    fn sentences(&self, root: &Path, searched: &[SearchedFolder]) -> Vec<String> {
        let patterns: BTreeSet<&str> = searched.iter().map(|s| s.pattern.as_str()).collect();
        let patterns = patterns.into_iter().collect::<Vec<_>>().join(" and ");
        let endings: BTreeSet<String> =
            self.unread.iter().filter_map(|p| extension(p)).map(|e| format!(".{e}")).collect();
        let endings = endings.into_iter().collect::<Vec<_>>().join(", ");
        let mut all = Vec::new();
        let mut add = |found: &BTreeSet<PathBuf>, one: &str, several: &str, rest: &str| {
            if !found.is_empty() {
                let what = if found.len() == 1 { one } else { several };
                all.push(format!("{} {what} {rest}: {}", found.len(), list_names(root, found)));
            }
        };
        let rest = format!("left out, because npc does not read {endings}");
        add(
            &self.unread,
            "file that looks like a picture or volume is",
            "files that look like pictures or volumes are",
            &rest,
        );
        let rest = format!("left out by {patterns}");
        add(&self.unmatched, "more picture or volume is", "more pictures or volumes are", &rest);
        add(&self.hidden, "hidden picture is", "hidden pictures are", "left out");
        let rest = "left out, because the extension is not that of a picture";
        add(&self.disguised, "file with a picture or volume is", "files with pictures or volumes are", rest);
        let without: BTreeSet<PathBuf> = searched.iter().flat_map(|s| s.without_file.iter().cloned()).collect();
        let rest = format!("left out, without a file for {patterns}");
        add(&without, "folder is", "folders are", &rest);
        for (pattern, folders, count) in &self.below {
            let names = list_names(root, folders);
            let what = if *count == 1 { "picture or volume is" } else { "pictures or volumes are" };
            all.push(format!("{count} more {what} in subfolders, which {pattern} does not reach: {names}"));
        }
        all
    }
}

/// Counts the pictures and volumes below a folder, read or not. Links to folders are not followed.
pub(super) fn pictures_below(folder: &Path, known: &dyn Fn(&Path) -> bool, left: &mut usize, depth: usize) -> usize {
    if known(folder) || depth == 0 {
        return 0;
    }
    let mut count = 0;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if *left == 0 {
            break;
        }
        *left -= 1;
        if is_hidden(&path) || known(&path) {
            continue;
        }
        count += match entry.file_type() {
            Ok(kind) if kind.is_dir() => pictures_below(&path, known, left, depth - 1),
            _ => usize::from(is_picture(&path) || is_nifti(&path) || is_unread_format(&path)),
        };
    }
    count
}
