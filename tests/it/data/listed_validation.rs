//! A validation part drawn from a training list: `lists(train = .., val = 0.1, test = ..)`.

use crate::support::data_sets::{grey, refused, small_set, spec, stems};
use npc::internals::base::error::RunError;
use npc::internals::data::survey::leakage_warnings;
use npc::internals::data::{Dataset, SplitRole};
use npc::text::config::{DataSpec, GroupBy, Grouping, ListedValidation, Split, StratifyBy};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use tempfile::{TempDir, tempdir};

/// Opens the set with `train` as training list and `val` of it as validation.
fn open(dir: &Path, train: &[String], val: f64, seed: u64, grouping: Grouping) -> Result<Dataset, RunError> {
    fs::write(dir.join("tr.txt"), train.join("\n")).unwrap();
    let val = Some(ListedValidation::Share { share: val, seed });
    let split = Split::Lists { train: "tr.txt".into(), val, test: "te.txt".into() };
    Dataset::open(&DataSpec { split, grouping, ..spec("images/*.png", "masks/*.png", [8, 8]) }, dir)
}

/// Twenty images for training, `a0` to `a19`, and two for the test.
fn set() -> (TempDir, Vec<String>) {
    let dir = small_set(23);
    fs::write(dir.path().join("te.txt"), "a20\na21\n").unwrap();
    (dir, (0..20).map(|i| format!("a{i}")).collect())
}

#[test]
fn the_part_is_drawn_from_the_training_list_alone() {
    let (dir, train) = set();
    let data = open(dir.path(), &train, 0.15, 0, Grouping::default()).unwrap();
    // These stems are the same on every machine.
    assert_eq!(stems(&data, SplitRole::Val), PART);
    assert_eq!(stems(&data, SplitRole::Test), ["a20", "a21"]);
    let rest: Vec<&str> = train.iter().map(String::as_str).filter(|stem| !PART.contains(stem)).collect();
    assert_eq!(stems(&data, SplitRole::Train), rest);

    // The order of the list orders both parts and does not change them.
    let reversed: Vec<String> = train.iter().rev().cloned().collect();
    let data = open(dir.path(), &reversed, 0.15, 0, Grouping::default()).unwrap();
    let backwards: Vec<&str> = PART.iter().rev().copied().collect();
    assert_eq!(stems(&data, SplitRole::Val), backwards);

    let other = open(dir.path(), &train, 0.15, 1, Grouping::default()).unwrap();
    assert_ne!(stems(&other, SplitRole::Val), PART);
    let rounded_up = open(dir.path(), &train, 0.01, 0, Grouping::default()).unwrap();
    assert_eq!(rounded_up.len(SplitRole::Val), 1);
}

/// The part of 0.15 of `a0` to `a19` with seed 0.
const PART: [&str; 3] = ["a3", "a13", "a18"];

#[test]
fn groups_are_not_divided() {
    let dir = tempdir().unwrap();
    let stems_of: Vec<String> = (0..24).map(|i| format!("p{}_z{i}", i * i % 7)).collect();
    for stem in stems_of.iter().map(String::as_str).chain(["t_z0"]) {
        grey(&dir.path().join(format!("images/{stem}.png")), [8, 8], &[7; 64]);
        grey(&dir.path().join(format!("masks/{stem}.png")), [8, 8], &[255; 64]);
    }
    fs::write(dir.path().join("te.txt"), "t").unwrap();
    let by_patient = || Grouping { group: Some(GroupBy::Pattern("{group}_z*".into())), stratify: None };
    let patients = |data: &Dataset, role| -> BTreeSet<String> {
        data.cases(role).iter().map(|case| case.group.clone().unwrap()).collect()
    };
    let mut parts = BTreeSet::new();
    for seed in 0..20 {
        let data = open(dir.path(), &stems_of, 0.25, seed, by_patient()).unwrap();
        let [train, val] = [SplitRole::Train, SplitRole::Val].map(|role| patients(&data, role));
        assert!(train.is_disjoint(&val), "seed {seed}: {train:?} and {val:?}");
        assert!(data.len(SplitRole::Val) >= 6, "seed {seed}: {} of 24", data.len(SplitRole::Val));
        assert_eq!(data.len(SplitRole::Val) + data.len(SplitRole::Train), 24);
        parts.insert(val);
    }
    assert!(parts.len() > 1, "the seed changes nothing");

    let one = vec!["p0".to_string()];
    refused(
        open(dir.path(), &one, 0.1, 0, by_patient()),
        &["tr.txt", "of which `val = 0.1` leaves none for training", "such as `p0`", "the list has 1 group:"],
    );
    // A group that the lists divide is an error of the lists.
    fs::write(dir.path().join("te.txt"), &stems_of[0]).unwrap();
    refused(open(dir.path(), &stems_of[1..], 0.25, 0, by_patient()), &["the group `p0` is divided"]);
}

#[test]
fn strata_are_those_of_the_training_list() {
    let (dir, train) = set();
    // Half of the masks of the training list have no foreground; the mask of an image in no list is never read.
    for i in 0..10 {
        grey(&dir.path().join(format!("masks/a{i}.png")), [8, 8], &[0; 64]);
    }
    fs::write(dir.path().join("masks/a22.png"), "no picture").unwrap();
    for seed in 0..10 {
        let grouping = Grouping { group: None, stratify: Some(StratifyBy::Classes) };
        let data = open(dir.path(), &train, 0.2, seed, grouping).unwrap();
        let empty = |stem: &&str| stem[1..].parse::<usize>().unwrap() < 10;
        let val = stems(&data, SplitRole::Val);
        assert_eq!((val.len(), val.into_iter().filter(empty).count()), (4, 2), "seed {seed}");
    }
}

#[test]
fn too_few_images_are_refused() {
    let (dir, train) = set();
    let with = |n: usize, val| open(dir.path(), &train[..n], val, 0, Grouping::default());
    refused(
        with(1, 0.1),
        &["tr.txt", "the list has 1 image, of which `val = 0.1` leaves none for training", "lower `val`"],
    );
    refused(with(2, 0.6), &["the list has 2 images, of which `val = 0.6` leaves none"]);
    assert_eq!(with(2, 0.5).unwrap().len(SplitRole::Val), 1);
}

#[test]
fn equal_images_in_training_and_validation_are_told() {
    let (dir, train) = set();
    let data = open(dir.path(), &train, 0.15, 0, Grouping::default()).unwrap();
    let (kept, drawn) = (stems(&data, SplitRole::Train)[0], stems(&data, SplitRole::Val)[0]);
    assert_eq!(leakage_warnings(&data), [""; 0]);
    let image = |stem| dir.path().join(format!("images/{stem}.png"));
    fs::copy(image(kept), image(drawn)).unwrap();
    let warnings = leakage_warnings(&open(dir.path(), &train, 0.15, 0, Grouping::default()).unwrap());
    // The list is right; `val` has divided it. No stem has a group, so no pattern is advised.
    assert!(warnings[0].contains("`val = 0.15` drew them apart from the list `tr.txt`"), "{warnings:?}");
    assert!(warnings[0].contains("val = \"val.txt\"") && !warnings[0].contains("{group}"), "{warnings:?}");
    assert!(warnings.iter().any(|text| text.contains(kept) && text.contains("in val")), "{warnings:?}");
}
