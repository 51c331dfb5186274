//! Data sets: pairing, splits, reading of every kind of file, mask rules, batches.

use image::{ExtendedColorType, ImageEncoder};
use npc::base::error::RunError;
use npc::data::{Dataset, Loader, Role, epoch_order, load_image, load_mask, natural, phantom, resize, write_atomic};
use npc::text::recipe::{DataSource, DataSpec, Decode, Empty, Grouping, MaskRule, Slicing, Split};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::{TempDir, tempdir};
use tiff::encoder::{Compression, DeflateLevel, Predictor, TiffEncoder, colortype};

/// Two classes, masks 0 and 255, everything in training but one in five.
pub fn spec(images: &str, masks: &str, size: [usize; 2]) -> DataSpec {
    DataSpec {
        name: "d".into(),
        source: DataSource::Files { images: images.into(), masks: masks.into() },
        size,
        classes: vec!["background".into(), "object".into()],
        labels: vec![0, 255],
        mask_rule: MaskRule::Threshold,
        split: Split::Random { train: 0.8, val: 0.0, test: 0.2, seed: 1 },
        grouping: Grouping::default(),
        slicing: Slicing::default(),
        window: None,
        decode: Decode::Value,
        mean: vec![0.0],
        std: vec![1.0],
        cache_mb: 64,
        limit: None,
        empty: Empty::One,
        spacing: None,
    }
}

pub fn phantoms(count: usize, size: [usize; 2]) -> DataSpec {
    DataSpec { source: DataSource::Phantoms { count, seed: 7 }, ..spec("", "", size) }
}

pub fn png(path: &Path, [h, w]: [usize; 2], color: ExtendedColorType, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let file = fs::File::create(path).unwrap();
    image::codecs::png::PngEncoder::new(file).write_image(bytes, w as u32, h as u32, color).unwrap();
}

pub fn grey(path: &Path, size: [usize; 2], bytes: &[u8]) {
    png(path, size, ExtendedColorType::L8, bytes);
}

fn jpeg(path: &Path, [h, w]: [usize; 2], bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let file = fs::File::create(path).unwrap();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(file, 90);
    encoder.write_image(bytes, w as u32, h as u32, ExtendedColorType::L8).unwrap();
}

pub fn tif<C>(path: &Path, [h, w]: [usize; 2], values: &[C::Inner], packed: bool)
where
    C: colortype::ColorType,
    [C::Inner]: tiff::encoder::TiffValue,
{
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut encoder = TiffEncoder::new(fs::File::create(path).unwrap()).unwrap();
    if packed {
        encoder = encoder
            .with_compression(Compression::Deflate(DeflateLevel::Balanced))
            .with_predictor(Predictor::Horizontal);
    }
    encoder.write_image::<C>(w as u32, h as u32, values).unwrap();
}

/// `count` pairs `images/a<i>.png`, `masks/a<i>.png` of 8 x 8 pixels.
pub fn small_set(count: usize) -> TempDir {
    let dir = tempdir().unwrap();
    for i in 0..count {
        let image: Vec<u8> = (0..64).map(|p| (p + i) as u8).collect();
        let mask: Vec<u8> = (0..64).map(|p| if p % 8 < 4 { 255 } else { 0 }).collect();
        grey(&dir.path().join(format!("images/a{i}.png")), [8, 8], &image);
        grey(&dir.path().join(format!("masks/a{i}.png")), [8, 8], &mask);
    }
    dir
}

/// One pair, its image and mask written by the caller under these names; both roles cannot be filled by one case, so
/// training takes it.
pub fn only(spec: DataSpec) -> DataSpec {
    DataSpec { split: Split::Random { train: 1.0, val: 0.0, test: 0.0, seed: 0 }, ..spec }
}

pub fn stems(data: &Dataset, role: Role) -> Vec<&str> {
    data.cases(role).iter().map(|c| c.stem.as_str()).collect()
}

#[track_caller]
pub fn refused<T>(result: Result<T, RunError>, words: &[&str]) -> String {
    let Err(error) = result else { panic!("expected a refusal with {words:?}") };
    let text = error.to_string();
    words.iter().for_each(|w| assert!(text.contains(w), "`{w}` is not in: {text}"));
    text
}

