//! `npc new` on folders that mislead: masks written in two ways, channels, alpha, layouts of splits, few volumes, odd names.

use crate::support::data_sets::{grey, png};
use crate::support::nifti_file::NiftiFile;
use crate::support::program::npc;
use crate::support::project_files::{
    SIDE, SIZE, assert_made, checked, classes, disc, made, pairs, picture, refused, scaled,
};
use image::ExtendedColorType::Rgba8;
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::tempdir;

const VOXELS: [[f32; 4]; 3] = [[1.0, 0.0, 0.0, 5.0], [0.0, 1.0, 0.0, 7.0], [0.0, 0.0, 4.0, 9.0]];

/// Writes a volume of 6 slices with the disc of class 1 in two of them, whose voxels have the value `inside`.
fn volume(folder: &Path, image: &str, mask: &str, i: usize, inside: i16) {
    let (n, slices) = (SIDE as i16, 6usize);
    let masks: Vec<i16> = (0..slices)
        .flat_map(|z| disc(i + z).into_iter().map(move |v| i16::from(v) * i16::from((3..5).contains(&z))))
        .collect();
    let value = |(p, class): (usize, &i16)| if *class == 1 { inside } else { -1000 + (p * 31 % 1060) as i16 };
    let values: Vec<i16> = masks.iter().enumerate().map(value).collect();
    for (name, voxels) in [(image, &values), (mask, &masks)] {
        NiftiFile::new([n, n, slices as i16], VOXELS, voxels).write(&folder.join(name));
    }
}

/// Instance masks whose numbers all masks share: many are objects, and few may be classes, which is said.
#[test]
fn numbers_of_objects_that_all_masks_share() {
    // Squares of four pixels, shifted from mask to mask.
    let squares = |count: usize, i: usize| -> Vec<u8> {
        let number = |p: usize| {
            let [y, x] = [p / SIDE, (p + i % 2) % SIDE];
            let number = y / 5 * 9 + x / 5 + 1;
            if y % 5 < 4 && x % 5 < 4 && x < 45 && number <= count { number as u8 } else { 0 }
        };
        (0..SIDE * SIDE).map(number).collect()
    };
    let write = |count: usize| {
        let folder = tempdir().unwrap();
        for i in 0..9 {
            let mask = squares(count, i);
            let bright: Vec<u8> = mask.iter().map(|number| u8::from(*number > 0)).collect();
            grey(&folder.path().join(format!("set/images/a{i}.png")), SIZE, &picture(&bright, i));
            grey(&folder.path().join(format!("set/masks/a{i}.png")), SIZE, &mask);
        }
        folder
    };
    let many = write(60);
    let output = made(&many, &["--images", "set"]);
    let why = "the masks have 61 values from 0 to 60, more than classes can have, so they are taken for numbers of objects, and all \
               above 0 are one class";
    assert!(output.stdout.contains(why), "{}", output.stdout);
    let file = checked(&many, "0 errors");
    assert!(file.contains("mask = threshold(0)") && file.contains("labels = [0, 1]"), "{file}");
    let few = write(6);
    let output = made(&few, &["--images", "set"]);
    let why =
        "if they number the objects of an image, write `labels = [0, 1]`, two `classes` and `mask = threshold(0)`";
    assert!(output.stdout.contains(why), "{}", output.stdout);
    assert!(checked(&few, "0 errors").contains("labels = [0, 1, 2, 3, 4, 5, 6]"));
}

#[test]
fn a_mask_of_255_among_masks_of_1_keeps_its_object() {
    let folder = tempdir().unwrap();
    for i in 0..18 {
        grey(&folder.path().join(format!("set/images/a{i}.png")), SIZE, &picture(&disc(i), i));
        let by = if i == 7 { 255 } else { 1 };
        grey(&folder.path().join(format!("set/masks/a{i}.png")), SIZE, &scaled(&disc(i), by));
    }
    let output = assert_made(&folder, &["--images", "set"], &["mask = threshold(0)", "labels = [0, 1]"]);
    let why = "1 of 18 masks hold 255 where the others hold another number, and none holds both, so all above 0 is the object: \
               `set/masks/a7.png`";
    assert!(output.stdout.contains(why) && !output.stdout.contains("(ignored)"), "{}", output.stdout);

    // With several classes 255 may be any of them.
    let folder = tempdir().unwrap();
    for i in 0..9 {
        let mask = if i == 2 { scaled(&disc(i), 255) } else { classes(i) };
        grey(&folder.path().join(format!("set/images/a{i}.png")), SIZE, &picture(&classes(i), i));
        grey(&folder.path().join(format!("set/masks/a{i}.png")), SIZE, &mask);
    }
    let output = made(&folder, &["--images", "set"]);
    checked(&folder, "0 errors");
    for part in [
        "255 beside numbers of classes mostly marks pixels without a class; 1 of 9 masks: `set/masks/a2.png`",
        "1 of them hold no class besides it, so nothing of that image is learnt: give 255 a label if it is a class",
    ] {
        assert!(output.stdout.contains(part), "`{part}` is not in {}", output.stdout);
    }
}

