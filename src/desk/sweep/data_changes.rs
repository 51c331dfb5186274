//! Are the files of a finished run still those that it was trained and scored on?

use crate::data::Dataset;
use crate::learn::run_folder::{RunFolder, read_settings};
use crate::learn::weights_origin::CheckpointProgress;
use std::collections::BTreeMap;
use std::path::Path;

/// Digests of the files of a data set, by the part of the split; `None` where the set cannot be opened.
type SetDigests = Option<BTreeMap<String, String>>;

/// The data sets of the runs of a sweep. Most runs have the same one, which is opened once.
#[derive(Default)]
pub(super) struct SweepDataSets(BTreeMap<String, SetDigests>);

impl SweepDataSets {
    /// Returns which parts of the split of a finished run have other files now than in training, in words; `None` if none has, or it is
    /// not known. The scores of such a run and those of new seeds would be of two data sets. `data_root` is that of the request.
    pub(super) fn changed_parts(&mut self, folder: &RunFolder, data_root: Option<&Path>) -> Option<String> {
        let then = CheckpointProgress::read(&folder.checkpoint().ok()?)?.origin;
        let settings = read_settings(&folder.settings()).ok()?;
        let root = data_root.map_or_else(|| Path::new(&settings.data_root).to_path_buf(), Path::to_path_buf);
        let key = format!("{} {}", root.display(), serde_json::to_string(&settings.data).ok()?);
        let open = || Some(Dataset::open(&settings.data, &root).ok()?.file_digests());
        let digests = self.0.entry(key).or_insert_with(open).as_ref()?;
        let parts = then.changed_parts(digests);
        let files = || format!("a run on other files ({}): their lengths or contents differ", parts.join(", "));
        (!parts.is_empty()).then(files)
    }
}
