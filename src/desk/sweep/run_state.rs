//! The state of a planned run, determined from its folder.

use crate::desk::resolved_run::{ResolvedRun, reopen};
use crate::graph::ir;
use crate::learn::run_folder::{RunFolder, read_settings};
use crate::text::config::settings::Settings;
use serde_json::Value;
use std::fmt;

/// The state of a planned run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunState {
    /// The folder contains no run.
    Absent,
    /// The run has started and not finished.
    Started,
    /// All epochs are done, or the run was stopped early by its `patience`.
    Finished,
    /// The folder contains another run, with these differences.
    Other(String),
    /// The model cannot be built.
    Broken,
}

impl fmt::Display for RunState {
    /// Writes the state in a few words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunState::Absent => f.write_str("no run in the folder"),
            RunState::Started => f.write_str("begun and not finished"),
            RunState::Finished => f.write_str("finished"),
            RunState::Other(what) => write!(f, "a run with other settings: {what}"),
            RunState::Broken => f.write_str("the model cannot be built"),
        }
    }
}

/// Compares the run in the folder with the planned run.
pub(super) fn run_state(folder: &RunFolder, resolved: &ResolvedRun, settings: &Settings) -> RunState {
    if !folder.settings().exists() {
        return RunState::Absent;
    }
    if folder.waits_for_its_run() {
        // `npc train --resume=auto` puts the run back that was being replaced.
        return RunState::Started;
    }
    let before = match read_settings(&folder.settings()) {
        Ok(before) => before,
        Err(e) => return RunState::Other(e.to_string()),
    };
    let differences = differences(&before, settings, ["there", "now"]);
    if !differences.is_empty() {
        return RunState::Other(differences.join("\n"));
    }
    match reopen(folder.root(), None, None) {
        Ok((before, _)) if ir::to_text(before.checked.graph()) == ir::to_text(resolved.checked.graph()) => {}
        Ok(_) => return RunState::Other("the network that the model file describes".into()),
        Err(_) => return RunState::Other("a model file that cannot be read".into()),
    }
    if folder.finished(settings) { RunState::Finished } else { RunState::Started }
}

/// Returns the differences, such as `epochs: 2 there, 3 now`. Versions, the device and the path of the data are ignored.
pub(in crate::desk) fn differences(before: &Settings, now: &Settings, words: [&str; 2]) -> Vec<String> {
    let (mut before, now) = (before.clone().with_plain_arguments(), &now.clone().with_plain_arguments());
    before.versions.clone_from(&now.versions);
    before.model_file.clone_from(&now.model_file);
    before.data_root.clone_from(&now.data_root);
    before.device.clone_from(&now.device);
    before.data.cache_mb = now.data.cache_mb;
    let value = |s: &Settings| serde_json::to_value(s).unwrap_or_default();
    let mut found = Vec::new();
    collect_differences("", &value(&before), &value(now), words, &mut found);
    found
}

/// Compares two values of settings recursively.
fn collect_differences(path: &str, a: &Value, b: &Value, words: [&str; 2], found: &mut Vec<String>) {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let keys = a.keys().chain(b.keys().filter(|k| !a.contains_key(*k)));
            for key in keys {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let of = |object: &serde_json::Map<String, Value>| object.get(key).cloned().unwrap_or(Value::Null);
                collect_differences(&path, &of(a), &of(b), words, found);
            }
        }
        _ if a == b => {}
        _ => {
            let path = path.strip_prefix("train.").unwrap_or(path);
            let text = |v: &Value| if v.is_null() { "nothing".to_string() } else { v.to_string() };
            found.push(format!("{path}: {} {}, {} {}", text(a), words[0], text(b), words[1]));
        }
    }
}