/// The folder of real data, where it is at hand.
pub fn real(part: &str) -> Option<PathBuf> {
    let root = std::env::var_os("NPC_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    let path = root.join(part);
    if path.is_dir() {
        Some(path)
    } else {
        println!("skipped: no {}", path.display());
        None
    }
}

// Pairs

#[test]
fn pairs_by_what_the_star_stands_for() {
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
    assert_eq!(stems(&data, Role::Train), ["ISIC_9", "ISIC_10"]);
    let data = Dataset::open(&only(spec("In Put/*", "Ground Truth/*_segmentation.png", [2, 2])), dir.path()).unwrap();
    assert_eq!(stems(&data, Role::Train), ["ISIC_9", "ISIC_10"]);
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
    assert_eq!(stems(&data, Role::Train), ["p1", "p2"]);
}

#[test]
fn image_and_mask_in_one_folder() {
    let dir = tempdir().unwrap();
    for i in 0..3 {
        grey(&dir.path().join(format!("{i}.png")), [1, 1], &[9]);
        grey(&dir.path().join(format!("{i}_mask.png")), [1, 1], &[255]);
    }
    let data = Dataset::open(&only(spec("*.png", "*_mask.png", [1, 1])), dir.path()).unwrap();
    assert_eq!(stems(&data, Role::Train), ["0", "1", "2"]);
    refused(Dataset::open(&spec("*.png", "*.png", [1, 1]), dir.path()), &["matched as image", "and as mask"]);
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

// Splits

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
        [Role::Train, Role::Val, Role::Test].map(|r| stems(&data, r).join(" "))
    };
    let forward: Vec<usize> = (0..30).collect();
    let backward: Vec<usize> = (0..30).rev().collect();
    let first = split(&forward, 3);
    assert_eq!(first, split(&backward, 3));
    assert_ne!(first, split(&forward, 4));
    assert_eq!(first.each_ref().map(|part| part.split(' ').count()), [21, 3, 6]);
    let all: BTreeSet<&str> = first.iter().flat_map(|part| part.split(' ')).collect();
    assert_eq!(all.len(), 30);
    // Fixed: a change of this would redraw every published split.
    assert_eq!(first[2], "0 1 21 25 26 29");
}

#[test]
fn sizes_of_the_papers_split() {
    let count = |n, share: f64| {
        let split = Split::Random { train: 1.0 - share, val: 0.0, test: share, seed: 0 };
        let data = Dataset::open(&DataSpec { split, ..phantoms(n, [8, 8]) }, Path::new("")).unwrap();
        (data.len(Role::Train), data.len(Role::Val), data.len(Role::Test))
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
        &["of 1 image leaves train empty"],
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
        let split = Split::Lists { train: "tr.txt".into(), val: val.map(|_| "va.txt".into()), test: "te.txt".into() };
        Dataset::open(&DataSpec { split, ..spec("images/*.png", "masks/*.png", [8, 8]) }, dir.path())
    };
    let data = lists("\u{feff}a3\r\na0\r\n\r\n", Some("A1\n"), "a4").unwrap();
    assert_eq!(stems(&data, Role::Train), ["a3", "a0"]);
    assert_eq!(stems(&data, Role::Val), ["a1"]);
    assert_eq!(stems(&data, Role::Test), ["a4"]);
    let out = dir.path().join("run/split");
    data.write_split(&out).unwrap();
    assert_eq!(fs::read_to_string(out.join("train.txt")).unwrap(), "a3\na0\n");
    assert_eq!(fs::read_dir(&out).unwrap().count(), 3);

    refused(lists("a0\na9", None, "a1"), &["tr.txt", "line 2", "`a9` is none of the 6 stems"]);
    refused(lists("a0.png", None, "a1"), &["a stem has no extension"]);
    refused(lists("a0\na1", None, "a2\na1"), &["te.txt", "line 2", "line 2 of tr.txt already"]);
    refused(lists("a0\na0", None, "a1"), &["tr.txt", "line 2", "line 1 of tr.txt"]);
    refused(lists("a0", None, " \n"), &["te.txt", "names no image"]);
    fs::remove_file(dir.path().join("te.txt")).unwrap();
    let split = Split::Lists { train: "tr.txt".into(), val: None, test: "te.txt".into() };
    let spec = DataSpec { split, ..spec("images/*.png", "masks/*.png", [8, 8]) };
    fs::write(dir.path().join("tr.txt"), "a0").unwrap();
    refused(Dataset::open(&spec, dir.path()), &["te.txt", "cannot be read"]);
}

// Intensities

/// The first sample of a set whose only image is `write`n.
fn sample(spec: DataSpec, channels: usize, write: impl Fn(&Path)) -> Result<Vec<f32>, RunError> {
    let dir = tempdir().unwrap();
    write(&dir.path().join("i/x.tif"));
    grey(&dir.path().join("m/x.png"), [1, 4], &[0, 0, 255, 255]);
    Dataset::open(&only(spec), dir.path())?.load(Role::Train, 0, channels).map(|s| s.image)
}

fn row() -> DataSpec {
    spec("i/*.tif", "m/*.png", [1, 4])
}

#[track_caller]
fn close(got: &[f32], wanted: &[f32]) {
    assert_eq!(got.len(), wanted.len());
    got.iter().zip(wanted).for_each(|(g, w)| assert!((g - w).abs() < 2e-5, "{got:?} is not {wanted:?}"));
}

