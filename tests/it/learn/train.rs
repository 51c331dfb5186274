//! Training as a library: it learns, it is reproducible bit for bit, and its scores are those that it reports.
//!
//! Networks here have no dropout: its numbers come from one stream for the whole process, which other tests share.
//! Tests that need dropout are in `cli::run::train`, where each run is a process. Running statistics follow fast, so
//! that the first epochs score above 0.

mod finite;
mod freeze;
mod init;
mod nothing_found;
mod preflight;
mod refusals;
mod resume;
mod steps;
mod supervise;
mod update;

use crate::support::compile::compile_text;
use burn::module::Module;
use burn::tensor::{Distribution, Tensor, TensorData};
use npc::graph::check::CheckedGraph;
use npc::internals::base::error::{Result, RunError};
use npc::internals::compute::lower::lower;
use npc::internals::compute::weights::read_safetensors;
use npc::internals::data::SplitRole;
use npc::internals::learn::non_finite::NodeLocations;
use npc::internals::learn::run_folder::{EpochRecord, RunFolder, read_settings};
use npc::internals::learn::train::{
    ExistingRun, TrainingJob, TrainingObserver, TrainingOutcome, TrainingProgress, train,
};
use npc::internals::score::eval::{CheckpointChoice, EvaluateOptions, evaluate};
use npc::internals::score::predict::probabilities;
use npc::text::config::settings::{FORMAT, Settings, from_yaml, to_yaml};
use npc::text::config::{
    DataSource, DataSpec, DecodeRule, EmptyClassRule, Grouping, KeptCheckpoint, LossSpec, MaskRule, Metric, Optimizer,
    Slicing, Split, TrainSpec,
};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::{TempDir, tempdir};

const MODELS: &str = "npc 1

model Tiny(x: [1, H, W], classes: int = 2, width: int = 8) -> [classes, H, W] {
  return x
    |> conv(width, stride = 2, bias = false)
    |> bn(momentum = 0.6)
    |> relu
    |> conv(2 * width, bias = false, dilation = 2)
    |> bn(momentum = 0.6)
    |> relu
    |> conv(classes, k = 1)
    |> resize(to = x)
}

variant Wide = Tiny(width = 12)
";

fn model(name: &str) -> CheckedGraph {
    compile_text(MODELS, Some([32, 32]), &[]).model(name)
}

/// A network with a batch norm over one value an image.
fn pooled() -> CheckedGraph {
    let text = "npc 1

model Pooled(x: [1, H, W]) -> [2, H, W] {
  let f = x |> conv(8, stride = 2, bias = false) |> bn(momentum = 0.6) |> relu
  let g = f |> avgpool_to(1) |> conv(8, k = 1, bias = false) |> bn(momentum = 0.6) |> relu |> resize(to = f)
  return concat(f, g) |> conv(2, k = 1) |> resize(to = x)
}
";
    compile_text(text, Some([32, 32]), &[]).model("Pooled")
}

/// Twenty phantoms of 32 x 32, four of them for the test, in batches of three: an epoch ends with a smaller one.
fn data() -> DataSpec {
    DataSpec {
        name: "phantoms".into(),
        source: DataSource::Phantoms { count: 20, seed: 3 },
        size: [32, 32],
        classes: vec!["background".into(), "lung".into()],
        labels: vec![0, 255],
        ignore: Vec::new(),
        orientation: None,
        mask_rule: MaskRule::Threshold,
        split: Split::Random { train: 0.8, val: 0.0, test: 0.2, seed: 0 },
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
    }
}

pub fn recipe() -> TrainSpec {
    TrainSpec {
        name: "tiny".into(),
        model: "Tiny".into(),
        args: Default::default(),
        data: "phantoms".into(),
        epochs: 3,
        batch: 3,
        seed: 0,
        optimizer: Optimizer::Adam { lr: 1e-2, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 },
        schedule: Default::default(),
        clip: None,
        loss: LossSpec::default(),
        supervise: Default::default(),
        freeze: Vec::new(),
        augment: Vec::new(),
        metrics: vec![Metric::Iou, Metric::Dice],
        keep: vec![KeptCheckpoint::Best(Metric::Dice), KeptCheckpoint::Last],
        accumulate: 1,
        ema: None,
        patience: None,
        init: None,
        save_every: 0.0,
        precision: Default::default(),
    }
}

/// A model, its settings, and a place for run folders.
struct TrainingFixture {
    dir: TempDir,
    checked: CheckedGraph,
    settings: Settings,
    /// Numbers of images for training and for scores.
    images: (usize, usize),
}

