//! Each network of `models/` learns: a few steps of Adam on one small batch, and its loss falls.
//!
//! A network that is too wide for a test is made narrower by its own hyper-parameters; its structure stays.

use crate::support::compile::compile_file;
use crate::support::device::device;
use crate::support::repository::model_files;
use burn::module::Module;
use burn::tensor::{Tensor, TensorData};
use npc::graph::check::CheckedGraph;
use npc::internals::compute::engine_bridge::RecordedPass;
use npc::internals::compute::lower::lower;
use npc::internals::data::{Batch, BatchLoader, Dataset, LastBatch, SplitRole};
use npc::internals::learn::loss::{LossTargets, total};
use npc::internals::learn::optim::{AccumulatedGradients, OptimState};
use npc::text::config::{
    DataSource, DataSpec, DecodeRule, EmptyClassRule, Grouping, LossSpec, MaskRule, Optimizer, Slicing, Split,
};
use std::path::Path;
use std::sync::Arc;

const SIZE: [usize; 2] = [64, 64];
const STEPS: usize = 6;

/// Returns the arguments that make the networks of a file small enough, in addition to two classes.
fn narrower(file: &str) -> &'static str {
    match file {
        "unet" | "attention_unet" | "unetpp" | "unetpp_supervised" => "[8, 16, 32, 64, 128]",
        "segnet" => "[16, 16, 32, 32, 32]",
        _ => "",
    }
}

/// Two phantoms.
fn batch() -> Batch {
    let spec = DataSpec {
        name: "phantoms".into(),
        source: DataSource::Phantoms { count: 3, seed: 1 },
        size: SIZE,
        classes: vec!["background".into(), "lung".into()],
        labels: vec![0, 255],
        ignore: Vec::new(),
        orientation: None,
        mask_rule: MaskRule::Threshold,
        split: Split::Random { train: 0.67, val: 0.0, test: 0.33, seed: 0 },
        grouping: Grouping::default(),
        slicing: Slicing::default(),
        window: None,
        decode: DecodeRule::Value,
        mean: vec![0.0],
        std: vec![1.0],
        cache_mb: 16,
        limit: None,
        empty: EmptyClassRule::One,
        spacing: None,
    };
    let data = Arc::new(Dataset::open(&spec, Path::new(".")).unwrap());
    let loader = BatchLoader::new(Arc::clone(&data), SplitRole::Train, 3);
    let mut batches = loader.batches(vec![0, 1], 2, LastBatch::Keep);
    batches.next().unwrap().unwrap()
}

/// Returns the loss before each step. Every result that is a map of classes counts.
fn losses(checked: &CheckedGraph, batch: &Batch) -> Vec<f64> {
    let device = device().autodiff();
    let mut network = lower(checked, &device, 0).train();
    let mut optim = OptimState::new(Optimizer::default());
    let [n, _, h, w] = batch.shape;
    let targets = LossTargets::new(&batch.targets, [n, h, w], &device);
    let step = |_| {
        let image = Tensor::from_data(TensorData::new(batch.images.clone(), batch.shape), &device);
        let RecordedPass { results, back } = network.record(image, 0);
        let maps = checked.results().zip(results).filter(|((_, shape), _)| shape.spatial() == Some(SIZE));
        let loss = total(&LossSpec::default(), maps.map(|(_, logits)| (logits, 1.0)).collect(), &targets);
        let value = f64::from(loss.clone().without_autodiff().into_scalar::<f32>());
        let gradients = AccumulatedGradients::of(&network, back, loss.backward());
        network = optim.step(network.clone(), gradients, optim.optimizer.lr());
        value
    };
    (0..STEPS).map(step).collect()
}

#[test]
fn every_network_of_models_learns() {
    let batch = batch();
    let classes: Vec<bool> = [0, 1].map(|class| batch.targets.contains(&class)).to_vec();
    assert_eq!(classes, [true, true], "both classes are in the batch");
    let mut trained = 0;
    for path in model_files("models") {
        let file = path.file_stem().unwrap().to_string_lossy().into_owned();
        let mut with = vec![("classes", "2")];
        with.extend(Some(("width", narrower(&file))).filter(|(_, width)| !width.is_empty()));
        // These files define no network.
        if matches!(file.as_str(), "data" | "paper") {
            continue;
        }
        let made = compile_file(&path, Some(SIZE), &with);
        assert!(!made.problems.has_errors() && !made.checked.is_empty(), "{}", made.rendered());
        for checked in &made.checked {
            let began = std::time::Instant::now();
            let losses = losses(checked, &batch);
            let (first, last) = (losses[0], losses[STEPS - 1]);
            println!("{:<24} {first:.3} {last:.3}  {:.1} s", checked.graph().name, began.elapsed().as_secs_f64());
            assert!(losses.iter().all(|l| l.is_finite()) && last < 0.9 * first, "{}: {losses:?}", checked.graph().name);
            trained += 1;
        }
    }
    assert!(trained >= 10, "{trained} networks");
}