#[test]
fn signed_values_need_a_window() {
    let ct = |p: &Path| tif::<colortype::GrayI16>(p, [1, 4], &[-2048, -300, 400, 3000], true);
    refused(sample(row(), 1, ct), &["x.tif", "signed 16-bit", "window = [-1000, 400]"]);
    let windowed = DataSpec { window: Some([-1000.0, 400.0]), ..row() };
    close(&sample(windowed.clone(), 1, ct).unwrap(), &[0.0, 0.5, 1.0, 1.0]);
    close(&sample(windowed.clone(), 3, ct).unwrap(), &[0.0, 0.5, 1.0, 1.0].repeat(3));
    let float = |p: &Path| tif::<colortype::Gray32Float>(p, [1, 4], &[-1000.0, -650.0, 400.0, 9e9], false);
    refused(sample(row(), 1, float), &["32-bit float"]);
    close(&sample(windowed.clone(), 1, float).unwrap(), &[0.0, 0.25, 1.0, 1.0]);
    let nan = |p: &Path| tif::<colortype::Gray32Float>(p, [1, 4], &[0.0, 1.0, f32::NAN, 0.0], false);
    refused(sample(windowed.clone(), 1, nan), &["NaN at x 2, y 0"]);
    // -745 as the unsigned view of it.
    let unsigned = |p: &Path| tif::<colortype::Gray16>(p, [1, 4], &[64791, 0, 400, 64536], false);
    close(&sample(windowed, 1, unsigned).unwrap(), &[255.0 / 1400.0, 1000.0 / 1400.0, 1.0, 0.0]);
}

#[test]
fn high_byte_is_what_opencv_keeps() {
    let spec = DataSpec { decode: Decode::HiByte, ..row() };
    let ct = |p: &Path| tif::<colortype::GrayI16>(p, [1, 4], &[-1000, 40, 400, -1], false);
    close(&sample(spec, 1, ct).unwrap(), &[252.0 / 255.0, 0.0, 1.0 / 255.0, 1.0]);
}

#[test]
fn unsigned_values_are_divided_by_their_largest() {
    let bytes = |p: &Path| tif::<colortype::Gray8>(p, [1, 4], &[0, 51, 102, 255], false);
    // Exactly: 16-bit steps hold every 8-bit value.
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
    close(&sample(row(), 1, rgb).unwrap(), &[0.299, 0.587, 0.114, 1.0]);
    close(&sample(row(), 3, rgb).unwrap(), &[1., 0., 0., 1., 0., 1., 0., 1., 0., 0., 1., 1.]);
    refused(sample(row(), 4, rgb), &["colour picture", "4 channels"]);
    let three = DataSpec { mean: vec![0.5, 0.0, 1.0], std: vec![0.5, 2.0, 1.0], ..row() };
    close(&sample(three.clone(), 3, rgb).unwrap(), &[1., -1., -1., 1., 0., 0.5, 0., 0.5, -1., -1., 0., 0.]);
    refused(sample(three, 1, rgb), &["mean", "3 values", "1 channels"]);
    refused(sample(DataSpec { std: vec![0.0], ..row() }, 1, rgb), &["std"]);
    let with_alpha: Vec<u8> = colours.chunks(3).flat_map(|c| [c[0], c[1], c[2], 0]).collect();
    let rgba = |p: &Path| tif::<colortype::RGBA8>(p, [1, 4], &with_alpha, true);
    close(&sample(row(), 1, rgba).unwrap(), &[0.299, 0.587, 0.114, 1.0]);
}

#[test]
fn files_are_told_by_content() {
    let png = |p: &Path| png(p, [1, 4], ExtendedColorType::La8, &[0, 9, 51, 9, 102, 9, 255, 9]);
    close(&sample(row(), 1, png).unwrap(), &[0.0, 0.2, 0.4, 1.0]);
    let text = |p: &Path| {
        fs::create_dir_all(p.parent().unwrap()).unwrap();
        fs::write(p, "not a picture").unwrap();
    };
    refused(sample(row(), 1, text), &["x.tif", "neither PNG, JPEG nor TIFF"]);
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
    close(&resize::plane(&[0.0, 4.0], [1, 2], [1, 4]), &[0.0, 1.0, 3.0, 4.0]);
    // Four pixels to two with antialias: triangle of radius 2 about 1 and 3, weights 3, 3, 1 and 1, 3, 3 of 7.
    close(&resize::plane(&[7.0, 0.0, 0.0, 14.0], [4, 1], [2, 1]), &[3.0, 6.0]);
    // A constant stays one, whatever the ratio.
    for (from, to) in [([7, 5], [3, 11]), ([640, 3], [7, 3]), ([1, 1], [4, 9])] {
        let out = resize::plane(&vec![0.25; from[0] * from[1]], from, to);
        assert!(out.iter().all(|v| (v - 0.25).abs() < 1e-6));
        assert_eq!(out.len(), to[0] * to[1]);
    }
    assert_eq!(resize::nearest(&[1, 2, 3, 4], [1, 4], [1, 2]), [2, 4]);
    assert_eq!(resize::nearest(&[1, 2, 3], [1, 3], [1, 1]), [2]);
    assert_eq!(resize::nearest(&[1, 2], [2, 1], [4, 2]), [1, 1, 1, 1, 2, 2, 2, 2]);
}

// Masks

/// Class indices and warnings of a grey mask of one row.
fn mask(spec: &DataSpec, values: &[u8]) -> Result<(Vec<u8>, Vec<String>), RunError> {
    let dir = tempdir().unwrap();
    let path = dir.path().join("x.png");
    grey(&path, [1, values.len()], values);
    load_mask(spec, &path).map(|(mask, size, warnings)| {
        assert_eq!(size, [1, values.len()]);
        (mask, warnings)
    })
}

