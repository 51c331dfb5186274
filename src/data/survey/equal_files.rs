//! Finds equal image files and volumes in different roles.
//!
//! Nothing is decoded of files: sizes come from the folder, and of files of one size only some bytes are compared at first, so a set
//! of many thousand files takes no more than a moment. Volumes are compared by their voxels, likewise in three steps.
//! `npc data check` finds equal images as near-duplicates as well, whatever their format.

use super::duplicate_findings::{Leakage, leakage_help};
use super::finding::{SurveyFinding, SurveyTopic};
use crate::base::count::counted;
use crate::base::file;
use crate::data::case::SplitRole;
use crate::data::dataset::Dataset;
use crate::data::volume::identity;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// The most files of which some bytes are read. In sets of uncompressed files all sizes are equal; there only the survey of all
/// files finds copies.
const MAX_READ: usize = 4000;
/// The most files and the most volumes that are compared completely.
const MAX_COMPARED: usize = 100;
const MAX_VOLUMES: usize = 20;
/// The most pairs that are listed.
const LISTED: usize = 3;
/// Number of bytes in the middle, and of the last bytes.
const SAMPLED: u64 = 4096;

/// A file with its role and its stem.
struct ImageFile<'a> {
    role: SplitRole,
    stem: &'a str,
    path: &'a Path,
}

/// Returns a warning for the first pairs of equal files and of equal volumes across the split, and one for the number of the others.
pub(crate) fn findings(data: &Dataset) -> Vec<SurveyFinding> {
    let grouped = data.parts.all().any(|(_, case)| case.group.is_some());
    let (files, volumes) = (equal_files(data), equal_volumes(data));
    let mut findings = warnings(&files, ["file", "files"]);
    findings.extend(warnings(&volumes, ["volume", "volumes"]));
    if let (Some(finding), Some([a, b])) = (findings.first_mut(), files.iter().chain(&volumes).next()) {
        let stems: Vec<&str> = data.parts.all().map(|(_, case)| case.stem.as_str()).collect();
        let roles = [a.role, b.role];
        let found = Leakage { split: &data.spec().split, grouped, roles, pattern: None, stems: &stems };
        finding.help.push(leakage_help(&found));
    }
    findings
}

fn warnings(pairs: &[[ImageFile<'_>; 2]], [one, several]: [&str; 2]) -> Vec<SurveyFinding> {
    let warning = |[a, b]: &[ImageFile<'_>; 2]| {
        let message =
            format!("`{}` in {} and `{}` in {} are the same {one}", a.stem, a.role.name(), b.stem, b.role.name());
        SurveyFinding::warning(SurveyTopic::Duplicates, message).about([a.stem.to_string(), b.stem.to_string()])
    };
    let mut warnings: Vec<SurveyFinding> = pairs.iter().take(LISTED).map(warning).collect();
    if pairs.len() > LISTED {
        let more = pairs.len() - LISTED;
        let message = format!("{} of equal {several} are in different parts of the split", counted(more, "more pair"));
        warnings.push(SurveyFinding::warning(SurveyTopic::Duplicates, message));
    }
    warnings
}

fn equal_files(data: &Dataset) -> Vec<[ImageFile<'_>; 2]> {
    let files = data.parts.all().filter(|(_, case)| case.slice.is_none() && !case.image.as_os_str().is_empty());
    let files: Vec<ImageFile<'_>> =
        files.map(|(role, case)| ImageFile { role, stem: &case.stem, path: &case.image }).collect();
    let sized = alike(files, |file| fs::metadata(file.path).ok().filter(fs::Metadata::is_file).map(|meta| meta.len()));
    let sampled = alike_among(sized, MAX_READ, |file| sampled_bytes(file.path).ok());
    pairs(alike_among(sampled, MAX_COMPARED, |file| content_hash(file.path).ok()))
}

fn equal_volumes(data: &Dataset) -> Vec<[ImageFile<'_>; 2]> {
    let mut seen = BTreeSet::new();
    let slices = data.parts.all().filter(|(_, case)| case.slice.is_some());
    let volumes = slices
        .filter(|(role, case)| seen.insert((*role, case.image.as_path())))
        .map(|(role, case)| ImageFile { role, stem: case.volume_stem(), path: &case.image });
    let sized = alike(volumes.collect(), |volume| identity::coarse_key(volume.path));
    let probed = alike_among(sized, MAX_READ, |volume| identity::probe(volume.path));
    pairs(alike_among(probed, MAX_VOLUMES, |volume| identity::content_hash(volume.path)))
}

/// Divides each of these groups further by a key. With more than `most` files in them nothing is read, and nothing is found.
fn alike_among<'a, K: Ord + Send>(
    groups: Vec<Vec<ImageFile<'a>>>,
    most: usize,
    key: impl Fn(&ImageFile<'a>) -> Option<K> + Sync + Send,
) -> Vec<Vec<ImageFile<'a>>> {
    match groups.iter().map(Vec::len).sum::<usize>() > most {
        true => Vec::new(),
        false => groups.into_iter().flat_map(|files| alike(files, &key)).collect(),
    }
}

fn pairs(groups: Vec<Vec<ImageFile<'_>>>) -> Vec<[ImageFile<'_>; 2]> {
    groups.into_iter().flat_map(pairs_across).collect()
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

/// Reads some bytes in the middle and at the end: files without compression often end with a background of equal pixels.
fn sampled_bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = file::open(path)?;
    let length = file.metadata()?.len();
    let mut bytes = Vec::new();
    for start in [length / 2, length.saturating_sub(SAMPLED)] {
        file.seek(SeekFrom::Start(start))?;
        file.by_ref().take(SAMPLED).read_to_end(&mut bytes)?;
    }
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
