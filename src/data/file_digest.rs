//! A digest of the files of a split: cheap to compute, and another one if a file was replaced.

use super::case::{Case, SplitRole};
use super::dataset::Dataset;
use crate::base::file;
use crate::base::hash::fnv1a_bytes;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// Largest number of cases of a part of which contents count; they are spread evenly.
const SAMPLED: usize = 256;
/// Number of bytes in the middle of a file that count.
const BLOCK: u64 = 4096;

impl Dataset {
    /// Returns a digest of the names of the cases of a role, of the lengths of all their files in bytes, and of a block in the middle
    /// of some of them. The folder of the set does not count.
    pub(crate) fn file_digest(&self, role: SplitRole) -> String {
        let cases = self.cases(role);
        let step = cases.len().div_ceil(SAMPLED).max(1);
        // The slices of a volume share their files.
        let (mut lengths, mut blocks) = (BTreeMap::new(), BTreeMap::new());
        let mut text = String::new();
        for (i, Case { stem, image, mask, .. }) in cases.iter().enumerate() {
            let [of_image, of_mask] = [image, mask].map(|path| *lengths.entry(path).or_insert_with(|| length_of(path)));
            // Writing into a text cannot fail.
            let _ = writeln!(text, "{stem} {of_image} {of_mask}");
            if i % step == 0 {
                let of_both =
                    [image, mask].map(|path| *blocks.entry(path).or_insert_with(|| fnv1a_bytes(&middle_of(path))));
                let _ = writeln!(text, "{of_both:x?}");
            }
        }
        format!("{:016x}", fnv1a_bytes(text.as_bytes()))
    }

    /// Returns the digests of all parts of the split that have cases, by their names.
    pub(crate) fn file_digests(&self) -> BTreeMap<String, String> {
        let roles = SplitRole::ALL.into_iter().filter(|&role| !self.is_empty(role));
        roles.map(|role| (role.name().to_string(), self.file_digest(role))).collect()
    }
}

/// Returns the length of a file in bytes, or of all files of a folder; 0 for what is not there, as for phantoms.
fn length_of(path: &Path) -> u64 {
    files_of(path).iter().filter_map(|file| fs::metadata(file).ok()).map(|found| found.len()).sum()
}

/// Returns the file itself, or the files of a folder in the order of their names.
fn files_of(path: &Path) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_path_buf()];
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

/// Returns bytes from the middle of a file, or of the middle file of a folder; none if it cannot be read.
fn middle_of(path: &Path) -> Vec<u8> {
    let files = files_of(path);
    files.get(files.len() / 2).and_then(|path| file::read_middle(path, BLOCK).ok()).unwrap_or_default()
}