impl TrainingFixture {
    fn new() -> Self {
        let settings = Settings {
            format: FORMAT,
            versions: Default::default(),
            model_file: "model.model".into(),
            data_root: ".".into(),
            device: "cpu".into(),
            threads: None,
            train: recipe(),
            data: data(),
        };
        TrainingFixture { dir: tempdir().unwrap(), checked: model("Tiny"), settings, images: (16, 4) }
    }

    fn folder(&self, name: &str) -> RunFolder {
        RunFolder::new(self.dir.path().join(name))
    }

    /// Trains into the folder, and requests a stop after the given number of steps.
    fn run(&self, folder: &RunFolder, resume: bool, stop_after: Option<usize>) -> Result<ObservedTraining> {
        let (checked, settings) = (&self.checked, &self.settings);
        let stop = AtomicBool::new(false);
        let mut observer =
            StoppingObserver { stop: &stop, stop_after, images: self.images, observed: ObservedTraining::default() };
        let places = NodeLocations::from([("conv".to_string(), "tiny.model:5:8".to_string())]);
        let job = TrainingJob {
            checked,
            settings,
            source: MODELS,
            imports: &[],
            folder,
            existing: if resume { ExistingRun::Resume } else { ExistingRun::Refuse },
            places: &places,
            ignore_memory: false,
            stop: &stop,
        };
        observer.observed.outcome = Some(train(&job, &mut observer)?);
        Ok(observer.observed)
    }

    fn start(&self, name: &str) -> (RunFolder, ObservedTraining) {
        let folder = self.folder(name);
        let observed = self.run(&folder, false, None).unwrap();
        (folder, observed)
    }

    fn refused(&self, folder: &RunFolder, resume: bool) -> RunError {
        self.run(folder, resume, None).expect_err("training to be refused")
    }
}

/// The events that an observer received: `(epoch, step, mean loss)` per step, and epochs.
#[derive(Default, Debug)]
struct ObservedTraining {
    steps: Vec<(usize, usize, f64)>,
    epochs: Vec<EpochRecord>,
    outcome: Option<TrainingOutcome>,
    /// Warnings about the predictions.
    warnings: Vec<String>,
}

impl ObservedTraining {
    fn interrupted(&self) -> bool {
        matches!(self.outcome, Some(TrainingOutcome::Interrupted { .. }))
    }
}

struct StoppingObserver<'a> {
    stop: &'a AtomicBool,
    stop_after: Option<usize>,
    /// Numbers of images for training and for scores.
    images: (usize, usize),
    observed: ObservedTraining,
}

impl TrainingObserver for StoppingObserver<'_> {
    fn start(&mut self, n_train: usize, n_test: usize, _: usize, _: usize) {
        assert_eq!((n_train, n_test), self.images);
    }

    fn step(&mut self, p: &TrainingProgress) {
        self.observed.steps.push((p.epoch, p.step, p.loss));
        if self.stop_after == Some(self.observed.steps.len()) {
            self.stop.store(true, Ordering::Relaxed);
        }
    }

    fn epoch(&mut self, record: &EpochRecord, _: bool) {
        self.observed.epochs.push(record.clone());
    }

    fn warn(&mut self, message: &str) {
        // Tests that resume with another rate, or with a file that they damaged, do so on purpose.
        let on_purpose = [
            "`ema",
            "have no class but",
            "other settings than before: `train.epochs`",
            "other settings than before: `train.optimizer`",
            "those of the epochs before",
        ];
        if on_purpose.iter().any(|part| message.contains(part)) {
            return;
        }
        let of_predictions = ["any foreground", "foreground everywhere", "ignored pixels only"];
        if of_predictions.iter().any(|part| message.contains(part)) {
            return self.observed.warnings.push(message.into());
        }
        panic!("phantoms are not doubtful: {message}");
    }
}

/// Returns the fields of the records that must be equal in equal runs: all but the times.
fn scores(records: &[EpochRecord]) -> Vec<(usize, u64, u64, u64)> {
    records.iter().map(|r| (r.epoch, r.loss.to_bits(), r.dice.to_bits(), r.iou.to_bits())).collect()
}

/// Returns every bit of a checkpoint but the times: weights, statistics, moments, and the progress of training.
fn checkpoint_state(path: &Path) -> (Vec<(String, Vec<u32>)>, serde_json::Value) {
    let (tensors, metadata) = read_safetensors(path).unwrap();
    let bits = tensors.into_iter().map(|t| (t.name, t.values.iter().map(|v| v.to_bits()).collect())).collect();
    let mut meta: serde_json::Value = serde_json::from_str(&metadata["npc"]).unwrap();
    for time in ["seconds", "epoch_seconds"] {
        meta.as_object_mut().unwrap().remove(time).expect("a time in the checkpoint");
    }
    // Runs that end alike may have had their epochs in several parts.
    meta["origin"]["settings"].as_object_mut().expect("the settings of the training").remove("train.epochs");
    for record in meta["records"].as_array_mut().expect("the records of the epochs") {
        for time in ["seconds", "images_per_second", "waited_seconds"] {
            record.as_object_mut().unwrap().remove(time).expect("a time in the record");
        }
    }
    (bits, meta)
}