#[test]
fn threshold_of_two_classes() {
    let spec = row();
    assert_eq!(
        mask(&spec, &[0, 8, 247, 255, 0, 0, 0, 0, 0, 0, 127]).unwrap(),
        (vec![0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0], vec![])
    );
    assert_eq!(mask(&spec, &[0, 1, 1, 0]).unwrap(), (vec![0, 1, 1, 0], vec![]));
    assert_eq!(mask(&spec, &[0, 0]).unwrap(), (vec![0, 0], vec![]));
    assert_eq!(mask(&spec, &[255, 128]).unwrap().0, [1, 1]);
    let (_, warnings) = mask(&spec, &[0, 64, 128, 255]).unwrap();
    assert!(warnings[0].contains("x.png: 50 % of the mask's pixels are neither near 0 nor near 255"), "{warnings:?}");
    // The order of the labels is that of the classes.
    let inverted = DataSpec { labels: vec![255, 0], ..row() };
    assert_eq!(mask(&inverted, &[0, 255]).unwrap().0, [1, 0]);
    let ones = DataSpec { labels: vec![0, 1], ..row() };
    assert_eq!(mask(&ones, &[0, 3, 252, 255]).unwrap().0, [0, 0, 1, 1]);
    let three = DataSpec { labels: vec![0, 1, 2], classes: vec!["a".into(), "b".into(), "c".into()], ..row() };
    refused(mask(&three, &[0]), &["3 labels", "threshold"]);
}

#[test]
fn masks_of_other_kinds() {
    let dir = tempdir().unwrap();
    let load = |path: &Path| load_mask(&row(), path).map(|m| (m.0, m.2));
    let path = dir.path().join("rgb.png");
    png(&path, [1, 2], ExtendedColorType::Rgb8, &[255, 0, 0, 0, 0, 0]);
    let (classes, warnings) = load(&path).unwrap();
    assert_eq!(classes, [1, 0]);
    assert!(warnings[0].contains("in colours"));
    png(&path, [1, 2], ExtendedColorType::Rgb8, &[250, 252, 251, 3, 1, 2]);
    assert_eq!(load(&path).unwrap(), (vec![1, 0], vec![]));
    let path = dir.path().join("deep.png");
    let deep: Vec<u8> = [65535u16, 20].iter().flat_map(|v| v.to_ne_bytes()).collect();
    png(&path, [1, 2], ExtendedColorType::L16, &deep);
    assert_eq!(load(&path).unwrap(), (vec![1, 0], vec![]));
    let path = dir.path().join("float.tif");
    tif::<colortype::Gray32Float>(&path, [1, 2], &[1.0, 0.0], false);
    assert_eq!(load(&path).unwrap(), (vec![1, 0], vec![]));
    // An empty mask with the noise of compression is empty.
    let path = dir.path().join("empty.jpg");
    jpeg(&path, [8, 8], &[1; 64]);
    assert_eq!(load(&path).unwrap().0, [0; 64]);
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
        &["x.png", "mask value 7", "2 pixels", "x 2, y 0", "1 other value", "0 (rest), 3 (liver), 300 (spleen)"],
    );
    let dir = tempdir().unwrap();
    let path = dir.path().join("x.tif");
    tif::<colortype::Gray16>(&path, [2, 2], &[0, 300, 3, 300], true);
    assert_eq!(load_mask(&exact(), &path).unwrap().0, [0, 2, 1, 2]);
    tif::<colortype::GrayI16>(&path, [2, 2], &[0, 3, 3, -1], true);
    refused(load_mask(&exact(), &path), &["mask value -1", "1 pixel of it", "x 1, y 1"]);
    let path = dir.path().join("x.png");
    png(&path, [1, 2], ExtendedColorType::Rgb8, &[3, 3, 3, 0, 0, 3]);
    refused(load_mask(&exact(), &path), &["mask in colours", "x 1, y 0", "(0, 0, 3)"]);
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
        let truth = data.truth(Role::Train, 0).map(|t| (t.0.len(), t.1));
        (data.load(Role::Train, 0, 1), truth)
    };
    let (sample, truth) = load([5, 5]);
    let sample = sample.unwrap();
    assert_eq!((sample.original, sample.mask), ([4, 6], vec![1; 6]));
    assert!(sample.warnings[0].contains("every pixel has the same value"));
    assert_eq!(truth.unwrap(), (24, [4, 6]));
    let (sample, truth) = load([6, 6]);
    refused(sample, &["m/x.png", "6 x 6 pixels (width x height)", "i/x.tif", "has 6 x 4"]);
    refused(truth, &["m/x.png"]);
}

// Damage

