//! Guesses which images belong together, and the split into training, validation and test.

use super::data_guess::DataGuess;
use super::name_words::{common_folder, folders, names_a_patient, role_of_folder, split_role};
use crate::base::count::{counted, counted_of, verb_for};
use crate::base::error::RunError;
use crate::base::path::with_slashes;
use crate::base::problem::problem;
use crate::data::case::{Case, SplitRole, split_slice_stem};
use crate::data::split::{CasesByRole, assign_splits};
use crate::data::survey::group_suggestion::suggest;
use crate::data::{group, group::capture_group};
use crate::text::config::{DataSpec, GroupBy, Grouping, ListedValidation, Split};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Names of lists of the training part, of validation and of the test, the preferred first. Where there is no list for a test, as in
/// PASCAL VOC, the one for validation is its test.
const LISTS: [[&str; 3]; 3] =
    [["train.txt", "val.txt", "test.txt"], ["train.txt", "valid.txt", "test.txt"], ["train.txt", "", "val.txt"]];
/// Folders beside the images that hold lists.
const LIST_FOLDERS: [&str; 3] = ["", "ImageSets/Segmentation", "ImageSets"];

/// Returns the pattern for `group` that the stems suggest: names of patients, cases or recordings before another part.
pub(super) fn group_of_names(cases: &[Case]) -> Option<(String, DataGuess)> {
    let volumes: Option<Vec<&str>> = cases
        .iter()
        .map(|case| case.slice.and_then(|_| split_slice_stem(&case.stem).map(|(volume, _)| volume)))
        .collect();
    let of_slices = volumes.is_some();
    let mut stems: Vec<&str> = volumes.unwrap_or_else(|| cases.iter().map(|case| case.stem.as_str()).collect());
    stems.dedup();
    let found = suggest(&stems, |groups| groups.iter().all(|name| names_a_patient(name)))?;
    let pattern = if of_slices { format!("{}_z*", found.pattern) } else { found.pattern };
    let why = format!(
        "the names look like {} or recordings, such as `{}`; all images of one stay in one part",
        counted(found.groups, "patient"),
        found.example
    );
    Some((pattern, DataGuess { key: "split", why }))
}

/// Returns the folder of each image that names its patient, where there are several images of several patients.
pub(super) fn groups_of_folders(images: &[PathBuf]) -> Option<Vec<String>> {
    let root = common_folder(images);
    let name = |path: &PathBuf| -> Option<String> {
        let kept: Vec<String> = folders(path, &root)
            .into_iter()
            .filter(|name| role_of_folder(name).is_none() && split_role(std::slice::from_ref(name)).is_none())
            .collect();
        kept.iter().any(|name| names_a_patient(name)).then(|| kept.join("/"))
    };
    let groups: Vec<String> = images.iter().map(name).collect::<Option<_>>()?;
    let distinct: BTreeSet<&String> = groups.iter().collect();
    (distinct.len() >= 2 && 2 * distinct.len() <= groups.len()).then_some(groups)
}

/// Number of groups below which the parts are made smaller where whole groups make them too large.
const FEW: usize = 10;
/// Parts of a share that are tried then.
const LESS: [f64; 5] = [1.0, 0.75, 0.5, 0.25, 0.1];
/// The least share of the images whose folders name a part of a split that is used.
const NAMED: f64 = 0.9;

/// What folders say of the parts of a split.
pub(super) enum FolderRoles {
    /// No training and test part.
    None,
    /// The part of each image; a few have none and are not used.
    Each(Vec<Option<SplitRole>>),
    /// Many images are in folders of no part, so the folders may mean something else; the number of those with a part.
    Some(usize),
}

/// Returns the parts that folders name, if both training and test occur.
pub(super) fn roles_of_folders(images: &[PathBuf]) -> FolderRoles {
    let root = common_folder(images);
    let mut roles: Vec<Option<SplitRole>> = images.iter().map(|path| split_role(&folders(path, &root))).collect();
    let has = |roles: &[Option<SplitRole>], role| roles.contains(&Some(role));
    if !has(&roles, SplitRole::Test) {
        // A split needs a test; what is called validation is never trained on.
        roles.iter_mut().filter(|role| **role == Some(SplitRole::Val)).for_each(|role| *role = Some(SplitRole::Test));
    }
    let named = roles.iter().flatten().count();
    match has(&roles, SplitRole::Train) && has(&roles, SplitRole::Test) {
        false => FolderRoles::None,
        true if (named as f64) < NAMED * images.len() as f64 => FolderRoles::Some(named),
        true => FolderRoles::Each(roles),
    }
}

/// A split that can be made, with the cases of each part.
pub(super) struct GuessedSplit {
    pub split: Split,
    pub grouping: Grouping,
    pub parts: CasesByRole,
    pub guesses: Vec<DataGuess>,
}

