//! A run that was interrupted and resumed equals the run that was not, bit for bit.

use super::*;
use npc::internals::compute::weights::write_safetensors;
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

/// A last batch of one is joined to the one before where a batch norm would see one value: with steps of one batch, of two
/// batches whose second is single, and of two batches after which one image is left.
#[test]
fn a_joined_last_batch_is_resumed_exactly() {
    for (images, batch, accumulate, steps) in
        [(16, 3, 1, 5), (16, 5, 2, 2), (17, 4, 2, 2), (17, 4, 4, 1), (18, 17, 1, 1)]
    {
        let mut fixture = TrainingFixture::new();
        fixture.checked = pooled();
        fixture.settings.data.source = DataSource::Phantoms { count: images + 2, seed: 3 };
        let test = 2.0 / (images + 2) as f64;
        fixture.settings.data.split = Split::Random { train: 1.0 - test, val: 0.0, test, seed: 0 };
        (fixture.settings.train.batch, fixture.settings.train.accumulate) = (batch, accumulate);
        fixture.images = (images, 2);
        let (whole, observed) = fixture.start("whole");
        let numbers: Vec<usize> = observed.steps.iter().map(|s| s.1).collect();
        let wanted: Vec<usize> = (0..3).flat_map(|_| 1..=steps).collect();
        assert_eq!(numbers, wanted, "{images} images in batches of {batch}, {accumulate} a step");
        for at in 1..3 * steps {
            let folder = fixture.folder(&format!("at_{at}"));
            let first = fixture.run(&folder, false, Some(at)).unwrap();
            let second = fixture.run(&folder, true, None).unwrap();
            assert_eq!(joined_steps(&first, &second), observed.steps, "stopped after {at} steps");
            assert_same_runs(&whole, &folder);
        }
    }
}

/// A network without such a norm trains on the single image, as PyTorch does without `drop_last`.
#[test]
fn other_networks_keep_a_last_batch_of_one() {
    let fixture = TrainingFixture::new();
    let (_, observed) = fixture.start("whole");
    assert_eq!(observed.steps.last().unwrap().1, 6);
}

/// Counters that a person or a broken disk changed are refused with the file's name; none overflows.
#[test]
fn impossible_counters_of_a_checkpoint_are_refused() {
    let fixture = TrainingFixture::new();
    let folder = fixture.folder("run");
    assert!(fixture.run(&folder, false, Some(4)).unwrap().interrupted());
    let (tensors, metadata) = read_safetensors(&folder.last()).unwrap();
    let state: serde_json::Value = serde_json::from_str(&metadata["npc"]).unwrap();
    for (key, value) in [
        ("step", serde_json::json!(u64::MAX)),
        ("optimizer_steps", serde_json::json!(u64::MAX)),
        ("epoch", serde_json::json!(u64::MAX)),
        ("seen", serde_json::json!(u64::MAX)),
        ("seen", serde_json::json!(2)),
        ("seen", serde_json::json!(17)),
        ("loss_sum", serde_json::json!("NaN")),
        ("seconds", serde_json::json!("inf")),
    ] {
        let mut changed = state.clone();
        changed[key] = value.clone();
        let metadata = [("npc".to_string(), changed.to_string())].into();
        write_safetensors(&folder.last(), &tensors, &metadata).unwrap();
        let error = fixture.refused(&folder, true);
        assert_eq!(error.code.id(), "E0703", "{key} = {value}: {error}");
        assert!(error.to_string().contains("last.safetensors"), "{error}");
    }
    write_safetensors(&folder.last(), &tensors, &metadata).unwrap();
    assert!(!fixture.run(&folder, true, None).unwrap().interrupted());
}