#[test]
fn files_cut_off_anywhere_are_refused_by_name() {
    let dir = tempdir().unwrap();
    let noise: Vec<u8> = (0..4096u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let signed: Vec<i16> = noise.iter().map(|&v| i16::from(v) - 1000).collect();
    grey(&dir.path().join("a.png"), [64, 64], &noise);
    jpeg(&dir.path().join("b.jpg"), [64, 64], &noise);
    tif::<colortype::GrayI16>(&dir.path().join("c.tif"), [64, 64], &signed, true);
    tif::<colortype::GrayI16>(&dir.path().join("d.tif"), [64, 64], &signed, false);
    let spec = DataSpec { window: Some([-1000.0, 0.0]), ..spec("", "", [8, 8]) };
    for name in ["a.png", "b.jpg", "c.tif", "d.tif"] {
        let path = dir.path().join(name);
        let whole = fs::read(&path).unwrap();
        load_image(&spec, &path, 1).unwrap();
        for part in [0, 1, 3, 8, 20, whole.len() / 4, whole.len() / 2, whole.len() * 9 / 10] {
            fs::write(&path, &whole[..part]).unwrap();
            refused(load_image(&spec, &path, 1), &[name]);
        }
        // Any byte may be wrong: refused or read, never a panic.
        for at in (0..whole.len()).step_by(whole.len() / 60) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x5a;
            fs::write(&path, &damaged).unwrap();
            if let Err(error) = load_image(&spec, &path, 1) {
                assert!(error.to_string().contains(name));
            }
        }
    }
    refused(load_image(&spec, &dir.path().join("none.png"), 1), &["none.png", "cannot be read"]);
}

#[test]
fn jpeg_end_marker_in_a_thumbnail_does_not_count() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a.jpg");
    jpeg(&path, [16, 16], &[77; 256]);
    let whole = fs::read(&path).unwrap();
    let mut with_app = vec![0xff, 0xd8, 0xff, 0xe1, 0, 6, 0xff, 0xd9, 0xff, 0xd9];
    with_app.extend_from_slice(&whole[2..]);
    fs::write(&path, &with_app).unwrap();
    load_image(&row(), &path, 1).unwrap();
    fs::write(&path, &with_app[..with_app.len() - 2]).unwrap();
    refused(load_image(&row(), &path, 1), &["a.jpg", "ends before its picture"]);
    with_app.extend_from_slice(b"added by a camera");
    fs::write(&path, &with_app).unwrap();
    load_image(&row(), &path, 1).unwrap();
}

#[test]
fn absurd_sizes_are_refused_before_memory_is_taken() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("bomb.png");
    grey(&path, [1, 1], &[0]);
    let mut bytes = fs::read(&path).unwrap();
    bytes[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    let crc = !bytes[12..29].iter().fold(!0u32, |crc, &b| {
        (0..8).fold(crc ^ u32::from(b), |c, _| if c & 1 == 1 { (c >> 1) ^ 0xedb8_8320 } else { c >> 1 })
    });
    bytes[29..33].copy_from_slice(&crc.to_be_bytes());
    fs::write(&path, &bytes).unwrap();
    refused(load_image(&row(), &path, 1), &["bomb.png", "65536 x 65536", "16384 x 16384"]);
    let path = dir.path().join("bomb.tif");
    tif::<colortype::Gray8>(&path, [1, 1], &[0], false);
    let mut bytes = fs::read(&path).unwrap();
    // The entries for width and length: tags 256 and 257.
    for tag in [0u8, 1] {
        let at = bytes
            .windows(3)
            .position(|w| w == [tag, 1, 4])
            .or_else(|| bytes.windows(3).position(|w| w == [tag, 1, 3]))
            .unwrap();
        bytes[at + 2] = 4;
        bytes[at + 8..at + 12].copy_from_slice(&100_000u32.to_le_bytes());
    }
    fs::write(&path, &bytes).unwrap();
    refused(load_image(&row(), &path, 1), &["bomb.tif", "100000 x 100000"]);
}

// Batches

#[test]
fn batches_come_in_order() {
    let dir = small_set(10);
    let spec = only(spec("images/*.png", "masks/*.png", [4, 4]));
    let data = Arc::new(Dataset::open(&spec, dir.path()).unwrap());
    let order = epoch_order(10, 5, 2);
    for cache_mb in [0, 64] {
        let data = Arc::new(Dataset::open(&DataSpec { cache_mb, ..spec.clone() }, dir.path()).unwrap());
        let loader = Loader::new(Arc::clone(&data), Role::Train, 3);
        for (drop_last, sizes) in [(false, vec![4, 4, 2]), (true, vec![4, 4])] {
            let batches: Vec<_> = loader.batches(order.clone(), 4, drop_last).map(Result::unwrap).collect();
            assert_eq!(batches.iter().map(|b| b.shape[0]).collect::<Vec<_>>(), sizes);
            let seen: Vec<usize> = batches.iter().flat_map(|b| b.cases.clone()).collect();
            assert_eq!(seen, order[..seen.len()]);
            for batch in &batches {
                assert_eq!(batch.shape[1..], [3, 4, 4]);
                assert_eq!(batch.images.len(), batch.shape.iter().product::<usize>());
                for (i, &case) in batch.cases.iter().enumerate() {
                    let alone = data.load(Role::Train, case, 3).unwrap();
                    assert_eq!(batch.images[i * 48..(i + 1) * 48], alone.image);
                    assert_eq!(batch.targets[i * 16..(i + 1) * 16], alone.mask);
                }
            }
        }
    }
    let loader = Loader::new(data, Role::Train, 1);
    assert_eq!(loader.batches(vec![], 4, false).count(), 0);
    refused(loader.batches(vec![0], 0, false).next().unwrap(), &["batch of 0"]);
    refused(loader.batches(vec![99], 1, false).next().unwrap(), &["no number 99"]);
}

