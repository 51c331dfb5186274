//! The parts of one step: several batches, the average of the weights, and early stopping.

use super::*;
use npc::internals::compute::weights::NamedTensor;
use npc::internals::learn::run_folder::RunSummary;
use npc::text::config::settings::Settings;

const NO_BATCH_NORM: &str = "npc 1

model Tiny(x: [1, H, W], classes: int = 2) -> [classes, H, W] {
  return x |> conv(8) |> group_norm(2) |> relu |> conv(classes, k = 1)
}
";

impl TrainingFixture {
    /// Returns a fixture with changed settings.
    fn with(change: impl FnOnce(&mut Settings)) -> TrainingFixture {
        let mut fixture = TrainingFixture::new();
        change(&mut fixture.settings);
        fixture
    }
}

/// Returns the tensors of a checkpoint under one prefix.
fn tensors(path: &Path, prefix: &str) -> Vec<NamedTensor> {
    let (all, _) = read_safetensors(path).unwrap();
    let matching = all.into_iter().filter_map(|t| Some(NamedTensor { name: t.name.strip_prefix(prefix)?.into(), ..t }));
    matching.collect()
}

fn farthest(a: &[NamedTensor], b: &[NamedTensor]) -> f64 {
    assert_eq!(a.iter().map(|t| &t.name).collect::<Vec<_>>(), b.iter().map(|t| &t.name).collect::<Vec<_>>());
    let pairs = a.iter().zip(b).flat_map(|(a, b)| a.values.iter().zip(&b.values));
    pairs.map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max)
}

/// Without batch norm a step of 3 + 3 images equals a step of 6, including the last one of 4 (3 + 1).
#[test]
fn accumulated_batches_equal_one_batch() {
    let run = |name: &str, batch, accumulate| {
        let mut fixture = TrainingFixture::with(|s| (s.train.batch, s.train.accumulate) = (batch, accumulate));
        fixture.checked = compile_text(NO_BATCH_NORM, Some([32, 32]), &[]).model("Tiny");
        let (folder, observed) = fixture.start(name);
        (observed.steps.len(), tensors(&folder.last(), "model."), fixture)
    };
    let (steps, parts, _a) = run("parts", 3, 2);
    let (whole_steps, whole, _b) = run("whole", 6, 1);
    assert_eq!((steps, whole_steps), (9, 9), "16 images make 3 steps of an epoch");
    assert!(farthest(&parts, &whole) < 1e-5, "{}", farthest(&parts, &whole));
    let (_, single, _c) = run("single", 3, 1);
    assert!(farthest(&single, &whole) > 1e-3);
}

#[test]
fn a_run_can_stop_within_a_step_of_several_batches() {
    let fixture = TrainingFixture::with(|s| (s.train.accumulate, s.train.ema) = (2, Some(0.9)));
    let (whole, observed) = fixture.start("whole");
    assert_eq!(observed.steps.len(), 9);
    for at in [1, 3, 5] {
        let folder = fixture.folder(&format!("at_{at}"));
        assert!(fixture.run(&folder, false, Some(at)).unwrap().interrupted());
        fixture.run(&folder, true, None).unwrap();
        assert_same_runs(&whole, &folder);
    }
}

/// With one step an epoch, the weights after each epoch are those of runs of one, two and three epochs, and the average
/// follows by its formula.
#[test]
fn the_average_follows_the_steps() {
    let one_step = |s: &mut Settings| (s.train.batch, s.train.save_every) = (16, 0.0);
    let plain: Vec<_> = (1..=3)
        .map(|epochs| {
            let mut fixture = TrainingFixture::with(one_step);
            fixture.settings.train.epochs = epochs;
            let (folder, _) = fixture.start("a");
            tensors(&folder.last(), "model.")
        })
        .collect();
    let mut fixture = TrainingFixture::with(one_step);
    fixture.settings.train.ema = Some(0.75);
    let (folder, _) = fixture.start("ema");
    assert_eq!(farthest(&tensors(&folder.last(), "raw."), &plain[2]), 0.0, "the average changes no step");
    let mut expected = plain[0].clone();
    for now in &plain[1..] {
        for (average, now) in expected.iter_mut().zip(now) {
            let pairs = average.values.iter_mut().zip(&now.values);
            pairs.for_each(|(a, x)| *a = (0.75 * f64::from(*a) + 0.25 * f64::from(*x)) as f32);
        }
    }
    let average = tensors(&folder.last(), "model.");
    assert!(average.iter().any(|t| t.name.ends_with("running_var")));
    assert!(farthest(&average, &expected) < 1e-6, "{}", farthest(&average, &expected));
    assert!(farthest(&average, &plain[2]) > 1e-3);
}

