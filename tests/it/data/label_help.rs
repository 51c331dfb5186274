//! Help for masks whose values are not the labels: the edit reads the very file, and no edit voids a class.

use crate::support::data_sets::{grey, only, png as write_rgb, refused, spec};
use crate::support::picture_files::write_png;
use image::ExtendedColorType;
use npc::internals::data::load_mask;
use npc::text::config::{DataSpec, MaskRule};
use std::path::Path;
use tempfile::tempdir;

fn block(labels: &[u32], rule: MaskRule) -> DataSpec {
    let classes = ["background", "lesion", "third"][..labels.len()].iter().map(|c| c.to_string()).collect();
    DataSpec { labels: labels.to_vec(), classes, mask_rule: rule, ..only(spec("i/*", "m/*", [1, 4])) }
}

/// Returns the message about a mask of one row.
#[track_caller]
fn about(spec: &DataSpec, values: &[u8]) -> String {
    let dir = tempdir().unwrap();
    let path = dir.path().join("m.png");
    grey(&path, [1, values.len()], values);
    refused(load_mask(spec, &path), &[])
}

#[test]
fn the_other_value_of_a_mask_of_two_is_the_label_of_its_class() {
    let exact = |labels: &[u32]| block(labels, MaskRule::Exact);
    for (labels, values, wanted) in [
        (&[0, 1][..], &[0, 0, 255, 255][..], "if 255 is class `lesion`, write `labels = [0, 255]`"),
        (&[0, 1], &[0, 128, 0, 0], "if 128 is class `lesion`, write `labels = [0, 128]`"),
        (&[1, 0], &[0, 255, 0, 0], "if 255 is class `background`, write `labels = [255, 0]`"),
        (&[0, 255], &[0, 1, 0, 0], "if 1 is class `lesion`, write `labels = [0, 1]`"),
    ] {
        let text = about(&exact(labels), values);
        assert!(text.contains(wanted) && !text.contains("ignore"), "{text}");
    }
    // Where the class has pixels of its own, 255 is mostly void.
    let text = about(&exact(&[0, 1]), &[0, 1, 255, 255]);
    assert!(text.contains("if 255 marks pixels without a class, write `ignore = 255`"), "{text}");
    let text = about(&exact(&[0, 1, 2]), &[0, 0, 255, 255]);
    assert!(text.contains("write `ignore = 255`"), "{text}");
}

#[test]
fn a_third_value_is_a_class_or_ignored_and_no_matter_of_a_threshold() {
    let text = about(&block(&[0, 1], MaskRule::Exact), &[0, 1, 2, 2]);
    assert!(text.contains("write `labels = [0, 1, 2]`; if not, write `ignore = 2`"), "{text}");
    assert!(!text.contains("threshold"), "{text}");
    let text = about(&block(&[0, 1], MaskRule::Threshold), &[0, 1, 2, 2]);
    assert!(text.contains("write `labels = [0, 1, 2]` without `mask`; if not, write `ignore = 2`"), "{text}");
    let text = about(&block(&[0, 1], MaskRule::Exact), &[0, 1, 2, 3]);
    assert!(text.contains("`labels = [0, 1, 2, 3]`; if not, write `ignore = [2, 3]`"), "{text}");
    // Values between the labels are a matter of one.
    let text = about(&block(&[0, 255], MaskRule::Exact), &[0, 255, 128, 128]);
    assert!(text.contains("mask = threshold"), "{text}");
    let smooth: Vec<u8> = (0..64).map(|v| v * 4).collect();
    let text = about(&block(&[0, 1], MaskRule::Exact), &smooth);
    assert!(text.contains("`mask = threshold(126)`: values above 126 become class `lesion`"), "{text}");
}

