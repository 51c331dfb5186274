//! Where the weights of a checkpoint come from: the settings and the files of their training, and how far it was.
//!
//! A run folder is a folder: its settings can be edited, its checkpoints exchanged, and the data set behind it can change. A
//! checkpoint therefore carries what its weights rest on, and warnings say what is different now.

use crate::base::file;
use crate::base::hash::fnv1a_bytes;
use crate::base::shorten::shortened;
use crate::text::config::settings::Settings;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

/// Settings without an effect on what weights mean.
const WITHOUT_EFFECT: [&str; 6] =
    ["data.name", "data.cache_mb", "train.name", "train.data", "train.keep", "train.save_every"];
/// Settings of the training that say which network the weights belong to, and which of several runs wrote them.
const OF_THE_NETWORK: [&str; 3] = ["train.model", "train.args", "train.seed"];
/// Limit on the size of the header of a safetensors file, as in the crate `safetensors`.
const HEADER_BYTES: u64 = 100_000_000;
/// Number of bytes of a file of weights that its digest takes from the middle.
const BLOCK: u64 = 1 << 16;
/// Largest number of letters of a setting's value in a message.
const VALUE_LETTERS: usize = 60;

/// What weights rest on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WeightsOrigin {
    /// Values of the settings in JSON, such as `[-1000.0,400.0]` for `data.window`. Empty in checkpoints of older versions.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// Digest of the files of each part of the split, by its name.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
}

/// The part of a checkpoint's metadata that is read without its tensors.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct CheckpointProgress {
    /// Number of finished steps of the optimiser.
    pub step: u64,
    #[serde(default)]
    pub origin: WeightsOrigin,
}

impl CheckpointProgress {
    /// Reads the metadata of a checkpoint. `None` if the file is none, or has none.
    pub(crate) fn read(path: &Path) -> Option<CheckpointProgress> {
        let header: Value = serde_json::from_slice(header_of(path)?.get(8..)?).ok()?;
        serde_json::from_str(header["__metadata__"]["npc"].as_str()?).ok()
    }
}

/// Returns the bytes of a safetensors file before its tensors.
fn header_of(path: &Path) -> Option<Vec<u8>> {
    let length: [u8; 8] = file::read_head(path, 8).ok()?.try_into().ok()?;
    let length = u64::from_le_bytes(length);
    if length > HEADER_BYTES { None } else { file::read_head(path, 8 + length).ok() }
}

/// Returns a digest of a file of weights that is cheap for large ones: of its length, of the names of its tensors with the state of
/// training, and of numbers in its middle. `None` if it cannot be read. A copy of the file has the same.
pub fn weights_digest(path: &Path) -> Option<String> {
    // PyTorch's files have no such header, and their beginning counts.
    let head = header_of(path).or_else(|| file::read_head(path, BLOCK).ok())?;
    let middle = file::read_middle(path, BLOCK).ok()?;
    let length = std::fs::metadata(path).ok()?.len();
    let parts = [fnv1a_bytes(&head), fnv1a_bytes(&middle)];
    Some(format!("{:016x}", fnv1a_bytes(format!("{length} {parts:x?}").as_bytes())))
}

impl WeightsOrigin {
    pub(crate) fn new(settings: &Settings, files: BTreeMap<String, String>) -> WeightsOrigin {
        WeightsOrigin { settings: named_settings(settings), files }
    }

    /// Returns warnings for `eval` and `predict`, whose settings and files are `now`.
    pub(crate) fn warnings_of_use(&self, now: &WeightsOrigin) -> Vec<String> {
        self.warnings(
            now,
            |name| name.starts_with("data.") || OF_THE_NETWORK.contains(&name),
            "the weights were trained with other settings than the run folder has now",
            "that were there when the run was trained: their lengths or contents differ",
        )
    }

    /// Returns warnings for a run that goes on, whose settings and files are `now`.
    pub(crate) fn warnings_of_resuming(&self, now: &WeightsOrigin) -> Vec<String> {
        self.warnings(
            now,
            |_| true,
            "the run goes on with other settings than before",
            "of the epochs before: their lengths or contents differ; the best scores of those epochs are of the other files",
        )
    }

    /// Returns a warning about settings that `counts` and differ, and one about files that are not `those`.
    fn warnings(
        &self,
        now: &WeightsOrigin,
        counts: impl Fn(&str) -> bool,
        other_settings: &str,
        those: &str,
    ) -> Vec<String> {
        let changed = self.changed_settings(now, counts).join("; ");
        let parts = self.changed_parts(&now.files).join(", ");
        let of_settings = (!changed.is_empty()).then(|| format!("{other_settings}: {changed}"));
        let of_files = (!parts.is_empty()).then(|| format!("the files of the split ({parts}) are not those {those}"));
        of_settings.into_iter().chain(of_files).collect()
    }

    /// Returns a phrase for each setting that both know and that differs, where it `counts`.
    fn changed_settings(&self, now: &WeightsOrigin, counts: impl Fn(&str) -> bool) -> Vec<String> {
        let both = self.settings.iter().filter_map(|(name, then)| Some((name, then, now.settings.get(name)?)));
        both.filter(|(name, then, now)| then != now && counts(name))
            .map(|(name, then, now)| format!("`{name}` is {} and was {}", short(now), short(then)))
            .collect()
    }

    /// Returns the parts of the split whose files differ; `now` has the digest of each part.
    pub(crate) fn changed_parts<'a>(&self, now: &'a BTreeMap<String, String>) -> Vec<&'a str> {
        let other = |(part, digest): &(&String, &String)| self.files.get(*part).is_some_and(|then| then != *digest);
        now.iter().filter(other).map(|(part, _)| part.as_str()).collect()
    }
}

/// Returns each key of `train` and `data` with its value in JSON.
fn named_settings(settings: &Settings) -> BTreeMap<String, String> {
    let keys = |prefix: &'static str, value: Result<Value, serde_json::Error>| {
        let object = match value {
            Ok(Value::Object(object)) => object,
            Ok(_) | Err(_) => serde_json::Map::new(),
        };
        object.into_iter().map(move |(key, value)| (format!("{prefix}.{key}"), value.to_string()))
    };
    keys("train", serde_json::to_value(&settings.train))
        .chain(keys("data", serde_json::to_value(&settings.data)))
        .filter(|(name, _)| !WITHOUT_EFFECT.contains(&name.as_str()))
        .collect()
}

fn short(value: &str) -> Cow<'_, str> {
    shortened(value, VALUE_LETTERS)
}
