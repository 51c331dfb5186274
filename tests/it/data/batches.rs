//! Batches: their order, the cache, errors and warnings on the way.

use crate::support::data_sets::{grey, jpeg, only, phantoms, png, refused, small_set, spec, tif};
use image::ExtendedColorType;
use npc::internals::data::{BatchLoader, Dataset, LastBatch, SplitRole, epoch_order};
use npc::text::config::DataSpec;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::tempdir;

#[test]
fn batches_come_in_order() {
    let dir = small_set(10);
    let spec = only(spec("images/*.png", "masks/*.png", [4, 4]));
    let data = Arc::new(Dataset::open(&spec, dir.path()).unwrap());
    let order = epoch_order(10, 5, 2);
    for cache_mb in [0, 64] {
        let data = Arc::new(Dataset::open(&DataSpec { cache_mb, ..spec.clone() }, dir.path()).unwrap());
        let loader = BatchLoader::new(Arc::clone(&data), SplitRole::Train, 3);
        for (last, sizes) in [(LastBatch::Keep, vec![4, 4, 2]), (LastBatch::Drop, vec![4, 4])] {
            let batches: Vec<_> = loader.batches(order.clone(), 4, last).map(Result::unwrap).collect();
            assert_eq!(batches.iter().map(|b| b.shape[0]).collect::<Vec<_>>(), sizes);
            let seen: Vec<usize> = batches.iter().flat_map(|b| b.cases.clone()).collect();
            assert_eq!(seen, order[..seen.len()]);
            for batch in &batches {
                assert_eq!(batch.shape[1..], [3, 4, 4]);
                assert_eq!(batch.images.len(), batch.shape.iter().product::<usize>());
                for (i, &case) in batch.cases.iter().enumerate() {
                    let single = data.load(SplitRole::Train, case, 3).unwrap();
                    assert_eq!(batch.images[i * 48..(i + 1) * 48], single.image);
                    assert_eq!(batch.targets[i * 16..(i + 1) * 16], single.mask);
                }
            }
        }
    }
    let loader = BatchLoader::new(data, SplitRole::Train, 1);
    assert_eq!(loader.batches(vec![], 4, LastBatch::Keep).count(), 0);
    refused(loader.batches(vec![0], 0, LastBatch::Keep).next().unwrap(), &["the batch size is 0"]);
    refused(loader.batches(vec![99], 1, LastBatch::Keep).next().unwrap(), &["no number 99"]);
}

/// Writes eighteen pairs in formats of 8 and 16 bits, grey and in colours, of several sizes, with ignored pixels.
fn mixed_set(folder: &Path) {
    for i in 0..18usize {
        let size = [[6, 9], [6, 9], [11, 5]][i % 3];
        let area = size[0] * size[1];
        let bytes = |step: usize| -> Vec<u8> { (0..area * step).map(|p| (p * 37 + i * 91) as u8).collect() };
        let words: Vec<u16> = (0..area).map(|p| (p * 1237 + i * 577) as u16).collect();
        let image = |end: &str| folder.join(format!("images/a{i}.{end}"));
        match i % 6 {
            0 => grey(&image("png"), size, &bytes(1)),
            1 => png(&image("png"), size, ExtendedColorType::Rgb8, &bytes(3)),
            2 => png(&image("png"), size, ExtendedColorType::L16, &bytes(2)),
            3 => jpeg(&image("jpg"), size, &bytes(1)),
            4 => tif::<tiff::encoder::colortype::Gray16>(&image("tif"), size, &words, true),
            _ => tif::<tiff::encoder::colortype::RGB8>(&image("tif"), size, &bytes(3), false),
        }
        let mask: Vec<u8> = (0..area).map(|p| [0, 255, 0, 77, 255][(p / 2 + i) % 5]).collect();
        grey(&folder.join(format!("masks/a{i}.png")), size, &mask);
    }
}

