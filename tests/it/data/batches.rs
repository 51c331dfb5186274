//! Batches: their order, the cache, errors and warnings on the way.

use crate::support::data_sets::{grey, only, phantoms, refused, small_set, spec};
use npc::internals::data::{BatchLoader, Dataset, LastBatch, SplitRole, epoch_order};
use npc::text::config::DataSpec;
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
