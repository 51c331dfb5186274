//! `npc new`: the model file that it writes passes `npc data check`, and says what was guessed.

use crate::support::data_sets::{grey, jpeg, png, tif};
use crate::support::nifti_file::NiftiFile;
use crate::support::picture_files::write_png;
use crate::support::program::npc;
use crate::support::project_files::{
    SIDE, SIZE, assert_made, checked, classes, disc, made, pairs, picture, refused, scaled,
};
use image::ExtendedColorType::{Rgb8, Rgba8};
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::tempdir;
use tiff::encoder::colortype;

#[test]
fn a_project_without_images_has_generated_ones() {
    let folder = tempdir().unwrap();
    let output = assert_made(
        &folder,
        &[],
        &[
            "images = \"images/*.png\"",
            "classes = [\"background\", \"lung\"]",
            "labels = [0, 255]",
            "size = [128, 128]",
        ],
    );
    for part in ["60 (.png) in p/images", "42 train, 6 val, 12 test", "  cd p\n", "  npc train p.model first\n"] {
        assert!(output.stdout.contains(part), "`{part}` is not in {}", output.stdout);
    }
    assert_eq!(fs::read_dir(folder.path().join("p/images")).unwrap().count(), 60);
    let before = fs::read(folder.path().join("p/p.model")).unwrap();
    let again = npc(folder.path(), &["new", "p"]);
    assert!(again.code == 1 && again.stderr.contains("p/p.model: exists already"), "{}", again.stderr);
    assert_eq!(fs::read(folder.path().join("p/p.model")).unwrap(), before);
    fs::remove_file(folder.path().join("p/p.model")).unwrap();
    let again = npc(folder.path(), &["new", "p"]);
    assert!(again.code == 1 && again.stderr.contains("npc new p --images p/images"), "{}", again.stderr);
}

#[test]
fn of_two_commands_at_once_one_makes_the_project() {
    let folder = tempdir().unwrap();
    let start = || {
        std::process::Command::new(env!("CARGO_BIN_EXE_npc"))
            .args(["new", "p"])
            .current_dir(folder.path())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap()
    };
    let started: Vec<_> = (0..4).map(|_| start()).collect();
    let ended: Vec<_> = started.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
    let codes: Vec<Option<i32>> = ended.iter().map(|output| output.status.code()).collect();
    assert_eq!(codes.iter().filter(|code| **code == Some(0)).count(), 1, "{codes:?}");
    for output in ended.iter().filter(|output| !output.status.success()) {
        let text = String::from_utf8_lossy(&output.stderr);
        let known = ["another `npc new` writes into this folder", "p.model: exists already"];
        assert!(known.iter().any(|words| text.contains(words)), "{text}");
    }
    assert_eq!(fs::read_dir(folder.path().join("p/masks")).unwrap().count(), 60);
    checked(&folder, "");
}

/// The names of the folder, of the blocks of the language and of the file's own parts do not clash.
#[test]
fn every_name_of_a_folder_makes_a_project() {
    let folder = tempdir().unwrap();
    let names = [("double", "double_project"), ("first", "first_project"), ("unet", "unet"), ("conv", ""), ("std", "")];
    for (dir, name) in names {
        let output = npc(folder.path(), &["new", &format!("a/{dir}")]);
        assert_eq!(output.code, 0, "{dir}: {}{}", output.stdout, output.stderr);
        if !name.is_empty() {
            assert!(output.stdout.contains(&format!("npc train {name}.model first")), "{}", output.stdout);
        }
    }
}

#[test]
fn palettes_count_by_their_indices_and_255_is_ignored() {
    let folder = tempdir().unwrap();
    let mut palette = vec![0; 768];
    palette[3..9].copy_from_slice(&[128, 0, 0, 0, 128, 0]);
    palette[765..].copy_from_slice(&[224, 224, 192]);
    for i in 0..12 {
        let mut mask = classes(i);
        jpeg(&folder.path().join(format!("voc/JPEGImages/2007_{i:06}.jpg")), SIZE, &picture(&mask, i));
        mask[..SIDE].fill(255);
        let path = folder.path().join(format!("voc/SegmentationClass/2007_{i:06}.png"));
        write_png(&path, SIZE, png::ColorType::Indexed, png::BitDepth::Eight, &[(b"PLTE", &palette)], &mask);
    }
    let output = assert_made(
        &folder,
        &["--images", "voc"],
        &["labels = [0, 1, 2]", "ignore = 255", "masks = \"../voc/SegmentationClass/*.png\""],
    );
    assert!(output.stdout.contains("files in folders called `SegmentationClass` are masks"), "{}", output.stdout);
    assert!(output.stdout.contains("ignore = 255\n      255 beside numbers of classes"), "{}", output.stdout);
}

