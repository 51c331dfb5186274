//! Reads `metrics.jsonl`: one line per epoch, with any numbers.
//!
//! Names are not interpreted, so curves and TensorBoard show every recorded number without extra code.

use super::run_folder::RunFolder;
use crate::base::count::{counted, verb_for};
use crate::base::file;
use serde_json::{Map, Value};
use std::io::ErrorKind;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The epochs of a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    rows: Vec<EpochValues>,
}

/// The recorded numbers of one epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct EpochValues {
    /// Number of the epoch, counted from 1.
    pub number: u64,
    /// Finite numbers by name, in the order of the file.
    pub values: Vec<(String, f64)>,
    /// Whether no prediction of the epoch had any foreground.
    pub found_nothing: bool,
}

impl History {
    /// Reads the epochs up to a truncated line; a run without finished epochs has none.
    pub fn read(folder: &RunFolder) -> History {
        let text = file::read_text(&folder.metrics_file(), file::TABLE_BYTES).unwrap_or_default();
        Self::parse(&text)
    }

    /// Returns why epochs are missing, in one sentence: the file is not there or cannot be read although the run has finished epochs, or
    /// a line of it is damaged. A last line without its end is that of a killed process, and no damage.
    pub fn problem(folder: &RunFolder) -> Option<String> {
        let path = folder.metrics_file();
        let text = match file::read_text(&path, file::TABLE_BYTES) {
            Ok(text) => text,
            Err(e) if e.kind() == ErrorKind::NotFound => {
                let finished = folder.checkpoint().is_ok() || folder.summary_file().exists();
                return finished.then(|| "metrics.jsonl is missing, so the epochs are missing".into());
            }
            Err(e) => return Some(format!("metrics.jsonl cannot be read, so the epochs are missing: {e}")),
        };
        let (all, read) = (text.lines().count(), Self::parse(&text).rows.len());
        let killed = read + 1 == all && !text.ends_with('\n');
        (read < all && !killed).then(|| {
            let (lost, are) = (all - read, verb_for(all - read, "is", "are"));
            let all = counted(all, "epoch");
            format!("line {} of metrics.jsonl is damaged: {lost} of {all} from there on {are} missing", read + 1)
        })
    }

    pub fn parse(text: &str) -> History {
        let rows = text.lines().map_while(|line| serde_json::from_str::<Map<String, Value>>(line).ok());
        let epoch = |(i, row): (usize, Map<String, Value>)| EpochValues {
            number: row.get("epoch").and_then(Value::as_u64).unwrap_or(i as u64 + 1),
            found_nothing: row.get("found_nothing").and_then(Value::as_bool).unwrap_or(false),
            values: numbers(row),
        };
        History { rows: rows.enumerate().map(epoch).collect() }
    }

    pub fn epochs(&self) -> &[EpochValues] {
        &self.rows
    }

    /// Returns the names in order of first appearance.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in self.rows.iter().flat_map(|row| &row.values) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }

    /// Returns `[epoch, value]` of each epoch that has a value of this name.
    pub fn points(&self, name: &str) -> Vec<[f64; 2]> {
        self.rows.iter().filter_map(|row| Some([row.number as f64, row.get(name)?])).collect()
    }

    /// Checks whether the value of this name changes between epochs.
    pub fn changes(&self, name: &str) -> bool {
        self.points(name).windows(2).any(|pair| pair[0][1] != pair[1][1])
    }

    /// Returns the first epoch with the largest value, of those with foreground in a prediction.
    pub fn best(&self, name: &str) -> Option<u64> {
        let found = self.rows.iter().filter(|row| !row.found_nothing);
        let scored = found.filter_map(|row| Some((row.number, row.get(name)?)));
        scored.reduce(|a, b| if b.1 > a.1 { b } else { a }).map(|(epoch, _)| epoch)
    }

    /// Returns the end of each epoch in seconds since 1970, from the modification time of the file and the `seconds` of each
    /// epoch.
    pub fn times(&self, folder: &RunFolder) -> Vec<f64> {
        let written = std::fs::metadata(folder.metrics_file()).and_then(|m| m.modified());
        let end = written.unwrap_or_else(|_| SystemTime::now());
        let mut end = end.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs_f64();
        let mut times: Vec<f64> = (self.rows.iter().rev())
            .map(|row| {
                let time = end;
                end -= row.get("seconds").unwrap_or(0.0);
                time
            })
            .collect();
        times.reverse();
        times
    }
}

/// Flattens a line to finite numbers by name. A number inside an object is called `object/name`, and is left out if the line has
/// the same name outside the object.
fn numbers(row: Map<String, Value>) -> Vec<(String, f64)> {
    let mut found = Vec::new();
    for (name, value) in &row {
        match value {
            Value::Object(inner) => {
                let inner = inner.iter().filter(|(inside, _)| !row.contains_key(*inside));
                found.extend(inner.map(|(inside, value)| (format!("{name}/{inside}"), value.as_f64())));
            }
            _ if name == "epoch" => {}
            _ => found.push((name.clone(), value.as_f64())),
        }
    }
    found.into_iter().filter_map(|(name, value)| Some((name, value.filter(|v| v.is_finite())?))).collect()
}

impl EpochValues {
    pub fn get(&self, name: &str) -> Option<f64> {
        self.values.iter().find(|(n, _)| n == name).map(|(_, v)| *v)
    }
}
