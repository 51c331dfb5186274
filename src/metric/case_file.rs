//! `cases.csv` as text: a line per image and class, read once for everyone who needs it.
//!
//! Knows the columns `stem` and `class` and no definition of a score, so that a file of a later version is read too.

use crate::base::error::{Result, RunError};
use std::path::Path;

/// The lines of a `cases.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CaseFile {
    /// Names of all columns, in order.
    pub header: Vec<String>,
    pub lines: Vec<CaseLine>,
}

/// The scores of an image for one class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CaseLine {
    /// In the file, counted from 1.
    pub line: u64,
    pub stem: String,
    pub class: String,
    /// In the order of the header.
    pub cells: Vec<String>,
}

impl CaseFile {
    /// Errors: no such file, no column `stem` or `class`, or a line with too many or too few cells. They name file and line.
    pub(crate) fn read(path: &Path) -> Result<CaseFile> {
        let text = std::fs::read(path).map_err(|e| RunError::read(path, e))?;
        let mut reader = ::csv::Reader::from_reader(&text[..]);
        let header = reader.headers().map_err(|e| line_error(path, 1, e))?.clone();
        let needed = |name: &str| {
            let column = header.iter().position(|h| h == name);
            column.ok_or_else(|| {
                line_error(path, 1, format!("no column `{name}`")).help("`npc eval RUN` writes the table again")
            })
        };
        let (stem, class) = (needed("stem")?, needed("class")?);
        let mut lines = Vec::new();
        for (line, record) in (2..).zip(reader.records()) {
            let record = record.map_err(|e| line_error(path, line, e))?;
            let cells: Vec<String> = record.iter().map(str::to_string).collect();
            lines.push(CaseLine { line, stem: cells[stem].clone(), class: cells[class].clone(), cells });
        }
        Ok(CaseFile { header: header.iter().map(str::to_string).collect(), lines })
    }

    /// The place of a column in the header.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|h| h == name)
    }
}

/// An error about one line of a `cases.csv`.
pub(crate) fn line_error(path: &Path, line: u64, what: impl std::fmt::Display) -> RunError {
    RunError::at(path, format!("line {line}: {what}"))
}