/// Asserts that both runs ended in the same bits, on disk too.
fn assert_same_runs(a: &RunFolder, b: &RunFolder) {
    assert_eq!(scores(&a.records()), scores(&b.records()), "metrics.jsonl");
    assert!(checkpoint_state(&a.last()) == checkpoint_state(&b.last()), "last checkpoints differ");
    let best =
        |folder: &RunFolder| folder.best(Metric::Dice).exists().then(|| checkpoint_state(&folder.best(Metric::Dice)));
    assert!(best(a) == best(b), "best checkpoints differ");
}

fn files(dir: &Path) -> Vec<String> {
    let names = std::fs::read_dir(dir).map(|d| d.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()));
    let mut names: Vec<_> = names.map(Iterator::collect).unwrap_or_default();
    names.sort();
    names
}

#[test]
fn loss_falls_and_dice_rises() {
    let mut fixture = TrainingFixture::new();
    fixture.settings.train.epochs = 12;
    let (folder, observed) = fixture.start("a");
    let (first, last) = (&observed.epochs[0], &observed.epochs[11]);
    assert!(last.loss < 0.6 * first.loss, "loss from {} to {}", first.loss, last.loss);
    let best = observed.epochs.iter().map(|r| r.dice).fold(0.0, f64::max);
    assert!(best > 0.7 && best > first.dice + 0.1, "Dice from {} to {best}", first.dice);
    let expected = [
        "best_dice.safetensors",
        "last.safetensors",
        "metrics.jsonl",
        "model.model",
        "settings.yaml",
        "summary.json",
        "data.json",
    ];
    let mut expected: Vec<_> = expected.iter().chain(&["test.txt", "train.txt"]).map(|s| s.to_string()).collect();
    expected.sort();
    assert_eq!(files(folder.root()), expected);
    assert_eq!(std::fs::read_to_string(folder.model()).unwrap(), MODELS);
    // The best weights stand alone; the run goes on from the last checkpoint.
    let names =
        |path: &Path| -> Vec<String> { read_safetensors(path).unwrap().0.into_iter().map(|t| t.name).collect() };
    assert!(names(&folder.best(Metric::Dice)).iter().all(|name| name.starts_with("model.")));
    assert!(names(&folder.last()).iter().any(|name| name.starts_with("adam.")));
}

#[test]
fn the_same_seed_gives_the_same_bits_and_another_does_not() {
    let mut fixture = TrainingFixture::new();
    let ((a, observed), (b, again)) = (fixture.start("a"), fixture.start("b"));
    assert_eq!(observed.steps, again.steps);
    assert_same_runs(&a, &b);
    fixture.settings.train.seed = 1;
    let (c, _) = fixture.start("c");
    assert_ne!(scores(&a.records()), scores(&c.records()));
    assert!(checkpoint_state(&a.last()).0 != checkpoint_state(&c.last()).0);
}

#[test]
fn settings_on_disk_are_the_settings() {
    let fixture = TrainingFixture::new();
    let (folder, _) = fixture.start("a");
    assert_eq!(read_settings(&folder.settings()).unwrap(), fixture.settings);
    // The numbers are no short decimals, and YAML could misread the names.
    let mut odd = fixture.settings.clone();
    odd.train.optimizer =
        Optimizer::Adam { lr: 0.1 + 0.2, beta1: 1.0 / 3.0, beta2: 0.999, epsilon: 5e-324, weight_decay: 1e300 };
    odd.data.classes = vec!["no".into(), "1e3".into()];
    odd.train.seed = u64::MAX;
    assert_eq!(from_yaml(&to_yaml(&odd).unwrap()).unwrap(), odd);
}

#[test]
fn evaluation_repeats_the_scores_of_the_summary() {
    let fixture = TrainingFixture::new();
    let (folder, observed) = fixture.start("a");
    let Some(TrainingOutcome::Done(summary)) = observed.outcome else { panic!("{observed:?}") };
    let stop = AtomicBool::new(false);
    let how = EvaluateOptions::default();
    let (found, cases) = evaluate(&fixture.checked, &fixture.settings, &folder, SplitRole::Test, &how, &stop).unwrap();
    let scores = &found.summary;
    assert_eq!((scores.dice, scores.iou, scores.n), (Some(summary.dice), Some(summary.iou), 4));
    assert_eq!(cases.len(), 4);
    let written = std::fs::read_to_string(folder.root().join("summary.json")).unwrap();
    let written: serde_json::Value = serde_json::from_str(&written).unwrap();
    assert_eq!(written["dice"].to_string(), format!("{:?}", summary.dice));
    assert_eq!(observed.epochs[summary.epoch - 1].dice, summary.dice);
}

