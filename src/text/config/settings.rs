//! The complete settings of a run, stored as `settings.yaml` in the run folder. The only module that uses YAML.
//!
//! `npc train` accepts the file and repeats the run.

use super::check::{MAX_THREADS, RefusedSetting};
use super::{DataSpec, TrainSpec};
use crate::base::count::counted;
use crate::base::number::thousands;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Format version of the settings files that this npc writes and reads.
pub const FORMAT: u32 = 1;

/// Everything that a training run depends on, except the content of the files that it names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Format version, which must be [`FORMAT`].
    pub format: u32,
    /// Versions of npc and its back ends; for people, not checked.
    pub versions: BTreeMap<String, String>,
    /// Path of the model file, relative to this file.
    pub model_file: String,
    /// Folder that the paths of the data block are relative to.
    pub data_root: String,
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// Number of compute threads; by default all of the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
    /// Configuration of the training, with every default filled in.
    pub train: TrainSpec,
    /// Configuration of the data, with every default filled in.
    pub data: DataSpec,
}

/// Formats settings as YAML, after a comment that describes the file. [`from_yaml`] reads it.
///
/// Fails if YAML cannot represent a value.
pub fn to_yaml(settings: &Settings) -> Result<String, String> {
    let head = "# Settings of an npc run, every default filled in. `npc train THIS_FILE --out DIR` runs it again.\n";
    let mut yaml = Vec::new();
    let mut to = serde_yaml::Serializer::new(&mut yaml);
    // `optimizer: {adam: ...}` rather than the tag `!adam`, which few YAML readers support.
    serde_yaml::with::singleton_map_recursive::serialize(settings, &mut to).map_err(|e| e.to_string())?;
    String::from_utf8(yaml).map(|yaml| format!("{head}{yaml}")).map_err(|e| e.to_string())
}

/// Limits on the size and the bracket depth of a file: the time of the parser grows with the square of either.
const MAX_BYTES: usize = 256 << 10;
const MAX_DEPTH: usize = 64;

/// Limit on the length of a map key. YAML accepts 1024 characters, quotes and escapes included.
const MAX_NAME: usize = 512;

/// Reads settings from YAML, and checks every value as that of a model file. The error message names the line or the key.
pub fn from_yaml(text: &str) -> Result<Settings, String> {
    if text.len() > MAX_BYTES {
        return Err(format!("settings of {}, the limit is {}", counted(text.len(), "byte"), thousands(MAX_BYTES)));
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
        if depth > MAX_DEPTH {
            return Err(format!("brackets nested more than {MAX_DEPTH} deep at line {}", i + 1));
        }
    }
    let from = serde_yaml::Deserializer::from_str(text);
    let settings: Settings = serde_yaml::with::singleton_map_recursive::deserialize(from).map_err(|e| e.to_string())?;
    let mut names = settings.versions.keys().chain(settings.train.args.keys());
    if let Some(long) = names.find(|name| name.len() > MAX_NAME) {
        return Err(format!(
            "a name of {} under `versions` or `args`, the limit is {MAX_NAME}",
            counted(long.len(), "byte")
        ));
    }
    if settings.format != FORMAT {
        return Err(format!("settings of format {}, this npc reads format {FORMAT}", settings.format));
    }
    settings.check()?;
    Ok(settings)
}

impl Settings {
    /// Returns the settings with every hyper-parameter in one spelling, to compare values: `[4,8]` is `[4, 8]`.
    pub(crate) fn with_plain_arguments(mut self) -> Settings {
        self.train.args.values_mut().for_each(|value| *value = plain_value(value));
        self
    }

    /// Checks that every setting is within its limits; the error names the key and the value.
    fn check(&self) -> Result<(), String> {
        let of = |block: &'static str| move |RefusedSetting { key, message }| format!("`{block}.{key}`: {message}");
        if let Some(threads) = self.threads.filter(|n| !(1..=MAX_THREADS).contains(n)) {
            return Err(format!("`threads` is {threads}, but must be from 1 to {MAX_THREADS}"));
        }
        self.train.check().map_err(of("train"))?;
        self.data.check().map_err(of("data"))
    }
}

/// Returns a value of the language in one spelling: without spaces outside quotes, and with numbers in one form.
fn plain_value(text: &str) -> String {
    let (mut plain, mut word, mut quoted) = (String::new(), String::new(), false);
    let number = |word: &str| match (word.parse::<i128>(), word.parse::<f64>()) {
        (Ok(n), _) => n.to_string(),
        (_, Ok(x)) if word.starts_with(|c: char| c.is_ascii_digit() || c == '-') => x.to_string(),
        _ => word.to_string(),
    };
    for c in text.chars() {
        match c {
            _ if c == '"' || quoted => {
                quoted ^= c == '"';
                word.push(c);
            }
            '[' | ']' | '(' | ')' | ',' | '=' => {
                plain += &number(&word);
                word.clear();
                if matches!(c, ']' | ')') && plain.ends_with(',') {
                    plain.pop();
                }
                plain.push(c);
            }
            _ if c.is_whitespace() => {}
            _ => word.push(c),
        }
    }
    plain + &number(&word)
}

#[cfg(test)]
mod tests {
    use super::plain_value;

    #[test]
    fn values_have_one_spelling() {
        for (a, b) in [
            ("[4,8,16]", "[4, 8, 16]"),
            ("[4, 8,]", "[ 4,8 ]"),
            ("1e-3", "0.001"),
            ("0.50", "0.5"),
            ("f( x = 1 )", "f(x=1.0)"),
        ] {
            assert_eq!(plain_value(a), plain_value(b), "{a} {b}");
        }
        for (a, b) in [("[4,8]", "[48]"), ("\"a b\"", "\"ab\""), ("se", "cam"), ("8", "9"), ("true", "false")] {
            assert_ne!(plain_value(a), plain_value(b), "{a} {b}");
        }
    }
}
