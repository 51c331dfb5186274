//! What is doubtful about a set as a whole: the same in `npc data check` and before training.

use crate::support::data_sets::{grey, small_set, spec};
use crate::support::dicom_file::DicomFile;
use crate::support::nifti_file::{Affine, NiftiFile};
use npc::internals::data::Dataset;
use npc::internals::data::survey::{leakage_warnings, quick_survey, survey};
use npc::text::config::{
    DataSource, DataSpec, DecodeRule, GroupBy, Grouping, MaskRule, SliceAxis, SliceSelection, Slicing, Split,
};
use std::fs;
use std::path::Path;
use tempfile::tempdir;

/// The warnings before training, which `npc data check` must give as well.
#[track_caller]
fn warnings(spec: &DataSpec, dir: &Path) -> Vec<String> {
    let quick = quick_survey(&Dataset::open(spec, dir).unwrap(), 1, 16).unwrap().warnings;
    let quick: Vec<String> = quick.iter().map(|f| f.to_text()).collect();
    let whole: Vec<String> = survey(spec, dir, Some(1), &|_, _| {}).findings.iter().map(|f| f.to_text()).collect();
    for text in &quick {
        assert!(whole.contains(text) || text.contains("are the same"), "`{text}` is not told by data check: {whole:?}");
    }
    quick
}

#[track_caller]
fn told(warnings: &[String], words: &[&str]) {
    let found = warnings.iter().any(|text| words.iter().all(|word| text.contains(word)));
    assert!(found, "{words:?} is not in {warnings:?}");
}

fn none_about(warnings: &[String], word: &str) {
    assert!(!warnings.iter().any(|text| text.contains(word)), "{warnings:?}");
}

/// Four masks of 64 x 64: nothing, one pixel, a square of 20 x 20, and two lines of which one column of four is kept.
fn small_objects() -> tempfile::TempDir {
    let dir = tempdir().unwrap();
    for i in 0..5usize {
        let image: Vec<u8> = (0..4096).map(|p| (p * (i + 3) % 251) as u8).collect();
        let inside = |x: usize, y: usize| match i {
            0 => false,
            1 => (x, y) == (40, 40),
            2 => x.abs_diff(30) < 10 && y.abs_diff(30) < 10,
            3 => [8, 9, 10, 11].contains(&x) && y == 17,
            _ => (x == 10 || (x % 4 != 2 && y < 30)) && x < 40,
        };
        let mask: Vec<u8> = (0..4096).map(|p| if inside(p % 64, p / 64) { 255 } else { 0 }).collect();
        grey(&dir.path().join(format!("images/a{i}.png")), [64, 64], &image);
        grey(&dir.path().join(format!("masks/a{i}.png")), [64, 64], &mask);
    }
    dir
}

#[test]
fn objects_that_are_lost_when_masks_are_resized_are_told() {
    let dir = small_objects();
    let at = |size| warnings(&spec("images/*.png", "masks/*.png", size), dir.path());
    none_about(&at([64, 64]), "at the block's size");
    none_about(&at([128, 128]), "at the block's size");
    // Row and column 2 of 4 are kept.
    let small = at([16, 16]);
    told(
        &small,
        &["2 masks lose `object` at the block's size of 16 x 16 (height x width): `a1`, `a3`", "larger `size`"],
    );
    told(&small, &["1 mask loses most of `object` at the block's size", "`a4`"]);
    none_about(&small, "`a2`");
}

#[test]
fn spellings_of_a_group_are_one_group() {
    let dir = small_set(8);
    let rows: String =
        (0..8).map(|i| format!("images/a{i}.png,masks/a{i}.png,{}\n", ["P1", "p1", "q", "Q"][i / 2])).collect();
    fs::write(dir.path().join("c.csv"), format!("image,mask,group\n{rows}")).unwrap();
    let list = |name: &str| DataSource::List { list: name.into() };
    let block = DataSpec { source: list("c.csv"), ..spec("", "", [8, 8]) };
    for seed in 0..8 {
        let split = Split::Random { train: 0.5, val: 0.0, test: 0.5, seed };
        let data = Dataset::open(&DataSpec { split, ..block.clone() }, dir.path()).unwrap();
        let groups = |role| -> std::collections::BTreeSet<String> {
            (0..data.len(role)).map(|i| data.group(role, i).unwrap().to_string()).collect()
        };
        use npc::internals::data::SplitRole::{Test, Train};
        assert_eq!((data.len(Train), data.len(Test)), (4, 4));
        assert_eq!((groups(Train).len(), groups(Test).len()), (1, 1), "seed {seed}");
    }
    told(&warnings(&block, dir.path()), &["the groups `P1` and `p1` are one group", "1 more pair"]);
    let other = rows.replace("p1", "P1").replace('Q', "q");
    fs::write(dir.path().join("d.csv"), format!("image,mask,group\n{other}")).unwrap();
    none_about(&warnings(&DataSpec { source: list("d.csv"), ..block }, dir.path()), "one group");
}