#[test]
fn the_checkpoint_with_the_smallest_distance_is_kept() {
    let mut fixture = TrainingFixture::new();
    fixture.settings.train.epochs = 12;
    fixture.settings.train.metrics = vec![Metric::Dice, Metric::Assd];
    fixture.settings.train.keep = vec![KeptCheckpoint::Best(Metric::Hd95)];
    let (folder, observed) = fixture.start("a");
    let hd95: Vec<f64> = observed.epochs.iter().map(|r| r.scores.get(Metric::Hd95).unwrap()).collect();
    let least = hd95.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(hd95.iter().any(|h| *h > least), "{hd95:?}");
    assert!(folder.best(Metric::Hd95).exists() && !folder.best(Metric::Dice).exists());
    let (_, meta) = checkpoint_state(&folder.best(Metric::Hd95));
    let text = format!("{meta:?}");
    assert!(text.contains("hd95"), "{text}");
    // The kept weights are those of the epoch with the smallest distance.
    let stop = AtomicBool::new(false);
    let score = |how: &EvaluateOptions| {
        evaluate(&fixture.checked, &fixture.settings, &folder, SplitRole::Test, how, &stop).unwrap().0
    };
    let best = score(&EvaluateOptions::default());
    assert_eq!(best.summary.mean.get(Metric::Hd95), Some(least));
    assert!(best.chosen_here && best.checkpoint == "best_hd95.safetensors");
    let last = score(&EvaluateOptions { weights: CheckpointChoice::Last, flips: false });
    assert!(!last.chosen_here);
    assert_eq!(last.summary.mean.get(Metric::Hd95), hd95.last().copied());
    // An epoch measures only the requested scores, and all of them are read back from the disk.
    assert_eq!(observed.epochs[0].scores.get(Metric::BoundaryIou), None);
    assert_eq!(folder.records().iter().map(|r| r.scores.clone()).collect::<Vec<_>>(), {
        observed.epochs.iter().map(|r| r.scores.clone()).collect::<Vec<_>>()
    });
    // Distances in millimetres are the distances in pixels times the spacing.
    fixture.settings.data.spacing = Some([0.5, 0.5]);
    let (in_mm, _) =
        evaluate(&fixture.checked, &fixture.settings, &folder, SplitRole::Test, &EvaluateOptions::default(), &stop)
            .unwrap();
    assert_eq!(in_mm.summary.unit.name(), "mm");
    let mm = in_mm.summary.mean.get(Metric::Hd95).unwrap();
    assert!((mm - least / 2.0).abs() < 1e-9, "{mm} {least}");
}

#[test]
fn flips_average_four_turned_predictions() {
    let fixture = TrainingFixture::new();
    let device = npc::internals::compute::device::open(npc::internals::compute::device::DeviceChoice::Cpu).unwrap();
    let network = lower(&fixture.checked, &device, 0).valid();
    let [h, w] = fixture.settings.data.size;
    let x = Tensor::<4>::random([2, fixture.checked.input().channels(), h, w], Distribution::Default, &device);
    let numbers = |t: Tensor<4>| t.into_data().convert::<f32>().try_into_vec::<f32>().unwrap();
    let plain = |x: Tensor<4>| numbers(probabilities(&network, x, false).unwrap());
    let averaged = numbers(probabilities(&network, x.clone(), true).unwrap());
    // The expected values reorder numbers instead of tensors.
    let turn = |v: &[f32], down: bool, across: bool| -> Vec<f32> {
        let from = |i: usize| {
            let (plane, y, x) = (i / (h * w), i / w % h, i % w);
            let (y, x) = (if down { h - 1 - y } else { y }, if across { w - 1 - x } else { x });
            v[plane * h * w + y * w + x]
        };
        (0..v.len()).map(from).collect()
    };
    let image = numbers(x.clone());
    let mut sum = vec![0.0f32; averaged.len()];
    for (down, across) in [(false, false), (false, true), (true, false), (true, true)] {
        let turned = TensorData::new(turn(&image, down, across), x.dims());
        let back = turn(&plain(Tensor::from_data(turned, &device)), down, across);
        sum.iter_mut().zip(back).for_each(|(s, b)| *s += b / 4.0);
    }
    assert!(averaged.iter().zip(&sum).all(|(a, b)| (a - b).abs() < 1e-6));
    assert!(averaged.iter().zip(plain(x)).any(|(a, b)| (a - b).abs() > 1e-4), "flips change something");
}
