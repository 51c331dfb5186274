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
    let bench = Bench::new();
    let (whole, observed) = bench.start("whole");
    assert_eq!(observed.steps.len(), 18);
    for at in [1, 4, 6, 7, 14, 18] {
        let folder = bench.folder(&format!("at_{at}"));
        let first = bench.run(&folder, false, Some(at)).unwrap();
        assert!(first.interrupted(), "after {at} steps");
        assert_eq!(first.steps.len(), at);
        let second = bench.run(&folder, true, None).unwrap();
        assert!(!second.interrupted());
        assert_eq!(joined_steps(&first, &second), observed.steps, "stopped after {at} steps");
        assert_same_runs(&whole, &folder);
    }
}

#[test]
fn stopping_twice_changes_nothing() {
    let bench = Bench::new();
    let (whole, _) = bench.start("whole");
    let folder = bench.folder("pieces");
    assert!(bench.run(&folder, false, Some(3)).unwrap().interrupted());
    assert!(bench.run(&folder, true, Some(1)).unwrap().interrupted());
    assert!(bench.run(&folder, true, Some(9)).unwrap().interrupted());
    assert!(!bench.run(&folder, true, None).unwrap().interrupted());
    assert_same_runs(&whole, &folder);
}

/// Augmented pictures follow from seed, epoch and case, not from earlier draws.
#[test]
fn stopping_changes_no_augmented_picture() {
    let mut bench = Bench::new();
    let (_, plain) = bench.start("plain");
    bench.settings.train.augment = npc::text::config::nnunet_like();
    let (whole, observed) = bench.start("whole");
    assert_ne!(plain.steps, observed.steps);
    let folder = bench.folder("pieces");
    let first = bench.run(&folder, false, Some(4)).unwrap();
    let second = bench.run(&folder, true, None).unwrap();
    assert_eq!(joined_steps(&first, &second), observed.steps);
    assert_same_runs(&whole, &folder);
    assert!(whole.records().iter().all(|r| r.waited_seconds >= 0.0 && r.waited_seconds < r.seconds + 0.5));
    // A run with impossible settings ends before its folder exists.
    bench.settings.train.augment = vec![npc::text::config::Augmentation::Blur { sigma: [0.0, 1e9], p: 1.0 }];
    let folder = bench.folder("refused");
    let error = bench.refused(&folder, false);
    assert!(error.message.contains("`blur`: `sigma`"), "{error}");
    assert!(!folder.root().exists());
}

#[test]
fn more_epochs_can_be_added_to_a_finished_run() {
    let mut bench = Bench::new();
    let (whole, _) = bench.start("whole");
    bench.settings.train.epochs = 2;
    let (folder, _) = bench.start("longer");
    bench.settings.train.epochs = 3;
    assert_eq!(bench.run(&folder, true, None).unwrap().steps.len(), 6);
    assert_same_runs(&whole, &folder);
    assert_eq!(bench.run(&folder, true, None).unwrap().steps.len(), 0, "nothing is left to do");
    assert_same_runs(&whole, &folder);
}

/// A process is killed between its last lines: the metrics are ahead of the checkpoint, and the last line is
/// incomplete.
#[test]
fn an_older_checkpoint_takes_back_the_epochs_after_it() {
    let mut bench = Bench::new();
    let (whole, _) = bench.start("whole");
    bench.settings.train.epochs = 1;
    let (folder, _) = bench.start("killed");
    let older = fs::read(folder.last()).unwrap();
    bench.settings.train.epochs = 3;
    bench.run(&folder, true, None).unwrap();
    fs::write(folder.last(), older).unwrap();
    let metrics = folder.root().join("metrics.jsonl");
    let text = fs::read_to_string(&metrics).unwrap();
    fs::write(&metrics, &text[..text.len() - 20]).unwrap();
    let observed = bench.run(&folder, true, None).unwrap();
    assert_eq!(observed.steps.len(), 12);
    assert_same_runs(&whole, &folder);
}

/// The checkpoint holds the records too.
#[test]
fn metrics_that_somebody_took_away_come_back() {
    let bench = Bench::new();
    let (folder, _) = bench.start("a");
    let metrics = folder.root().join("metrics.jsonl");
    let text = fs::read_to_string(&metrics).unwrap();
    let two: String = text.lines().take(2).map(|l| format!("{l}\n")).collect();
    for left in [two, "no record".into(), format!("{text}{{\"epoch\": 4}}\n")] {
        fs::write(&metrics, left).unwrap();
        bench.run(&folder, true, None).unwrap();
        assert_eq!(fs::read_to_string(&metrics).unwrap(), text);
    }
    fs::remove_file(&metrics).unwrap();
    bench.run(&folder, true, None).unwrap();
    assert_eq!(fs::read_to_string(&metrics).unwrap(), text);
}

#[test]
fn a_run_that_was_killed_before_its_first_checkpoint_starts_again() {
    let bench = Bench::new();
    let (whole, _) = bench.start("whole");
    let folder = bench.folder("early");
    folder.create().unwrap();
    folder.write_settings(&bench.settings).unwrap();
    bench.run(&folder, true, None).unwrap();
    assert_same_runs(&whole, &folder);
}

#[test]
fn a_loss_that_is_no_number_ends_the_run_before_the_checkpoint() {
    let mut bench = Bench::new();
    bench.settings.train.epochs = 1;
    let (folder, _) = bench.start("a");
    let before = [folder.last(), folder.best(Metric::Dice)].map(|p| fs::read(p).unwrap());
    bench.settings.train.epochs = 2;
    bench.settings.train.optimizer.set_lr(1e38);
    let error = bench.refused(&folder, true);
    assert!(error.message.contains("loss became") && error.message.contains("epoch 2"), "{error}");
    assert!(error.help.iter().any(|h| h.contains("lr=")), "{error}");
    let after = [folder.last(), folder.best(Metric::Dice)].map(|p| fs::read(p).unwrap());
    assert!(before == after, "checkpoints are as they were");
    assert_eq!(folder.records().len(), 1);
}
