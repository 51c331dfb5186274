//! From the stored values of a mask to class indices: thresholds, exact labels, colours.

use crate::support::data_sets::{grey, jpeg, only, png, refused, row, spec, tif};
use image::ExtendedColorType;
use npc::internals::base::error::RunError;
use npc::internals::data::{Dataset, SplitRole, load_mask};
use npc::internals::text::config::case_rules::colour_label;
use npc::text::config::{DataSpec, MaskRule};
use std::fs;
use std::path::Path;
use tempfile::tempdir;
use tiff::encoder::colortype;

/// Returns class indices and warnings of a grey mask of one row.
fn mask(spec: &DataSpec, values: &[u8]) -> Result<(Vec<u8>, Vec<String>), RunError> {
    let dir = tempdir().unwrap();
    let path = dir.path().join("x.png");
    grey(&path, [1, values.len()], values);
    load_mask(spec, &path).map(|(mask, size, warnings)| {
        assert_eq!(size, [1, values.len()]);
        (mask, warnings.iter().map(ToString::to_string).collect())
    })
}

#[test]
fn threshold_of_two_classes() {
    let spec = row();
    assert_eq!(
        mask(&spec, &[0, 8, 247, 255, 0, 0, 0, 0, 0, 0, 127]).unwrap(),
        (vec![0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0], vec![])
    );
    assert_eq!(mask(&spec, &[0, 0]).unwrap(), (vec![0, 0], vec![]));
    assert_eq!(mask(&spec, &[255, 128]).unwrap().0, [1, 1]);
    let (_, warnings) = mask(&spec, &[0, 64, 128, 255]).unwrap();
    assert!(warnings[0].contains("x.png: 50 % of the mask's pixels are neither near 0 nor near 255"), "{warnings:?}");
    // The order of the labels is the order of the classes.
    let inverted = DataSpec { labels: vec![255, 0], ..row() };
    assert_eq!(mask(&inverted, &[0, 255]).unwrap().0, [1, 0]);
    // The threshold is half-way between the labels.
    let apart = DataSpec { labels: vec![100, 150], ..row() };
    assert_eq!(mask(&apart, &[100, 124, 126, 150]).unwrap().0, [0, 0, 1, 1]);
    let three = DataSpec { labels: vec![0, 1, 2], classes: vec!["a".into(), "b".into(), "c".into()], ..row() };
    refused(mask(&three, &[0]), &["3 labels", "threshold"]);
    // A declared number separates any values.
    let declared = DataSpec { mask_rule: MaskRule::ThresholdAt(200), labels: vec![0, 1], ..row() };
    assert_eq!(mask(&declared, &[0, 1, 200, 201, 255]).unwrap(), (vec![0, 0, 0, 1, 1], vec![]));
}