#[test]
fn of_several_channels_the_first_is_used_and_the_others_are_named() {
    let folder = tempdir().unwrap();
    for i in 0..8 {
        let mask = disc(i);
        for channel in 0..3 {
            grey(
                &folder.path().join(format!("set/imagesTr/p{i}_{channel:04}.png")),
                SIZE,
                &picture(&mask, i + channel),
            );
        }
        grey(&folder.path().join(format!("set/labelsTr/p{i}.png")), SIZE, &mask);
    }
    let output = made(&folder, &["--images", "set"]);
    checked(&folder, "0 errors");
    for part in [
        "16 files of further channels: set/imagesTr/p0_0001.png",
        "npc reads one image a case: `_0000` is used; for another one write `_0001` in its place",
    ] {
        assert!(output.stdout.contains(part), "`{part}` is not in {}", output.stdout);
    }
    assert!(!output.stdout.contains("without mask"), "{}", output.stdout);
}

#[test]
fn the_alpha_of_images_is_their_mask_where_there_is_no_other() {
    let folder = tempdir().unwrap();
    let write = |name: &str, i: usize, opaque: bool| {
        let mask = disc(i);
        let grey = picture(&mask, i);
        let rgba: Vec<u8> = (0..SIDE * SIDE)
            .flat_map(|p| [grey[p], grey[p], grey[p], if opaque { 255 } else { 255 * mask[p] }])
            .collect();
        png(&folder.path().join(name), SIZE, Rgba8, &rgba);
    };
    (0..8).for_each(|i| write(&format!("cut/{i}.png"), i, false));
    let output = made(&folder, &["--images", "cut"]);
    let text = checked(&folder, "0 errors");
    assert!(text.contains("mask = alpha") && text.contains("list = \"cases.csv\""), "{text}");
    let how = "no mask is beside the images, and parts of each image are transparent: its alpha is the mask";
    assert!(output.stdout.contains(how), "{}", output.stdout);
    let list = fs::read_to_string(folder.path().join("p/cases.csv")).unwrap();
    assert!(list.contains("../cut/3.png,../cut/3.png\n"), "{list}");
    // Opaque images have no mask.
    fs::remove_dir_all(folder.path().join("p")).unwrap();
    (0..8).for_each(|i| write(&format!("whole/{i}.png"), i, true));
    refused(&folder, &["--images", "whole"], &["E0710", "no masks for these 8 images"]);
}

#[test]
fn layouts_of_published_sets_are_splits() {
    // ISIC, DRIVE, CamVid, and a folder for each part and kind.
    let layouts: [[[&str; 2]; 3]; 4] = [
        [
            ["ISIC_Training_Input", "ISIC_Training_GroundTruth"],
            ["ISIC_Validation_Input", "ISIC_Validation_GroundTruth"],
            ["ISIC_Test_Input", "ISIC_Test_GroundTruth"],
        ],
        [
            ["training/images", "training/1st_manual"],
            ["valid/images", "valid/1st_manual"],
            ["test/images", "test/1st_manual"],
        ],
        [["train", "trainannot"], ["val", "valannot"], ["test", "testannot"]],
        [["train_images", "train_masks"], ["val_images", "val_masks"], ["test_images", "test_masks"]],
    ];
    for layout in layouts {
        let folder = tempdir().unwrap();
        let [train, val, test] = layout;
        let part = |i: usize| [train, train, val, test][i % 4];
        pairs(folder.path(), 16, |i| part(i).map(|dir| format!("set/{dir}/{:02}.png", i / 4)));
        let output = made(&folder, &["--images", "set"]);
        let text = checked(&folder, "0 errors");
        let is_split =
            output.stdout.contains("8 train, 4 val, 4 test") || output.stdout.contains("4 train, 4 val, 4 test");
        assert!(is_split && text.contains("split = column"), "{layout:?}: {}", output.stdout);
    }
    // A few images beside the parts are not used, and many make the folders doubtful.
    for (others, words) in [
        (2, "2 of 26 images are in folders that are no part of the split, and are not used"),
        (12, "the folders name training and test for 24 of 36 images alone, so they are not taken for the split"),
    ] {
        let folder = tempdir().unwrap();
        let part = |i: usize| if i < 24 { ["train", "test"][i % 2] } else { "extra" };
        pairs(folder.path(), 24 + others, |i| {
            ["images", "masks"].map(|kind| format!("set/{}/{kind}/{i}.png", part(i)))
        });
        let output = made(&folder, &["--images", "set"]);
        checked(&folder, "0 errors");
        assert!(output.stdout.contains(words), "`{words}` is not in {}", output.stdout);
    }
    // PASCAL VOC has lists for training and validation alone.
    let folder = tempdir().unwrap();
    pairs(folder.path(), 10, |i| ["JPEGImages", "SegmentationClass"].map(|dir| format!("voc/{dir}/{i}.png")));
    let lists = folder.path().join("voc/ImageSets/Segmentation");
    fs::create_dir_all(&lists).unwrap();
    fs::write(lists.join("train.txt"), "0\n1\n2\n3\n4\n5\n").unwrap();
    fs::write(lists.join("val.txt"), "6\n7\n8\n9\n").unwrap();
    let at = "../voc/ImageSets/Segmentation";
    let split = format!("split = lists(train = \"{at}/train.txt\", val = 0.1, test = \"{at}/val.txt\")");
    let output = made(&folder, &["--images", "voc"]);
    let text = checked(&folder, "0 errors");
    let joined: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let one_line = joined.replace("lists( ", "lists(").replace(", )", ")");
    assert!(one_line.contains(&split), "{text}");
    assert!(output.stdout.contains("there is no list for a test, so `val.txt` is the test"), "{}", output.stdout);
}

