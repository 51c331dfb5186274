//! Hints on the epochs of a finished run: a loss that did not fall, scores near 0, a training that ended too early, overfitting.
//!
//! Each needs numbers that a run which learns does not have. A loss that becomes NaN ends the run with an error of its own.

use super::run_folder::EpochRecord;
use crate::base::count::counted;
use crate::metric::RunHint;
use crate::metric::score_hints::{AGAINST_OVERFITTING, DICE_NEAR_ZERO, IMBALANCE, NOT_LEARNED, near_zero};

/// Fewest epochs that say whether a loss falls.
const LOSS_EPOCHS: usize = 4;
/// A loss that keeps at least this part of its first value has not fallen.
const LOSS_KEPT: f64 = 0.97;
/// Dice from which a constant loss is no sign of a failure: the run began with weights that had learned.
const GOOD_DICE: f64 = 0.5;
/// Fewest epochs that say whether a score still rises.
const RISING_EPOCHS: usize = 5;
/// Rise of Dice over the last quarter of the epochs that would go on.
const STILL_RISING: f64 = 0.02;
/// Fewest epochs after the best one, and fewest scored images, that show overfitting.
const OVERFITTING_EPOCHS: usize = 3;
const OVERFITTING_IMAGES: usize = 5;
/// Fall of Dice since the best epoch, and part of its loss that is left, which show overfitting together.
const DICE_LOST: f64 = 0.03;
const LOSS_LEFT: f64 = 0.8;

/// What helps where masks have no foreground.
const MASKS_WITHOUT_FOREGROUND: &str =
    "see with `npc data check` which values the masks hold, and whether `labels`, `mask` and the split fit them";

/// What is known of a run besides its epochs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FinishedRun<'a> {
    /// Number of epochs that the settings ask for.
    pub planned: usize,
    /// Number of training images.
    pub trained: usize,
    /// Number and part of the images that each epoch was scored on.
    pub scored: usize,
    pub scored_on: &'a str,
}

/// Returns the hints on a run, by its epochs in order. There are none for a run that is not finished.
pub(crate) fn training_hints(epochs: &[EpochRecord], run: FinishedRun<'_>) -> Vec<RunHint> {
    let Some(first) = epochs.first() else { return Vec::new() };
    let last = epochs.last().unwrap_or(first);
    if let Some(hint) = without_foreground(epochs, run) {
        return vec![hint];
    }
    if epochs.iter().all(|epoch| epoch.found_nothing) {
        let seen = format!("no prediction of {} has any foreground", counted(epochs.len(), "epoch"));
        return vec![RunHint::new("no_foreground", seen, IMBALANCE)]
            .into_iter()
            .chain(flat_loss(epochs, 0.0))
            .collect();
    }
    // An epoch that scored 0 is never the best.
    let found = epochs.iter().filter(|epoch| !epoch.found_nothing && epoch.dice.is_finite() && epoch.dice > 0.0);
    let Some(best) = found.reduce(|a, b| if b.dice > a.dice { b } else { a }) else {
        let seen = match epochs.iter().any(|epoch| epoch.only_foreground) {
            true => "no epoch scored above 0, and predictions are foreground in nearly every pixel".to_string(),
            false => "no epoch scored above 0: the network has learned next to nothing".to_string(),
        };
        return flat_loss(epochs, 0.0).into_iter().chain([RunHint::new("dice_near_zero", seen, NOT_LEARNED)]).collect();
    };
    let mut hints: Vec<RunHint> = flat_loss(epochs, best.dice).into_iter().collect();
    if best.only_foreground {
        let seen = format!(
            "the best epoch, {}, predicts foreground in nearly every pixel, so its Dice of {:.4} shows nothing learned",
            best.epoch, best.dice
        );
        hints.push(RunHint::new("all_foreground", seen, NOT_LEARNED));
    } else if best.dice < DICE_NEAR_ZERO {
        hints.push(RunHint::new("dice_near_zero", near_zero(best.dice), NOT_LEARNED));
    }
    if hints.is_empty() {
        hints.extend(still_rising(epochs, best, run).or_else(|| overfits(epochs, best, last, run)));
    }
    hints
}

/// Reports masks without any foreground, which no network can learn from, and which no score can judge.
fn without_foreground(epochs: &[EpochRecord], run: FinishedRun<'_>) -> Option<RunHint> {
    let trained = epochs.iter().all(|epoch| epoch.trained_without_foreground);
    let scored = epochs.iter().all(|epoch| epoch.scored_without_foreground);
    let (training, others) =
        (counted(run.trained, "training image"), counted(run.scored, &format!("{} image", run.scored_on)));
    let seen = match (trained, scored) {
        (false, false) => return None,
        (true, true) => {
            format!(
                "no mask of the {training} and the {others} has any foreground: there is nothing to learn, and nothing to score"
            )
        }
        (true, false) => format!("no mask of the {training} has any foreground, so there is nothing to learn"),
        (false, true) => {
            format!("no mask of the {others} has any foreground, so the scores say nothing of the network")
        }
    };
    Some(RunHint::new("no_foreground_in_masks", seen, MASKS_WITHOUT_FOREGROUND))
}