#[test]
fn pictures_of_16_bits_get_a_window() {
    let folder = tempdir().unwrap();
    for i in 0..8 {
        let values: Vec<u16> = picture(&disc(i), i).iter().map(|v| 300 + 12 * u16::from(*v)).collect();
        tif::<colortype::Gray16>(&folder.path().join(format!("scans/cell{i}.tif")), SIZE, &values, true);
        grey(&folder.path().join(format!("labels/cell{i}_label.png")), SIZE, &disc(i));
    }
    let args = ["--images", "scans/*.tif", "--masks", "labels/*_label.png"];
    let lines = ["window = [700, 2000]", "labels = [0, 1]", "masks = \"../labels/*_label.png\""];
    assert_made(&folder, &args, &lines);
}

#[test]
fn volumes_are_cut_and_named_by_dataset_json() {
    let folder = tempdir().unwrap();
    let (n, slices) = (SIDE as i16, 6);
    for i in 0..4 {
        let masks: Vec<i16> = (0..slices)
            .flat_map(|z| disc(i + z).into_iter().map(move |v| i16::from(v) * i16::from((2..5).contains(&z))))
            .collect();
        let values: Vec<i16> =
            masks.iter().enumerate().map(|(p, class)| -900 + 850 * class + (p * 31 % 60) as i16).collect();
        let affine = [[1.0, 0.0, 0.0, 5.0], [0.0, 1.0, 0.0, 7.0], [0.0, 0.0, 4.0, 9.0]];
        let write = |name: String, voxels: &[i16]| {
            NiftiFile::new([n, n, slices as i16], affine, voxels).write(&folder.path().join(name));
        };
        write(format!("set/imagesTr/liver_{i:03}_0000.nii.gz"), &values);
        write(format!("set/labelsTr/liver_{i:03}.nii.gz"), &masks);
    }
    fs::write(folder.path().join("set/dataset.json"), r#"{"labels": {"background": 0, "liver": 1}}"#).unwrap();
    let lines = [
        "images = \"../set/imagesTr/*_0000.nii.gz\"",
        "masks = \"../set/labelsTr/*.nii.gz\"",
        "classes = [\"background\", \"liver\"]",
        "slices = labelled",
        "window = [-900, 10]",
    ];
    let output = made(&folder, &["--images", "set"]);
    assert!(output.stdout.contains("4 volumes with 12 slices that are used"), "{}", output.stdout);
    let text = checked(&folder, "0 errors");
    lines.iter().for_each(|line| assert!(text.lines().any(|l| l.trim() == *line), "`{line}` is not in {text}"));
}

#[test]
fn two_colours_are_labels() {
    let folder = tempdir().unwrap();
    for i in 0..8 {
        let mask = disc(i);
        let rgb: Vec<u8> = mask.iter().flat_map(|v| if *v == 0 { [0, 0, 255] } else { [255, 255, 0] }).collect();
        grey(&folder.path().join(format!("input/frame {i}.png")), SIZE, &picture(&mask, i));
        png(&folder.path().join(format!("target/frame {i}.png")), SIZE, Rgb8, &rgb);
    }
    let lines = ["labels = [\"#0000ff\", \"#ffff00\"]", "mask = colour"];
    assert_made(&folder, &["--images", "input", "--masks", "target"], &lines);
}

#[test]
fn patients_in_names_are_groups() {
    let folder = tempdir().unwrap();
    let name = |i: usize| ["images", "masks"].map(|part| format!("set/{part}/patient{}_slice{:02}.png", i / 4, i % 4));
    pairs(folder.path(), 24, name);
    let output = assert_made(
        &folder,
        &["--images", "set"],
        &["split = random(val = 0.15, test = 0.15, seed = 0, group = \"{group}_slice*\")"],
    );
    for part in [
        "look like 6 patients or recordings, such as `patient0`",
        "16 train, 4 val, 4 test images",
        "4 train, 1 val, 1 test of 6 patients, recordings or volumes",
        "with `kfold(k = 6, fold = 0, group = \"{group}_slice*\")`, and 6 runs with folds 0 to 5, each group is tested once",
    ] {
        assert!(output.stdout.contains(part), "`{part}` is not in {}", output.stdout);
    }
}

#[test]
fn masks_beside_their_images_are_found() {
    let folder = tempdir().unwrap();
    pairs(folder.path(), 8, |i| ["", "-seg"].map(|end| format!("flat/x{i}{end}.png")));
    assert_made(&folder, &["--images", "flat"], &["images = \"../flat/*.png\"", "masks = \"../flat/*-seg.png\""]);
    // A second mask of one image takes the patterns away.
    grey(&folder.path().join("flat/x3-seg_1.png"), SIZE, &scaled(&disc(3), 255));
    let output = npc(folder.path(), &["new", "q", "--images", "flat"]);
    assert!(output.stdout.contains("1 mask without image: flat/x3-seg_1.png"), "{}", output.stdout);
    assert!(
        fs::read_to_string(folder.path().join("q/cases.csv")).unwrap().contains("../flat/x3.png,../flat/x3-seg.png\n")
    );
    assert_eq!(npc(&folder.path().join("q"), &["data", "check", "q.model"]).code, 0);
}

#[test]
fn lists_and_folders_of_a_split_are_used() {
    let folder = tempdir().unwrap();
    let part = |i: usize| ["train", "val", "test"][(i / 4).saturating_sub(1).min(2)];
    pairs(folder.path(), 15, |i| ["images", "masks"].map(|kind| format!("set/{}/{kind}/{i}.png", part(i))));
    let output = assert_made(&folder, &["--images", "set"], &["list = \"cases.csv\"", "split = column"]);
    assert!(output.stdout.contains("8 train, 4 val, 3 test"), "{}", output.stdout);
    let list = fs::read_to_string(folder.path().join("p/cases.csv")).unwrap();
    assert!(list.starts_with("image,mask,split\n../set/test/images/12.png,../set/test/masks/12.png,test\n"), "{list}");

    let folder = tempdir().unwrap();
    pairs(folder.path(), 10, |i| ["images", "masks"].map(|kind| format!("set/{kind}/{i}.png")));
    fs::write(folder.path().join("set/train.txt"), "0\n1\n2\n3\n4\n5\n6\n").unwrap();
    fs::write(folder.path().join("set/test.txt"), "7\n8\n9\n").unwrap();
    let split = "split = lists(train = \"../set/train.txt\", val = 0.1, test = \"../set/test.txt\")";
    let output = assert_made(&folder, &["--images", "set"], &[split]);
    let why = "there is no list for validation, so 1 of the 7 images of the training list choose the best epoch";
    assert!(output.stdout.contains(why), "{}", output.stdout);
    fs::write(folder.path().join("set/test.txt"), "7\n8\n100\n").unwrap();
    let output = npc(folder.path(), &["new", "q", "--images", "set"]);
    assert!(output.stdout.contains("the lists beside the images cannot be used: "), "{}", output.stdout);

    // A list of one image leaves no part for validation.
    fs::write(folder.path().join("set/train.txt"), "0\n").unwrap();
    fs::write(folder.path().join("set/test.txt"), "7\n8\n").unwrap();
    let output = npc(folder.path(), &["new", "r", "--images", "set"]);
    assert!(output.stdout.contains("the training list is too short for a validation part"), "{}", output.stdout);
    let written = fs::read_to_string(folder.path().join("r/r.model")).unwrap();
    assert!(written.contains("split = lists(train = \"../set/train.txt\", test = \"../set/test.txt\")"), "{written}");

    fs::write(folder.path().join("set/val.txt"), "1\n2\n").unwrap();
    let output = npc(folder.path(), &["new", "s", "--images", "set"]);
    assert!(!output.stdout.contains("choose the best epoch"), "{}", output.stdout);
    let written = fs::read_to_string(folder.path().join("s/s.model")).unwrap();
    assert!(written.contains("val = \"../set/val.txt\""), "{written}");
}

/// A given test list is kept where all its images are of one patient, and none of them is trained on.
#[test]
fn a_test_list_of_one_patient_is_kept() {
    let folder = tempdir().unwrap();
    let stem = |i: usize| format!("patient{}_slice{:02}", i / 4, i % 4);
    pairs(folder.path(), 24, |i| ["images", "masks"].map(|part| format!("set/{part}/{}.png", stem(i))));
    let list = |from: usize, to: usize| (from..to).map(|i| stem(i) + "\n").collect::<String>();
    fs::write(folder.path().join("set/train.txt"), list(0, 20)).unwrap();
    fs::write(folder.path().join("set/test.txt"), list(20, 24)).unwrap();
    let output = assert_made(&folder, &["--images", "set"], &[]);
    let why = "all 4 images of the test list are of one group";
    assert!(output.stdout.contains(why) && output.stdout.contains(", 4 test"), "{}", output.stdout);
    let written = fs::read_to_string(folder.path().join("p/p.model")).unwrap();
    assert!(written.contains("test = \"../set/test.txt\"") && written.contains("of one group"), "{written}");
    assert!(!written.contains("random("), "{written}");
}

#[test]
fn folders_of_patients_are_a_column() {
    let folder = tempdir().unwrap();
    pairs(folder.path(), 15, |i| ["img", "gt"].map(|kind| format!("set/P{:02}/{kind}/{}.png", i / 3, i % 3)));
    let output = assert_made(&folder, &["--images", "set"], &["list = \"cases.csv\""]);
    assert!(output.stdout.contains("the folders look like 5 patients, such as `P00`"), "{}", output.stdout);
    assert!(fs::read_to_string(folder.path().join("p/cases.csv")).unwrap().contains("/P03/gt/1.png,P03\n"));

    let folder = tempdir().unwrap();
    pairs(folder.path(), 6, |i| ["image", "mask"].map(|name| format!("set/case{i}/{name}.png")));
    assert_made(&folder, &["--images", "set"], &["images = \"../set/*/image.png\"", "masks = \"../set/*/mask.png\""]);
}

#[test]
fn other_rules_for_masks() {
    type Write = fn(&Path, &[u8], usize);
    let alpha: Write = |path, mask, _| {
        let rgba: Vec<u8> = mask.iter().flat_map(|v| [255, 255, 255, 255 * v]).collect();
        png(path, SIZE, Rgba8, &rgba);
    };
    let lossy: Write = |path, mask, _| jpeg(&path.with_extension("jpg"), SIZE, &scaled(mask, 255));
    let smoothed: Write = |path, mask, _| {
        let at = |y: usize, x: usize| u32::from(mask[y.min(SIDE - 1) * SIDE + x.min(SIDE - 1)]);
        let blurred = |p: usize| {
            let (y, x) = (p / SIDE, p % SIDE);
            (51 * (at(y, x) + at(y + 1, x) + at(y, x + 1) + at(y + 1, x + 1) + at(y + 2, x))) as u8
        };
        grey(path, SIZE, &(0..SIDE * SIDE).map(blurred).collect::<Vec<u8>>());
    };
    let objects: Write = |path, _, i| {
        let number = |p: usize| {
            let cell = p / SIDE / 12 * 4 + p % SIDE / 12;
            if p % 12 > 2 && p / SIDE % 12 > 2 && cell < 9 + i % 7 { 1 + cell as u8 } else { 0 }
        };
        grey(path, SIZE, &(0..SIDE * SIDE).map(number).collect::<Vec<u8>>());
    };
    for (write, line) in [
        (alpha, "mask = alpha"),
        (lossy, "mask = threshold"),
        (smoothed, "mask = threshold"),
        (objects, "mask = threshold(0)"),
    ] {
        let folder = tempdir().unwrap();
        for i in 0..8 {
            grey(&folder.path().join(format!("i/{i}.png")), SIZE, &picture(&disc(i), i));
            fs::create_dir_all(folder.path().join("m")).unwrap();
            write(&folder.path().join(format!("m/{i}.png")), &disc(i), i);
        }
        assert_made(&folder, &["--images", "i", "--masks", "m"], &[line]);
    }
}

#[test]
fn pairs_that_cannot_be_used_are_left_out_and_named() {
    let folder = tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    pairs(folder.path(), 12, |i| ["images", "masks"].map(|kind| format!("set/{kind}/a{i}.png")));
    let whole = fs::read(at("set/masks/a3.png")).unwrap();
    fs::write(at("set/masks/a3.png"), &whole[..whole.len() / 2]).unwrap();
    fs::write(at("set/images/a5.png"), "no picture").unwrap();
    grey(&at("set/masks/a7.png"), [20, 20], &[0; 400]);
    let whole = fs::read(at("set/images/a9.png")).unwrap();
    fs::write(at("set/images/a9.png"), &whole[..whole.len() - 200]).unwrap();
    fs::remove_file(at("set/masks/a11.png")).unwrap();
    let output = assert_made(&folder, &["--images", "set"], &["list = \"cases.csv\""]);
    for part in [
        "pairs     7 by their names",
        "1 image without mask: set/images/a11.png",
        "left out  set/masks/a3.png: ",
        "left out  set/images/a5.png: not a PNG",
        "left out  set/masks/a7.png: mask and image differ in size",
        "left out  set/images/a9.png: ",
    ] {
        assert!(output.stdout.contains(part), "`{part}` is not in {}", output.stdout);
    }
}

/// A pattern finds the stems `0`, `1`, ..., and the list that takes its place because of a broken image `img_0`, `img_1`, ...: what was
/// found of the images stays.
#[test]
fn a_broken_image_changes_nothing_about_the_others() {
    let folder = tempdir().unwrap();
    pairs(folder.path(), 10, |i| [format!("set/img_{i}.png"), format!("set/mask_{i}.png")]);
    let broken = folder.path().join("set/img_4.png");
    let whole = fs::read(&broken).unwrap();
    fs::write(&broken, &whole[..whole.len() - 200]).unwrap();
    let output = assert_made(&folder, &["--images", "set"], &["list = \"cases.csv\"", "size = [48, 48]"]);
    for part in ["pairs     9 by their names", "sizes     48 x 48 (height x width), all", "left out  set/img_4.png: "] {
        assert!(output.stdout.contains(part), "`{part}` is not in {}", output.stdout);
    }
    assert!(!output.stdout.contains("inf") && output.stdout.contains("of 9 masks"), "{}", output.stdout);
}

#[test]
fn what_cannot_become_a_project_is_refused() {
    let folder = tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    pairs(&at("nopairs"), 4, |i| {
        [format!("images/{}.png", ["a", "b", "c", "d"][i]), format!("masks/{}.png", ["w", "x", "y", "z"][i])]
    });
    refused(&folder, &["--images", "nopairs"], &["E0710", "no image has a mask by its name", "`p1_mask.png`"]);
    pairs(&at("one"), 1, |_| ["images/a.png", "masks/a.png"].map(String::from));
    refused(&folder, &["--images", "one"], &["E0715", "there is one image", "add images"]);
    pairs(&at("sizes"), 4, |i| ["images", "masks"].map(|kind| format!("{kind}/{i}.png")));
    (0..4).for_each(|i| grey(&at(&format!("sizes/masks/{i}.png")), [20, 20], &[255; 400]));
    refused(&folder, &["--images", "sizes"], &["E0712", "differ in size", "4 of 4 pairs have problems"]);
    pairs(&at("empty"), 4, |i| ["images", "masks"].map(|kind| format!("{kind}/{i}.png")));
    (0..4).for_each(|i| grey(&at(&format!("empty/masks/{i}.png")), SIZE, &[0; SIDE * SIDE]));
    refused(&folder, &["--images", "empty"], &["E0713", "every mask holds the value 0 alone"]);
    pairs(&at("alone"), 4, |i| ["images", "other"].map(|kind| format!("{kind}/{i}.png")));
    refused(&folder, &["--images", "alone/images"], &["E0710", "no masks for these 4 images", "--masks"]);
    refused(&folder, &["--images", "nothing/*.png"], &["E0701", "the pattern matches no image"]);
    refused(&folder, &["--images", "nowhere"], &["E0701", "no such file or folder"]);
    fs::create_dir(at("hollow")).unwrap();
    refused(&folder, &["--images", "hollow"], &["E0701", "no image in this folder"]);
    let output = npc(folder.path(), &["new", "one/images/a.png", "--images", "one"]);
    assert!(output.code == 1 && output.stderr.contains("is a file, not a folder"), "{}", output.stderr);
    assert_eq!(npc(folder.path(), &["new", "p", "--masks", "one"]).code, 2);
}

#[test]
fn spaces_accents_and_brackets_in_paths() {
    let folder = tempdir().unwrap();
    let name = |i: usize| [format!("Größe (1)/Bilder [a]/é {i}.png"), format!("Größe (1)/Masken/é {i}_mask.png")];
    pairs(folder.path(), 8, name);
    let args = ["--images", "Größe (1)/Bilder [a]/*.png", "--masks", "Größe (1)/Masken/*_mask.png"];
    assert_made(&folder, &args, &["images = \"../Größe (1)/Bilder [a]/*.png\""]);
    let output = npc(folder.path(), &["new", "Öl 2/Übung 1", "--images", "Größe (1)"]);
    assert!(output.stdout.contains("cd 'Öl 2/Übung 1'\n"), "{}{}", output.stdout, output.stderr);
    let project = folder.path().join("Öl 2/Übung 1");
    assert_eq!(npc(&project, &["data", "check", "ubung_1.model"]).code, 0);
    // In place, beside the images.
    let inside = folder.path().join("Größe (1)");
    let output = npc(&inside, &["new", ".", "--images", "."]);
    assert!(output.code == 0 && !output.stdout.contains("  cd "), "{}{}", output.stdout, output.stderr);
    assert_eq!(npc(&inside, &["data", "check", "grosse_1.model"]).code, 0);
}

#[test]
fn thousands_of_files_are_paired_and_some_images_read() {
    let folder = tempdir().unwrap();
    let tiny = |i: usize| -> Vec<u8> { (0..64).map(|p| (p * 3 + i * 7 % 50) as u8).collect() };
    for i in 0..2500 {
        grey(&folder.path().join(format!("set/images/{i}.png")), [8, 8], &tiny(i));
        let mask: Vec<u8> = (0..64).map(|p| if i == 1234 && p == 5 { 2 } else { u8::from(p % 8 < 4) }).collect();
        grey(&folder.path().join(format!("set/masks/{i}.png")), [8, 8], &mask);
    }
    let output = made(&folder, &["--images", "set", "--format", "json"]);
    let json: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!((&json["pairs"], &json["read"], &json["masks"]), (&2500.into(), &2000.into(), &2500.into()));
    // The value of a single mask is a label.
    let labels: Vec<&str> = json["classes"].as_array().unwrap().iter().map(|c| c["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["0", "1", "2"]);
    let guess = json["guesses"].as_array().unwrap().iter().find(|g| g["entry"].as_str().unwrap().starts_with("size"));
    let line = guess.unwrap()["line"].as_u64().unwrap() as usize;
    let text = fs::read_to_string(folder.path().join("p/p.model")).unwrap();
    assert_eq!(text.lines().nth(line - 1).unwrap().trim(), "size = [32, 32]");
    assert_eq!(npc(&folder.path().join("p"), &["data", "check", "p.model"]).code, 0);
}

/// The first training learns: the discs are found in images that it did not see.
#[cfg(feature = "run")]
#[test]
fn the_first_training_learns() {
    let folder = tempdir().unwrap();
    pairs(folder.path(), 20, |i| ["images", "masks"].map(|kind| format!("set/{kind}/{i}.png")));
    assert_made(&folder, &["--images", "set"], &[]);
    let project = folder.path().join("p");
    let output = npc(&project, &["train", "p.model", "first", "--set", "epochs=12"]);
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
    let summary = fs::read_to_string(project.join("runs/first/summary.json")).unwrap();
    let summary: Value = serde_json::from_str(&summary).unwrap();
    let dice = summary["dice"].as_f64().unwrap_or(0.0);
    assert!(dice > 0.7, "{summary:#}");
}
