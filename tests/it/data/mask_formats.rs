//! Masks whose meaning depends on more than grey values: palettes, alpha, few bits.

use crate::support::data_sets::{jpeg, png, refused, row, tif};
use crate::support::picture_files::{TagValue, tiff_page, write_gif, write_png, write_tiff, write_webp};
use image::ExtendedColorType;
use npc::internals::base::error::RunError;
use npc::internals::data::load_mask;
use npc::internals::text::config::case_rules::colour_label;
use npc::text::config::{DataSpec, MaskRule};
use png::{BitDepth, ColorType};
use std::path::{Path, PathBuf};
use tempfile::tempdir;
use tiff::encoder::colortype;

/// Black, dark red, dark green, white.
const PALETTE: [u8; 12] = [0, 0, 0, 128, 0, 0, 0, 100, 0, 255, 255, 255];
const INDICES: [u8; 4] = [0, 1, 3, 1];

fn with(labels: &[u32], mask_rule: MaskRule) -> DataSpec {
    let classes = labels.iter().map(|l| format!("c{l}")).collect();
    DataSpec { labels: labels.to_vec(), classes, mask_rule, ..row() }
}

fn load(spec: &DataSpec, path: &Path) -> Result<Vec<u8>, RunError> {
    load_mask(spec, path).map(|(classes, _, _)| classes)
}

/// Writes the indices with their palette in each format that has palettes.
fn palette_files(dir: &Path) -> Vec<PathBuf> {
    let paths = ["x.png", "x.gif", "x.bmp", "x.tif"].map(|name| dir.join(name));
    let packed = [0b00_01_11_01];
    write_png(&paths[0], [1, 4], ColorType::Indexed, BitDepth::Two, &[(b"PLTE", &PALETTE)], &packed);
    write_gif(&paths[1], [1, 4], &PALETTE, None, &[&INDICES]);
    let colours: Vec<[u8; 3]> = PALETTE.chunks(3).map(|c| [c[0], c[1], c[2]]).collect();
    let mut bmp = Vec::new();
    image::codecs::bmp::BmpEncoder::new(&mut bmp)
        .encode_with_palette(&INDICES, 4, 1, ExtendedColorType::L8, Some(&colours))
        .unwrap();
    std::fs::write(&paths[2], bmp).unwrap();
    let map = |c: usize| (0..256).map(move |i| u16::from(PALETTE.get(3 * i + c).copied().unwrap_or(0)) * 257);
    let map: Vec<u16> = map(0).chain(map(1)).chain(map(2)).collect();
    write_tiff(&paths[3], true, vec![tiff_page([1, 4], 8, 1, 3, &INDICES).with(320, TagValue::Shorts(map))]);
    paths.to_vec()
}

#[test]
fn numbers_are_compared_with_the_index_of_a_palette_and_colours_with_its_colours() {
    let dir = tempdir().unwrap();
    let colours = [[0, 0, 0], [128, 0, 0], [255, 255, 255]].map(colour_label);
    for path in palette_files(dir.path()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!(load(&with(&[0, 1, 3], MaskRule::Exact), &path).unwrap(), [0, 1, 2, 1], "{name}");
        assert_eq!(load(&with(&colours, MaskRule::Colour), &path).unwrap(), [0, 1, 2, 1], "{name}");
        let named = &[&name[..], "mask palette index 1 (colour #800000)", "2 pixels, the first at x 1, y 0"];
        refused(load(&with(&[0, 255], MaskRule::Exact), &path), named);
        // Indices have no brightness.
        refused(load(&with(&[0, 255], MaskRule::Threshold), &path), named);
        refused(load(&with(&[0, 1], MaskRule::Threshold), &path), &["mask palette index 3 (colour #ffffff)"]);
        refused(load(&with(&[0, 1], MaskRule::ThresholdAt(0)), &path), &["the mask has a palette"]);
        refused(load(&with(&colours[..2], MaskRule::Colour), &path), &["mask colour #ffffff (palette index 3)"]);
    }
}

#[test]
fn a_palette_that_repeats_the_greys_of_its_depth_is_no_palette() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("x.png");
    write_png(
        &path,
        [1, 4],
        ColorType::Indexed,
        BitDepth::One,
        &[(b"PLTE", &[0, 0, 0, 255, 255, 255])],
        &[0b0110_0000],
    );
    for labels in [[0, 1], [0, 255]] {
        assert_eq!(load(&with(&labels, MaskRule::Exact), &path).unwrap(), [0, 1, 1, 0]);
    }
    // White first: the index counts, and the report says so.
    write_png(
        &path,
        [1, 4],
        ColorType::Indexed,
        BitDepth::One,
        &[(b"PLTE", &[255, 255, 255, 0, 0, 0])],
        &[0b0110_0000],
    );
    let (classes, _, warnings) = load_mask(&with(&[0, 1], MaskRule::Exact), &path).unwrap();
    assert_eq!(classes, [0, 1, 1, 0]);
    assert!(warnings[0].text.contains("index 0 of the palette (class `c0`) is #ffffff"), "{warnings:?}");
    refused(load(&with(&[0, 255], MaskRule::Exact), &path), &["palette index 1 (colour #000000)"]);
    // A grey BMP file has a palette of all greys.
    let path = dir.path().join("x.bmp");
    image::GrayImage::from_raw(4, 1, vec![0, 255, 255, 0]).unwrap().save(&path).unwrap();
    assert_eq!(load(&with(&[0, 255], MaskRule::Exact), &path).unwrap(), [0, 1, 1, 0]);
}