/// Reports a training loss that did not fall, unless the scores are good.
fn flat_loss(epochs: &[EpochRecord], dice: f64) -> Option<RunHint> {
    let (first, rest) = epochs.split_first()?;
    let least = rest.iter().map(|epoch| epoch.loss).fold(f64::INFINITY, f64::min);
    let flat = epochs.len() >= LOSS_EPOCHS && first.loss > 0.0 && least >= LOSS_KEPT * first.loss && dice < GOOD_DICE;
    flat.then(|| {
        let last = rest.last().unwrap_or(first);
        let seen = format!(
            "the training loss did not fall: {:.4} in epoch {}, {:.4} in epoch {}",
            first.loss, first.epoch, last.loss, last.epoch
        );
        RunHint::new("loss_did_not_fall", seen, NOT_LEARNED)
    })
}

/// Reports a best epoch that is the last, if Dice rose by much in the last quarter of the epochs.
fn still_rising(epochs: &[EpochRecord], best: &EpochRecord, run: FinishedRun<'_>) -> Option<RunHint> {
    let n = epochs.len();
    if n < RISING_EPOCHS || n < run.planned || best.epoch != epochs.last()?.epoch {
        return None;
    }
    let before = &epochs[..n - n.div_ceil(4)];
    let before =
        before.iter().filter(|epoch| epoch.dice.is_finite()).reduce(|a, b| if b.dice > a.dice { b } else { a })?;
    (best.dice - before.dice >= STILL_RISING).then(|| {
        let seen = format!(
            "the last epoch is the best, and Dice still rose: {:.4} in epoch {}, {:.4} in epoch {}",
            before.dice, before.epoch, best.dice, best.epoch
        );
        RunHint::new("still_rising", seen, format!("train longer, for example with `--set epochs={}`", 2 * run.planned))
    })
}