#[test]
fn groups_of_one_image_have_no_effect() {
    let dir = small_set(6);
    let with = |pattern: &str| {
        let grouping = Grouping { group: Some(GroupBy::Pattern(pattern.into())), stratify: None };
        warnings(&DataSpec { grouping, ..spec("images/*.png", "masks/*.png", [8, 8]) }, dir.path())
    };
    told(&with("{group}"), &["every group has one image, such as `a0`", "`group = \"{group}\"` has no effect"]);
    fs::copy(dir.path().join("images/a5.png"), dir.path().join("images/a50.png")).unwrap();
    fs::copy(dir.path().join("masks/a5.png"), dir.path().join("masks/a50.png")).unwrap();
    told(&with("{group}"), &["has no effect"]);
    let rows: String = (0..6).map(|i| format!("images/a{i}.png,masks/a{i}.png,g{i}\n")).collect();
    fs::write(dir.path().join("c.csv"), format!("image,mask,group\n{rows}")).unwrap();
    let source = DataSource::List { list: "c.csv".into() };
    told(&warnings(&DataSpec { source, ..spec("", "", [8, 8]) }, dir.path()), &["the column `group` has no effect"]);
}

#[test]
fn keys_without_effect_are_told() {
    let dir = small_set(6);
    for i in 0..6 {
        let mask: Vec<u8> = (0..64).map(|p| if p % 8 < 1 + i { 255 } else { 0 }).collect();
        grey(&dir.path().join(format!("masks/a{i}.png")), [8, 8], &mask);
    }
    let block = spec("images/*.png", "masks/*.png", [8, 8]);
    assert_eq!(warnings(&block, dir.path()), [""; 0]);
    let slicing = Slicing { axis: SliceAxis::Coronal, slices: SliceSelection::Every(2) };
    let found = warnings(&DataSpec { slicing, decode: DecodeRule::HiByte, ..block }, dir.path());
    told(&found, &["`axis` has no effect: no image is a volume", "remove `axis`"]);
    told(&found, &["`slices` has no effect"]);
    told(&found, &["`decode = hi_byte` has no effect: all images have 8 bits"]);
}

#[test]
fn mean_and_std_in_other_units_are_told() {
    let dir = small_set(6);
    let with = |mean: &[f64], std: &[f64], window| {
        let block = spec("images/*.png", "masks/*.png", [8, 8]);
        warnings(&DataSpec { mean: mean.to_vec(), std: std.to_vec(), window, ..block }, dir.path())
    };
    told(
        &with(&[123.675], &[58.4], None),
        &[
            "`mean = 123.675` is outside of 0..1",
            "values are scaled to 0..1",
            "divided by 255: `mean = 0.485`, `std = 0.229`",
        ],
    );
    told(&with(&[0.485], &[58.4], None), &["`std = 58.4` is above 1", "`mean = 0.485`, `std = 0.229`"]);
    told(&with(&[-300.0], &[350.0], Some([-1000.0, 400.0])), &["in units of the window: `mean = 0.5`, `std = 0.25`"]);
    none_about(&with(&[0.485], &[0.229], None), "0..1");
    none_about(&with(&[0.0], &[1.0], None), "0..1");
}

const PLACE: Affine = [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, -20.0], [0.0, 0.0, 2.0, 9.0]];

/// A volume of 8 x 8 x 3 voxels, its mask, and a block whose training has `a` and `b`, and whose test `c`.
fn volume_set(dir: &Path, images: [NiftiFile; 3]) -> DataSpec {
    for (name, image) in ["a", "b", "c"].into_iter().zip(images) {
        image.write(&dir.join(format!("i/{name}.nii.gz")));
        let mask: Vec<i16> = (0..192).map(|v| i16::from(v % 8 > 3)).collect();
        NiftiFile::new([8, 8, 3], PLACE, &mask).write(&dir.join(format!("m/{name}.nii.gz")));
    }
    volume_block(dir, "i/*", "m/*")
}