impl GuessedSplit {
    /// Returns the number of groups of each part; a case without a group is its own.
    pub(super) fn groups(&self) -> [usize; 3] {
        let of = |cases: &[Case]| -> usize {
            let named: BTreeSet<&str> = cases.iter().map(|case| case.group.as_deref().unwrap_or(&case.stem)).collect();
            named.len()
        };
        [of(&self.parts.train), of(&self.parts.val), of(&self.parts.test)]
    }
}

/// Returns the split: the one that folders name, lists beside the images, or random parts that none is empty of. `by_column` says
/// that the cases have roles already. Error: the cases cannot be divided.
pub(super) fn guess_split(
    cases: &[Case],
    spec: &DataSpec,
    images: &[PathBuf],
    group: Option<(String, DataGuess)>,
    by_column: bool,
) -> Result<GuessedSplit, RunError> {
    let mut guesses = Vec::new();
    let by_pattern = |pattern: &str| Grouping { group: Some(GroupBy::Pattern(pattern.to_string())), stratify: None };
    let grouping = group.as_ref().map(|(pattern, _)| by_pattern(pattern)).unwrap_or_default();
    let attempt = |split: Split, grouping: &Grouping| try_split(cases, spec, split, grouping);
    if by_column {
        guesses.push(DataGuess { key: "split", why: "the folders name training and test".into() });
        return attempt(Split::Column, &Grouping::default()).map(|done| GuessedSplit { guesses, ..done });
    }
    let pattern = group.as_ref().map(|(pattern, _)| pattern.as_str());
    let units = count_units(cases, pattern);
    if units < 2 {
        return Err(one_unit(cases));
    }
    if let Some(lists) = lists_beside(images) {
        let mut failure = None;
        for grouping in [grouping.clone(), Grouping::default()] {
            match attempt(lists.clone(), &grouping) {
                Ok(done) => {
                    let done = with_validation(done, |split, grouping| attempt(split, grouping).ok());
                    return Ok(GuessedSplit { guesses: list_guesses(&done, cases.len()), ..done });
                }
                Err(error) => failure = Some(error),
            }
        }
        if let Some(error) = failure {
            let why = format!("random, because the lists beside the images cannot be used: {}", error.headline());
            guesses.push(DataGuess { key: "split", why });
        }
    }
    let note = group.map(|(_, guess)| guess);
    guesses.splice(0..0, note);
    let mut done = random_split(units, |split| attempt(split, &grouping))?;
    if done.parts.val.is_empty() {
        let why = "too few images or groups for a validation part, so the best epoch is chosen on the test part and its scores are \
                   optimistic";
        guesses.push(DataGuess { key: "split", why: why.into() });
    }
    guesses.extend(few_groups(&done));
    done.guesses = guesses;
    Ok(done)
}