/// Samples of 1, 2 and 4 bits count as stored where every label is such a value, and from 0 to 255 otherwise.
#[test]
fn grey_files_of_few_bits_follow_the_labels() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("x.png");
    write_png(&path, [1, 4], ColorType::Grayscale, BitDepth::One, &[], &[0b0110_0000]);
    for rule in [MaskRule::Exact, MaskRule::Threshold] {
        for labels in [[0, 1], [0, 255]] {
            assert_eq!(load(&with(&labels, rule), &path).unwrap(), [0, 1, 1, 0], "{labels:?}");
        }
    }
    refused(
        load(&with(&[0, 1, 2], MaskRule::Exact), &path),
        &["mask value 255", "the file has 1 bit a pixel, and its value 1 counts as 255"],
    );
    write_png(&path, [1, 4], ColorType::Grayscale, BitDepth::Two, &[], &[0b00_01_10_11]);
    assert_eq!(load(&with(&[0, 1, 2, 3], MaskRule::Exact), &path).unwrap(), [0, 1, 2, 3]);
    assert_eq!(load(&with(&[0, 85, 170, 255], MaskRule::Exact), &path).unwrap(), [0, 1, 2, 3]);
    assert_eq!(load(&with(&[0, 1], MaskRule::ThresholdAt(127)), &path).unwrap(), [0, 0, 1, 1]);
    // TIFF, with black or white as zero.
    let path = dir.path().join("x.tif");
    write_tiff(&path, false, vec![tiff_page([1, 4], 1, 1, 1, &[0b0110_0000])]);
    assert_eq!(load(&with(&[0, 1], MaskRule::Exact), &path).unwrap(), [0, 1, 1, 0]);
    // Programs differ in whether they invert, so the report says what npc does.
    write_tiff(&path, false, vec![tiff_page([1, 4], 1, 1, 0, &[0b0110_0000])]);
    let (classes, _, warnings) = load_mask(&with(&[0, 1], MaskRule::Exact), &path).unwrap();
    assert_eq!(classes, [1, 0, 0, 1]);
    let said = "PhotometricInterpretation is WhiteIsZero, so values are inverted, as viewers show them; programs that take the \
                stored values, such as tifffile, get the opposite";
    assert_eq!(warnings.iter().map(|w| w.text.as_str()).collect::<Vec<_>>(), [said]);
    write_tiff(&path, true, vec![tiff_page([1, 4], 8, 1, 0, &[255, 0, 0, 255])]);
    assert_eq!(load(&with(&[0, 255], MaskRule::Exact), &path).unwrap(), [0, 1, 1, 0]);
    write_tiff(&path, true, vec![tiff_page([1, 4], 8, 1, 0, &[1, 0, 0, 1])]);
    refused(load(&with(&[0, 1], MaskRule::Exact), &path), &["mask value 254"]);
}

/// White everywhere, with alpha of these pixels, in each format that has alpha.
fn alpha_files(dir: &Path, alpha: [u8; 4]) -> Vec<PathBuf> {
    let paths =
        ["la.png", "rgba.png", "rgba16.png", "palette.png", "x.webp", "x.tif", "x.gif"].map(|name| dir.join(name));
    let pixels = |samples: usize| -> Vec<u8> {
        alpha.iter().flat_map(|a| std::iter::repeat_n(255, samples - 1).chain([*a])).collect()
    };
    png(&paths[0], [1, 4], ExtendedColorType::La8, &pixels(2));
    png(&paths[1], [1, 4], ExtendedColorType::Rgba8, &pixels(4));
    let deep: Vec<u8> = pixels(4).iter().flat_map(|v| [*v, *v]).collect();
    png(&paths[2], [1, 4], ExtendedColorType::Rgba16, &deep);
    let white = [255; 6];
    let indices: Vec<u8> = alpha.iter().map(|a| u8::from(*a > 127)).collect();
    let packed = [indices.iter().fold(0u8, |byte, bit| byte << 1 | bit) << 4];
    let entries: &[(&[u8; 4], &[u8])] = &[(b"PLTE", &white), (b"tRNS", &[0])];
    write_png(&paths[3], [1, 4], ColorType::Indexed, BitDepth::One, entries, &packed);
    write_webp(&paths[4], [1, 4], 4, &pixels(4), None);
    tif::<colortype::RGBA8>(&paths[5], [1, 4], &pixels(4), true);
    write_gif(&paths[6], [1, 4], &white, Some(0), &[&indices]);
    paths.to_vec()
}