/// A label means the same in every file, whatever else the file holds.
#[test]
fn no_file_changes_the_meaning_of_a_label() {
    let with = |labels: [u32; 2], mask_rule| DataSpec { labels: labels.to_vec(), mask_rule, ..row() };
    let (exact, threshold) = (MaskRule::Exact, MaskRule::Threshold);
    for rule in [exact, threshold] {
        assert_eq!(mask(&with([0, 1], rule), &[0, 1, 1, 0]).unwrap(), (vec![0, 1, 1, 0], vec![]));
        assert_eq!(mask(&with([0, 255], rule), &[0, 255, 0]).unwrap(), (vec![0, 1, 0], vec![]));
        // One pixel of 255 beside class numbers.
        refused(
            mask(&with([0, 1], rule), &[0, 1, 255, 1]),
            &["x.png: mask value 255", "1 pixel, the first at x 2, y 0"],
        );
        // Class numbers under the labels 0 and 255.
        refused(mask(&with([0, 255], rule), &[0, 1, 1]), &["x.png", "labels = [0, 1]"]);
        refused(mask(&with([0, 255], rule), &[0, 1, 2, 2]), &["x.png"]);
    }
    refused(mask(&with([0, 255], exact), &[0, 1, 255]), &["mask value 1 is not the label of any class: 1 pixel"]);
    refused(
        mask(&with([0, 255], exact), &[0, 9, 90, 180, 220, 255]),
        &["mask value 9 is not the label of any class", "3 others are not labels either"],
    );
    refused(
        mask(&with([0, 255], exact), &[0, 9, 90, 150, 180, 220, 255]),
        &["mask value 9", "4 others", "if edges are smoothed, write `mask = threshold`"],
    );
    refused(mask(&with([0, 1], threshold), &[0, 255]), &["outside of the labels 0 and 1", "write `labels = [0, 255]`"]);
    refused(mask(&with([1, 0], threshold), &[0, 255]), &["write `labels = [255, 0]`"]);
    refused(
        mask(&with([0, 255], threshold), &[0, 2]),
        &["the largest value of the mask is 2, far below the label 255"],
    );
    // Sixteen bits.
    let dir = tempdir().unwrap();
    let path = dir.path().join("x.png");
    let deep: Vec<u8> = [65535u16, 20].iter().flat_map(|v| v.to_ne_bytes()).collect();
    png(&path, [1, 2], ExtendedColorType::L16, &deep);
    refused(load_mask(&with([0, 255], threshold), &path), &["mask value 65535", "write `labels = [0, 65535]`"]);
    assert_eq!(load_mask(&with([0, 65535], threshold), &path).unwrap().0, [1, 0]);
    // Float masks of 0 and 1.
    let path = dir.path().join("float.tif");
    tif::<colortype::Gray32Float>(&path, [1, 2], &[1.0, 0.0], false);
    assert_eq!(load_mask(&with([0, 1], exact), &path).unwrap().0, [1, 0]);
    refused(load_mask(&with([0, 255], threshold), &path), &["the largest value of the mask is 1"]);
}

#[test]
fn colours_have_no_brightness_under_a_threshold() {
    let dir = tempdir().unwrap();
    let load = |spec: &DataSpec, path: &Path| load_mask(spec, path).map(|m| (m.0, m.2));
    let path = dir.path().join("rgb.png");
    png(&path, [1, 2], ExtendedColorType::Rgb8, &[255, 0, 0, 0, 0, 0]);
    refused(
        load(&row(), &path),
        &["the mask is in colours: the pixel at x 0, y 0 is (255, 0, 0)", "labels = [\"#000000\""],
    );
    let declared = DataSpec { mask_rule: MaskRule::ThresholdAt(127), ..row() };
    let (classes, warnings) = load(&declared, &path).unwrap();
    assert_eq!(classes, [1, 0]);
    assert!(warnings[0].text.contains("in colours"));
    png(&path, [1, 2], ExtendedColorType::Rgb8, &[250, 252, 251, 3, 1, 2]);
    assert_eq!(load(&row(), &path).unwrap(), (vec![1, 0], vec![]));
}

/// Lossy files are judged by their format, not by the values that a quality happens to leave.
#[test]
fn lossy_masks_need_labels_far_apart() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("empty.jpg");
    jpeg(&path, [8, 8], &[1; 64]);
    let with = |labels: &[u32], mask_rule| {
        let classes = labels.iter().map(|l| format!("c{l}")).collect();
        load_mask(&DataSpec { labels: labels.to_vec(), classes, mask_rule, ..row() }, &path)
    };
    assert_eq!(with(&[0, 255], MaskRule::Threshold).unwrap().0, [0; 64]);
    assert_eq!(with(&[0, 1], MaskRule::ThresholdAt(100)).unwrap().0, [0; 64]);
    refused(
        with(&[0, 1], MaskRule::Threshold),
        &["JPEG compression changes pixel values", "0 and 1 are nearer than 64"],
    );
    refused(with(&[0, 63], MaskRule::Threshold), &["nearer than 64"]);
    refused(with(&[0, 1], MaskRule::ThresholdAt(20)), &["the threshold 20 is nearer than 32"]);
    refused(with(&[0, 1, 2], MaskRule::Exact), &["has no exact labels", "store masks as PNG"]);
    refused(with(&[0, 255], MaskRule::Exact), &["has no exact labels", "write `mask = threshold`"]);
    let colours: Vec<u32> = [[0; 3], [255; 3]].map(colour_label).to_vec();
    refused(with(&colours, MaskRule::Colour), &["has no exact colours"]);
}

