//! `metrics.jsonl` as it is found: a line an epoch, whatever numbers it has.
//!
//! Knows names and no meaning, so that curves and TensorBoard show what a run recorded without being told of it.

use super::run_folder::RunFolder;
use serde_json::{Map, Value};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The epochs of a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    rows: Vec<EpochValues>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct EpochValues {
    /// Counted from 1.
    pub number: u64,
    /// Finite numbers by name, in the order of the file.
    pub values: Vec<(String, f64)>,
}

impl History {
    /// Reads what is there; a line that was cut off ends it, a run without finished epochs has none.
    pub fn read(folder: &RunFolder) -> History {
        let text = std::fs::read_to_string(folder.root().join("metrics.jsonl")).unwrap_or_default();
        Self::parse(&text)
    }

    pub fn parse(text: &str) -> History {
        let rows = text.lines().map_while(|line| serde_json::from_str::<Map<String, Value>>(line).ok());
        let epoch = |(i, row): (usize, Map<String, Value>)| EpochValues {
            number: row.get("epoch").and_then(Value::as_u64).unwrap_or(i as u64 + 1),
            values: numbers(row),
        };
        History { rows: rows.enumerate().map(epoch).collect() }
    }

    pub fn epochs(&self) -> &[EpochValues] {
        &self.rows
    }

    /// Names in the order in which they first come.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in self.rows.iter().flat_map(|row| &row.values) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }

    /// `[epoch, value]` of each epoch that has one.
    pub fn points(&self, name: &str) -> Vec<[f64; 2]> {
        self.rows.iter().filter_map(|row| Some([row.number as f64, row.get(name)?])).collect()
    }

    /// Whether it has more than one value.
    pub fn changes(&self, name: &str) -> bool {
        self.points(name).windows(2).any(|pair| pair[0][1] != pair[1][1])
    }

    /// The first epoch with the largest value.
    pub fn best(&self, name: &str) -> Option<u64> {
        let scored = self.rows.iter().filter_map(|row| Some((row.number, row.get(name)?)));
        scored.reduce(|a, b| if b.1 > a.1 { b } else { a }).map(|(epoch, _)| epoch)
    }

    /// When each epoch ended, in seconds since 1970: the file's time is that of the last, and `seconds` is what each took.
    pub fn times(&self, folder: &RunFolder) -> Vec<f64> {
        let written = std::fs::metadata(folder.root().join("metrics.jsonl")).and_then(|m| m.modified());
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

/// What is within an object is called `object/name`, unless it stands beside the object as well.
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