/// What a run gets in any epoch is what `Dataset::load` gives, which other readers are held against
/// (tests/reference/data_readers.py): whether the cache holds everything, a part or nothing.
#[test]
fn every_epoch_gives_what_a_single_sample_gives() {
    let dir = tempdir().unwrap();
    mixed_set(dir.path());
    let spec = DataSpec { ignore: vec![77], ..only(spec("images/*", "masks/*", [6, 9])) };
    for (cache_mb, size) in [(0, [6, 9]), (64, [6, 9]), (1, [160, 180]), (64, [7, 4])] {
        let data = Arc::new(Dataset::open(&DataSpec { cache_mb, size, ..spec.clone() }, dir.path()).unwrap());
        let area = size[0] * size[1];
        for channels in [1, 3] {
            let loader = BatchLoader::with_threads(Arc::clone(&data), SplitRole::Train, channels, 3);
            for epoch in 0..3 {
                let (mut seen, mut classes) = (0, BTreeSet::new());
                for batch in loader.batches(epoch_order(18, 4, epoch), 5, LastBatch::Keep).map(Result::unwrap) {
                    for (i, &case) in batch.cases.iter().enumerate() {
                        let single = data.load(SplitRole::Train, case, channels).unwrap();
                        assert!(
                            batch.images[i * channels * area..][..channels * area] == single.image,
                            "{epoch}, {case}"
                        );
                        assert!(batch.targets[i * area..][..area] == single.mask, "{epoch}, {case}");
                        classes.extend(single.mask);
                        seen += 1;
                    }
                }
                assert_eq!((seen, classes), (18, BTreeSet::from([0, 1, 255])));
            }
            let held = loader.cached_bytes();
            assert!(if cache_mb == 0 { held == 0 } else { held > 0 && held <= cache_mb << 20 }, "{cache_mb}: {held}");
        }
    }
}

#[test]
fn cache_stays_in_its_bound() {
    let dir = tempdir().unwrap();
    let spec = phantoms(8, [256, 256]);
    let data = Arc::new(Dataset::open(&DataSpec { cache_mb: 1, ..only(spec) }, dir.path()).unwrap());
    let loader = BatchLoader::new(data, SplitRole::Train, 3);
    for _ in 0..2 {
        assert_eq!(loader.batches((0..8).collect(), 3, LastBatch::Keep).map(Result::unwrap).count(), 3);
        // One plane of 16 bits and the mask: 192 KiB a sample, so five fit into a MiB.
        let held = loader.cached_bytes();
        assert!(held <= 1 << 20 && held > 5 * 196_608, "{held}");
    }
}

#[test]
fn cached_samples_are_not_read_again() {
    let dir = small_set(3);
    let data = Dataset::open(&only(spec("images/*.png", "masks/*.png", [8, 8])), dir.path()).unwrap();
    let loader = BatchLoader::new(Arc::new(data), SplitRole::Train, 1);
    let first: Vec<f32> = loader.batches(vec![0, 1, 2], 3, LastBatch::Keep).flat_map(|b| b.unwrap().images).collect();
    fs::remove_dir_all(dir.path().join("images")).unwrap();
    let second: Vec<f32> = loader.batches(vec![0, 1, 2], 3, LastBatch::Keep).flat_map(|b| b.unwrap().images).collect();
    assert_eq!(first, second);
}

#[test]
fn early_drop_stops_the_loading() {
    let data = Dataset::open(&DataSpec { cache_mb: 0, ..only(phantoms(5000, [96, 96])) }, Path::new("")).unwrap();
    let loader = BatchLoader::new(Arc::new(data), SplitRole::Train, 1);
    let start = Instant::now();
    for _ in 0..3 {
        let mut batches = loader.batches((0..5000).collect(), 4, LastBatch::Keep);
        assert_eq!(batches.next().unwrap().unwrap().cases, [0, 1, 2, 3]);
    }
    drop(loader.batches((0..5000).collect(), 5000, LastBatch::Keep));
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
fn errors_come_through_the_batches() {
    let dir = small_set(6);
    fs::write(dir.path().join("images/a3.png"), b"\x89PNG\r\n\x1a\nno").unwrap();
    let data = Dataset::open(&only(spec("images/*.png", "masks/*.png", [8, 8])), dir.path()).unwrap();
    let loader = BatchLoader::new(Arc::new(data), SplitRole::Train, 1);
    let mut batches = loader.batches((0..6).collect(), 2, LastBatch::Keep);
    assert!(batches.next().unwrap().is_ok());
    refused(batches.next().unwrap(), &["a3.png"]);
    assert!(batches.next().is_none());
    assert!(batches.next().is_none());
}

#[test]
fn warnings_are_reported_once() {
    let dir = small_set(2);
    grey(&dir.path().join("masks/a1.png"), [8, 8], &(0..64).map(|i| i * 4).collect::<Vec<u8>>());
    let data =
        Dataset::open(&DataSpec { cache_mb: 0, ..only(spec("images/*.png", "masks/*.png", [8, 8])) }, dir.path());
    let loader = BatchLoader::new(Arc::new(data.unwrap()), SplitRole::Train, 1);
    for _ in 0..2 {
        assert!(loader.batches(vec![0, 1], 1, LastBatch::Keep).all(|b| b.is_ok()));
    }
    let warnings = loader.notices().lines(2);
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].contains("a1.png"));
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
