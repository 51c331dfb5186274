//! A run that was interrupted and resumed equals the run that was not, bit for bit.

use super::*;
use std::fs;

/// Returns the step losses of an interrupted run and of its continuation, in one list.
fn joined_steps(a: &ObservedTraining, b: &ObservedTraining) -> Vec<(usize, usize, f64)> {
    a.steps.iter().chain(&b.steps).copied().collect()
}

/// An epoch has six steps: training is stopped at the first, in the middle, at the last (scores are missing then), and
/// after an epoch's end.
#[test]
fn stopping_anywhere_changes_nothing() {
    let fixture = TrainingFixture::new();
    let (whole, observed) = fixture.start("whole");
    assert_eq!(observed.steps.len(), 18);
    for at in [1, 4, 6, 7, 14, 18] {
        let folder = fixture.folder(&format!("at_{at}"));
        let first = fixture.run(&folder, false, Some(at)).unwrap();
        assert!(first.interrupted(), "after {at} steps");
        assert_eq!(first.steps.len(), at);
        let second = fixture.run(&folder, true, None).unwrap();
        assert!(!second.interrupted());
        assert_eq!(joined_steps(&first, &second), observed.steps, "stopped after {at} steps");
        assert_same_runs(&whole, &folder);
    }
}

#[test]
fn stopping_twice_changes_nothing() {
    let fixture = TrainingFixture::new();
    let (whole, _) = fixture.start("whole");
    let folder = fixture.folder("pieces");
    assert!(fixture.run(&folder, false, Some(3)).unwrap().interrupted());
    assert!(fixture.run(&folder, true, Some(1)).unwrap().interrupted());
    assert!(fixture.run(&folder, true, Some(9)).unwrap().interrupted());
    assert!(!fixture.run(&folder, true, None).unwrap().interrupted());
    assert_same_runs(&whole, &folder);
}

/// Augmented pictures follow from seed, epoch and case, not from earlier draws.
#[test]
fn stopping_changes_no_augmented_picture() {
    let mut fixture = TrainingFixture::new();
    let (_, plain) = fixture.start("plain");
    fixture.settings.train.augment = npc::text::config::nnunet_like();
    let (whole, observed) = fixture.start("whole");
    assert_ne!(plain.steps, observed.steps);
    let folder = fixture.folder("pieces");
    let first = fixture.run(&folder, false, Some(4)).unwrap();
    let second = fixture.run(&folder, true, None).unwrap();
    assert_eq!(joined_steps(&first, &second), observed.steps);
    assert_same_runs(&whole, &folder);
    assert!(whole.records().iter().all(|r| r.waited_seconds >= 0.0 && r.waited_seconds < r.seconds + 0.5));
    // A run with impossible settings ends before its folder exists.
    fixture.settings.train.augment = vec![npc::text::config::Augmentation::Blur { sigma: [0.0, 1e9], p: 1.0 }];
    let folder = fixture.folder("refused");
    let error = fixture.refused(&folder, false);
    assert!(error.message.contains("`sigma` of `blur`"), "{error}");
    assert!(!folder.root().exists());
}

#[test]
fn more_epochs_can_be_added_to_a_finished_run() {
    let mut fixture = TrainingFixture::new();
    let (whole, _) = fixture.start("whole");
    fixture.settings.train.epochs = 2;
    let (folder, _) = fixture.start("longer");
    fixture.settings.train.epochs = 3;
    assert_eq!(fixture.run(&folder, true, None).unwrap().steps.len(), 6);
    assert_same_runs(&whole, &folder);
    assert_eq!(fixture.run(&folder, true, None).unwrap().steps.len(), 0, "nothing is left to do");
    assert_same_runs(&whole, &folder);
}

/// A process is killed between its last lines: the metrics are ahead of the checkpoint, and the last line is
/// incomplete.
#[test]
fn an_older_checkpoint_discards_later_epochs() {
    let mut fixture = TrainingFixture::new();
    let (whole, _) = fixture.start("whole");
    fixture.settings.train.epochs = 1;
    let (folder, _) = fixture.start("killed");
    let older = fs::read(folder.last()).unwrap();
    fixture.settings.train.epochs = 3;
    fixture.run(&folder, true, None).unwrap();
    fs::write(folder.last(), older).unwrap();
    let metrics = folder.root().join("metrics.jsonl");
    let text = fs::read_to_string(&metrics).unwrap();
    fs::write(&metrics, &text[..text.len() - 20]).unwrap();
    let observed = fixture.run(&folder, true, None).unwrap();
    assert_eq!(observed.steps.len(), 12);
    assert_same_runs(&whole, &folder);
}

/// The checkpoint holds the records too.
#[test]
fn removed_metrics_are_restored() {
    let fixture = TrainingFixture::new();
    let (folder, _) = fixture.start("a");
    let metrics = folder.root().join("metrics.jsonl");
    let text = fs::read_to_string(&metrics).unwrap();
    let two: String = text.lines().take(2).map(|l| format!("{l}\n")).collect();
    for left in [two, "no record".into(), format!("{text}{{\"epoch\": 4}}\n")] {
        fs::write(&metrics, left).unwrap();
        fixture.run(&folder, true, None).unwrap();
        assert_eq!(fs::read_to_string(&metrics).unwrap(), text);
    }
    fs::remove_file(&metrics).unwrap();
    fixture.run(&folder, true, None).unwrap();
    assert_eq!(fs::read_to_string(&metrics).unwrap(), text);
}

#[test]
fn a_run_that_was_killed_before_its_first_checkpoint_starts_again() {
    let fixture = TrainingFixture::new();
    let (whole, _) = fixture.start("whole");
    let folder = fixture.folder("early");
    folder.create().unwrap();
    folder.write_settings(&fixture.settings).unwrap();
    fixture.run(&folder, true, None).unwrap();
    assert_same_runs(&whole, &folder);
}

#[test]
fn a_nan_loss_ends_the_run_before_the_checkpoint() {
    let mut fixture = TrainingFixture::new();
    fixture.settings.train.epochs = 1;
    let (folder, _) = fixture.start("a");
    let before = [folder.last(), folder.best(Metric::Dice)].map(|p| fs::read(p).unwrap());
    fixture.settings.train.epochs = 2;
    fixture.settings.train.optimizer.set_lr(1e38);
    let error = fixture.refused(&folder, true);
    assert!(error.message.contains("loss became") && error.message.contains("epoch 2"), "{error}");
    assert!(error.help.iter().any(|h| h.contains("lr=")), "{error}");
    let after = [folder.last(), folder.best(Metric::Dice)].map(|p| fs::read(p).unwrap());
    assert!(before == after, "checkpoints are as they were");
    assert_eq!(folder.records().len(), 1);
}
