//! Orientation tags of images and masks: refused until the data block says what they mean.

use crate::support::data_sets::{grey, jpeg, only, refused, spec};
use crate::support::picture_files::{TagValue, add_jpeg_segment, exif, tiff_page, write_png, write_tiff, write_webp};
use npc::internals::data::{Dataset, SplitRole, load_image, load_mask};
use npc::text::config::{DataSpec, MaskRule, OrientationRule};
use png::{BitDepth, ColorType};
use std::fs;
use std::path::Path;
use tempfile::tempdir;

/// What viewers show of the stored rows `0 1 2` and `3 4 5` for each tag from 1 to 8.
const SHOWN: [([usize; 2], [u8; 6]); 8] = [
    ([2, 3], [0, 1, 2, 3, 4, 5]),
    ([2, 3], [2, 1, 0, 5, 4, 3]),
    ([2, 3], [5, 4, 3, 2, 1, 0]),
    ([2, 3], [3, 4, 5, 0, 1, 2]),
    ([3, 2], [0, 3, 1, 4, 2, 5]),
    ([3, 2], [3, 0, 4, 1, 5, 2]),
    ([3, 2], [5, 2, 4, 1, 3, 0]),
    ([3, 2], [2, 5, 1, 4, 0, 3]),
];
const STORED: [u8; 6] = [0, 1, 2, 3, 4, 5];

fn six_classes(orientation: Option<OrientationRule>) -> DataSpec {
    let labels: Vec<u32> = (0..6).collect();
    let classes = labels.iter().map(|l| format!("c{l}")).collect();
    DataSpec { labels, classes, mask_rule: MaskRule::Exact, orientation, ..spec("", "", [2, 3]) }
}

/// Writes the stored rows with this tag, in each format and byte order that has one.
fn write_all(dir: &Path, tag: u16) -> Vec<std::path::PathBuf> {
    let mut paths = Vec::new();
    for big in [false, true] {
        let path = dir.join(format!("{tag}_{big}.tif"));
        write_tiff(&path, big, vec![tiff_page([2, 3], 8, 1, 1, &STORED).short(274, tag)]);
        paths.push(path);
        let path = dir.join(format!("{tag}_{big}.png"));
        write_png(&path, [2, 3], ColorType::Grayscale, BitDepth::Eight, &[(b"eXIf", &exif(tag, big))], &STORED);
        paths.push(path);
        let path = dir.join(format!("{tag}_{big}.webp"));
        let rgb: Vec<u8> = STORED.iter().flat_map(|v| [*v; 3]).collect();
        write_webp(&path, [2, 3], 3, &rgb, Some(&exif(tag, big)));
        paths.push(path);
    }
    paths
}

#[test]
fn every_tag_is_applied_or_refused() {
    let dir = tempdir().unwrap();
    for (tag, (size, shown)) in (1..).zip(SHOWN) {
        for path in write_all(dir.path(), tag) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let applied = load_mask(&six_classes(Some(OrientationRule::Apply)), &path).unwrap();
            assert_eq!((&applied.0[..], applied.1), (&shown[..], size), "{name}");
            let stored = load_mask(&six_classes(Some(OrientationRule::Stored)), &path).unwrap();
            assert_eq!((&stored.0[..], stored.1), (&STORED[..], [2, 3]), "{name}");
            match tag {
                1 => assert_eq!(load_mask(&six_classes(None), &path).unwrap().0, STORED),
                _ => {
                    refused(
                        load_mask(&six_classes(None), &path),
                        &[&name, "orientation tag is", "orientation = apply"],
                    );
                    refused(load_image(&six_classes(None), &path, 1), &["orientation = stored"]);
                }
            }
        }
    }
}

#[test]
fn image_and_mask_each_follow_their_own_tag() {
    let dir = tempdir().unwrap();
    let image = dir.path().join("i/x.jpg");
    // Dark on the left and bright on the right; turned by 90 degrees, dark on top.
    let stored: Vec<u8> = (0..8 * 16).map(|p| if p % 16 < 8 { 10 } else { 240 }).collect();
    jpeg(&image, [8, 16], &stored);
    add_jpeg_segment(&image, 0xe1, &[b"Exif\0\0", &exif(6, true)[..]].concat());
    let turned: Vec<u8> = (0..16 * 8).map(|p| if p / 8 < 8 { 0 } else { 255 }).collect();
    grey(&dir.path().join("m/x.png"), [16, 8], &turned);
    let spec = only(DataSpec { spacing: Some([2.0, 0.5]), ..spec("i/*", "m/*", [16, 8]) });
    let applied = DataSpec { orientation: Some(OrientationRule::Apply), ..spec.clone() };
    let data = Dataset::open(&applied, dir.path()).unwrap();
    let sample = data.load(SplitRole::Train, 0, 1).unwrap();
    assert_eq!(sample.original, [16, 8]);
    let bright: Vec<u8> = sample.image.iter().map(|&v| u8::from(v > 0.5)).collect();
    assert_eq!(bright, sample.mask);
    // The size without decoding agrees, and the sides of a pixel change places.
    assert_eq!(data.truth(SplitRole::Train, 0).unwrap().1, [16, 8]);
    assert_eq!(data.spacing(SplitRole::Train, 0).unwrap(), Some([0.5, 2.0]));
    let as_stored = DataSpec { orientation: Some(OrientationRule::Stored), ..spec.clone() };
    let stored = Dataset::open(&as_stored, dir.path()).unwrap();
    refused(stored.load(SplitRole::Train, 0, 1), &["mask and image differ in size"]);
    let undecided = Dataset::open(&spec, dir.path()).unwrap();
    refused(undecided.load(SplitRole::Train, 0, 1), &["x.jpg", "the orientation tag is 6 (turned by 90 degrees)"]);
    refused(undecided.truth(SplitRole::Train, 0), &["orientation = apply"]);
}

#[test]
fn damaged_blocks_are_reported_and_other_sources_are_read() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("x.png");
    let write = |chunks: &[(&[u8; 4], &[u8])]| {
        write_png(&path, [2, 3], ColorType::Grayscale, BitDepth::Eight, chunks, &STORED);
    };
    let whole = exif(6, false);
    for damaged in [&b"garbage"[..], &whole[..12], &exif(9, false), b"II*\0\xff\xff\xff\xff"] {
        write(&[(b"eXIf", damaged)]);
        let (classes, _, warnings) = load_mask(&six_classes(None), &path).unwrap();
        assert_eq!(classes, STORED);
        assert!(warnings[0].text.contains("EXIF block is damaged"), "{warnings:?}");
    }
    // Cameras write 0 where they do not know the orientation.
    write(&[(b"eXIf", &exif(0, true))]);
    assert_eq!(load_mask(&six_classes(None), &path).unwrap().2, []);
    // Orientation in an XMP packet.
    write(&[(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation=\"3\"/>")]);
    refused(load_mask(&six_classes(None), &path), &["the orientation tag is 3 (upside down)"]);
    let path = dir.path().join("x.tif");
    write_tiff(&path, false, vec![tiff_page([2, 3], 8, 1, 1, &STORED).with(274, TagValue::Shorts(vec![77]))]);
    assert!(load_mask(&six_classes(None), &path).unwrap().2[0].text.contains("orientation tag is 77"));
    assert!(fs::metadata(&path).is_ok());
}
