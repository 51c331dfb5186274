//! Writes evaluations into their run folder, and checks whether they are up to date.

use crate::base::atomic::write_atomic;
use crate::base::error::Result;
use crate::base::file;
use crate::base::problem::problem;
use crate::data::SplitRole;
use crate::learn::run_files::is_foreign_evaluation;
use crate::learn::run_folder::{RunFolder, write_json};
use crate::learn::weights_origin::{CheckpointProgress, weights_digest};
use crate::metric::{CaseScore, Evaluation, cases_csv};
use crate::text::config::DataSpec;
use std::path::PathBuf;

/// Checks that the files of an evaluation replace those of an earlier one alone: a run folder may hold other files, such as a list of
/// the data with the name `cases.csv`.
pub(crate) fn check_own_scores(folder: &RunFolder, role: SplitRole) -> Result<()> {
    let files = [folder.cases(role), folder.volumes(role), folder.evaluation(role)];
    match files.into_iter().find(|path| is_foreign_evaluation(path)) {
        Some(path) => {
            Err(problem!(E0702, &path, "the scores of the run would replace this file, and npc did not write it";
            help: "rename the file; if a data block of the run names it, train with the new name, into another folder: `--out DIR`"))
        }
        None => Ok(()),
    }
}

/// Writes `cases.csv` and `eval.json` of a role, and `volumes.csv` where images are slices of volumes.
pub(crate) fn write_evaluation(
    folder: &RunFolder,
    role: SplitRole,
    spec: &DataSpec,
    evaluation: &Evaluation,
    cases: &[CaseScore],
) -> Result<()> {
    check_own_scores(folder, role)?;
    let csv = cases_csv(cases, &spec.classes, spec.empty);
    write_atomic(&folder.cases(role), csv.as_bytes())?;
    if let Some(volumes) = &evaluation.volumes {
        let csv = cases_csv(&volumes.cases, &spec.classes, spec.empty);
        write_atomic(&folder.volumes(role), csv.as_bytes())?;
    }
    write_json(&folder.evaluation(role), evaluation)
}

/// Returns the role that a run is scored on: the test images if the split has some, else the validation images.
pub(crate) fn role_to_score(folder: &RunFolder) -> SplitRole {
    let holds =
        |role| file::read_text(&folder.split(role), file::TABLE_BYTES).is_ok_and(|text| !text.trim().is_empty());
    if holds(SplitRole::Test) || !holds(SplitRole::Val) { SplitRole::Test } else { SplitRole::Val }
}

/// Checks whether a file is at least as new as the weights; `None` if the folder has no weights.
fn is_current(folder: &RunFolder, path: PathBuf) -> Option<bool> {
    let time = |path: PathBuf| std::fs::metadata(path).and_then(|m| m.modified()).ok();
    let weights = folder.checkpoint().ok().and_then(time)?;
    Some(time(path).is_some_and(|scored| scored >= weights))
}

/// Returns the file whose weights an evaluation scores, if it holds others by now.
pub(crate) fn later_weights(folder: &RunFolder, evaluation: &Evaluation) -> Option<PathBuf> {
    let path = folder.root().join(&evaluation.checkpoint);
    if let (Some(scored), Some(now)) = (&evaluation.weights, weights_digest(&path)) {
        return (*scored != now).then_some(path);
    }
    let step = CheckpointProgress::read(&path)?.step;
    evaluation.step.is_some_and(|scored| scored != step).then_some(path)
}

/// Checks whether the folder has weights, and the scores of a role are missing or of other weights. Evaluations of earlier versions
/// do not say which weights they score; theirs are of others if they are older than the weights.
pub(crate) fn is_stale(folder: &RunFolder, role: SplitRole) -> bool {
    is_stale_of(folder, role, Evaluation::read(&folder.evaluation(role)).ok().as_ref())
}

/// Checks the same of an evaluation that was read, or could not be read.
pub(crate) fn is_stale_of(folder: &RunFolder, role: SplitRole, evaluation: Option<&Evaluation>) -> bool {
    if folder.checkpoint().is_err() {
        return false;
    }
    let is_of_others = evaluation.is_some_and(|e| later_weights(folder, e).is_some());
    // A copy of a folder has the times of the copying, in any order.
    let names_weights = evaluation.is_some_and(|e| {
        e.weights.is_some() && folder.root().join(&e.checkpoint).exists() && folder.cases(role).exists()
    });
    let is_older = || {
        [folder.cases(role), folder.evaluation(role)].into_iter().any(|path| is_current(folder, path) == Some(false))
    };
    is_of_others || !names_weights && is_older()
}

/// Checks whether the folder has weights, and the scores of the cases of a role are up to date.
pub(crate) fn is_scored(folder: &RunFolder, role: SplitRole) -> bool {
    match folder.evaluation(role).exists() {
        true => folder.checkpoint().is_ok() && !is_stale(folder, role),
        false => is_current(folder, folder.cases(role)) == Some(true),
    }
}
