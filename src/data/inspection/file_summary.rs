//! What was found in the folders, for the people who gave them.

use super::file_pool::FilePool;
use super::name_words::{common_folder, stem};
use super::pair_matching::{MatchRule, MatchedPairs};
use super::pair_source::PairSource;
use crate::base::count::counted;
use crate::data::case::Case;
use crate::data::file_names::list_names;
use crate::data::volume::is_volume;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Numbers and names of the files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FileSummary {
    /// Number of images and of masks, paired or not.
    pub found: [usize; 2],
    /// Number of pairs that are used.
    pub pairs: usize,
    /// Number of images that are volumes.
    pub volumes: usize,
    /// Number of pictures and slices.
    pub cases: usize,
    /// Number of cases whose images were read.
    pub read: usize,
    /// Number of images and of masks of each format.
    pub formats: [BTreeMap<String, usize>; 2],
    /// Folder of the images and of the masks.
    pub folders: [PathBuf; 2],
    /// How images and masks were paired.
    pub paired_by: String,
    /// What makes files masks, if names decided.
    pub masks_by: Option<String>,
    /// Sentences about files without a partner, and files that are not read.
    pub unused: Vec<String>,
    /// Problems of the pairs that are left out.
    pub left_out: Vec<String>,
}

impl FileSummary {
    pub(super) fn of(pool: &FilePool, matched: &MatchedPairs) -> FileSummary {
        let mut unused = Vec::new();
        for (paths, what, other) in [(&matched.lone_images, "image", "mask"), (&matched.lone_masks, "mask", "image")] {
            if !paths.is_empty() {
                let what = counted(paths.len(), what);
                unused.push(format!("{what} without {other}: {}", list_names(Path::new(""), paths)));
            }
        }
        if !matched.channels.is_empty() {
            let files = counted(matched.channels.len(), "file");
            unused.push(format!("{files} of further channels: {}", list_names(Path::new(""), &matched.channels)));
        }
        for (paths, what) in [
            (&pool.skipped.unread, "in formats that npc does not read"),
            (&pool.skipped.unnamed, "with names that are not UTF-8 or hold control characters"),
            (&pool.skipped.copies, "that are copies in another format"),
        ] {
            if !paths.is_empty() {
                let files = counted(paths.len(), "file");
                unused.push(format!("{files} {what}: {}", list_names(Path::new(""), paths)));
            }
        }
        FileSummary {
            found: [pool.images.len(), matched.pairs.len() + matched.lone_masks.len()],
            paired_by: paired_by(matched),
            masks_by: pool.by_names.clone(),
            unused,
            ..FileSummary::default()
        }
    }

    /// Adds what is known of the pairs that are used.
    pub(super) fn finish(&mut self, source: &PairSource, cases: &[Case], read: usize) {
        (self.pairs, self.cases, self.read) = (source.pairs.len(), cases.len(), read);
        self.volumes = source.pairs.iter().filter(|pair| is_volume(&pair.image)).count();
        let images: Vec<PathBuf> = source.pairs.iter().map(|pair| pair.image.clone()).collect();
        let masks: Vec<PathBuf> = source.pairs.iter().map(|pair| pair.mask.clone()).collect();
        for (side, paths) in [images, masks].into_iter().enumerate() {
            self.folders[side] = common_folder(&paths);
            paths.iter().for_each(|path| *self.formats[side].entry(format_of(path)).or_default() += 1);
        }
    }
}

/// Returns the ending of a file's name in lower case, and what a folder stands for.
fn format_of(path: &Path) -> String {
    if path.is_dir() {
        return "folders".into();
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    name.get(stem(path).to_lowercase().len()..).unwrap_or_default().to_string()
}

/// Says what image and mask share.
fn paired_by(matched: &MatchedPairs) -> String {
    let Some([image, mask]) = matched.pairs.first() else { return String::new() };
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let by = match matched.by {
        Some(MatchRule::Numbers) => "by the numbers in their names",
        Some(MatchRule::FoldersAndStem | MatchRule::WordsAndStem) => "by their folders and names",
        Some(MatchRule::Stem) | None => "by their names",
    };
    format!("{by}, such as {} and {}", name(image), name(mask))
}