/// Reports a loss that went on falling while Dice on other images fell.
fn overfits(epochs: &[EpochRecord], best: &EpochRecord, last: &EpochRecord, run: FinishedRun<'_>) -> Option<RunHint> {
    let after: Vec<&EpochRecord> = epochs.iter().filter(|epoch| epoch.epoch > best.epoch).collect();
    if after.len() < OVERFITTING_EPOCHS || run.scored < OVERFITTING_IMAGES {
        return None;
    }
    // Means of several epochs, because the score of one varies.
    let mean = |epochs: &[&EpochRecord]| epochs.iter().map(|epoch| epoch.dice).sum::<f64>() / epochs.len() as f64;
    let end = mean(&after[after.len() - OVERFITTING_EPOCHS..]);
    let rises_again = end > mean(&after) + 1e-9;
    (best.dice - end >= DICE_LOST && last.loss <= LOSS_LEFT * best.loss && !rises_again).then(|| {
        let seen = format!(
            "overfitting: since epoch {} the training loss fell from {:.4} to {:.4}, and Dice on the {} from {:.4} to {end:.4} \
             (mean of the last three epochs)",
            best.epoch,
            best.loss,
            last.loss,
            counted(run.scored, &format!("{} image", run.scored_on)),
            best.dice
        );
        RunHint::new("overfitting", seen, AGAINST_OVERFITTING)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Epochs of these losses and Dice scores.
    fn run(epochs: &[(f64, f64)]) -> Vec<EpochRecord> {
        let record = |(i, &(loss, dice)): (usize, &(f64, f64))| {
            let text = format!(
                r#"{{"epoch": {}, "loss": {loss}, "dice": {dice}, "iou": 0, "seconds": 1, "images_per_second": 1}}"#,
                i + 1
            );
            serde_json::from_str(&text).unwrap()
        };
        epochs.iter().enumerate().map(record).collect()
    }

    fn kinds(epochs: &[EpochRecord]) -> Vec<String> {
        let run = FinishedRun { planned: epochs.len(), trained: 30, scored: 12, scored_on: "val" };
        training_hints(epochs, run).into_iter().map(|hint| hint.kind).collect()
    }

    #[test]
    fn a_run_that_learns_has_no_hint() {
        let learns: Vec<(f64, f64)> = (1..=20).map(|i| (1.0 / f64::from(i), 0.95 - 0.5 / f64::from(i))).collect();
        assert_eq!(kinds(&run(&learns)), [""; 0]);
        assert_eq!(kinds(&[]), [""; 0]);
        // One or two epochs say little.
        assert_eq!(kinds(&run(&[(0.7, 0.3)])), [""; 0]);
    }

    #[test]
    fn a_loss_that_does_not_fall() {
        let of = |last: f64, dice: f64| kinds(&run(&[(0.7, dice), (0.7, dice), (0.71, dice), (last, dice)]));
        assert_eq!(of(0.69, 0.3), ["loss_did_not_fall"]);
        assert_eq!(of(0.66, 0.3), [""; 0]);
        // Pretrained weights.
        assert_eq!(of(0.69, 0.6), [""; 0]);
        assert_eq!(kinds(&run(&[(0.7, 0.3), (0.7, 0.3), (0.7, 0.3)])), [""; 0]);
    }

    #[test]
    fn scores_of_nothing_and_of_everything() {
        let falling = [(0.7, 0.04), (0.5, 0.05), (0.4, 0.06), (0.3, 0.09)];
        assert_eq!(kinds(&run(&falling)), ["dice_near_zero"]);
        assert_eq!(kinds(&run(&falling.map(|(loss, dice)| (loss, dice + 0.02)))), [""; 0]);
        let mut all = run(&[(0.7, 0.4), (0.5, 0.3)]);
        all[0].only_foreground = true;
        assert_eq!(kinds(&all), ["all_foreground"]);
        // An epoch of this kind that is not the best does no harm.
        all[1].dice = 0.5;
        assert_eq!(kinds(&all), [""; 0]);
        let mut none = run(&[(0.7, 0.4), (0.5, 0.4)]);
        none.iter_mut().for_each(|epoch| epoch.found_nothing = true);
        assert_eq!(kinds(&none), ["no_foreground"]);
    }

    /// No epoch is called the best where none scored above 0.
    #[test]
    fn scores_of_zero() {
        let texts = |epochs: &[EpochRecord]| {
            let run = FinishedRun { planned: epochs.len(), trained: 30, scored: 12, scored_on: "val" };
            training_hints(epochs, run).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        let mut zero = run(&[(0.7, 0.0), (0.5, 0.0)]);
        assert_eq!(kinds(&zero), ["dice_near_zero"]);
        zero[0].only_foreground = true;
        assert!(
            texts(&zero).starts_with("no epoch scored above 0, and predictions are foreground in nearly every pixel; ")
        );
        assert!(!texts(&zero).contains("best"), "{}", texts(&zero));
        zero[1].found_nothing = true;
        assert!(!texts(&zero).contains("best"), "{}", texts(&zero));
    }

    #[test]
    fn masks_without_foreground() {
        let of = |trained: bool, scored: bool| {
            let mut epochs = run(&[(0.7, 0.0), (0.7, 0.0), (0.7, 0.0), (0.7, 0.0)]);
            epochs.iter_mut().for_each(|epoch| {
                (epoch.trained_without_foreground, epoch.scored_without_foreground) = (trained, scored);
                epoch.only_foreground = true;
            });
            let run = FinishedRun { planned: 4, trained: 7, scored: 5, scored_on: "test" };
            training_hints(&epochs, run)
        };
        for (trained, scored, part) in [
            (
                true,
                true,
                "no mask of the 7 training images and the 5 test images has any foreground: there is nothing to learn",
            ),
            (true, false, "no mask of the 7 training images has any foreground, so there is nothing to learn"),
            (false, true, "no mask of the 5 test images has any foreground, so the scores say nothing"),
        ] {
            let [hint] = &of(trained, scored)[..] else { panic!("one hint") };
            assert!(hint.kind == "no_foreground_in_masks" && hint.seen.starts_with(part), "{hint}");
        }
        let kinds: Vec<String> = of(false, false).into_iter().map(|hint| hint.kind).collect();
        assert_eq!(kinds, ["loss_did_not_fall", "dice_near_zero"]);
    }

    #[test]
    fn a_score_that_still_rises() {
        let of = |last: f64| run(&[(0.7, 0.2), (0.6, 0.5), (0.5, 0.6), (0.4, 0.65), (0.3, last)]);
        assert_eq!(kinds(&of(0.7)), ["still_rising"]);
        assert_eq!(kinds(&of(0.615)), [""; 0]);
        assert_eq!(kinds(&of(0.64)), [""; 0]);
        // The run was stopped early, or is not finished.
        let early = FinishedRun { planned: 9, trained: 30, scored: 12, scored_on: "val" };
        assert_eq!(training_hints(&of(0.7), early), []);
    }

    #[test]
    fn a_loss_that_falls_while_scores_fall() {
        let of = |end: f64, loss: f64| kinds(&run(&[(0.7, 0.5), (0.4, 0.8), (0.35, end), (0.3, end), (loss, end)]));
        assert_eq!(of(0.76, 0.3), ["overfitting"]);
        assert_eq!(of(0.78, 0.3), [""; 0]);
        assert_eq!(of(0.76, 0.35), [""; 0]);
        assert_eq!(kinds(&run(&[(0.4, 0.8), (0.3, 0.7), (0.2, 0.7)])), [""; 0]);
        // A score that rises again, and one of few images.
        let again = [(0.7, 0.5), (0.4, 0.8), (0.35, 0.6), (0.3, 0.65), (0.3, 0.7), (0.3, 0.75)];
        assert_eq!(kinds(&run(&again)), [""; 0]);
        let falls = run(&[(0.7, 0.5), (0.4, 0.8), (0.35, 0.7), (0.3, 0.7), (0.3, 0.7)]);
        let of =
            |scored| training_hints(&falls, FinishedRun { planned: 5, trained: 30, scored, scored_on: "val" }).len();
        assert_eq!([of(4), of(5)], [0, 1]);
    }
}
