//! Files that are not read: each kind is counted and named, and each refusal has one cause.

use crate::support::data_sets::{grey, only, refused, small_set, spec, stems};
use npc::internals::base::error::RunError;
use npc::internals::data::survey::{SurveyTopic, survey};
use npc::internals::data::{Dataset, SplitRole};
use std::fs;
use std::path::Path;
use tempfile::tempdir;

fn open(root: &Path, images: &str, masks: &str) -> Result<Dataset, RunError> {
    Dataset::open(&only(spec(images, masks, [8, 8])), root)
}

/// Returns what a set of two pairs in `images` and `masks` says about other files.
fn about(root: &Path, images: &str) -> Vec<String> {
    let data = open(root, images, "masks/*").unwrap();
    assert_eq!(stems(&data, SplitRole::Train), ["a0", "a1"]);
    data.doubts().to_vec()
}

#[test]
fn unread_formats_are_counted_and_named() {
    let dir = small_set(2);
    assert_eq!(about(dir.path(), "images/*"), [""; 0]);
    for name in
        ["b.jp2", "c.HEIC", "d.svs", "e.nrrd", "f.mha", "g.png.gz", "h.npy", "i.tif.bz2", "notes.txt", "list.csv"]
    {
        fs::write(dir.path().join("images").join(name), "?").unwrap();
    }
    let said = about(dir.path(), "images/*");
    let names = "images/b.jp2, images/c.HEIC, images/d.svs, images/e.nrrd, images/f.mha, images/g.png.gz, images/h.npy, images/i.tif.bz2";
    let wanted = "8 files that look like pictures or volumes are left out, because npc does not read .bz2, .gz, .heic, .jp2, .mha, .npy, .nrrd, .svs";
    assert_eq!(said, [format!("{wanted}: {names}")]);
    for i in 0..12 {
        fs::write(dir.path().join(format!("masks/m{i}.exr")), "?").unwrap();
    }
    let said = about(dir.path(), "images/*");
    assert!(said[0].starts_with("20 files") && said[0].ends_with(", masks/m1.exr, and 10 more"), "{said:?}");
}

#[test]
fn system_files_are_silent_and_hidden_pictures_are_not() {
    let dir = small_set(2);
    let at = |name: &str| dir.path().join("images").join(name);
    for name in [".DS_Store", "Thumbs.db", "desktop.ini", ".gitignore", "._a0.png", "._z.png"] {
        fs::write(at(name), b"\0\x05\x16\x07\0\x02\0\0Mac OS X        ").unwrap();
    }
    assert_eq!(about(dir.path(), "images/*"), [""; 0]);
    fs::copy(at("a0.png"), at(".mine.png")).unwrap();
    assert_eq!(about(dir.path(), "images/*"), ["1 hidden picture is left out: images/.mine.png"]);
}

#[test]
fn pictures_under_other_names_are_found_by_their_first_bytes() {
    let dir = small_set(2);
    let at = |name: &str| dir.path().join("images").join(name);
    for name in ["scan", "b.png ", "c.png.bak"] {
        fs::copy(at("a0.png"), at(name)).unwrap();
    }
    fs::write(at("readme"), "no picture").unwrap();
    let wanted = "3 files with pictures or volumes are left out, because the extension is not that of a picture: images/b.png , images/c.png.bak, images/scan";
    assert_eq!(about(dir.path(), "images/*"), [wanted]);
}

#[test]
fn pictures_beside_the_pattern_and_below_it_are_counted() {
    let dir = small_set(2);
    grey(&dir.path().join("images/b.jpg"), [8, 8], &[1; 64]);
    let wanted =
        "1 more picture or volume is left out by images = \"images/*.png\" and masks = \"masks/*\": images/b.jpg";
    assert_eq!(about(dir.path(), "images/*.png"), [wanted]);
    fs::remove_file(dir.path().join("images/b.jpg")).unwrap();
    for i in 0..3 {
        grey(&dir.path().join(format!("images/more/deep/{i}.png")), [8, 8], &[1; 64]);
    }
    let wanted =
        "3 more pictures or volumes are in subfolders, which images = \"images/*\" does not reach: images/more";
    assert_eq!(about(dir.path(), "images/*"), [wanted]);
    let text = refused(open(&dir.path().join("images"), "more/*", "more/*_mask.png"), &["no image file matches"]);
    assert!(text.contains("3 more pictures or volumes are in subfolders"), "{text}");
}

/// However few they are, and whether or not the masks have a folder of the same name.
#[test]
fn pictures_below_the_pattern_are_counted_however_few() {
    let dir = small_set(6);
    grey(&dir.path().join("images/more/b0.png"), [8, 8], &[1; 64]);
    let open = |masks: &str| open(dir.path(), "images/*", masks).unwrap().doubts().to_vec();
    let wanted = "1 more picture or volume is in subfolders, which images = \"images/*\" does not reach: images/more";
    assert_eq!(open("masks/*"), [wanted]);
    grey(&dir.path().join("masks/more/b0.png"), [8, 8], &[1; 64]);
    let of_masks = "1 more picture or volume is in subfolders, which masks = \"masks/*\" does not reach: masks/more";
    assert_eq!(open("masks/*"), [wanted, of_masks]);
    assert_eq!(open("masks/*.png"), [wanted, &of_masks.replace("masks/*", "masks/*.png")]);
    let found = survey(&only(spec("images/*", "masks/*", [8, 8])), dir.path(), None, &|_, _| {});
    assert_eq!(found.findings.iter().filter(|f| f.kind == SurveyTopic::Files).count(), 2);
}

