//! `cases.csv` as columns of numbers, whichever it has: what cases are ranked by.

use crate::base::error::Result;
use crate::metric::case_file::{CaseFile, CaseLine};
use std::collections::BTreeMap;
use std::path::Path;

/// Scores per image and class.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseColumns {
    /// Names of the columns beside `stem` and `class` that hold numbers.
    pub columns: Vec<String>,
    pub rows: Vec<CaseRow>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CaseRow {
    pub stem: String,
    pub class: String,
    /// In the order of the columns; `None` where a cell holds no finite number.
    pub values: Vec<Option<f64>>,
}

/// The score of one image.
#[derive(Debug, Clone, PartialEq)]
pub struct RankedCase {
    pub stem: String,
    /// Mean over the classes that have a score.
    pub score: f64,
}

impl CaseColumns {
    /// Reads a `cases.csv`. A cell that holds no finite number is none.
    pub fn read(path: &Path) -> Result<CaseColumns> {
        let file = CaseFile::read(path)?;
        let words = ["stem", "class"].map(|name| file.column(name));
        let numbers: Vec<usize> = (0..file.header.len()).filter(|&i| !words.contains(&Some(i))).collect();
        let row = |CaseLine { stem, class, cells, .. }: &CaseLine| {
            let number = |&i: &usize| cells[i].parse().ok().filter(|v: &f64| v.is_finite());
            CaseRow { stem: stem.clone(), class: class.clone(), values: numbers.iter().map(number).collect() }
        };
        let columns = numbers.iter().map(|&i| file.header[i].clone()).collect();
        Ok(CaseColumns { columns, rows: file.lines.iter().map(row).collect() }.without_words())
    }

    /// Columns that hold a number somewhere.
    fn without_words(mut self) -> Self {
        let kept: Vec<usize> =
            (0..self.columns.len()).filter(|&i| self.rows.iter().any(|row| row.values[i].is_some())).collect();
        self.columns = kept.iter().map(|&i| self.columns[i].clone()).collect();
        for row in &mut self.rows {
            row.values = kept.iter().map(|&i| row.values[i]).collect();
        }
        self
    }

    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c == name)
    }

    /// The score that images are ranked by: Dice, or IoU in a table without Dice.
    pub fn ranking(&self) -> &'static str {
        ["dice", "iou"].into_iter().find(|name| self.column(name).is_some()).unwrap_or("dice")
    }

    /// Classes in the order of their first line.
    pub fn classes(&self) -> Vec<&str> {
        let mut classes: Vec<&str> = Vec::new();
        for row in &self.rows {
            if !classes.contains(&row.class.as_str()) {
                classes.push(&row.class);
            }
        }
        classes
    }

    /// Images by their mean score over the classes, the worst first, equal ones by name. Images without any score are
    /// left out. Empty where there is no such column.
    pub fn worst_first(&self, column: &str) -> Vec<RankedCase> {
        let Some(at) = self.column(column) else { return Vec::new() };
        let mut sums: BTreeMap<&str, (f64, usize)> = BTreeMap::new();
        for row in &self.rows {
            if let Some(value) = row.values[at] {
                let (sum, n) = sums.entry(&row.stem).or_default();
                (*sum, *n) = (*sum + value, *n + 1);
            }
        }
        let mut ranked: Vec<RankedCase> =
            sums.into_iter().map(|(stem, (sum, n))| RankedCase { stem: stem.into(), score: sum / n as f64 }).collect();
        ranked.sort_by(|a, b| a.score.total_cmp(&b.score));
        ranked
    }
}

/// The `n` worst, and those of the `n` around the median that are not among them. `ranked` is worst first, and so are both.
pub fn worst_and_median(ranked: &[RankedCase], n: usize) -> (&[RankedCase], &[RankedCase]) {
    let all = ranked.len();
    let n = n.min(all);
    let from = (all - n).div_ceil(2);
    (&ranked[..n], &ranked[from.max(n).min(from + n)..from + n])
}