/// Numbers of objects are one class with `mask = threshold(0)`, whatever the larger label is.
#[test]
fn numbers_of_objects_are_one_class_above_zero() {
    let objects: Vec<u8> = (0..=12).collect();
    for labels in [&[0, 1][..], &[0, 255], &[1, 0]] {
        let text = about(&block(labels, MaskRule::Exact), &objects);
        let class = if labels[0] == 0 { "lesion" } else { "background" };
        let edit =
            format!("if the values number objects, write `mask = threshold(0)`: all above 0 becomes class `{class}`");
        assert!(text.contains(&edit) && !text.contains("smoothed"), "{text}");
    }
    // Numbers with gaps, and few of them, may be something else.
    let text = about(&block(&[0, 1], MaskRule::Exact), &[0, 7, 30, 55, 80, 130, 201]);
    assert!(text.contains("if edges are smoothed") && text.contains("if the values number objects"), "{text}");
    let text = about(&block(&[0, 1], MaskRule::Exact), &[0, 1, 2, 3]);
    assert!(text.contains("if they are classes") && text.contains("if the values number objects"), "{text}");
    let all: Vec<u8> = (0..=255).collect();
    let text = about(&block(&[0, 255], MaskRule::Exact), &all);
    assert!(text.contains("if edges are smoothed, write `mask = threshold`"), "{text}");
    let text = about(&block(&[0, 1, 2], MaskRule::Exact), &objects);
    assert!(!text.contains("threshold(0)"), "three classes have no threshold: {text}");
    // The edit reads the file.
    let dir = tempdir().unwrap();
    let path = dir.path().join("m.png");
    grey(&path, [1, 4], &[0, 5, 2, 0]);
    assert_eq!(load_mask(&block(&[0, 1], MaskRule::ThresholdAt(0)), &path).unwrap().0, [0, 1, 1, 0]);
}

/// The edits of the messages are applied, and the file is read.
#[test]
fn the_edit_of_a_message_reads_the_file() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("m.png");
    grey(&path, [1, 4], &[0, 0, 255, 255]);
    assert_eq!(load_mask(&block(&[0, 255], MaskRule::Exact), &path).unwrap().0, [0, 0, 1, 1]);
    grey(&path, [1, 4], &[0, 1, 2, 2]);
    assert_eq!(load_mask(&block(&[0, 1, 2], MaskRule::Exact), &path).unwrap().0, [0, 1, 2, 2]);
    let void = DataSpec { ignore: vec![2], ..block(&[0, 1], MaskRule::Exact) };
    assert_eq!(load_mask(&void, &path).unwrap().0, [0, 1, 255, 255]);
}

#[test]
fn example_colours_are_those_of_the_file() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("m.png");
    let colours = [[0, 0, 0], [128, 0, 0], [0, 100, 0]];
    write(&path, &colours[..2], &[0, 1, 1, 0]);
    let text = refused(load_mask(&block(&[0, 255], MaskRule::Exact), &path), &["palette index 1 (colour #800000)"]);
    assert!(text.contains("`labels = [0, 1]`, or the colours, `labels = [\"#000000\", \"#800000\"]`"), "{text}");
    write(&path, &colours, &[0, 1, 2, 0]);
    let text = refused(load_mask(&block(&[0, 255], MaskRule::Exact), &path), &[]);
    assert!(text.contains("for each colour: 0 (\"#000000\"), 1 (\"#800000\"), 2 (\"#006400\")"), "{text}");
    write_rgb(&path, [1, 2], ExtendedColorType::Rgb8, &[255, 255, 255, 0, 100, 0]);
    let text = refused(load_mask(&block(&[0, 255], MaskRule::Exact), &path), &["the mask is in colours"]);
    assert!(text.contains("labels = [\"#006400\", \"#ffffff\"]"), "{text}");
}

/// Writes a mask of one row of 8-bit indices.
fn write(path: &Path, colours: &[[u8; 3]], indices: &[u8]) {
    let size = [1, indices.len()];
    write_png(path, size, png::ColorType::Indexed, png::BitDepth::Eight, &[(b"PLTE", colours.as_flattened())], indices);
}
