//! Reads cases from a CSV file with the columns `image` and `mask`, and optionally `split` and `group`.

use super::case::{Case, SplitRole};
use super::order::natural;
use super::pairs::stem_of;
use crate::base::error::{Result, RunError, one_line};
use crate::base::file;
use crate::base::problem::problem;
use crate::text::diag::did_you_mean;
use csv::{ReaderBuilder, StringRecord, Trim};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Accepted names of the roles.
const ROLES: [(&str, SplitRole); 8] = [
    ("train", SplitRole::Train),
    ("training", SplitRole::Train),
    ("val", SplitRole::Val),
    ("valid", SplitRole::Val),
    ("validation", SplitRole::Val),
    ("dev", SplitRole::Val),
    ("test", SplitRole::Test),
    ("testing", SplitRole::Test),
];

/// Index of each column.
struct ListColumns {
    image: usize,
    mask: usize,
    split: Option<usize>,
    group: Option<usize>,
}

/// One row of the file.
struct ListRow {
    line: u64,
    /// Path of the image as written.
    image: String,
    case: Case,
}

/// Reads the cases of the file `list` under `root`, sorted by stem. Every error gives line and column; unusable rows are left out
/// and added to `problems`. With `split` the role of each row is read.
pub(super) fn read_case_list(root: &Path, list: &str, split: bool, problems: &mut Vec<RunError>) -> Vec<Case> {
    let path = root.join(list);
    match read_rows(&path, root, split, problems) {
        Ok(rows) if rows.is_empty() && problems.is_empty() => {
            problems.push(problem!(E0705, &path, "the list is empty"));
            Vec::new()
        }
        Ok(rows) => assign_stems(&path, rows, problems),
        Err(error) => {
            problems.push(error);
            Vec::new()
        }
    }
}

fn read_rows(path: &Path, root: &Path, split: bool, problems: &mut Vec<RunError>) -> Result<Vec<ListRow>> {
    let text = file::read(path, file::TABLE_BYTES).map_err(|e| RunError::read(path, e))?;
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    // In many locales spreadsheets write semicolons, others write tabs.
    let first = text.split(|b| *b == b'\n').next().unwrap_or_default();
    let delimiter =
        [b',', b';', b'\t'].into_iter().max_by_key(|d| (first.iter().filter(|b| *b == d).count(), *d == b','));
    let mut reader =
        ReaderBuilder::new().delimiter(delimiter.unwrap_or(b',')).trim(Trim::All).flexible(true).from_reader(text);
    let fail = |e: csv::Error| {
        let line = e.position().map_or(1, |p| p.line());
        problem!(E0705, path, "line {line}: {}", one_line(&e))
    };
    let columns = find_columns(path, reader.headers().map_err(fail)?, split)?;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(e) => {
                problems.push(fail(e));
                continue;
            }
        };
        if !record.iter().all(str::is_empty) {
            match read_row(path, root, &columns, &record, split) {
                Ok(row) => rows.push(row),
                Err(error) => problems.push(error),
            }
        }
    }
    Ok(rows)
}

fn find_columns(path: &Path, header: &StringRecord, split: bool) -> Result<ListColumns> {
    let find = |name: &str| header.iter().position(|h| h.eq_ignore_ascii_case(name));
    let missing = |name: &str| {
        let there = header.iter().map(|h| format!("`{h}`")).collect::<Vec<_>>().join(", ");
        let error = problem!(E0705, path, "line 1: the column `{name}` is missing; the columns are {there}");
        match did_you_mean(name, header.iter()) {
            Some(near) => error.help(format!("rename the column `{near}` to `{name}`?")),
            None => error.help("the columns are image and mask, and optionally split and group"),
        }
    };
    let wanted = |name: &str| find(name).ok_or_else(|| missing(name));
    Ok(ListColumns {
        image: wanted("image")?,
        mask: wanted("mask")?,
        split: if split { Some(wanted("split")?) } else { None },
        group: find("group"),
    })
}

fn read_row(path: &Path, root: &Path, columns: &ListColumns, record: &StringRecord, split: bool) -> Result<ListRow> {
    let line = record.position().map_or(0, |p| p.line());
    let at = |column: &str, message: String| problem!(E0705, path, "line {line}, column `{column}`: {message}");
    let cell = |column: usize| record.get(column).unwrap_or_default();
    let file = |name: &str, column: usize| -> Result<PathBuf> {
        let written = cell(column);
        if written.is_empty() {
            return Err(at(name, "the cell is empty".into()));
        }
        let file = root.join(written);
        if file.exists() {
            return Ok(file);
        }
        Err(at(name, format!("no such file `{written}`"))
            .help(format!("paths in the list are relative to the data root, {}", root.display())))
    };
    let (image, mask) = (file("image", columns.image)?, file("mask", columns.mask)?);
    let mut case = Case::new(String::new(), image, mask);
    case.group = columns.group.map(cell).filter(|g| !g.is_empty()).map(str::to_string);
    if columns.group.is_some() && case.group.is_none() {
        return Err(at("group", "the cell is empty".into()).help("give each image a group, or remove the column"));
    }
    if let Some(column) = columns.split.filter(|_| split) {
        let written = cell(column).to_lowercase();
        case.role = match ROLES.iter().find(|(name, _)| *name == written) {
            Some((_, role)) => Some(*role),
            // A case without a role is not used.
            None if written.is_empty() => None,
            None => return Err(at("split", format!("`{}` is not one of train, val, test", cell(column)))),
        };
    }
    Ok(ListRow { line, image: cell(columns.image).to_string(), case })
}

/// Assigns stems to the cases: the file name of the image without extension, or if these are not unique, its path with `_` for
/// `/`.
fn assign_stems(path: &Path, rows: Vec<ListRow>, problems: &mut Vec<RunError>) -> Vec<Case> {
    let short = |image: &str| {
        let name = image.rsplit(['/', '\\']).next().unwrap_or(image);
        stem_of(name).to_string()
    };
    let names: BTreeSet<String> = rows.iter().map(|row| short(&row.image).to_lowercase()).collect();
    let images: BTreeSet<&str> = rows.iter().map(|row| row.image.as_str()).collect();
    let by_path = names.len() < images.len();
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let mut cases = Vec::new();
    for mut row in rows {
        row.case.stem = match by_path {
            true => stem_of(&row.image).trim_start_matches(['.', '/']).replace(['/', '\\'], "_"),
            false => short(&row.image),
        };
        match seen.insert(row.case.stem.to_lowercase(), row.line) {
            Some(first) => {
                problems.push(problem!(
                    E0705,
                    path,
                    "line {}, column `image`: `{}` is already in line {first}",
                    row.line,
                    row.image
                ));
            }
            None => cases.push(row.case),
        }
    }
    cases.sort_by(|a, b| natural(&a.stem, &b.stem));
    cases
}
