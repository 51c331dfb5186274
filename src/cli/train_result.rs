//! What `npc train` says at the end of a run, and of a run that had ended before.

use super::error::{CommandError, CommandResult};
use super::global_options::quiet;
use super::terminal::{print, print_progress};
use crate::base::count::counted;
use crate::base::problem::problem;
use crate::learn::run_folder::{RunFolder, RunSummary};
use crate::learn::run_length::RunLength;
use crate::text::config::TrainSpec;

/// Prints the best epoch of a run that has ended, and hints.
pub(super) fn print_result(s: &RunSummary, spec: &TrainSpec, folder: &RunFolder) -> CommandResult {
    if s.stopped_early {
        let patience = spec.patience.unwrap_or(0);
        let patience = counted(patience, "epoch");
        print_progress(&format!("stopped after epoch {}: no better score in {patience}\n", s.epochs))?;
    }
    let folder = folder.root().display();
    if s.epoch == 0 {
        let why = match s.epochs_without_foreground == s.epochs {
            true => "no prediction of any epoch has any foreground",
            false => "no epoch scored above 0",
        };
        print(&format!(
            "{why} on {} ({:.0} s), so none is the best; the last is kept in {folder}\n",
            counted(s.n_test, &format!("{} image", s.scored_on)),
            s.seconds
        ))?;
    } else {
        print(&format!(
            "best epoch {}: Dice {:.4}, IoU {:.4} on {} ({:.0} s); npc eval {folder}\n",
            s.epoch,
            s.dice,
            s.iou,
            counted(s.n_test, &format!("{} image", s.scored_on)),
            s.seconds
        ))?;
    }
    s.hints.iter().filter(|_| !quiet()).try_for_each(|hint| print(&format!("hint: {hint}\n")))
}

/// Prints that a run has nothing left to train, its result, and how it can go on.
pub(super) fn print_finished(spec: &TrainSpec, folder: &RunFolder, length: RunLength) -> CommandResult {
    let root = folder.root().display();
    print_progress(&format!("{root}: nothing to train: {}\n", length.to_text()))?;
    if let Some(summary) = folder.summary() {
        print_result(&summary, spec, folder)?;
    }
    print_progress(&match length.stopped_early {
        // The patience is the same in every part of a run.
        true => format!("for longer training, start another run: npc train {root} --set patience=N --out DIR\n"),
        false => {
            format!("for more epochs: npc train {root} --resume --set epochs={}\n", length.done.saturating_mul(2))
        }
    })
}

/// Checks that a run that goes on is not to have fewer epochs than it has.
pub(super) fn refuse_fewer_epochs(folder: &RunFolder, length: RunLength) -> CommandResult {
    let RunLength { done, planned, .. } = length;
    if done <= planned {
        return Ok(());
    }
    let root = folder.root().display();
    Err(CommandError::from(problem!(E0723, &folder.settings(),
        "the run has {} already, and it is to have {planned}", counted(done, "epoch");
        help: "for more epochs: `npc train {root} --resume --set epochs={}`", done.saturating_mul(2);
        help: "for fewer, train it again: `--overwrite`, or `--out DIR`")))
}