#[test]
fn pictures_beside_the_file_of_a_deeper_pattern_are_counted() {
    let dir = tempdir().unwrap();
    for (case, file) in [("p1", "image.png"), ("p1", "mask.png"), ("p2", "image.png"), ("p2", "mask.png")] {
        grey(&dir.path().join(case).join(file), [8, 8], &[1; 64]);
    }
    let about = || open(dir.path(), "*/image.png", "*/mask.png").unwrap().doubts().to_vec();
    assert_eq!(about(), [""; 0]);
    grey(&dir.path().join("p2/second.png"), [8, 8], &[1; 64]);
    fs::write(dir.path().join("p2/third.jp2"), "?").unwrap();
    let patterns = "images = \"*/image.png\" and masks = \"*/mask.png\"";
    let wanted = [
        "1 file that looks like a picture or volume is left out, because npc does not read .jp2: p2/third.jp2"
            .to_string(),
        format!("1 more picture or volume is left out by {patterns}: p2/second.png"),
    ];
    assert_eq!(about(), wanted);
}

#[test]
fn folders_without_the_file_of_the_pattern_are_counted() {
    let dir = tempdir().unwrap();
    for (case, file) in
        [("p1", "image.png"), ("p1", "mask.png"), ("p2", "image.png"), ("p2", "mask.png"), ("p3", "scan.png")]
    {
        grey(&dir.path().join(case).join(file), [8, 8], &[1; 64]);
    }
    fs::create_dir(dir.path().join("empty")).unwrap();
    let data = open(dir.path(), "*/image.png", "*/mask.png").unwrap();
    let wanted = "1 folder is left out, without a file for images = \"*/image.png\" and masks = \"*/mask.png\": p3";
    assert_eq!(data.doubts(), [wanted]);
}

#[test]
fn a_mask_whose_image_is_in_an_unread_format_has_one_cause() {
    let dir = small_set(2);
    fs::copy(dir.path().join("masks/a0.png"), dir.path().join("masks/b.png")).unwrap();
    fs::write(dir.path().join("images/b.jp2"), "?").unwrap();
    let text =
        refused(open(dir.path(), "images/*", "masks/*"), &["1 mask without image", "masks/b.png", "images/b.jp2"]);
    assert!(text.contains("the image may be a file in a format that npc does not read: images/b.jp2"), "{text}");
    let found = survey(&only(spec("images/*", "masks/*", [8, 8])), dir.path(), None, &|_, _| {});
    let about: Vec<_> = found.findings.iter().filter(|f| f.kind == SurveyTopic::Files).collect();
    assert_eq!(about.len(), 1, "{:?}", about);
}

#[test]
fn unicode_forms_of_a_name_are_one_name() {
    let dir = small_set(1);
    let (one, two) = ("caf\u{e9}", "cafe\u{301}");
    for (folder, name) in [("images", one), ("masks", two)] {
        fs::copy(dir.path().join(folder).join("a0.png"), dir.path().join(format!("{folder}/{name}.png"))).unwrap();
    }
    let data = open(dir.path(), "images/*", "masks/*.png").unwrap();
    assert_eq!(stems(&data, SplitRole::Train), ["a0", one]);
    fs::copy(dir.path().join("images/a0.png"), dir.path().join(format!("images/{two}.png"))).unwrap();
    refused(open(dir.path(), "images/*", "masks/*.png"), &["has the same stem", "Unicode forms"]);
}

#[cfg(unix)]
#[test]
fn links_and_folders_that_are_no_pictures() {
    let dir = small_set(2);
    for folder in ["images", "masks"] {
        std::os::unix::fs::symlink("a1.png", dir.path().join(folder).join("s.png")).unwrap();
        fs::create_dir(dir.path().join(folder).join("folder.png")).unwrap();
    }
    assert_eq!(stems(&open(dir.path(), "images/*", "masks/*").unwrap(), SplitRole::Train), ["a0", "a1", "s"]);
    std::os::unix::fs::symlink("gone.png", dir.path().join("images/broken.png")).unwrap();
    fs::copy(dir.path().join("masks/a0.png"), dir.path().join("masks/broken.png")).unwrap();
    let text = refused(open(dir.path(), "images/*", "masks/*"), &["broken.png: the symbolic link leads to `gone.png`"]);
    assert!(!text.contains("more problem") && !text.contains("without image"), "{text}");
}

#[cfg(unix)]
#[test]
fn names_that_cannot_be_lines_of_a_list_are_refused() {
    let dir = small_set(1);
    for (name, code) in [("b\nc", "U+000A"), ("b\rc", "U+000D"), ("b\u{1b}[31mc", "U+001B"), ("b\u{85}c", "U+0085")] {
        let path = |folder: &str| dir.path().join(folder).join(format!("{name}.png"));
        for folder in ["images", "masks"] {
            fs::copy(dir.path().join(folder).join("a0.png"), path(folder)).unwrap();
        }
        refused(open(dir.path(), "images/*", "masks/*"), &["the file name contains the control character", code]);
        fs::remove_file(path("images")).unwrap();
        fs::remove_file(path("masks")).unwrap();
    }
}