fn exact() -> DataSpec {
    DataSpec {
        mask_rule: MaskRule::Exact,
        classes: vec!["rest".into(), "liver".into(), "spleen".into()],
        labels: vec![0, 3, 300],
        ..row()
    }
}

#[test]
fn exact_labels() {
    assert_eq!(mask(&exact(), &[0, 3, 3, 0]).unwrap().0, [0, 1, 1, 0]);
    refused(
        mask(&exact(), &[0, 3, 7, 7, 9]),
        &[
            "x.png",
            "mask value 7",
            "2 pixels",
            "x 2, y 0",
            "1 other is not a label either",
            "0 (rest), 3 (liver), 300 (spleen)",
        ],
    );
    let dir = tempdir().unwrap();
    let path = dir.path().join("x.tif");
    tif::<colortype::Gray16>(&path, [2, 2], &[0, 300, 3, 300], true);
    assert_eq!(load_mask(&exact(), &path).unwrap().0, [0, 2, 1, 2]);
    tif::<colortype::GrayI16>(&path, [2, 2], &[0, 3, 3, -1], true);
    refused(load_mask(&exact(), &path), &["mask value -1", "1 pixel, the first at x 1, y 1"]);
    let path = dir.path().join("x.png");
    png(&path, [1, 2], ExtendedColorType::Rgb8, &[3, 3, 3, 0, 0, 3]);
    refused(load_mask(&exact(), &path), &["mask is in colours", "x 1, y 0", "(0, 0, 3)"]);
}

#[test]
fn palette_masks_hold_indices() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("x.png");
    let mut encoder = png::Encoder::new(fs::File::create(&path).unwrap(), 3, 2);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Two);
    encoder.set_palette(vec![0, 0, 0, 9, 9, 9, 128, 0, 0, 0, 128, 0]);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[0b00_11_11_00, 0b11_00_00_00]).unwrap();
    writer.finish().unwrap();
    assert_eq!(load_mask(&exact(), &path).unwrap().0, [0, 1, 1, 1, 0, 0]);
}

#[test]
fn sizes_of_image_and_mask() {
    let load = |mask_size: [usize; 2]| {
        let dir = tempdir().unwrap();
        grey(&dir.path().join("i/x.tif"), [4, 6], &[7; 24]);
        grey(&dir.path().join("m/x.png"), mask_size, &vec![255; mask_size[0] * mask_size[1]]);
        let data = Dataset::open(&only(spec("i/*.tif", "m/*.png", [2, 3])), dir.path()).unwrap();
        let truth = data.truth(SplitRole::Train, 0).map(|t| (t.0.len(), t.1));
        (data.load(SplitRole::Train, 0, 1), truth)
    };
    let (sample, truth) = load([5, 5]);
    let sample = sample.unwrap();
    assert_eq!((sample.original, sample.mask), ([4, 6], vec![1; 6]));
    // A pixel of rounding is accepted, and reported.
    let said = "the mask has 5 x 5 pixels (width x height), its image 6 x 4; the mask is resized by nearest neighbour";
    assert_eq!(sample.warnings[0].text, said);
    assert!(sample.warnings[1].text.contains("every pixel has the same value"));
    assert_eq!(truth.unwrap(), (24, [4, 6]));
    let (sample, _) = load([4, 6]);
    assert_eq!(sample.unwrap().warnings.len(), 1);
    let (sample, truth) = load([6, 6]);
    refused(sample, &["m/x.png", "6 x 6 pixels (width x height)", "i/x.tif", "has 6 x 4"]);
    refused(truth, &["m/x.png"]);
}

