//! What there is to say when a run has ended, or had ended before.

use crate::base::count::counted;
use crate::learn::run_folder::{RunFolder, RunSummary};
use crate::learn::run_length::RunLength;
use crate::text::config::TrainSpec;

/// Lines about a run that has ended: the result, and what stands above and below it for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TrainingEnd {
    pub above: String,
    /// The best epoch with its scores; empty where they are not known.
    pub result: String,
    pub below: String,
}

/// Returns the best epoch of a run, and hints.
pub(crate) fn training_end(s: &RunSummary, spec: &TrainSpec, folder: &RunFolder) -> TrainingEnd {
    let mut end = TrainingEnd::default();
    if s.stopped_early {
        let patience = counted(spec.patience.unwrap_or(0), "epoch");
        end.above = format!("stopped after epoch {}: no better score in {patience}\n", s.epochs);
    }
    let (folder, images) = (folder.root().display(), counted(s.n_test, &format!("{} image", s.scored_on)));
    end.result = if s.epoch == 0 {
        let why = match s.epochs_without_foreground == s.epochs {
            true => "no prediction of any epoch has any foreground",
            false => "no epoch scored above 0",
        };
        format!("{why} on {images} ({:.0} s), so none is the best; the last is kept in {folder}\n", s.seconds)
    } else {
        format!(
            "best epoch {}: Dice {:.4}, IoU {:.4} on {images} ({:.0} s); npc eval {folder}\n",
            s.epoch, s.dice, s.iou, s.seconds
        )
    };
    end.below = s.hints.iter().map(|hint| format!("hint: {hint}\n")).collect();
    end
}

/// Returns that a run has nothing left to train, its result, and how it can go on.
pub(crate) fn nothing_to_train(spec: &TrainSpec, folder: &RunFolder, length: RunLength) -> TrainingEnd {
    let mut end = folder.summary().map(|summary| training_end(&summary, spec, folder)).unwrap_or_default();
    let root = folder.root().display();
    end.above = format!("{root}: nothing to train: {}\n{}", length.to_text(), end.above);
    end.below += &match length.out_of_patience {
        // The patience is the same in every part of a run.
        true => format!("for longer training, start another run: npc train {root} --set patience=N --out DIR\n"),
        false => {
            format!("for more epochs: npc train {root} --resume --set epochs={}\n", length.done.saturating_mul(2))
        }
    };
    end
}
