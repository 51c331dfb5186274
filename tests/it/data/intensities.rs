//! From the stored values of a file to the numbers that a network reads.

use crate::support::data_sets::{grey, only, png, refused, row, tif};
use image::ExtendedColorType;
use npc::internals::base::error::RunError;
use npc::internals::data::{Dataset, SplitRole, load_image, resize};
use npc::text::config::{DataSpec, DecodeRule};
use std::fs;
use std::path::Path;
use tempfile::tempdir;
use tiff::encoder::colortype;

/// Returns the first sample of a data set whose only image is written by `write`.
fn sample(spec: DataSpec, channels: usize, write: impl Fn(&Path)) -> Result<Vec<f32>, RunError> {
    let dir = tempdir().unwrap();
    write(&dir.path().join("i/x.tif"));
    grey(&dir.path().join("m/x.png"), [1, 4], &[0, 0, 255, 255]);
    Dataset::open(&only(spec), dir.path())?.load(SplitRole::Train, 0, channels).map(|s| s.image)
}

#[track_caller]
fn assert_close(got: &[f32], wanted: &[f32]) {
    assert_eq!(got.len(), wanted.len());
    got.iter().zip(wanted).for_each(|(g, w)| assert!((g - w).abs() < 2e-5, "{got:?} is not {wanted:?}"));
}

#[test]
fn signed_values_need_a_window() {
    let ct = |p: &Path| tif::<colortype::GrayI16>(p, [1, 4], &[-2048, -300, 400, 3000], true);
    refused(sample(row(), 1, ct), &["x.tif", "signed 16-bit", "window = [-1000, 400]"]);
    let windowed = DataSpec { window: Some([-1000.0, 400.0]), ..row() };
    assert_close(&sample(windowed.clone(), 1, ct).unwrap(), &[0.0, 0.5, 1.0, 1.0]);
    assert_close(&sample(windowed.clone(), 3, ct).unwrap(), &[0.0, 0.5, 1.0, 1.0].repeat(3));
    let float = |p: &Path| tif::<colortype::Gray32Float>(p, [1, 4], &[-1000.0, -650.0, 400.0, 9e9], false);
    refused(sample(row(), 1, float), &["32-bit float"]);
    assert_close(&sample(windowed.clone(), 1, float).unwrap(), &[0.0, 0.25, 1.0, 1.0]);
    let nan = |p: &Path| tif::<colortype::Gray32Float>(p, [1, 4], &[0.0, 1.0, f32::NAN, 0.0], false);
    refused(sample(windowed.clone(), 1, nan), &["NaN at x 2, y 0"]);
    // The value is -745 as an unsigned number.
    let unsigned = |p: &Path| tif::<colortype::Gray16>(p, [1, 4], &[64791, 0, 400, 64536], false);
    assert_close(&sample(windowed, 1, unsigned).unwrap(), &[255.0 / 1400.0, 1000.0 / 1400.0, 1.0, 0.0]);
}

#[test]
fn the_high_byte_is_kept_as_in_opencv() {
    let spec = DataSpec { decode: DecodeRule::HiByte, ..row() };
    let ct = |p: &Path| tif::<colortype::GrayI16>(p, [1, 4], &[-1000, 40, 400, -1], false);
    assert_close(&sample(spec, 1, ct).unwrap(), &[252.0 / 255.0, 0.0, 1.0 / 255.0, 1.0]);
}

#[test]
fn unsigned_values_are_divided_by_their_largest() {
    let bytes = |p: &Path| tif::<colortype::Gray8>(p, [1, 4], &[0, 51, 102, 255], false);
    // The comparison is exact: 16-bit steps represent every 8-bit value.
    let exact: Vec<f32> = [0.0f32, 51.0, 102.0, 255.0].iter().map(|v| v / 255.0).collect();
    assert_eq!(sample(row(), 1, bytes).unwrap(), exact);
    let words = |p: &Path| tif::<colortype::Gray16>(p, [1, 4], &[0, 1, 32768, 65535], true);
    let exact: Vec<f32> = [0.0f32, 1.0, 32768.0, 65535.0].iter().map(|v| v / 65535.0).collect();
    assert_eq!(sample(row(), 1, words).unwrap(), exact);
}

#[test]
fn channels_and_normalisation() {
    let colours = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255];
    let rgb = |p: &Path| tif::<colortype::RGB8>(p, [1, 4], &colours, false);
    assert_close(&sample(row(), 1, rgb).unwrap(), &[0.299, 0.587, 0.114, 1.0]);
    assert_close(&sample(row(), 3, rgb).unwrap(), &[1., 0., 0., 1., 0., 1., 0., 1., 0., 0., 1., 1.]);
    refused(sample(row(), 4, rgb), &["colour picture", "4 input channels"]);
    let three = DataSpec { mean: vec![0.5, 0.0, 1.0], std: vec![0.5, 2.0, 1.0], ..row() };
    assert_close(&sample(three.clone(), 3, rgb).unwrap(), &[1., -1., -1., 1., 0., 0.5, 0., 0.5, -1., -1., 0., 0.]);
    refused(sample(three, 1, rgb), &["mean", "3 values", "1 input channel"]);
    refused(sample(DataSpec { std: vec![0.0], ..row() }, 1, rgb), &["std"]);
    let with_alpha: Vec<u8> = colours.chunks(3).flat_map(|c| [c[0], c[1], c[2], 0]).collect();
    let rgba = |p: &Path| tif::<colortype::RGBA8>(p, [1, 4], &with_alpha, true);
    assert_close(&sample(row(), 1, rgba).unwrap(), &[0.299, 0.587, 0.114, 1.0]);
}

