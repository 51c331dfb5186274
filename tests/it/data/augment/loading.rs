//! Augmentation in the loader: the pictures do not depend on threads, batches or earlier epochs.

use super::all_augmentations;
use npc::internals::data::augment::{Augmenter, EpochAugmenter};
use npc::internals::data::loading_bottleneck::LoadTimes;
use npc::internals::data::{BatchLoader, Dataset, LastBatch, SplitRole, epoch_order};
use npc::text::config::{DataSource, DataSpec, DecodeRule, EmptyClassRule, MaskRule, Split};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

fn data(count: usize, cache_mb: usize) -> Arc<Dataset> {
    let spec = DataSpec {
        name: "d".into(),
        source: DataSource::Phantoms { count, seed: 7 },
        size: [48, 48],
        classes: vec!["background".into(), "lung".into()],
        labels: vec![0, 255],
        ignore: Vec::new(),
        orientation: None,
        mask_rule: MaskRule::Threshold,
        split: Split::Random { train: 1.0, val: 0.0, test: 0.0, seed: 1 },
        window: None,
        decode: DecodeRule::Value,
        mean: vec![0.4],
        std: vec![0.3],
        cache_mb,
        empty: EmptyClassRule::One,
        spacing: None,
        grouping: Default::default(),
        limit: None,
        slicing: Default::default(),
    };
    Arc::new(Dataset::open(&spec, Path::new("")).unwrap())
}

fn epoch_augmenter(epoch: usize) -> EpochAugmenter {
    EpochAugmenter { augmenter: Augmenter::new(&all_augmentations(0.5), [48, 48]).unwrap(), seed: 3, epoch }
}

type Pictures = BTreeMap<usize, (Vec<f32>, Vec<u8>)>;

/// Returns each case's picture and mask from the batches.
fn pictures(
    batches: impl Iterator<Item = npc::internals::base::error::Result<npc::internals::data::Batch>>,
) -> Pictures {
    let mut found = Pictures::new();
    for batch in batches {
        let batch = batch.unwrap();
        let (volume, area) = (batch.images.len() / batch.cases.len(), batch.targets.len() / batch.cases.len());
        for (i, &case) in batch.cases.iter().enumerate() {
            let (image, mask) = (&batch.images[i * volume..][..volume], &batch.targets[i * area..][..area]);
            assert!(found.insert(case, (image.to_vec(), mask.to_vec())).is_none(), "case {case} twice");
        }
    }
    found
}

#[test]
fn threads_and_batches_change_no_picture() {
    let data = data(11, 64);
    let order = epoch_order(11, 3, 4);
    let mut all = Vec::new();
    for (threads, batch) in [(1, 1), (4, 1), (1, 4), (4, 4), (3, 11), (4, 2)] {
        let loader = BatchLoader::with_threads(Arc::clone(&data), SplitRole::Train, 1, threads);
        let batches: Vec<_> =
            loader.augmented(order.clone(), batch, LastBatch::Keep, epoch_augmenter(4)).map(Result::unwrap).collect();
        let cases: Vec<usize> = batches.iter().flat_map(|b| b.cases.clone()).collect();
        assert_eq!(cases, order, "{threads} threads, batches of {batch}");
        all.push(pictures(batches.into_iter().map(Ok)));
    }
    assert!(all.windows(2).all(|w| w[0] == w[1]));
    let plain = pictures(BatchLoader::new(data, SplitRole::Train, 1).batches(order, 4, LastBatch::Keep));
    assert_ne!(plain, all[0]);
}

#[test]
fn a_resumed_run_sees_the_same_pictures() {
    // Without a cache every picture is made from its file again.
    for cache_mb in [0, 64] {
        let data = data(9, cache_mb);
        let long = BatchLoader::with_threads(Arc::clone(&data), SplitRole::Train, 3, 2);
        let epochs: Vec<Pictures> = (1..=3)
            .map(|e| pictures(long.augmented(epoch_order(9, 3, e), 2, LastBatch::Keep, epoch_augmenter(e))))
            .collect();
        assert_ne!(epochs[1], epochs[2]);
        let fresh = BatchLoader::with_threads(Arc::clone(&data), SplitRole::Train, 3, 1);
        // The start is in the middle of epoch 3, after four images.
        let rest = epoch_order(9, 3, 3)[4..].to_vec();
        for (case, picture) in pictures(fresh.augmented(rest, 2, LastBatch::Keep, epoch_augmenter(3))) {
            assert_eq!(picture, epochs[2][&case]);
        }
    }
}

