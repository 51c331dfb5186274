//! Are the files of a finished run still those that it was trained and scored on?

use super::plan::SweepPlan;
use super::run_state::RunState;
use crate::data::Dataset;
use crate::learn::run_folder::{RunFolder, read_settings};
use crate::learn::weights_origin::{CheckpointProgress, WeightsOrigin};
use std::collections::BTreeMap;
use std::path::Path;

/// Digests of the files of a data set, by the part of the split; `None` where the set cannot be opened.
type SetDigests = Option<BTreeMap<String, String>>;

/// Marks the finished runs whose files are others by now as runs that the folder should not hold: their scores and those of new seeds
/// would be of two data sets. `data_root` is that of the request.
pub(super) fn mark_changed_data(plan: &mut SweepPlan, data_root: Option<&Path>) {
    let mut sets: BTreeMap<String, SetDigests> = BTreeMap::new();
    for run in plan.points.iter_mut().flat_map(|point| &mut point.runs) {
        if run.state != RunState::Finished {
            continue;
        }
        if let Some(changed) = changed_parts(&run.folder, data_root, &mut sets) {
            run.state = RunState::Other(changed);
        }
    }
}

/// Returns which parts of the split have other files than in training, in words; `None` if none has, or it is not known.
fn changed_parts(
    folder: &RunFolder,
    data_root: Option<&Path>,
    sets: &mut BTreeMap<String, SetDigests>,
) -> Option<String> {
    let then = CheckpointProgress::read(&folder.checkpoint().ok()?)?.origin;
    let settings = read_settings(&folder.settings()).ok()?;
    let root = data_root.map_or_else(|| Path::new(&settings.data_root).to_path_buf(), Path::to_path_buf);
    let key = format!("{} {}", root.display(), serde_json::to_string(&settings.data).ok()?);
    let digests = sets.entry(key).or_insert_with(|| Some(Dataset::open(&settings.data, &root).ok()?.file_digests()));
    let now = WeightsOrigin::new(&settings, digests.clone()?);
    let parts = then.changed_parts(&now);
    (!parts.is_empty())
        .then(|| format!("a run on other files ({}): their lengths or contents differ", parts.join(", ")))
}
