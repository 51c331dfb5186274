//! Epochs without foreground in any prediction are never the best; masks with ignored pixels.

use super::*;
use crate::support::data_sets::grey;
use npc::internals::score::eval::CheckpointChoice;
use npc::text::config::{LossTerm, WeightedLossTerm};

/// A set of 20 pictures, four of them for the test: in two of these the mask is empty. With `void`, the right half of every mask
/// is ignored, and one mask of the training images as a whole.
fn set(fixture: &mut TrainingFixture, void: bool) {
    let root = fixture.dir.path().join("set");
    for i in 0..20usize {
        let inside = |p: usize| (8..20 + i % 4).contains(&(p / 32)) && (4..24).contains(&(p % 32));
        let image: Vec<u8> = (0..1024).map(|p| if inside(p) { 180 } else { 60 } + (p * (i + 3) % 23) as u8).collect();
        let class = |p: usize| match (void && (p % 32 >= 16 || i == 7), inside(p) && !matches!(i, 2 | 3)) {
            (true, _) => 255,
            (false, object) => u8::from(object),
        };
        grey(&root.join(format!("i/a{i}.png")), [32, 32], &image);
        grey(&root.join(format!("m/a{i}.png")), [32, 32], &(0..1024).map(class).collect::<Vec<u8>>());
    }
    let list = |cases: std::ops::Range<usize>| cases.map(|i| format!("a{i}\n")).collect::<String>();
    std::fs::write(root.join("test.txt"), list(0..4)).unwrap();
    std::fs::write(root.join("train.txt"), list(4..20)).unwrap();
    let data = &mut fixture.settings.data;
    data.source = DataSource::Files { images: "i/*.png".into(), masks: "m/*.png".into() };
    data.split = Split::Lists { train: "train.txt".into(), val: None, test: "test.txt".into() };
    (data.labels, data.mask_rule) = (vec![0, 1], MaskRule::Exact);
    data.ignore = if void { vec![255] } else { Vec::new() };
    fixture.settings.data_root = root.to_str().unwrap().into();
}

/// The pixels of the object have no weight, so the network answers background everywhere.
fn blind(fixture: &mut TrainingFixture) {
    let term = LossTerm::CrossEntropy { weights: vec![1.0, 0.0], smoothing: 0.0 };
    fixture.settings.train.loss = LossSpec { terms: vec![WeightedLossTerm { weight: 1.0, term }] };
    fixture.settings.train.optimizer.set_lr(0.1);
}

#[test]
fn an_epoch_that_finds_nothing_is_never_the_best() {
    let mut fixture = TrainingFixture::new();
    set(&mut fixture, false);
    blind(&mut fixture);
    let (folder, observed) = fixture.start("blind");
    // Two empty masks of four count as right.
    assert!(observed.epochs.iter().all(|r| r.found_nothing && r.dice == 0.5), "{:?}", observed.epochs);
    let Some(TrainingOutcome::Done(summary)) = &observed.outcome else { panic!("{observed:?}") };
    assert_eq!((summary.epoch, summary.dice, summary.epochs_without_foreground), (0, 0.0, 3));
    assert!(!folder.best(Metric::Dice).exists());
    let [warning] = &observed.warnings[..] else { panic!("one warning for epochs in a row: {observed:?}") };
    let wanted = "epoch 1: no prediction has any foreground: 2 masks of 4 have some, and the Dice of 0.5000 is that of the empty";
    assert!(warning.starts_with(wanted), "{warning}");
    // The evaluation takes the last weights, and says so.
    let how = EvaluateOptions::default();
    assert_eq!(how.weights, CheckpointChoice::Best);
    let stop = AtomicBool::new(false);
    let (found, _) = evaluate(&fixture.checked, &fixture.settings, &folder, SplitRole::Test, &how, &stop).unwrap();
    assert!(found.without_best && found.summary.finds_nothing() && found.checkpoint == "last.safetensors");
    // An interrupted run ends in the same bits.
    for at in [6, 9] {
        let pieces = fixture.folder(&format!("at_{at}"));
        assert!(fixture.run(&pieces, false, Some(at)).unwrap().interrupted());
        fixture.run(&pieces, true, None).unwrap();
        assert_same_runs(&folder, &pieces);
        assert_eq!(pieces.records().iter().filter(|r| r.found_nothing).count(), 3);
    }
    // Patience counts such epochs.
    fixture.settings.train.epochs = 9;
    fixture.settings.train.patience = Some(2);
    let (_, observed) = fixture.start("patient");
    assert_eq!(observed.epochs.len(), 2);
}

#[test]
fn a_run_that_finds_something_has_a_best_epoch() {
    let mut fixture = TrainingFixture::new();
    set(&mut fixture, false);
    let (folder, observed) = fixture.start("sees");
    assert!(observed.epochs.iter().any(|r| !r.found_nothing));
    assert!(folder.best(Metric::Dice).exists());
}

/// Half of every mask is ignored and one mask as a whole: training goes on, and an interrupted run ends in the same bits.
#[test]
fn masks_with_ignored_pixels_are_trained_on() {
    let mut fixture = TrainingFixture::new();
    set(&mut fixture, true);
    fixture.settings.train.batch = 1;
    fixture.settings.train.epochs = 2;
    let (folder, observed) = fixture.start("whole");
    assert!(observed.epochs.iter().all(|r| r.loss.is_finite()), "{:?}", observed.epochs);
    assert!(observed.epochs[1].loss < observed.epochs[0].loss, "{:?}", observed.epochs);
    let pieces = fixture.folder("pieces");
    assert!(fixture.run(&pieces, false, Some(9)).unwrap().interrupted());
    fixture.run(&pieces, true, None).unwrap();
    assert_same_runs(&folder, &pieces);
    let (how, stop) = (EvaluateOptions::default(), AtomicBool::new(false));
    let (found, cases) = evaluate(&fixture.checked, &fixture.settings, &folder, SplitRole::Test, &how, &stop).unwrap();
    assert_eq!((found.summary.ignored_pixels, found.calibration.pixels), (4 * 512, 4 * 512));
    assert!(cases.iter().all(|case| case.ignored_pixels == 512));
}