#[test]
fn few_volumes_are_divided_so_that_most_train() {
    let folder = tempdir().unwrap();
    (0..6).for_each(|i| {
        volume(folder.path(), &format!("set/images/v{i}.nii.gz"), &format!("set/masks/v{i}.nii.gz"), i, 60)
    });
    let output = made(&folder, &["--images", "set"]);
    checked(&folder, "0 errors");
    for part in [
        "8 train, 2 val, 2 test slices",
        "4 train, 1 val, 1 test of 6 patients, recordings or volumes",
        "of 6 groups (patients, recordings or volumes) 4 train, 1 validate and 1 test",
        "with `kfold(k = 6, fold = 0)`, and 6 runs with folds 0 to 5, each group is tested once",
    ] {
        assert!(output.stdout.contains(part), "`{part}` is not in {}", output.stdout);
    }
    let output = npc(folder.path(), &["new", "q", "--images", "set", "--format", "json"]);
    let json: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(json["split_of_groups"], serde_json::json!({ "train": 4, "val": 1, "test": 1 }));
}

#[test]
fn the_window_holds_a_small_organ() {
    let folder = tempdir().unwrap();
    (0..6).for_each(|i| {
        volume(folder.path(), &format!("set/images/v{i}.nii.gz"), &format!("set/masks/v{i}.nii.gz"), i, 2400);
    });
    let output = made(&folder, &["--images", "set"]);
    let text = checked(&folder, "0 errors");
    assert!(text.contains("window = [-1000, 2400]"), "{text}");
    let why =
        "99 % of those inside each class lie in it; it is wider for `foreground`, which has values of 2400 to 2400";
    assert!(output.stdout.contains(why), "{}", output.stdout);
}

/// A spreadsheet would compute these names, so the list is written with an apostrophe in front, which its reader removes.
#[test]
fn names_that_look_like_formulas_come_back_from_the_list() {
    let folder = tempdir().unwrap();
    let inside = folder.path().join("p");
    let stem = |i: usize| format!("{}{i}", ["=", "@", "-x", "+y"][i % 4]);
    pairs(&inside, 8, |i| [format!("{}.png", stem(i)), format!("{}_mask.png", stem(i))]);
    // A second mask of an image takes the patterns away.
    grey(&inside.join("=0_mask_2.png"), SIZE, &scaled(&disc(0), 255));
    let output = npc(&inside, &["new", ".", "--images", "."]);
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
    let list = fs::read_to_string(inside.join("cases.csv")).unwrap();
    assert!(list.contains("\n'=0.png,'=0_mask.png\n") && list.contains("\n'-x2.png,'-x2_mask.png\n"), "{list}");
    let output = npc(&inside, &["data", "check", "p.model", "--format", "json"]);
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
    let json: Value = serde_json::from_str(&output.stdout).unwrap();
    let images = json["data"][0]["images"].as_array().unwrap();
    let mut stems: Vec<&str> = images.iter().map(|image| image["stem"].as_str().unwrap()).collect();
    stems.sort_unstable();
    assert_eq!(stems, ["+y3", "+y7", "-x2", "-x6", "=0", "=4", "@1", "@5"]);
}

/// Only on Windows is `\` a separator.
#[cfg(unix)]
#[test]
fn backslashes_in_names_stay() {
    let folder = tempdir().unwrap();
    pairs(folder.path(), 8, |i| [format!("a\\b/x\\{i}.png"), format!("a\\b/x\\{i}_mask.png")]);
    made(&folder, &["--images", "a\\b"]);
    let text = checked(&folder, "0 errors");
    assert!(text.contains("images = \"../a\\\\b/*.png\""), "{text}");
}
