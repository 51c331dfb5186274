//! Pairing of images and masks, and the split of each case.

use crate::support::data_sets::{grey, only, phantoms, refused, small_set, spec, stems};
use npc::internals::data::{Dataset, SplitRole, natural};
use npc::text::config::{DataSpec, ListedValidation, Split};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use tempfile::tempdir;

#[test]
fn pairs_are_matched_by_the_star() {
    let dir = tempdir().unwrap();
    for (image, mask) in [
        ("In Put/ISIC_10.PNG", "Ground Truth/isic_10_Segmentation.png"),
        ("In Put/ISIC_9.png", "Ground Truth/ISIC_9_segmentation.PNG"),
    ] {
        grey(&dir.path().join(image), [2, 2], &[0, 50, 100, 150]);
        grey(&dir.path().join(mask), [2, 2], &[0, 0, 255, 255]);
    }
    fs::write(dir.path().join("In Put/LICENSE.txt"), "text").unwrap();
    fs::write(dir.path().join("In Put/._ISIC_9.png"), "left by another system").unwrap();
    let data =
        Dataset::open(&only(spec("in put/*.png", "ground truth/*_segmentation.png", [2, 2])), dir.path()).unwrap();
    assert_eq!(stems(&data, SplitRole::Train), ["ISIC_9", "ISIC_10"]);
    let data = Dataset::open(&only(spec("In Put/*", "Ground Truth/*_segmentation.png", [2, 2])), dir.path()).unwrap();
    assert_eq!(stems(&data, SplitRole::Train), ["ISIC_9", "ISIC_10"]);
}

#[test]
fn star_may_be_a_folder() {
    let dir = tempdir().unwrap();
    for case in ["p1", "p2"] {
        grey(&dir.path().join(case).join("image.png"), [1, 1], &[9]);
        grey(&dir.path().join(case).join("mask.png"), [1, 1], &[255]);
    }
    fs::create_dir(dir.path().join("notes")).unwrap();
    let data = Dataset::open(&only(spec("*/image.png", "*/mask.png", [1, 1])), dir.path()).unwrap();
    assert_eq!(stems(&data, SplitRole::Train), ["p1", "p2"]);
}

#[test]
fn image_and_mask_in_one_folder() {
    let dir = tempdir().unwrap();
    for i in 0..3 {
        grey(&dir.path().join(format!("{i}.png")), [1, 1], &[9]);
        grey(&dir.path().join(format!("{i}_mask.png")), [1, 1], &[255]);
    }
    let data = Dataset::open(&only(spec("*.png", "*_mask.png", [1, 1])), dir.path()).unwrap();
    assert_eq!(stems(&data, SplitRole::Train), ["0", "1", "2"]);
    refused(
        Dataset::open(&spec("*.png", "*.png", [1, 1]), dir.path()),
        &["matches both the image pattern", "the mask pattern"],
    );
}

#[test]
fn patterns_that_cannot_be_meant() {
    let dir = small_set(2);
    let open = |images: &str| Dataset::open(&spec(images, "masks/*.png", [8, 8]), dir.path());
    refused(open("images/a.png"), &["images = \"images/a.png\"", "has 0 `*`", "exactly one"]);
    refused(open("*/*.png"), &["has 2 `*`"]);
    refused(open("images/*.tif"), &["no image file matches", "images/*.tif", "2 *.png"]);
    refused(open("imgs/*.png"), &["no such folder", "imgs"]);
    refused(Dataset::open(&spec("images/*.png", "masks/*.png", [0, 8]), dir.path()), &["size 0 x 8"]);
}

#[test]
fn same_stem_twice() {
    let dir = small_set(2);
    grey(&dir.path().join("images/a1.jpg.png"), [1, 1], &[1]);
    fs::rename(dir.path().join("images/a1.jpg.png"), dir.path().join("images/a1.jpg")).unwrap();
    refused(Dataset::open(&spec("images/*", "masks/*", [8, 8]), dir.path()), &["same stem `a1`", "a1.jpg", "a1.png"]);
}

#[test]
fn unpaired_files_are_named() {
    let dir = small_set(15);
    for i in 0..12 {
        fs::remove_file(dir.path().join(format!("masks/a{i}.png"))).unwrap();
    }
    fs::remove_file(dir.path().join("images/a14.png")).unwrap();
    let text = refused(
        Dataset::open(&spec("images/*.png", "masks/*.png", [8, 8]), dir.path()),
        &["12 images without mask", "1 mask without image", "images/a9.png, and 2 more", "masks/a14.png"],
    );
    assert!(text.contains("a2.png, images/a3.png") && !text.contains("a10.png"), "{text}");
}

#[test]
fn names_sort_as_numbers() {
    let mut names = vec!["10", "9", "a10_2", "a9_11", "a9_2", "1", "007", "7", "b", "a"];
    names.sort_by(|a, b| natural(a, b));
    assert_eq!(names, ["1", "007", "7", "9", "10", "a", "a9_2", "a9_11", "a10_2", "b"]);
}