#[test]
fn file_formats_are_recognized_by_content() {
    let png = |p: &Path| png(p, [1, 4], ExtendedColorType::La8, &[0, 9, 51, 9, 102, 9, 255, 9]);
    assert_close(&sample(row(), 1, png).unwrap(), &[0.0, 0.2, 0.4, 1.0]);
    let text = |p: &Path| {
        fs::create_dir_all(p.parent().unwrap()).unwrap();
        fs::write(p, "not a picture").unwrap();
    };
    refused(sample(row(), 1, text), &["x.tif", "not a PNG, JPEG, TIFF, BMP, GIF or WebP file"]);
}

#[test]
fn picture_for_people_keeps_its_size() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("ct.tif");
    tif::<colortype::GrayI16>(&path, [2, 2], &[-1000, 400, -300, 9000], false);
    let spec = DataSpec { window: Some([-1000.0, 400.0]), mean: vec![0.5], std: vec![0.25], ..row() };
    let image = load_image(&spec, &path, 3).unwrap();
    assert_eq!((image.original, image.input.len()), ([2, 2], 12));
    assert_eq!(image.rgb, [0, 0, 0, 255, 255, 255, 128, 128, 128, 255, 255, 255]);
    let again = load_image(&spec, &path, 1).unwrap();
    assert_eq!(again.input, image.input[..4]);
}

#[test]
fn resizing_is_bilinear_with_antialias() {
    // PyTorch: interpolate(torch.tensor([[[[0., 4.]]]]), size=(1, 4), mode="bilinear", align_corners=False)
    assert_close(&resize::plane(&[0.0, 4.0], [1, 2], [1, 4]), &[0.0, 1.0, 3.0, 4.0]);
    // Four pixels become two with antialias: a triangle of radius 2 about 1 and 3, weights 3, 3, 1 and 1, 3, 3 of 7.
    assert_close(&resize::plane(&[7.0, 0.0, 0.0, 14.0], [4, 1], [2, 1]), &[3.0, 6.0]);
    // A constant image stays constant at any ratio.
    for (from, to) in [([7, 5], [3, 11]), ([640, 3], [7, 3]), ([1, 1], [4, 9])] {
        let out = resize::plane(&vec![0.25; from[0] * from[1]], from, to);
        assert!(out.iter().all(|v| (v - 0.25).abs() < 1e-6));
        assert_eq!(out.len(), to[0] * to[1]);
    }
    assert_eq!(resize::nearest(&[1, 2, 3, 4], [1, 4], [1, 2]), [2, 4]);
    assert_eq!(resize::nearest(&[1, 2, 3], [1, 3], [1, 1]), [2]);
    assert_eq!(resize::nearest(&[1, 2], [2, 1], [4, 2]), [1, 1, 1, 1, 2, 2, 2, 2]);
}

/// A few defective pixels do not hide that the others fill a small part of the range.
#[test]
fn sixteen_bit_values_are_judged_by_all_but_a_few() {
    let told = |values: &dyn Fn(usize) -> u16| {
        let dir = tempdir().unwrap();
        let values: Vec<u16> = (0..4096).map(values).collect();
        tif::<colortype::Gray16>(&dir.path().join("i/x.tif"), [64, 64], &values, false);
        grey(&dir.path().join("m/x.png"), [64, 64], &[0; 4096]);
        let spec = DataSpec { size: [64, 64], ..only(row()) };
        let sample = Dataset::open(&spec, dir.path()).unwrap().load(SplitRole::Train, 0, 1).unwrap();
        sample.warnings.into_iter().map(|notice| notice.text).collect::<Vec<_>>()
    };
    let usual = |i: usize| 1000 + (i % 51) as u16;
    let start = "the 16-bit values are scaled by 65535, and ";
    let wanted = |what: &str| [format!("{start}{what}; write the range of the values as `window = [low, high]`")];
    assert_eq!(told(&usual), wanted("the largest is 1050 (1.6 % of it)"));
    let hot = |i: usize| if i == 77 { 65535 } else { usual(i) };
    assert_eq!(told(&hot), wanted("all but 1 % of them lie between 1000 and 1050 (0.1 % of it)"));
    let cold_and_hot = |i: usize| if i % 900 == 5 { 65535 * (i % 2) as u16 } else { 40_000 + usual(i) };
    assert_eq!(told(&cold_and_hot), wanted("all but 1 % of them lie between 41000 and 41050 (0.1 % of it)"));
    // Two per cent of bright pixels are no defects, and wide values need no window.
    assert_eq!(told(&|i| if i % 50 == 0 { 60_000 } else { usual(i) }), [""; 0]);
    assert_eq!(told(&|i| (i * 16) as u16), [""; 0]);
}
