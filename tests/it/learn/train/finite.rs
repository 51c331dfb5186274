//! The first NaN or infinity: it is reported with its place, and no checkpoint contains it.

use super::*;
use std::fs;

/// A model that divides by a map of zeros.
const DIVIDES: &str = "npc 1

model Divides(x: [1, H, W]) -> [2, H, W] {
  let a = x |> conv(4) |> relu
  let nothing = a - a
  let broken = a / nothing
  return broken |> conv(2, k = 1)
}
";

fn refused_with(fixture: &TrainingFixture, folder: &RunFolder, resume: bool, words: &[&str]) -> String {
    let text = fixture.refused(folder, resume).to_string();
    words.iter().for_each(|word| assert!(text.contains(word), "`{word}` is not in: {text}"));
    text
}

#[test]
fn a_division_by_zero_is_named() {
    let mut fixture = TrainingFixture::new();
    let made = compile_text(DIVIDES, Some([32, 32]), &[]);
    fixture.checked = made.model("Divides");
    let folder = fixture.folder("a");
    let text = refused_with(
        &fixture,
        &folder,
        false,
        &["training diverged: the loss became NaN in epoch 1, step 1", "first node with a NaN or infinite output is"],
    );
    assert!(text.contains("(div)") || text.contains("(/)"), "{text}");
    assert!(!folder.last().exists());
}

/// The weights are 1e30 after the first step: the second step overflows in the first convolution that reads them or in
/// its norm.
#[test]
fn a_rate_that_is_far_too_high_is_named_and_costs_no_checkpoint() {
    let mut fixture = TrainingFixture::new();
    fixture.settings.train.epochs = 1;
    let (folder, _) = fixture.start("a");
    let before = [folder.last(), folder.best(Metric::Dice)].map(|p| fs::read(p).unwrap());
    fixture.settings.train.epochs = 2;
    fixture.settings.train.optimizer.set_lr(1e30);
    let text = refused_with(
        &fixture,
        &folder,
        true,
        &[
            "in epoch 2, step 8",
            "first node with a NaN or infinite output is",
            "the largest weight is",
            "lr=",
            "--init",
        ],
    );
    assert!(text.contains("the largest number before it is"), "{text}");
    let after = [folder.last(), folder.best(Metric::Dice)].map(|p| fs::read(p).unwrap());
    assert!(before == after, "checkpoints are as they were");
    assert_eq!(folder.records().len(), 1);
}

/// The weights are found before they are scored, though no loss has used them: an epoch of one step.
#[test]
fn infinite_weights_are_not_kept() {
    let mut fixture = TrainingFixture::new();
    (fixture.settings.train.batch, fixture.settings.train.epochs) = (16, 1);
    fixture.settings.train.optimizer = Optimizer::Sgd { lr: 1e300, momentum: 0.0, nesterov: false, weight_decay: 0.0 };
    let folder = fixture.folder("a");
    refused_with(&fixture, &folder, false, &["step 1 of epoch 1 left", "infinite", "`conv"]);
    assert!(!folder.last().exists() && folder.records().is_empty());
}

#[test]
fn a_score_of_zero_is_not_kept_as_best() {
    let mut fixture = TrainingFixture::new();
    // Only one class is predicted: the last bias decides, and no step changes it.
    const BLIND: &str = "npc 1

model Blind(x: [1, H, W]) -> [2, H, W] {
  let a = x |> conv(2, k = 1)
  return a |> relu |> conv(1, k = 1) |> sigmoid |> channel_pad(2)
}
";
    fixture.checked = compile_text(BLIND, Some([32, 32]), &[]).model("Blind");
    fixture.settings.train.optimizer.set_lr(1e-12);
    let (folder, observed) = fixture.start("a");
    assert!(observed.epochs.iter().all(|r| r.dice == 0.0), "{:?}", observed.epochs);
    assert!(!folder.best(Metric::Dice).exists());
    assert_eq!(folder.checkpoint().unwrap(), folder.last());
    let Some(TrainingOutcome::Done(summary)) = observed.outcome else { panic!("{observed:?}") };
    assert_eq!((summary.epoch, summary.dice, summary.epochs), (0, 0.0, 3));
}