#[test]
fn random_split_depends_on_names_and_seed_only() {
    let split = |order: &[usize], seed| {
        let dir = tempdir().unwrap();
        for i in order {
            grey(&dir.path().join(format!("i/{i}.png")), [1, 1], &[1]);
            grey(&dir.path().join(format!("m/{i}.png")), [1, 1], &[0]);
        }
        let split = Split::Random { train: 0.7, val: 0.1, test: 0.2, seed };
        let data = Dataset::open(&DataSpec { split, ..spec("i/*.png", "m/*.png", [1, 1]) }, dir.path()).unwrap();
        [SplitRole::Train, SplitRole::Val, SplitRole::Test].map(|r| stems(&data, r).join(" "))
    };
    let forward: Vec<usize> = (0..30).collect();
    let backward: Vec<usize> = (0..30).rev().collect();
    let first = split(&forward, 3);
    assert_eq!(first, split(&backward, 3));
    assert_ne!(first, split(&forward, 4));
    assert_eq!(first.each_ref().map(|part| part.split(' ').count()), [21, 3, 6]);
    let all: BTreeSet<&str> = first.iter().flat_map(|part| part.split(' ')).collect();
    assert_eq!(all.len(), 30);
    // The values are fixed: a change would redraw every published split.
    assert_eq!(first[2], "0 1 21 25 26 29");
}

#[test]
fn sizes_of_the_papers_split() {
    let count = |n, share: f64| {
        let split = Split::Random { train: 1.0 - share, val: 0.0, test: share, seed: 0 };
        let data = Dataset::open(&DataSpec { split, ..phantoms(n, [8, 8]) }, Path::new("")).unwrap();
        (data.len(SplitRole::Train), data.len(SplitRole::Val), data.len(SplitRole::Test))
    };
    assert_eq!(count(2594, 0.2), (2075, 0, 519));
    assert_eq!(count(267, 0.2), (213, 0, 54));
    assert_eq!(count(100, 0.07), (93, 0, 7));
}

#[test]
fn empty_roles() {
    let dir = small_set(1);
    refused(
        Dataset::open(&spec("images/*.png", "masks/*.png", [8, 8]), dir.path()),
        &["the train split is empty", "of 1 image"],
    );
    let split = Split::Random { train: 0.5, val: 0.1, test: 0.1, seed: 0 };
    refused(Dataset::open(&DataSpec { split, ..phantoms(9, [8, 8]) }, dir.path()), &["sum to 1"]);
}

#[test]
fn lists_split_and_are_written_back() {
    let dir = small_set(6);
    let lists = |train: &str, val: Option<&str>, test: &str| {
        fs::write(dir.path().join("tr.txt"), train).unwrap();
        fs::write(dir.path().join("va.txt"), val.unwrap_or("")).unwrap();
        fs::write(dir.path().join("te.txt"), test).unwrap();
        let val = val.map(|_| ListedValidation::List("va.txt".into()));
        let split = Split::Lists { train: "tr.txt".into(), val, test: "te.txt".into() };
        Dataset::open(&DataSpec { split, ..spec("images/*.png", "masks/*.png", [8, 8]) }, dir.path())
    };
    let data = lists("\u{feff}a3\r\na0\r\n\r\n", Some("A1\n"), "a4").unwrap();
    assert_eq!(stems(&data, SplitRole::Train), ["a3", "a0"]);
    assert_eq!(stems(&data, SplitRole::Val), ["a1"]);
    assert_eq!(stems(&data, SplitRole::Test), ["a4"]);
    let out = dir.path().join("run/split");
    data.write_split(&out).unwrap();
    assert_eq!(fs::read_to_string(out.join("train.txt")).unwrap(), "a3\na0\n");
    assert_eq!(fs::read_dir(&out).unwrap().count(), 3);

    refused(lists("a0\na9", None, "a1"), &["tr.txt", "line 2", "`a9` is not one of the 6 stems"]);
    refused(lists("a0.png", None, "a1"), &["without the file extension"]);
    refused(lists("a0\na1", None, "a2\na1"), &["te.txt", "line 2", "already in line 2 of tr.txt"]);
    refused(lists("a0\na0", None, "a1"), &["tr.txt", "line 2", "line 1 of tr.txt"]);
    refused(lists("a0", None, " \n"), &["te.txt", "the list is empty"]);
    fs::remove_file(dir.path().join("te.txt")).unwrap();
    let split = Split::Lists { train: "tr.txt".into(), val: None, test: "te.txt".into() };
    let spec = DataSpec { split, ..spec("images/*.png", "masks/*.png", [8, 8]) };
    fs::write(dir.path().join("tr.txt"), "a0").unwrap();
    refused(Dataset::open(&spec, dir.path()), &["te.txt", "cannot be read"]);
}