fn volume_block(dir: &Path, images: &str, masks: &str) -> DataSpec {
    fs::write(dir.join("train.txt"), "a\nb\n").unwrap();
    fs::write(dir.join("test.txt"), "c\n").unwrap();
    let split = Split::Lists { train: "train.txt".into(), val: None, test: "test.txt".into() };
    DataSpec {
        labels: vec![0, 1],
        mask_rule: MaskRule::Exact,
        window: Some([0.0, 1000.0]),
        split,
        ..spec(images, masks, [8, 8])
    }
}

fn values(seed: usize) -> Vec<i16> {
    (0..192).map(|v| ((v * 37 + seed * 101 + v * v * (seed + 3)) % 1000) as i16).collect()
}

#[test]
fn equal_volumes_in_two_parts_of_the_split_are_told() {
    let of = |seed| NiftiFile::new([8, 8, 3], PLACE, &values(seed));
    let dir = tempdir().unwrap();
    let block = volume_set(dir.path(), [of(1), of(2), of(3)]);
    none_about(&warnings(&block, dir.path()), "the same");
    assert_eq!(leakage_warnings(&Dataset::open(&block, dir.path()).unwrap()), [""; 0]);
    // The voxels of `b` under another header, which changes every byte behind it in a compressed file.
    let mut copy = of(2);
    copy.put(148, b"anonymised");
    let block = volume_set(dir.path(), [of(1), of(2), copy]);
    told(&warnings(&block, dir.path()), &["`b` in train and `c` in test are the same volume", "help: data leakage"]);
    told(&leakage_warnings(&Dataset::open(&block, dir.path()).unwrap()), &["`b` in train and `c` in test"]);
    // Equal at the beginning alone.
    let mut near = values(2);
    near[191] += 1;
    let block = volume_set(dir.path(), [of(1), of(2), NiftiFile::new([8, 8, 3], PLACE, &near)]);
    none_about(&warnings(&block, dir.path()), "the same volume");
}

/// Writes a series of four slices with a PatientID, and a mask picture for each.
fn series(dir: &Path, name: &str, seed: usize, patient: &str) {
    for slice in 0..4 {
        let values: Vec<u16> =
            (0..64).map(|p| ((p * 31 + seed * 77 + slice * 13 + p * p * seed) % 1000) as u16).collect();
        let mut file = DicomFile::new(slice, [8, 8], &values);
        file.text([0x20, 0x0e], "UI", &format!("1.2.{seed}")).text([0x10, 0x20], "LO", patient);
        file.write(&dir.join(format!("i/{name}/{slice}.dcm")));
        let mask: Vec<u8> = (0..64).map(|p| u8::from(p % 8 > 3)).collect();
        grey(&dir.join(format!("m/{name}/{slice}.png")), [8, 8], &mask);
    }
}

#[test]
fn series_of_one_patient_in_two_parts_of_the_split_are_told() {
    let dir = tempdir().unwrap();
    let write = |patients: [&str; 3]| {
        for (i, (name, patient)) in ["a", "b", "c"].into_iter().zip(patients).enumerate() {
            series(dir.path(), name, i + 1, patient);
        }
        warnings(&volume_block(dir.path(), "i/*", "m/*"), dir.path())
    };
    none_about(&write(["P1", "P1", "P2"]), "one patient");
    none_about(&write(["", "", ""]), "one patient");
    let found = write(["P0", "P77", "P77"]);
    told(&found, &["2 series are of one patient (PatientID): `b` in train, `c` in test", "`group`", "data leakage"]);
    // Logs hold no identity.
    none_about(&found, "P77");
    told(
        &write(["P1", "P1", "P1"]),
        &["3 series are of one patient", "`a` and 1 more in train", "in place of the true ones"],
    );
}

#[test]
fn equal_series_in_two_parts_of_the_split_are_told() {
    let dir = tempdir().unwrap();
    for (name, seed, patient) in [("a", 1, "P1"), ("b", 2, "P2"), ("c", 2, "P3")] {
        series(dir.path(), name, seed, patient);
    }
    let block = volume_block(dir.path(), "i/*", "m/*");
    told(&warnings(&block, dir.path()), &["`b` in train and `c` in test are the same volume"]);
}
