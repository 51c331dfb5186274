//! Refusals before the first batch, after which nothing is written.

use super::*;
use npc::internals::base::machine::FreeMemory;
use npc::internals::learn::preflight::{PreflightInput, preflight};

impl TrainingFixture {
    fn preflight(&self, free: Option<u64>) -> Result<npc::internals::learn::preflight::Preflight> {
        let data = npc::internals::data::Dataset::open(&self.settings.data, Path::new(".")).unwrap();
        let free = free.map(|bytes| FreeMemory { bytes, limited: false });
        let (frozen, folder) = (Default::default(), self.folder("none"));
        let places = NodeLocations::from([("g.bn".to_string(), "pooled.model:6:40".to_string())]);
        preflight(PreflightInput {
            checked: &self.checked,
            settings: &self.settings,
            data: &data,
            frozen: &frozen,
            places: &places,
            free,
            folder: folder.root(),
        })
    }
}

#[test]
fn memory_that_is_not_enough_is_refused_with_the_batch_that_fits() {
    let mut fixture = TrainingFixture::new();
    fixture.settings.train.batch = 16;
    fixture.settings.data.cache_mb = 0;
    let found = fixture.preflight(Some(1 << 40)).unwrap();
    assert!(found.memory.to_text().starts_with("memory: about"), "{found:?}");
    assert!(fixture.preflight(None).unwrap().memory.to_text().contains("not checked"));
    // The memory is enough for some images, and for none.
    let error = fixture.preflight(Some(1_500_000)).unwrap_err();
    assert!(error.message.contains("`Tiny` at batch 16 needs about"), "{error}");
    let help = error.help[0].clone();
    let fits: usize = help.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!((1..16).contains(&fits) && help.contains(&format!("--set batch={fits}")), "{error}");
    fixture.settings.train.batch = fits;
    fixture.preflight(Some(1_500_000)).unwrap();
    fixture.settings.train.batch = fits + 1;
    fixture.preflight(Some(1_500_000)).unwrap_err();
    assert!(fixture.preflight(Some(10)).unwrap_err().to_string().contains("not even one image"));
    fixture.settings.data.cache_mb = 1 << 20;
    assert!(fixture.preflight(Some(10_000)).unwrap_err().to_string().contains("cache_mb"));
}

/// Of 16 training images a batch of 3 or 5 leaves one, which is joined to the batch before: the proposed batch fits with it.
#[test]
fn the_proposed_batch_fits_with_the_image_that_is_joined() {
    let mut fixture = TrainingFixture::new();
    fixture.checked = pooled();
    fixture.settings.data.cache_mb = 0;
    let mut proposed = std::collections::BTreeSet::new();
    for free in (100_000..4_000_000).step_by(20_000) {
        fixture.settings.train.batch = 16;
        let Err(error) = fixture.preflight(Some(free)) else { break };
        let Some((_, batch)) = error.help[0].split_once("--set batch=") else { continue };
        let batch: usize = batch.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap();
        let fits = |batch: usize| {
            let mut fixture = TrainingFixture::new();
            fixture.checked = pooled();
            fixture.settings.data.cache_mb = 0;
            fixture.settings.train.batch = batch;
            fixture.preflight(Some(free)).is_ok()
        };
        assert!(fits(batch), "{free}: {error}");
        (batch + 1..16).for_each(|larger| assert!(!fits(larger), "{free}: {larger} fits, and {error}"));
        proposed.insert(batch);
    }
    // 3 and 5 with a joined image need as much as 4 and 6 without one.
    assert!(proposed.contains(&2) && proposed.contains(&4), "{proposed:?}");
    assert!(!proposed.contains(&3) && !proposed.contains(&5), "{proposed:?}");
}

#[test]
fn a_class_that_never_occurs_is_reported() {
    let mut fixture = TrainingFixture::new();
    assert_eq!(fixture.preflight(None).unwrap().warnings, Vec::<String>::new());
    fixture.settings.train.ema = Some(0.999);
    let warnings = fixture.preflight(None).unwrap().warnings;
    assert!(warnings[0].contains("about 1,000 steps, and the run has 18"), "{warnings:?}");
}

#[test]
fn a_best_without_scores_is_refused() {
    let mut fixture = TrainingFixture::new();
    fixture.settings.data.split = Split::Random { train: 1.0, val: 0.0, test: 0.0, seed: 0 };
    assert!(fixture.preflight(None).unwrap_err().to_string().contains("keep = [last]"));
    fixture.settings.train.keep = vec![KeptCheckpoint::Last];
    fixture.preflight(None).unwrap();
}

/// A batch norm behind a global pool sees one value for each image, and one for a batch of one.
#[test]
fn batch_norm_over_one_value_is_refused() {
    let mut fixture = TrainingFixture::new();
    fixture.checked = pooled();
    fixture.settings.train.batch = 1;
    fixture.settings.train.accumulate = 4;
    let error = fixture.preflight(None).unwrap_err().to_string();
    for part in
        ["with `batch = 1` the batch norm `g.bn` at pooled.model:6:40 sees one value", "--set batch=2", "group_norm"]
    {
        assert!(error.contains(part), "{error}");
    }
    fixture.settings.train.batch = 2;
    assert!(fixture.preflight(None).unwrap().joined.is_none());
    // 16 training images: the last batch of three would have one.
    fixture.settings.train.batch = 3;
    let note = fixture.preflight(None).unwrap().joined.unwrap();
    assert!(note.contains("4 images instead of 3 and 1"), "{note}");
    // One training image.
    fixture.settings.data.split = Split::Random { train: 0.05, val: 0.0, test: 0.95, seed: 0 };
    let error = fixture.preflight(None).unwrap_err().to_string();
    assert!(error.contains("with 1 training image"), "{error}");
    // The same settings suit a network without such a norm.
    fixture.checked = model("Tiny");
    fixture.preflight(None).unwrap();
}
