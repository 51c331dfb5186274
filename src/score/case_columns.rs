//! Reads the numeric columns of `cases.csv` and ranks cases by them.

use crate::base::error::Result;
use crate::metric::case_file::{CaseFile, CaseLine};
use std::collections::BTreeMap;
use std::path::Path;

/// Scores per image and class.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseColumns {
    /// Names of the numeric columns; `stem` and `class` are not among them.
    pub columns: Vec<String>,
    pub rows: Vec<CaseRow>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CaseRow {
    pub stem: String,
    pub class: String,
    /// Values in the order of the columns; `None` if a cell holds no finite number.
    pub values: Vec<Option<f64>>,
}

/// An image with its score.
#[derive(Debug, Clone, PartialEq)]
pub struct RankedCase {
    pub stem: String,
    /// Mean score over the classes that have one.
    pub score: f64,
}

impl CaseColumns {
    /// Reads a `cases.csv`. A cell without a finite number becomes `None`.
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

    /// Removes the columns that hold no number in any row.
    fn without_words(mut self) -> Self {
        let kept: Vec<usize> =
            (0..self.columns.len()).filter(|&i| self.rows.iter().any(|row| row.values[i].is_some())).collect();
        self.columns = kept.iter().map(|&i| self.columns[i].clone()).collect();
        for row in &mut self.rows {
            row.values = kept.iter().map(|&i| row.values[i]).collect();
        }
        self
    }

    /// Returns the index of a column.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c == name)
    }

    /// Returns the column that ranks images: `dice`, or `iou` in a table without Dice.
    pub fn ranking(&self) -> &'static str {
        ["dice", "iou"].into_iter().find(|name| self.column(name).is_some()).unwrap_or("dice")
    }

    /// Returns the classes in the order of their first line.
    pub fn classes(&self) -> Vec<&str> {
        let mut classes: Vec<&str> = Vec::new();
        for row in &self.rows {
            if !classes.contains(&row.class.as_str()) {
                classes.push(&row.class);
            }
        }
        classes
    }

    /// Returns the images sorted by their mean score over the classes, the worst first; equal scores are sorted by name.
    /// Images without a score are left out. The result is empty if the table lacks the column.
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

/// Returns the `n` worst images, and those of the `n` images around the median that are not among the worst. Where the `n` worst would
/// be more than half of all, these are all images, and none is around the median. `ranked` and both results are sorted from worst to
/// best.
pub fn worst_and_median(ranked: &[RankedCase], n: usize) -> (&[RankedCase], &[RankedCase]) {
    let all = ranked.len();
    if 2 * n > all {
        return (ranked, &[]);
    }
    let from = (all - n).div_ceil(2);
    (&ranked[..n], &ranked[from.max(n).min(from + n)..from + n])
}