#[test]
fn scored_pictures_are_never_changed() {
    let data = data(5, 64);
    let loader = BatchLoader::new(Arc::clone(&data), SplitRole::Train, 1);
    let changed = pictures(loader.augmented((0..5).collect(), 2, LastBatch::Keep, epoch_augmenter(0)));
    // The cache holds the contents of the files, not the augmented pictures.
    let scored = pictures(loader.batches((0..5).collect(), 2, LastBatch::Keep));
    for (case, (image, mask)) in &scored {
        let sample = data.load(SplitRole::Train, *case, 1).unwrap();
        assert_eq!((image, mask), (&sample.image, &sample.mask));
    }
    assert_ne!(scored, changed);
    // A plan without operations returns the same bits, through mean and standard deviation too.
    let idle = Augmenter::new(&all_augmentations(0.0), [48, 48]).unwrap();
    let kept = pictures(loader.augmented(
        (0..5).collect(),
        2,
        LastBatch::Keep,
        EpochAugmenter { augmenter: idle, seed: 0, epoch: 0 },
    ));
    assert_eq!(kept, scored);
}

#[test]
fn loading_runs_ahead_of_its_consumer() {
    let data = data(24, 64);
    let loader = BatchLoader::with_threads(data, SplitRole::Train, 1, 2);
    let take = |pause: u64| {
        let mut batches = loader.augmented((0..24).collect(), 2, LastBatch::Keep, epoch_augmenter(0));
        for batch in batches.by_ref() {
            batch.unwrap();
            std::thread::sleep(std::time::Duration::from_millis(pause));
        }
        (batches.waited().as_secs_f64(), batches.decoded())
    };
    let (_, decoded) = take(0);
    assert_eq!(decoded, 24);
    let (_, decoded) = take(0);
    assert_eq!(decoded, 0, "all are cached");
    // A slow consumer finds the batches ready, except the first. Other work on the machine may disturb one of the two
    // measurements: one good pair of five is enough.
    let overlaps = || {
        let (hungry, _) = take(0);
        let (busy, _) = take((hungry * 1000.0 / 6.0) as u64 + 10);
        busy < 0.6 * hungry
    };
    assert!((0..5).any(|_| overlaps()), "loading waits while the consumer works");
}

#[test]
fn advice_follows_the_cause() {
    let load = LoadTimes {
        waited: 62.0,
        seconds: 100.0,
        decoded: 2000,
        cached: 500,
        cases: 2000,
        bytes: 500 << 20,
        cache_mb: 500,
        augmented: true,
    };
    let advice = load.advice().unwrap();
    assert_eq!(
        advice,
        "loading images is the bottleneck: training waited for 62 % of the epoch; the cache holds 500 of 2,000 images in \
         500 MiB: to cache all of them, set cache_mb = 2021"
    );
    let assert_advice =
        |load: LoadTimes, part: &str| assert!(load.advice().unwrap().contains(part), "{:?}", load.advice());
    assert_advice(LoadTimes { cached: 0, ..load }, "raise `cache_mb`");
    assert_advice(LoadTimes { decoded: 0, cached: 2000, ..load }, "the time is spent on augmentation");
    assert_advice(LoadTimes { decoded: 0, cached: 2000, augmented: false, ..load }, "use more cores");
    // The first epoch fills a cache that holds all images: no advice. Short waits give no advice either.
    for quiet in [
        LoadTimes { cached: 2000, ..load },
        LoadTimes { waited: 19.0, ..load },
        LoadTimes { waited: 0.5, seconds: 1.0, ..load },
    ] {
        assert_eq!(quiet.advice(), None);
    }
    assert_eq!(LoadTimes { waited: 0.0, seconds: 0.0, ..load }.advice(), None);
}
