//! Finds equal image files in different roles, without decoding any.
//!
//! Sizes come from the folder, and of files of one size only the last bytes are compared at first, so a set of many thousand files
//! takes no more than a moment. `npc data check` finds equal images as near-duplicates as well, whatever their format.

use super::duplicate_findings::leakage_help;
use super::finding::{SurveyFinding, SurveyTopic};
use crate::base::file;
use crate::data::case::SplitRole;
use crate::data::dataset::Dataset;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// The most files whose last bytes are read. In sets of uncompressed files all sizes are equal; there only the survey of all
/// files finds copies.
const MAX_READ: usize = 4000;
/// The most files that are compared completely.
const MAX_COMPARED: usize = 100;
/// The most pairs that are listed.
const LISTED: usize = 3;
/// Number of the last bytes.
const TAIL: u64 = 4096;

/// A file with its role and its stem.
struct ImageFile<'a> {
    role: SplitRole,
    stem: &'a str,
    path: &'a Path,
}

/// Returns a warning for the first pairs of equal files across the split, and one for the number of the others.
pub(super) fn findings(data: &Dataset) -> Vec<SurveyFinding> {
    let files = data.parts.all().filter(|(_, case)| case.slice.is_none() && !case.image.as_os_str().is_empty());
    let files: Vec<ImageFile<'_>> =
        files.map(|(role, case)| ImageFile { role, stem: &case.stem, path: &case.image }).collect();
    let sized = alike(files, |file| fs::metadata(file.path).ok().filter(fs::Metadata::is_file).map(|meta| meta.len()));
    if sized.iter().map(Vec::len).sum::<usize>() > MAX_READ {
        return Vec::new();
    }
    let ends = sized.into_iter().flat_map(|files| alike(files, |file| last_bytes(file.path).ok())).collect::<Vec<_>>();
    if ends.iter().map(Vec::len).sum::<usize>() > MAX_COMPARED {
        return Vec::new();
    }
    let equal = ends.into_iter().flat_map(|files| alike(files, |file| content_hash(file.path).ok()));
    let pairs: Vec<[ImageFile<'_>; 2]> = equal.flat_map(pairs_across).collect();
    let grouped = data.parts.all().any(|(_, case)| case.group.is_some());
    let mut findings: Vec<SurveyFinding> = pairs
        .iter()
        .take(LISTED)
        .map(|[a, b]| {
            let message =
                format!("`{}` in {} and `{}` in {} are the same file", a.stem, a.role.name(), b.stem, b.role.name());
            SurveyFinding::warning(SurveyTopic::Duplicates, message).about([a.stem.to_string(), b.stem.to_string()])
        })
        .collect();
    if let Some(first) = findings.first_mut() {
        first.help.push(leakage_help(grouped, None));
    }
    if pairs.len() > LISTED {
        let message = format!("{} more pairs of equal files are in different parts of the split", pairs.len() - LISTED);
        findings.push(SurveyFinding::warning(SurveyTopic::Duplicates, message));
    }
    findings
}

/// Groups files by a key, which is computed in parallel, and returns the groups with files in two roles or more.
fn alike<'a, K: Ord + Send>(
    files: Vec<ImageFile<'a>>,
    key: impl Fn(&ImageFile<'a>) -> Option<K> + Sync + Send,
) -> Vec<Vec<ImageFile<'a>>> {
    let keys: Vec<Option<K>> = files.par_iter().map(key).collect();
    let mut groups: BTreeMap<K, Vec<ImageFile<'a>>> = BTreeMap::new();
    for (file, key) in files.into_iter().zip(keys) {
        if let Some(key) = key {
            groups.entry(key).or_default().push(file);
        }
    }
    groups.into_values().filter(|group| group.iter().any(|file| file.role != group[0].role)).collect()
}

fn last_bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = file::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Hashes a whole file, a part at a time.
fn content_hash(path: &Path) -> std::io::Result<u64> {
    let (mut file, mut part, mut hash) = (file::open(path)?, vec![0; 1 << 16], DefaultHasher::new());
    loop {
        match file.read(&mut part)? {
            0 => return Ok(hash.finish()),
            n => hash.write(&part[..n]),
        }
    }
}

/// Pairs the first of equal files with each one of another role.
fn pairs_across(files: Vec<ImageFile<'_>>) -> Vec<[ImageFile<'_>; 2]> {
    let mut files = files.into_iter();
    let Some(first) = files.next() else { return Vec::new() };
    let others = files.filter(|other| other.role != first.role);
    others.map(|other| [ImageFile { role: first.role, stem: first.stem, path: first.path }, other]).collect()
}