#[test]
fn cache_stays_in_its_bound() {
    let dir = tempdir().unwrap();
    let one = phantoms(8, [256, 256]);
    let data = Arc::new(Dataset::open(&DataSpec { cache_mb: 1, ..only(one) }, dir.path()).unwrap());
    let loader = Loader::new(data, Role::Train, 3);
    for _ in 0..2 {
        assert_eq!(loader.batches((0..8).collect(), 3, false).map(Result::unwrap).count(), 3);
        // One plane of 16 bits and the mask: 192 KiB a sample, so five fit into a MiB.
        let held = loader.cached_bytes();
        assert!(held <= 1 << 20 && held > 5 * 196_608, "{held}");
    }
}

#[test]
fn cached_samples_are_not_read_again() {
    let dir = small_set(3);
    let data = Dataset::open(&only(spec("images/*.png", "masks/*.png", [8, 8])), dir.path()).unwrap();
    let loader = Loader::new(Arc::new(data), Role::Train, 1);
    let first: Vec<f32> = loader.batches(vec![0, 1, 2], 3, false).flat_map(|b| b.unwrap().images).collect();
    fs::remove_dir_all(dir.path().join("images")).unwrap();
    let second: Vec<f32> = loader.batches(vec![0, 1, 2], 3, false).flat_map(|b| b.unwrap().images).collect();
    assert_eq!(first, second);
}