#[test]
fn alpha_that_says_something_is_refused_or_is_the_mask() {
    let dir = tempdir().unwrap();
    let exact = with(&[0, 255], MaskRule::Exact);
    let alpha = with(&[0, 255], MaskRule::Alpha);
    for path in alpha_files(dir.path(), [0, 255, 255, 0]) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let words = &[&name[..], "2 of 4 pixels of the mask are transparent, the first at x 0, y 0", "`mask = alpha`"];
        refused(load(&exact, &path), words);
        refused(load(&with(&[0, 255], MaskRule::Threshold), &path), words);
        refused(load(&with(&[0, 1, 255], MaskRule::Exact), &path), &["-alpha off"]);
        assert_eq!(load(&alpha, &path).unwrap(), [0, 1, 1, 0], "{name}");
    }
    // Alpha that is transparent everywhere hides the whole mask from viewers.
    for path in alpha_files(dir.path(), [0; 4]) {
        refused(load(&exact, &path), &["4 of 4 pixels"]);
        assert_eq!(load(&alpha, &path).unwrap(), [0; 4]);
    }
    // Alpha that is opaque everywhere says nothing.
    for path in &alpha_files(dir.path(), [255; 4])[..2] {
        assert_eq!(load(&exact, path).unwrap(), [1; 4]);
        let (classes, _, warnings) = load_mask(&alpha, path).unwrap();
        assert_eq!(classes, [1; 4]);
        assert!(warnings[0].text.contains("alpha is opaque everywhere"), "{warnings:?}");
    }
    let path = dir.path().join("grey.png");
    png(&path, [1, 4], ExtendedColorType::L8, &[0; 4]);
    refused(load(&alpha, &path), &["no alpha channel"]);
}

#[test]
fn transparent_values_and_samples_without_a_meaning() {
    let dir = tempdir().unwrap();
    let exact = with(&[0, 255], MaskRule::Exact);
    let path = dir.path().join("x.png");
    // One grey value, and one colour, that are transparent.
    write_png(&path, [1, 4], ColorType::Grayscale, BitDepth::Eight, &[(b"tRNS", &[0, 0])], &[0, 255, 255, 0]);
    refused(load(&exact, &path), &["2 of 4 pixels of the mask are transparent"]);
    assert_eq!(load(&with(&[0, 255], MaskRule::Alpha), &path).unwrap(), [0, 1, 1, 0]);
    write_png(&path, [1, 4], ColorType::Grayscale, BitDepth::Eight, &[(b"tRNS", &[0, 7])], &[0, 255, 255, 0]);
    assert_eq!(load(&exact, &path).unwrap(), [0, 1, 1, 0]);
    let rgb: Vec<u8> = [0, 255, 255, 0].iter().flat_map(|v| [*v; 3]).collect();
    write_png(&path, [1, 4], ColorType::Rgb, BitDepth::Eight, &[(b"tRNS", &[0, 255, 0, 255, 0, 255])], &rgb);
    refused(load(&exact, &path), &["2 of 4 pixels of the mask are transparent, the first at x 1, y 0"]);
    // TIFF: a second sample without ExtraSamples, associated alpha, and a page of transparency.
    let path = dir.path().join("x.tif");
    let two = [0, 9, 255, 9, 255, 8, 0, 9];
    write_tiff(&path, false, vec![tiff_page([1, 4], 8, 2, 1, &two).short(338, 0)]);
    refused(load(&exact, &path), &["a further sample a pixel whose meaning the file does not give"]);
    write_tiff(&path, false, vec![tiff_page([1, 4], 8, 2, 1, &two).short(338, 1)]);
    refused(load(&exact, &path), &["4 of 4 pixels", "alpha 9 of 255"]);
    let mask_page = tiff_page([1, 4], 8, 1, 1, &[0; 4]).with(254, TagValue::Longs(vec![4]));
    write_tiff(&path, false, vec![tiff_page([1, 4], 8, 1, 1, &[0, 255, 255, 0]), mask_page]);
    refused(load(&exact, &path), &["a further page says which pixels are transparent"]);
    // A lossy file has no exact labels, whatever its values are.
    let path = dir.path().join("x.jpg");
    jpeg(&path, [8, 8], &[255; 64]);
    refused(load(&exact, &path), &["x.jpg: JPEG compression changes pixel values"]);
}
