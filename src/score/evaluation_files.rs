//! Evaluations in their run folder: written, and what is known of them before they are read.

use crate::base::atomic::write_atomic;
use crate::base::error::Result;
use crate::data::SplitRole;
use crate::learn::run_folder::{RunFolder, write_json};
use crate::metric::{CaseScore, Evaluation, cases_csv};
use crate::text::config::DataSpec;
use std::path::PathBuf;

/// Writes `cases.csv` and `eval.json`, or the files of another role.
pub(crate) fn write_evaluation(
    folder: &RunFolder,
    role: SplitRole,
    spec: &DataSpec,
    evaluation: &Evaluation,
    cases: &[CaseScore],
) -> Result<()> {
    let csv = cases_csv(cases, &spec.classes, spec.empty);
    write_atomic(&folder.cases(role), csv.as_bytes())?;
    write_json(&folder.evaluation(role), evaluation)
}

/// The role that a run is scored on: the test images where there are some, else the validation images.
pub(crate) fn role_to_score(folder: &RunFolder) -> SplitRole {
    let holds = |role| std::fs::read_to_string(folder.split(role)).is_ok_and(|text| !text.trim().is_empty());
    if holds(SplitRole::Test) || !holds(SplitRole::Val) { SplitRole::Test } else { SplitRole::Val }
}

/// Whether a file is at least as new as the weights; `None` where there are no weights.
fn is_current(folder: &RunFolder, path: PathBuf) -> Option<bool> {
    let time = |path: PathBuf| std::fs::metadata(path).and_then(|m| m.modified()).ok();
    let weights = folder.checkpoint().ok().and_then(time)?;
    Some(time(path).is_some_and(|scored| scored >= weights))
}

/// Whether there are weights, and the scores of a role are missing or older than they are.
pub(crate) fn is_stale(folder: &RunFolder, role: SplitRole) -> bool {
    [folder.cases(role), folder.evaluation(role)].into_iter().any(|path| is_current(folder, path) == Some(false))
}

/// Whether there are weights, and the scores of each case of a role are of these.
pub(crate) fn is_scored(folder: &RunFolder, role: SplitRole) -> bool {
    is_current(folder, folder.cases(role)) == Some(true)
}
