//! Small data sets that tests write, and the folder of real ones.

use image::{ExtendedColorType, ImageEncoder};
use npc::internals::base::error::RunError;
use npc::internals::data::{Dataset, SplitRole};
use npc::text::config::{DataSource, DataSpec, DecodeRule, EmptyClassRule, Grouping, MaskRule, Slicing, Split};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::{TempDir, tempdir};
use tiff::encoder::{Compression, DeflateLevel, Predictor, TiffEncoder, colortype};

/// A spec with two classes, masks of 0 and 255, and one of five cases outside of training.
pub fn spec(images: &str, masks: &str, size: [usize; 2]) -> DataSpec {
    DataSpec {
        name: "d".into(),
        source: DataSource::Files { images: images.into(), masks: masks.into() },
        size,
        classes: vec!["background".into(), "object".into()],
        labels: vec![0, 255],
        ignore: Vec::new(),
        orientation: None,
        mask_rule: MaskRule::Threshold,
        split: Split::Random { train: 0.8, val: 0.0, test: 0.2, seed: 1 },
        grouping: Grouping::default(),
        slicing: Slicing::default(),
        window: None,
        decode: DecodeRule::Value,
        mean: vec![0.0],
        std: vec![1.0],
        cache_mb: 64,
        limit: None,
        empty: EmptyClassRule::One,
        spacing: None,
    }
}

/// A spec with images of one row of four pixels.
pub fn row() -> DataSpec {
    spec("i/*.tif", "m/*.png", [1, 4])
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

pub fn jpeg(path: &Path, [h, w]: [usize; 2], bytes: &[u8]) {
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

/// Writes `count` pairs `images/a<i>.png`, `masks/a<i>.png` of 8 x 8 pixels.
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

/// A spec with one pair whose files the caller writes under these names. One case cannot be in both roles, so it is in
/// training.
pub fn only(spec: DataSpec) -> DataSpec {
    DataSpec { split: Split::Random { train: 1.0, val: 0.0, test: 0.0, seed: 0 }, ..spec }
}

pub fn stems(data: &Dataset, role: SplitRole) -> Vec<&str> {
    data.cases(role).iter().map(|c| c.stem.as_str()).collect()
}

#[track_caller]
pub fn refused<T>(result: Result<T, RunError>, words: &[&str]) -> String {
    let Err(error) = result else { panic!("expected a refusal with {words:?}") };
    let text = error.to_string();
    words.iter().for_each(|w| assert!(text.contains(w), "`{w}` is not in: {text}"));
    text
}

/// The folder of real data, where it is available.
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
