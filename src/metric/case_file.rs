//! Reads `cases.csv` as text: one line per image and class.
//!
//! Only the columns `stem` and `class` are required, so that files of later versions can be read.

use crate::base::csv::without_apostrophe;
use crate::base::error::{Result, RunError};
use crate::base::file;
use crate::base::problem::problem;
use std::path::Path;

/// The lines of a `cases.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CaseFile {
    /// Names of all columns, in order.
    pub header: Vec<String>,
    /// Lines below the header.
    pub lines: Vec<CaseLine>,
}

/// Scores of an image for one class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CaseLine {
    /// Line number in the file, counted from 1.
    pub line: u64,
    pub stem: String,
    pub class: String,
    /// All cells, in the order of the header.
    pub cells: Vec<String>,
}

impl CaseFile {
    /// Reads a file. Errors: the file cannot be read, it has no column `stem` or `class`, or a line has too many or too few
    /// cells. They name file and line.
    pub(crate) fn read(path: &Path) -> Result<CaseFile> {
        let text = file::read(path, file::TABLE_BYTES).map_err(|e| RunError::read(path, e))?;
        let mut reader = ::csv::Reader::from_reader(&text[..]);
        let header = reader.headers().map_err(|e| line_error(path, 1, e))?.clone();
        let needed = |name: &str| {
            let column = header.iter().position(|h| h == name);
            column.ok_or_else(|| {
                line_error(path, 1, format!("no column `{name}`")).help("evaluate the run again with `npc eval RUN`")
            })
        };
        let (stem, class) = (needed("stem")?, needed("class")?);
        let mut lines = Vec::new();
        for (line, record) in (2..).zip(reader.records()) {
            let record = record.map_err(|e| line_error(path, line, e))?;
            let cells: Vec<String> = record.iter().map(|cell| without_apostrophe(cell).to_string()).collect();
            lines.push(CaseLine { line, stem: cells[stem].clone(), class: cells[class].clone(), cells });
        }
        Ok(CaseFile { header: header.iter().map(str::to_string).collect(), lines })
    }

    /// Returns the index of a column in the header.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|h| h == name)
    }
}

/// Creates an error about one line of a `cases.csv`.
pub(crate) fn line_error(path: &Path, line: u64, what: impl std::fmt::Display) -> RunError {
    problem!(E0705, path, "line {line}: {what}")
}