#[test]
fn colours_are_mapped_to_classes() {
    let spec = DataSpec {
        mask_rule: MaskRule::Colour,
        classes: vec!["rest".into(), "liver".into(), "spleen".into()],
        labels: [[0, 0, 0], [255, 0, 0], [0, 255, 0]].map(colour_label).to_vec(),
        ..row()
    };
    let dir = tempdir().unwrap();
    let path = dir.path().join("x.png");
    let load = |pixels: &[u8]| {
        png(&path, [1, pixels.len() / 3], ExtendedColorType::Rgb8, pixels);
        load_mask(&spec, &path)
    };
    assert_eq!(load(&[255, 0, 0, 255, 0, 0, 0, 0, 0, 0, 255, 0]).unwrap().0, [1, 1, 0, 2]);
    refused(
        load(&[0, 0, 0, 250, 3, 0, 250, 3, 0, 9, 9, 9]),
        &[
            "x.png: mask colour #fa0300 is not the label of any class: 2 pixels, the first at x 1, y 0; 1 other is not a label either",
            "the labels are #000000 (rest), #ff0000 (liver), #00ff00 (spleen)",
            "the nearest label is #ff0000 (liver)",
        ],
    );
    // A palette is looked up, and grey is a colour too.
    let mut encoder = png::Encoder::new(fs::File::create(&path).unwrap(), 2, 1);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(vec![0, 255, 0, 0, 0, 0]);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[0, 1]).unwrap();
    writer.finish().unwrap();
    assert_eq!(load_mask(&spec, &path).unwrap().0, [2, 0]);
    grey(&path, [1, 2], &[0, 0]);
    assert_eq!(load_mask(&spec, &path).unwrap().0, [0, 0]);
    jpeg(&path, [1, 2], &[0, 99]);
    refused(load_mask(&spec, &path), &["JPEG compression changes pixel values"]);
    // Predictions are written in the same colours.
    npc::internals::data::png::write_mask_atomic(&path, &[0, 2, 1], [1, 3], &spec.labels).unwrap();
    assert_eq!(load_mask(&spec, &path).unwrap().0, [0, 2, 1]);
}

#[test]
fn ignored_values_have_no_class() {
    let both = |mask_rule| DataSpec { labels: vec![0, 1], ignore: vec![255, 254], mask_rule, ..row() };
    // The ignored value is looked up before a threshold is.
    for rule in [MaskRule::Exact, MaskRule::Threshold] {
        assert_eq!(mask(&both(rule), &[0, 1, 255, 254, 1, 0]).unwrap(), (vec![0, 1, 255, 255, 1, 0], vec![]));
        assert_eq!(mask(&both(rule), &[255, 255]).unwrap().0, [255, 255]);
    }
    refused(mask(&both(MaskRule::Exact), &[0, 7]), &["mask value 7", "0 (background), 1 (object); ignored: 255, 254"]);
    let exact = DataSpec { labels: vec![0, 1], mask_rule: MaskRule::Exact, ..row() };
    let help = "if 255 marks pixels without a class, write `ignore = 255`";
    refused(mask(&exact, &[0, 7, 255]), &["mask value 7", help]);
    let more = DataSpec { ignore: vec![9], ..exact.clone() };
    refused(mask(&more, &[9, 255, 1]), &["mask value 255", "write `ignore = [9, 255]`"]);

    // Sixteen bits, and colours.
    let dir = tempdir().unwrap();
    let path = dir.path().join("x.tif");
    tif::<colortype::Gray16>(&path, [1, 4], &[0, 300, 65535, 3], false);
    let deep = self::exact();
    refused(load_mask(&deep, &path), &["mask value 65535", "write `ignore = 65535`"]);
    assert_eq!(load_mask(&DataSpec { ignore: vec![65535], ..deep }, &path).unwrap().0, [0, 2, 255, 1]);
    let path = dir.path().join("x.png");
    png(&path, [1, 3], ExtendedColorType::Rgb8, &[0, 0, 0, 255, 0, 0, 224, 224, 192]);
    let colours = |ignore: &[[u8; 3]]| DataSpec {
        mask_rule: MaskRule::Colour,
        labels: [[0; 3], [255, 0, 0]].map(colour_label).to_vec(),
        ignore: ignore.iter().copied().map(colour_label).collect(),
        ..row()
    };
    refused(load_mask(&colours(&[[9; 3]]), &path), &["mask colour #e0e0c0", "`ignore = [\"#090909\", \"#e0e0c0\"]`"]);
    assert_eq!(load_mask(&colours(&[[224, 224, 192]]), &path).unwrap().0, [0, 1, 255]);

    // Compression moves values, so an ignored one is not exact.
    let path = dir.path().join("x.jpg");
    jpeg(&path, [8, 8], &[0; 64]);
    refused(
        load_mask(&both(MaskRule::Threshold), &path),
        &["JPEG compression changes pixel values", "ignored value 255"],
    );
}