#[test]
fn early_drop_stops_the_loading() {
    let data = Dataset::open(&DataSpec { cache_mb: 0, ..only(phantoms(5000, [96, 96])) }, Path::new("")).unwrap();
    let loader = Loader::new(Arc::new(data), Role::Train, 1);
    let start = Instant::now();
    for _ in 0..3 {
        let mut batches = loader.batches((0..5000).collect(), 4, false);
        assert_eq!(batches.next().unwrap().unwrap().cases, [0, 1, 2, 3]);
    }
    drop(loader.batches((0..5000).collect(), 5000, false));
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
fn errors_come_through_the_batches() {
    let dir = small_set(6);
    fs::write(dir.path().join("images/a3.png"), b"\x89PNG\r\n\x1a\nno").unwrap();
    let data = Dataset::open(&only(spec("images/*.png", "masks/*.png", [8, 8])), dir.path()).unwrap();
    let loader = Loader::new(Arc::new(data), Role::Train, 1);
    let mut batches = loader.batches((0..6).collect(), 2, false);
    assert!(batches.next().unwrap().is_ok());
    refused(batches.next().unwrap(), &["a3.png"]);
    assert!(batches.next().is_none());
    assert!(batches.next().is_none());
}

#[test]
fn warnings_are_said_once() {
    let dir = small_set(2);
    grey(&dir.path().join("masks/a1.png"), [8, 8], &(0..64).map(|i| i * 4).collect::<Vec<u8>>());
    let data =
        Dataset::open(&DataSpec { cache_mb: 0, ..only(spec("images/*.png", "masks/*.png", [8, 8])) }, dir.path());
    let loader = Loader::new(Arc::new(data.unwrap()), Role::Train, 1);
    for _ in 0..2 {
        assert!(loader.batches(vec![0, 1], 1, false).all(|b| b.is_ok()));
    }
    assert_eq!(loader.warnings().len(), 1);
    assert!(loader.warnings()[0].contains("a1.png"));
}

#[test]
fn epochs_are_shuffled_by_seed_and_number() {
    assert_eq!(epoch_order(9, 1, 0), epoch_order(9, 1, 0));
    assert_ne!(epoch_order(9, 1, 0), epoch_order(9, 1, 1));
    assert_ne!(epoch_order(9, 1, 0), epoch_order(9, 2, 0));
    let mut sorted = epoch_order(100, 3, 4);
    sorted.sort_unstable();
    assert_eq!(sorted, (0..100).collect::<Vec<_>>());
    assert!(epoch_order(0, 1, 1).is_empty());
}

// Phantoms

#[test]
fn phantoms_are_the_same_everywhere() {
    let sum = |index| {
        let slice = phantom::draw(11, index, [64, 80]);
        slice.hu.iter().zip(&slice.lungs).fold(0u64, |hash, (&hu, &lung)| {
            (hash ^ (hu as u16 as u64) << 1 ^ u64::from(lung)).wrapping_mul(0x100_0000_01b3).rotate_left(23)
        })
    };
    assert_eq!([sum(0), sum(1), sum(1000)], [13513516900284385120, 3001293331914536176, 9682829307071180130]);
}

#[test]
fn phantoms_need_more_than_a_threshold() {
    let (mut best, mut share) = (0.0f64, Vec::new());
    let slices: Vec<_> = (0..24).map(|i| phantom::draw(5, i, [128, 128])).collect();
    for slice in &slices {
        let lung = slice.lungs.iter().filter(|&&v| v == 1).count() as f64 / slice.lungs.len() as f64;
        assert!((0.01..0.45).contains(&lung), "{lung}");
        share.push(lung);
        // Air that is not lung, inside the body or around it.
        assert!(slice.hu.iter().zip(&slice.lungs).any(|(&hu, &l)| hu < -900 && l == 0));
    }
    for threshold in (-1000..=-200).step_by(50) {
        let (mut both, mut either) = (0, 0);
        for (hu, lung) in slices.iter().flat_map(|s| s.hu.iter().zip(&s.lungs)) {
            let found = *hu < threshold && *hu > -980;
            both += u32::from(found && *lung == 1);
            either += u32::from(found || *lung == 1);
        }
        best = best.max(f64::from(both) / f64::from(either));
    }
    assert!(best < 0.6, "{best}");
    assert!(share.iter().fold(0.0f64, |a, &b| a.max(b)) > 2.0 * share.iter().fold(1.0f64, |a, &b| a.min(b)));
}

#[test]
fn phantoms_on_disk_are_those_in_memory() {
    let dir = tempdir().unwrap();
    phantom::write_phantoms(dir.path(), 10, 7, [48, 48]).unwrap();
    let lists = Split::Lists { train: "train.txt".into(), val: None, test: "test.txt".into() };
    let files = DataSpec {
        split: lists.clone(),
        window: Some(phantom::WINDOW),
        ..spec("images/*.tif", "masks/*.tif", [48, 48])
    };
    let files = Dataset::open(&files, dir.path()).unwrap();
    let made = Dataset::open(&DataSpec { split: lists, ..phantoms(10, [48, 48]) }, dir.path()).unwrap();
    assert_eq!((files.len(Role::Train), files.len(Role::Test)), (8, 2));
    for role in [Role::Train, Role::Test] {
        assert_eq!(stems(&files, role), stems(&made, role));
        for i in 0..files.len(role) {
            assert_eq!(files.load(role, i, 1).unwrap(), made.load(role, i, 1).unwrap());
            assert_eq!(files.truth(role, i).unwrap(), made.truth(role, i).unwrap());
            assert_eq!(files.picture(role, i, 3).unwrap(), made.picture(role, i, 3).unwrap());
        }
    }
    refused(phantom::write_phantoms(dir.path(), 1, 7, [8, 8]), &["1 phantoms"]);
    refused(Dataset::open(&phantoms(0, [8, 8]), dir.path()), &["0 phantoms"]);
}

#[test]
fn phantoms_of_any_size() {
    for size in [[1, 1], [1, 9], [7, 3], [33, 200]] {
        let slice = phantom::draw(1, 2, size);
        assert_eq!((slice.hu.len(), slice.lungs.len()), (size[0] * size[1], size[0] * size[1]));
    }
}

#[test]
fn writing_replaces_whole_files() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a.txt");
    write_atomic(&path, b"one").unwrap();
    write_atomic(&path, b"two").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"two");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    refused(write_atomic(&dir.path().join("no/where.txt"), b""), &["where.txt", "cannot be written"]);
}

// Real pictures

#[test]
fn real_lungs_agree_with_their_table() {
    let Some(root) = real("lung_ct_lctsc") else { return };
    // A window in which one HU is one step of 16 bits: what comes out is what is stored.
    let window = Some([-32768.0, 32767.0]);
    let spec = DataSpec { window, ..only(spec("images/*.tif", "masks/*.tif", [512, 512])) };
    let data = Dataset::open(&spec, &root).unwrap();
    assert_eq!(data.len(Role::Train), 100);
    let table = fs::read_to_string(root.join("metadata.csv")).unwrap();
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let index = data.cases(Role::Train).iter().position(|c| c.stem == cells[0]).unwrap();
        let sample = data.load(Role::Train, index, 1).unwrap();
        assert_eq!(sample.original, [512, 512]);
        let hu = |v: f32| (v * 65535.0).round() as i32 - 32768;
        let least = sample.image.iter().copied().fold(f32::INFINITY, f32::min);
        let most = sample.image.iter().copied().fold(0.0, f32::max);
        assert_eq!([hu(least), hu(most)], [cells[3], cells[4]].map(|c| c.parse::<i32>().unwrap()), "{}", cells[0]);
        let lungs = sample.mask.iter().filter(|&&v| v == 1).count();
        assert_eq!(lungs, cells[5].parse::<usize>().unwrap(), "{}", cells[0]);
        assert_eq!(sample.warnings, Vec::<String>::new());
    }
}