#[test]
fn the_averaged_weights_are_scored_and_kept() {
    let fixture = TrainingFixture::with(|s| s.train.ema = Some(0.8));
    let (folder, observed) = fixture.start("ema");
    let Some(TrainingOutcome::Done(summary)) = observed.outcome else { panic!("{observed:?}") };
    let stop = AtomicBool::new(false);
    let (scores, _) =
        evaluate(&fixture.checked, &fixture.settings, &folder, SplitRole::Test, &EvaluateOptions::default(), &stop)
            .unwrap();
    assert_eq!(scores.summary.dice, Some(summary.dice), "the kept weights have the score of their epoch");
    let plain = TrainingFixture::new();
    let (_, plain) = plain.start("plain");
    assert_eq!(plain.steps, observed.steps, "the same steps");
    let dice = |records: &[EpochRecord]| records.iter().map(|r| r.dice).collect::<Vec<_>>();
    assert_ne!(dice(&plain.epochs), dice(&observed.epochs), "other weights are scored");
}

#[test]
fn a_run_with_an_average_resumes_bit_for_bit_and_only_with_it() {
    let mut fixture = TrainingFixture::with(|s| s.train.ema = Some(0.9));
    let (whole, _) = fixture.start("whole");
    for at in [1, 6, 8] {
        let folder = fixture.folder(&format!("at_{at}"));
        assert!(fixture.run(&folder, false, Some(at)).unwrap().interrupted());
        fixture.run(&folder, true, None).unwrap();
        assert_same_runs(&whole, &folder);
    }
    fixture.settings.train.ema = None;
    assert!(fixture.refused(&whole, true).message.contains("average"));
}

fn summary(folder: &RunFolder) -> RunSummary {
    serde_json::from_str(&std::fs::read_to_string(folder.root().join("summary.json")).unwrap()).unwrap()
}

/// The learning rate is too small to learn: the first score stays the best.
#[test]
fn patience_ends_a_run_without_improvement() {
    let fixture = TrainingFixture::with(|s| {
        s.train.optimizer.set_lr(1e-12);
        (s.train.epochs, s.train.patience) = (12, Some(3));
        // Running statistics would continue to change the scores.
        s.train.seed = 4;
    });
    let fixture =
        TrainingFixture { checked: compile_text(NO_BATCH_NORM, Some([32, 32]), &[]).model("Tiny"), ..fixture };
    let (folder, observed) = fixture.start("a");
    let stopped = summary(&folder);
    let best = stopped.epoch;
    assert_eq!((observed.epochs.len(), stopped.epochs, stopped.stopped_early), (best + 3, best + 3, true));
    // Resumed, the run has nothing left to do; interrupted on the way, it ends where the whole run did.
    assert_eq!(fixture.run(&folder, true, None).unwrap().steps.len(), 0);
    let cut = fixture.folder("cut");
    assert!(fixture.run(&cut, false, Some(8)).unwrap().interrupted());
    fixture.run(&cut, true, None).unwrap();
    assert_same_runs(&folder, &cut);
    let done = |folder| RunSummary { seconds: 0.0, ..summary(folder) };
    assert_eq!(done(&folder), done(&cut));
}

#[test]
fn an_improving_run_is_not_stopped() {
    let fixture = TrainingFixture::with(|s| s.train.patience = Some(3));
    let (folder, observed) = fixture.start("a");
    assert_eq!((observed.epochs.len(), summary(&folder).stopped_early), (3, false));
}
