//! `cases.csv` of a run folder: the scores of each test image.

use crate::run::error::{Result, RunError};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

/// Scores of one run, NaN where an image has none.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    pub path: PathBuf,
    /// Stems in the order of the file.
    pub images: Vec<String>,
    /// Foreground classes in the order of the file.
    pub classes: Vec<String>,
    /// By name of the metric: `[class][image]`.
    metrics: BTreeMap<String, Vec<Vec<f64>>>,
}

impl Scores {
    /// One metric of images and classes that are numbered.
    #[cfg(test)]
    pub fn of(metric: &str, values: Vec<Vec<f64>>) -> Scores {
        let names = |n: usize| (0..n).map(|i| i.to_string()).collect();
        let (images, classes) = (names(values[0].len()), names(values.len()));
        Scores { path: PathBuf::new(), images, classes, metrics: [(metric.to_string(), values)].into() }
    }

    /// `[class][image]`.
    pub fn metric(&self, name: &str) -> Option<&Vec<Vec<f64>>> {
        self.metrics.get(name)
    }

    /// Every metric.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.metrics.keys().map(String::as_str)
    }

    /// Mean over the classes of the means over the images.
    pub fn mean(&self, name: &str) -> Option<f64> {
        let mean = |values: &mut dyn Iterator<Item = f64>| {
            let known: Vec<f64> = values.filter(|v| !v.is_nan()).collect();
            known.iter().sum::<f64>() / known.len() as f64
        };
        let classes: Vec<f64> = self.metric(name)?.iter().map(|c| mean(&mut c.iter().copied())).collect();
        Some(mean(&mut classes.into_iter())).filter(|m| !m.is_nan())
    }
}

/// Reads a table with a line per image and class; `stem` and `class` name them, every other column of numbers is a metric.
pub fn read_cases(path: &Path) -> Result<Scores> {
    let wrong = |message: String| RunError::at(path, message).help("write it anew with `npc eval`");
    let text = std::fs::read_to_string(path).map_err(|e| wrong(format!("cannot be read: {e}")))?;
    let mut lines = text.lines().map(cells);
    let header = lines.next().unwrap_or_default();
    let column =
        |name: &str| header.iter().position(|h| h == name).ok_or_else(|| wrong(format!("has no column `{name}`")));
    let (stem, class) = (column("stem")?, column("class")?);
    let mut images = Names::default();
    let mut classes = Names::default();
    let mut rows: Vec<(usize, usize, Vec<String>)> = Vec::new();
    for (i, row) in lines.enumerate() {
        if row.len() != header.len() {
            return Err(wrong(format!("line {} has {} cells of {}", i + 2, row.len(), header.len())));
        }
        rows.push((classes.of(&row[class]), images.of(&row[stem]), row));
    }
    let mut metrics = BTreeMap::new();
    for (k, name) in header.iter().enumerate().filter(|(k, _)| *k != stem && *k != class) {
        let mut values = vec![vec![f64::NAN; images.names.len()]; classes.names.len()];
        let read = rows.iter().all(|(class, image, row)| {
            let value = if row[k].is_empty() { Ok(f64::NAN) } else { row[k].parse::<f64>() };
            value.map(|v| values[*class][*image] = v).is_ok()
        });
        if read {
            metrics.insert(name.to_string(), values);
        }
    }
    Ok(Scores { path: path.to_path_buf(), images: images.names, classes: classes.names, metrics })
}

/// The cells of a line (RFC 4180).
fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut quoted) = (vec![String::new()], false);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, cells.last_mut()) {
            ('"', Some(cell)) if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            ('"', _) => quoted = !quoted,
            (',', _) if !quoted => cells.push(String::new()),
            (c, Some(cell)) => cell.push(c),
            (_, None) => {}
        }
    }
    cells
}

/// Names in the order of first sight.
#[derive(Default)]
struct Names {
    names: Vec<String>,
    known: HashMap<String, usize>,
}

impl Names {
    fn of(&mut self, name: &str) -> usize {
        if let Some(&at) = self.known.get(name) {
            return at;
        }
        self.known.insert(name.to_string(), self.names.len());
        self.names.push(name.to_string());
        self.names.len() - 1
    }
}