#[test]
fn real_official_layouts() {
    let Some(root) = real("official_layouts") else { return };
    let ct = Some([-1000.0, 400.0]);
    for (images, masks, window, count) in [
        ("finding-lungs-in-ct-data/2d_images/*.tif", "finding-lungs-in-ct-data/2d_masks/*.tif", ct, 2),
        (
            "ISIC2018/ISIC2018_Task1-2_Training_Input/*.jpg",
            "ISIC2018/ISIC2018_Task1_Training_GroundTruth/*_segmentation.png",
            None,
            4,
        ),
        ("CVC-ClinicDB/Original/*.tif", "CVC-ClinicDB/Ground Truth/*.tif", None, 3),
        ("cvc-clinicdb/png/original/*.PNG", "cvc-clinicdb/png/ground truth/*.png", None, 3),
        ("Kvasir-SEG/images/*.jpg", "Kvasir-SEG/masks/*.jpg", None, 5),
    ] {
        let spec = DataSpec { window, ..only(spec(images, masks, [96, 128])) };
        let data = Dataset::open(&spec, &root).unwrap();
        assert_eq!(data.len(Role::Train), count, "{images}");
        for i in 0..count {
            let sample = data.load(Role::Train, i, 3).unwrap();
            assert_eq!(sample.warnings, Vec::<String>::new());
            let share = |mask: &[u8]| mask.iter().filter(|&&v| v == 1).count() as f64 / mask.len() as f64;
            let (truth, size, _) = data.truth(Role::Train, i).unwrap();
            assert_eq!(size, sample.original);
            assert!(share(&truth) > 0.005 && share(&truth) < 0.99, "{images} {i}");
            assert!((share(&truth) - share(&sample.mask)).abs() < 0.01);
            assert!(sample.image.iter().all(|v| (0.0..=1.0).contains(v)));
        }
    }
    // The two kinds of files of one data set say the same.
    let cvc = |images: &str, masks: &str| {
        Dataset::open(&only(spec(images, masks, [288, 384])), &root.join("CVC-ClinicDB")).unwrap()
    };
    let (tif, png) = (cvc("Original/*.tif", "Ground Truth/*.tif"), cvc("PNG/Original/*.png", "PNG/Ground Truth/*.png"));
    for i in 0..3 {
        assert_eq!(tif.load(Role::Train, i, 3).unwrap(), png.load(Role::Train, i, 3).unwrap());
    }
}

#[test]
fn real_lists() {
    for (name, ext, train, test) in [("lung_ct_lctsc", "tif", 80, 20), ("polyp_kvasir_256", "png", 490, 122)] {
        let Some(root) = real(name) else { return };
        let split = Split::Lists { train: "train.txt".into(), val: None, test: "test.txt".into() };
        let images = if ext == "tif" { "images/*.tif" } else { "images/*.jpg" };
        let data =
            Dataset::open(&DataSpec { split, ..spec(images, &format!("masks/*.{ext}"), [64, 64]) }, &root).unwrap();
        assert_eq!((data.len(Role::Train), data.len(Role::Test)), (train, test));
    }
}

// Colours

#[test]
fn colours_stand_for_classes() {
    use npc::text::recipe::cases::colour_label;
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
            "x.png: mask colour #fa0300 stands for no class: 2 pixels of it, the first at x 1, y 0; so does 1 other colour",
            "the labels are #000000 (rest), #ff0000 (liver), #00ff00 (spleen)",
            "the nearest label is #ff0000 (liver)",
        ],
    );
    // A palette is looked up, and grey is a colour.
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
    refused(load_mask(&spec, &path), &["stands for no class", "JPEG changes colours"]);
    // What is predicted is written in the same colours.
    npc::show::overlay::write_mask_atomic(&path, &[0, 2, 1], [1, 3], &spec.labels).unwrap();
    assert_eq!(load_mask(&spec, &path).unwrap().0, [0, 2, 1]);
}

#[test]
fn class_numbers_under_a_threshold_are_doubted() {
    let (classes, warnings) = mask(&row(), &[0, 1, 2, 2]).unwrap();
    assert_eq!(classes, [0; 4]);
    assert!(warnings.iter().any(|w| w.contains("the largest value of the mask is 2") && w.contains("mask = exact")));
}

#[test]
fn real_layouts_by_name() {
    let Some(root) = real("official_layouts") else { return };
    for (layout, count) in [("isic2018", 4), ("cvc_clinicdb", 3), ("luna_2d", 2), ("kvasir_seg", 5)] {
        let layout = npc::text::recipe::layout::LAYOUTS.iter().find(|l| l.name == layout).unwrap();
        let [images, masks] = layout.patterns(None);
        let spec = DataSpec {
            classes: layout.classes.map(String::from).to_vec(),
            labels: layout.labels.to_vec(),
            mask_rule: layout.mask,
            window: layout.window,
            ..only(spec(&images, &masks, [64, 64]))
        };
        let data = Dataset::open(&spec, &root).unwrap();
        assert_eq!(data.len(Role::Train), count, "{}", layout.name);
        for i in 0..count {
            let sample = data.load(Role::Train, i, 3).unwrap();
            assert_eq!(sample.warnings, Vec::<String>::new());
            assert!(sample.mask.contains(&0) && sample.mask.contains(&1), "{}", layout.name);
        }
    }
}