/// Returns random parts of `units` groups or single images. Error: none can be made.
fn random_split(
    units: usize,
    attempt: impl Fn(Split) -> Result<GuessedSplit, RunError>,
) -> Result<GuessedSplit, RunError> {
    let random = |val: f64, test: f64| Split::Random { train: 1.0 - val - test, val, test, seed: 0 };
    let mut shares = vec![[0.1, 0.2], [0.2, 0.2], [0.0, 0.2], [0.0, 0.5]];
    if units < FEW {
        shares.remove(0);
    }
    if units < 5 {
        shares.remove(0);
    }
    let mut failure = None;
    for [val, test] in shares {
        match attempt(random(val, test)) {
            Ok(done) if units >= FEW => return Ok(done),
            // Parts are rounded up to whole groups, and of few groups that is too much: six would be divided into 2, 2 and 2.
            Ok(done) => {
                let most = [val, test].map(|share| (share * units as f64).round().max(1.0) as usize);
                let fits = |done: &GuessedSplit| {
                    let [_, in_val, in_test] = done.groups();
                    in_val <= most[0] && in_test <= most[1] && (val == 0.0) == done.parts.val.is_empty()
                };
                let smaller = |share: f64| LESS.into_iter().map(move |part| (1000.0 * part * share).round() / 1000.0);
                let shares = smaller(test).flat_map(|test| smaller(val).map(move |val| [val, test]));
                let mut fitting = shares.filter_map(|[val, test]| attempt(random(val, test)).ok());
                return Ok(fitting.find(fits).unwrap_or(done));
            }
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    match attempt(Split::Kfold { k: 2, fold: 0, val: 0.0, seed: 0 }) {
        Ok(done) => Ok(done),
        Err(error) => Err(failure.unwrap_or(error)),
    }
}

/// Says how few patients or volumes are tested, and how each is tested once.
fn few_groups(done: &GuessedSplit) -> Option<DataGuess> {
    let groups = done.groups();
    let [train, val, test] = groups;
    let all: usize = groups.iter().sum();
    if test == 0 || test > 2 || all == done.parts.all().count() {
        return None;
    }
    let (tested, say) = (counted(test, "group"), verb_for(test, "says", "say"));
    let group = match &done.grouping.group {
        Some(GroupBy::Pattern(pattern)) => format!(", group = \"{pattern}\""),
        Some(GroupBy::CvcClinicdb) | None => String::new(),
    };
    let why = format!(
        "of {all} groups (patients, recordings or volumes) {train} train, {val} validate and {test} test; \
         {tested} {say} little about others: with `kfold(k = {all}, fold = 0{group})`, and {all} runs with folds 0 to {}, each \
         group is tested once",
        all - 1
    );
    Some(DataGuess { key: "split", why })
}

/// Returns the split by lists with a validation part drawn from the training list, where there is no list for it and the
/// training list is long enough.
fn with_validation(done: GuessedSplit, attempt: impl Fn(Split, &Grouping) -> Option<GuessedSplit>) -> GuessedSplit {
    match &done.split {
        Split::Lists { train, val: None, test } => {
            let val = Some(ListedValidation::Share { share: 0.1, seed: 0 });
            attempt(Split::Lists { train: train.clone(), val, test: test.clone() }, &done.grouping).unwrap_or(done)
        }
        _ => done,
    }
}

fn list_guesses(done: &GuessedSplit, all: usize) -> Vec<DataGuess> {
    let mut guesses = vec![DataGuess { key: "split", why: "the lists are beside the images".into() }];
    let mut add = |why: String| guesses.push(DataGuess { key: "split", why });
    match &done.split {
        Split::Lists { val: Some(ListedValidation::Share { .. }), .. } => add(format!(
            "there is no list for validation, so {} of the {} of the training list choose the best epoch", done.parts.val.len(), counted(done.parts.val.len() + done.parts.train.len(), "image"))),
        _ if done.parts.val.is_empty() => add(
            "the training list is too short for a validation part, so the best epoch is chosen on the test part and its scores are \
             optimistic"
                .into(),
        ),
        _ => {}
    }
    if matches!(&done.split, Split::Lists { test, .. } if test.ends_with("val.txt")) {
        add("there is no list for a test, so `val.txt` is the test".into());
    }
    if tests_one_group(done) {
        add(format!(
            "all {} of the test list are of one group (a patient, recording or volume), so scores say nothing about others and have \
             no intervals; the list is kept, and its images are never trained on",
            counted(done.parts.test.len(), "image")
        ));
    }
    let used = done.parts.all().count();
    if used < all {
        add(format!("{} are in no list and are not used", counted_of(all - used, all, "image")));
    }
    guesses
}

/// Returns the error of images that cannot be divided.
fn one_unit(cases: &[Case]) -> RunError {
    let what = match cases {
        [_] => "there is one image".to_string(),
        _ => format!("all {} are of one volume or patient", counted(cases.len(), "image")),
    };
    problem!(E0715, "{what}, which cannot be both trained and tested on";
        help: "add images, of other patients where there are patients")
}

/// Checks whether several test images are all of one group.
fn tests_one_group(done: &GuessedSplit) -> bool {
    let groups: BTreeSet<Option<&str>> = done.parts.test.iter().map(|case| case.group.as_deref()).collect();
    groups.len() == 1 && !groups.contains(&None) && done.parts.test.len() > 1
}

/// Returns the number of parts that can be dealt: groups, and cases without one.
fn count_units(cases: &[Case], pattern: Option<&str>) -> usize {
    let unit = |case: &Case| {
        let group = pattern.and_then(|pattern| capture_group(pattern, &case.stem));
        group.or_else(|| case.group.clone()).unwrap_or_else(|| case.stem.clone())
    };
    cases.iter().map(unit).collect::<BTreeSet<String>>().len()
}

/// Divides the cases. Error: the first problem of the split.
fn try_split(cases: &[Case], spec: &DataSpec, split: Split, grouping: &Grouping) -> Result<GuessedSplit, RunError> {
    let mut cases = cases.to_vec();
    group::assign_groups(&mut cases, grouping)?;
    let spec = DataSpec { split: split.clone(), grouping: grouping.clone(), ..spec.clone() };
    let (mut problems, mut doubts) = (Vec::new(), Vec::new());
    let none = |_: &[Case]| Ok(Vec::new());
    let parts = assign_splits(cases, &spec, Path::new(""), none, &mut problems, &mut doubts);
    match problems.into_iter().next() {
        Some(error) => Err(error),
        None => Ok(GuessedSplit { split, grouping: grouping.clone(), parts, guesses: Vec::new() }),
    }
}

/// Returns the lists of a split in the folder of the images, or in the folder above.
fn lists_beside(images: &[PathBuf]) -> Option<Split> {
    let folder = common_folder(images);
    let above = folder.parent().map(Path::to_path_buf);
    let folders = [Some(folder), above].into_iter().flatten();
    folders.flat_map(|folder| LIST_FOLDERS.map(|below| folder.join(below))).find_map(|folder| {
        let at = |name: &str| Some(folder.join(name)).filter(|path| path.is_file());
        let text = |path: PathBuf| path.to_str().map(with_slashes);
        LISTS.iter().find_map(|[train, val, test]| {
            let (train, test) = (text(at(train)?)?, text(at(test)?)?);
            let val = at(val).and_then(text).map(ListedValidation::List);
            Some(Split::Lists { train, val, test })
        })
    })
}
