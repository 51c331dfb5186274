//! Refusals before the first batch, after which nothing is written.

use super::*;
use npc::internals::base::machine::FreeMemory;
use npc::internals::learn::preflight::preflight;

impl Bench {
    fn preflight(&self, free: Option<u64>) -> Result<npc::internals::learn::preflight::Preflight> {
        let data = npc::internals::data::Dataset::open(&self.settings.data, Path::new(".")).unwrap();
        let free = free.map(|bytes| FreeMemory { bytes, limited: false });
        preflight(&self.checked, &self.settings, &data, &Default::default(), free, self.folder("none").root())
    }
}

#[test]
fn memory_that_is_not_enough_is_refused_with_the_batch_that_fits() {
    let mut bench = Bench::new();
    bench.settings.train.batch = 16;
    bench.settings.data.cache_mb = 0;
    let found = bench.preflight(Some(1 << 40)).unwrap();
    assert!(found.notes.iter().any(|n| n.starts_with("memory: about")), "{found:?}");
    assert!(bench.preflight(None).unwrap().notes.iter().any(|n| n.contains("not checked")));
    // The memory is enough for some images, and for none.
    let error = bench.preflight(Some(1_500_000)).unwrap_err();
    assert!(error.message.contains("`Tiny` at batch 16 needs about"), "{error}");
    let help = error.help[0].clone();
    let fits: usize = help.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!((1..16).contains(&fits) && help.contains(&format!("--set batch={fits}")), "{error}");
    bench.settings.train.batch = fits;
    bench.preflight(Some(1_500_000)).unwrap();
    bench.settings.train.batch = fits + 1;
    bench.preflight(Some(1_500_000)).unwrap_err();
    assert!(bench.preflight(Some(10)).unwrap_err().to_string().contains("not even one image"));
    bench.settings.data.cache_mb = 1 << 20;
    assert!(bench.preflight(Some(10_000)).unwrap_err().to_string().contains("cache_mb"));
}

#[test]
fn a_class_that_never_occurs_is_reported() {
    let mut bench = Bench::new();
    assert_eq!(bench.preflight(None).unwrap().warnings, Vec::<String>::new());
    bench.settings.train.ema = Some(0.999);
    let warnings = bench.preflight(None).unwrap().warnings;
    assert!(warnings[0].contains("about 1000 steps, and the run has 18"), "{warnings:?}");
}

#[test]
fn a_best_without_scores_is_refused() {
    let mut bench = Bench::new();
    bench.settings.data.split = Split::Random { train: 1.0, val: 0.0, test: 0.0, seed: 0 };
    assert!(bench.preflight(None).unwrap_err().to_string().contains("keep = [last]"));
    bench.settings.train.keep = vec![KeptCheckpoint::Last];
    bench.preflight(None).unwrap();
}
