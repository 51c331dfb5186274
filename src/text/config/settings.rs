//! The settings of a run, complete: what `settings.yaml` in a run folder holds. The only module that names YAML.
//!
//! The file can be given to `npc train` again and starts the same run.

use super::{DataSpec, TrainSpec};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The number of the format of settings files that this npc writes and reads.
pub const FORMAT: u32 = 1;

/// All that a training run depends on, beside the files that it names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Format of the file, which must be [`FORMAT`].
    pub format: u32,
    /// Of npc and what computed; for people, not checked.
    pub versions: BTreeMap<String, String>,
    /// The model source, relative to this file.
    pub model_file: String,
    /// Where the data block's paths start.
    pub data_root: String,
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// Threads that compute; as many as the machine has where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
    /// The settings of the training, every default filled in.
    pub train: TrainSpec,
    /// The settings of the data, every default filled in.
    pub data: DataSpec,
}

/// Writes settings as YAML, below a comment that says what the file is. [`from_yaml`] reads it again.
///
/// Errors: what the serialiser says of a value that YAML cannot hold.
pub fn to_yaml(settings: &Settings) -> Result<String, String> {
    let head = "# Settings of an npc run, every default filled in. `npc train THIS_FILE --out DIR` runs it again.\n";
    let mut yaml = Vec::new();
    let mut to = serde_yaml::Serializer::new(&mut yaml);
    // `optimizer: {adam: ...}` and not the tag `!adam`, which few other readers of YAML know.
    serde_yaml::with::singleton_map_recursive::serialize(settings, &mut to).map_err(|e| e.to_string())?;
    String::from_utf8(yaml).map(|yaml| format!("{head}{yaml}")).map_err(|e| e.to_string())
}

/// Longest file, and how deep its brackets may lie: the parser's time grows with the square of either.
const BYTES: usize = 256 << 10;
const DEPTH: usize = 64;

/// Longest name in a map; YAML takes 1024 characters, and quotes and escapes count.
const NAME: usize = 512;

/// Errors name the line.
pub fn from_yaml(text: &str) -> Result<Settings, String> {
    if text.len() > BYTES {
        return Err(format!("settings of {} bytes, the limit is {BYTES}", text.len()));
    }
    let mut depth = 0usize;
    for (i, line) in text.lines().enumerate() {
        for byte in line.bytes() {
            match byte {
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        if depth > DEPTH {
            return Err(format!("brackets nested more than {DEPTH} deep at line {}", i + 1));
        }
    }
    let from = serde_yaml::Deserializer::from_str(text);
    let settings: Settings = serde_yaml::with::singleton_map_recursive::deserialize(from).map_err(|e| e.to_string())?;
    let mut names = settings.versions.keys().chain(settings.train.args.keys());
    if let Some(long) = names.find(|name| name.len() > NAME) {
        return Err(format!("a name of {} bytes under `versions` or `args`, the limit is {NAME}", long.len()));
    }
    if settings.format != FORMAT {
        return Err(format!("settings of format {}, this npc reads format {FORMAT}", settings.format));
    }
    Ok(settings)
}
