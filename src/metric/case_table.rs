//! Writes and reads `cases.csv`, the scores of every image of an evaluation.

use super::case::{CaseScore, ClassScore, measured_metrics};
use super::case_file::{CaseFile, CaseLine, line_error};
use crate::base::csv;
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::text::config::{EmptyClassRule, Metric};
use std::collections::BTreeMap;
use std::path::Path;

/// Returns the CSV text with one line per image and foreground class. The mean of a column equals the mean in the summary;
/// a cell is empty if the mean leaves the image out. `empty` is 1 if neither map contains the class. `ignored_pixels`, the pixels of
/// the image that count nowhere, is a column where there are any.
pub fn cases_csv(cases: &[CaseScore], classes: &[String], empty: EmptyClassRule) -> String {
    // The first columns keep the order of earlier versions.
    let first = ["stem", "class", "iou", "dice", "tp", "fp", "fn", "empty", "tn"];
    let later: Vec<Metric> = measured_metrics(cases).filter(|m| !matches!(m, Metric::Iou | Metric::Dice)).collect();
    let ignores = cases.iter().any(|case| case.ignored_pixels > 0);
    let names = first.into_iter().chain(later.iter().map(|m| m.name()));
    let header = names.chain(ignores.then_some("ignored_pixels")).chain(["group"]).map(String::from).collect();
    let row = |case: &CaseScore, score: &ClassScore, class: &String| -> Vec<String> {
        let get = |metric| score.get(metric, empty).map_or(String::new(), |v| format!("{v:.6}"));
        let c = score.counts;
        let counts = [c.tp, c.fp, c.fn_, u64::from(c.is_absent()), c.tn].map(|n| n.to_string());
        let mut cells = vec![case.stem.clone(), class.clone(), get(Metric::Iou), get(Metric::Dice)];
        cells.extend(counts);
        cells.extend(later.iter().map(|&m| get(m)));
        cells.extend(ignores.then(|| case.ignored_pixels.to_string()));
        cells.push(case.group.clone().unwrap_or_default());
        cells
    };
    let rows = cases.iter().flat_map(|case| {
        case.per_class.iter().zip(classes).skip(1).map(|(score, class)| row(case, score, class)).collect::<Vec<_>>()
    });
    csv::encode(std::iter::once(header).chain(rows))
}

/// Scores read from a file of [`cases_csv`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CaseTable {
    /// Names of the images.
    pub stems: Vec<String>,
    /// Group of each image; `None` if any image has no group.
    pub groups: Option<Vec<String>>,
    /// Foreground classes in order.
    pub classes: Vec<String>,
    /// Number of pixels of the ground truth `[class][image]`; NaN where the file does not say it.
    pub truth: Vec<Vec<f64>>,
    /// Scores `[class][image]`, NaN if the mean leaves the image out.
    pub scores: BTreeMap<Metric, Vec<Vec<f64>>>,
}

impl CaseTable {
    /// Reads a table. Errors name file and line: a cell is not a number, or an image lacks a class.
    pub fn read(path: &Path) -> Result<CaseTable> {
        let file = CaseFile::read(path)?;
        let at = |line: u64, text: String| line_error(path, line, text);
        let group = file.column("group");
        let metrics: Vec<(Metric, usize)> =
            Metric::ALL.into_iter().filter_map(|m| Some((m, file.column(m.name())?))).collect();
        let counts = [file.column("tp"), file.column("fn")];
        let mut table = CaseTable::default();
        let mut groups = Vec::new();
        for (i, CaseLine { line, stem, class, cells }) in file.lines.iter().enumerate() {
            let line = *line;
            let first = table.stems.last().is_none_or(|s| s != stem);
            if first {
                table.stems.push(stem.clone());
                groups.push(group.map_or(String::new(), |c| cells[c].clone()));
            }
            if table.stems.len() == 1 {
                table.classes.push(class.clone());
            }
            // Every image has every class, in the order of the first image.
            let expected = table.classes.get(i % table.classes.len().max(1)).map(String::as_str);
            if expected != Some(class.as_str()) || first != (i % table.classes.len().max(1) == 0) {
                return Err(at(
                    line,
                    format!(
                        "the image `{stem}` does not have one line for each class, in the same order as the first image"
                    ),
                ));
            }
            let k = i % table.classes.len();
            let count = |column: Option<usize>| column.and_then(|c| cells[c].parse::<f64>().ok()).unwrap_or(f64::NAN);
            table.truth.resize(table.classes.len(), Vec::new());
            table.truth[k].push(counts.map(count).iter().sum());
            for &(metric, c) in &metrics {
                let value = match cells[c].as_str() {
                    "" => f64::NAN,
                    text => text.parse().map_err(|_| {
                        at(line, format!("`{text}` is not a number, in the column `{}`", metric.name()))
                    })?,
                };
                let of_metric = table.scores.entry(metric).or_default();
                of_metric.resize(table.classes.len(), Vec::new());
                of_metric[k].push(value);
            }
        }
        if !table.classes.is_empty() && table.scores.values().flatten().any(|v| v.len() != table.stems.len()) {
            return Err(
                problem!(E0703, path, "the last image lacks a class: the file is truncated"; help: "evaluate the run again with `npc eval RUN`"),
            );
        }
        if table.stems.is_empty() {
            return Err(
                problem!(E0741, path, "the table has no images"; help: "evaluate the run again with `npc eval RUN`"),
            );
        }
        table.groups = groups.iter().all(|g| !g.is_empty()).then_some(groups);
        Ok(table)
    }
}

#[cfg(test)]
impl CaseTable {
    /// A table of images without groups that have the Dice of one class.
    pub(crate) fn of_dice(values: &[f64]) -> Self {
        CaseTable {
            stems: (0..values.len()).map(|i| i.to_string()).collect(),
            groups: None,
            classes: vec!["lung".into()],
            truth: vec![vec![f64::NAN; values.len()]],
            scores: [(Metric::Dice, vec![values.to_vec()])].into(),
        }
    }
}
