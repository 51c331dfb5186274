//! Reads cases from a CSV file with the columns `image` and `mask`, and optionally `split` and `group`.

use super::case::{Case, SplitRole};
use super::decode::is_picture;
use super::file_names::data_root_help;
use super::order::natural;
use super::stem::{composed, decomposed, name_problem, stem_key, stem_of};
use super::volume::is_nifti;
use crate::base::count::{counted, counted_of};
use crate::base::csv::without_apostrophe;
use crate::base::error::{Result, RunError, one_line};
use crate::base::file;
use crate::base::path::leads_out;
use crate::base::problem::problem;
use crate::base::shorten::beginning_of;
use crate::text::diag::did_you_mean;
use csv::{ReaderBuilder, StringRecord, Trim};
use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Accepted names of the roles.
pub(super) const ROLES: [(&str, SplitRole); 8] = [
    ("train", SplitRole::Train),
    ("training", SplitRole::Train),
    ("val", SplitRole::Val),
    ("valid", SplitRole::Val),
    ("validation", SplitRole::Val),
    ("dev", SplitRole::Val),
    ("test", SplitRole::Test),
    ("testing", SplitRole::Test),
];

/// Other names under which lists give the role or the group of a case; they are not read.
const LIKE_SPLIT: [&str; 9] = ["splits", "fold", "folds", "subset", "set", "partition", "phase", "usage", "role"];
const LIKE_GROUP: [&str; 18] = [
    "groups",
    "patient",
    "patients",
    "patient_id",
    "patientid",
    "patient id",
    "subject",
    "subject_id",
    "subjectid",
    "subject id",
    "case_id",
    "caseid",
    "study",
    "study_id",
    "video",
    "video_id",
    "sequence",
    "participant_id",
];
/// Maximum number of rows that are reported.
const MAX_PROBLEMS: usize = 50;

/// What a data block says of the column `split`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RoleColumn {
    /// `split = column`.
    Required,
    /// No `split` is written: the column counts where the list has one.
    IfPresent,
    /// Another split is written.
    Unused,
}

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
/// and added to `problems`. What is not read although it seems to mean something is added to `doubts`.
pub(super) fn read_case_list(
    root: &Path,
    list: &str,
    roles: RoleColumn,
    problems: &mut Vec<RunError>,
    doubts: &mut Vec<String>,
) -> Vec<Case> {
    let path = root.join(list);
    match read_rows(&path, root, roles, problems, doubts) {
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

/// The text of a list, and how messages show its parts.
pub(super) struct ListText {
    pub text: String,
    /// Whether the list lies under the data root. Of other files messages show nothing.
    inside: bool,
}

impl ListText {
    /// Returns a part of the list as messages show it: `` `a1` ``, or `the entry`.
    pub(super) fn entry(&self, text: &str) -> String {
        if self.inside { format!("`{}`", beginning_of(text)) } else { "the entry".to_string() }
    }

    /// Adds to the problem of a list from elsewhere why nothing of it is shown.
    pub(super) fn explained(&self, error: RunError) -> RunError {
        match self.inside {
            true => error,
            false => error
                .help("the list lies outside of the data root, so nothing of it is shown; copy it into the data root"),
        }
    }
}

/// Reads the text of a list without its byte order mark. Errors, each of one cause: the name is not that of a list, so that no other
/// file is read and shown; the file cannot be read; it is no text in UTF-8.
pub(super) fn read_list_text(root: &Path, path: &Path) -> Result<ListText> {
    let endings = ["csv", "tsv", "txt", "list", "lst"];
    let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    if !endings.contains(&ending.as_str()) {
        return Err(
            problem!(E0705, path, "not the name of a list"; help: "lists end in .csv, .tsv or .txt; rename the file"),
        );
    }
    let bytes = file::read(path, file::TABLE_BYTES).map_err(|e| {
        let unread = RunError::read(path, &e);
        let is_missing_below = e.kind() == ErrorKind::NotFound && path.strip_prefix(root).is_ok();
        if is_missing_below { unread.help(data_root_help(root)) } else { unread }
    })?;
    let save = |what: &str| problem!(E0705, path, "the list is {what}"; help: "save it as CSV or text in UTF-8");
    let bytes = match &bytes[..] {
        [0xef, 0xbb, 0xbf, rest @ ..] => rest,
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Err(save("UTF-16 text")),
        [b'P', b'K', 3, 4, ..] => return Err(save("a spreadsheet or another zip file")),
        all if all.contains(&0) => return Err(save("no text: it holds zero bytes")),
        all => all,
    };
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(ListText { text: text.to_string(), inside: !leads_out(root, path) }),
        Err(e) => {
            let line = 1 + bytes[..e.valid_up_to()].iter().filter(|b| **b == b'\n').count();
            Err(save(&format!("not UTF-8 text: line {line} has another encoding, such as Latin-1")))
        }
    }
}

fn read_rows(
    path: &Path,
    root: &Path,
    roles: RoleColumn,
    problems: &mut Vec<RunError>,
    doubts: &mut Vec<String>,
) -> Result<Vec<ListRow>> {
    let list = read_list_text(root, path)?;
    let text = &list.text;
    // In many locales spreadsheets write semicolons, others write tabs.
    let first = text.split('\n').next().unwrap_or_default();
    let delimiter = [',', ';', '\t'].into_iter().max_by_key(|d| (first.matches(*d).count(), *d == ','));
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter.map_or(b',', |d| d as u8))
        // Names of files may begin or end with a blank.
        .trim(Trim::Headers)
        .flexible(true)
        .from_reader(text.as_bytes());
    let fail = |e: csv::Error| {
        let line = e.position().map_or(1, |p| p.line());
        problem!(E0705, path, "line {line}: {}", one_line(&e))
    };
    let header = reader.headers().map_err(fail)?.clone();
    let columns = find_columns((path, &list), &header, roles, doubts).map_err(|e| list.explained(e))?;
    let from = ListFile { path, root, text: &list };
    let (mut rows, mut refused, mut without_role) = (Vec::new(), 0, 0);
    for record in reader.records() {
        let row = match record {
            Ok(record) if record.iter().all(is_blank) => continue,
            Ok(record) => read_row(&from, &columns, &record, header.len()),
            Err(e) => Err(fail(e)),
        };
        let row = row.map_err(|error| list.explained(error));
        match row {
            Ok(row) => {
                without_role += usize::from(row.case.role.is_none());
                rows.push(row);
            }
            Err(_) if refused >= MAX_PROBLEMS => refused += 1,
            Err(error) => {
                refused += 1;
                problems.push(error);
            }
        }
    }
    if refused > MAX_PROBLEMS {
        problems.push(problem!(E0705, path, "{} refused as well", counted(refused - MAX_PROBLEMS, "more row")));
    }
    if columns.split.is_some() && without_role > 0 {
        let (n, path) = (rows.len(), path.display());
        if without_role == n && problems.is_empty() {
            problems.push(problem!(E0715, "{path}: every cell of the column `split` is empty"; help: "write train, val or test into it, or remove the column"));
        }
        doubts.push(format!(
            "{path}: {} have no role in the column `split` and are not used",
            counted_of(without_role, n, "row")
        ));
    }
    Ok(rows)
}

fn find_columns(
    (path, list): (&Path, &ListText),
    header: &StringRecord,
    roles: RoleColumn,
    doubts: &mut Vec<String>,
) -> Result<ListColumns> {
    let find = |name: &str| -> Result<Option<usize>> {
        let mut places = (0..header.len()).filter(|&i| header[i].eq_ignore_ascii_case(name));
        match (places.next(), places.next()) {
            (Some(_), Some(_)) => Err(
                problem!(E0705, path, "line 1: two columns are called `{name}`"; help: "rename or remove one of them"),
            ),
            (place, _) => Ok(place),
        }
    };
    let missing = |name: &str| {
        let there = header.iter().take(20).map(|h| list.entry(h)).collect::<Vec<_>>().join(", ");
        let error = match list.inside {
            true => problem!(E0705, path, "line 1: the column `{name}` is missing; the columns are {there}"),
            false => problem!(E0705, path, "line 1: the column `{name}` is missing"),
        };
        match did_you_mean(name, header.iter().filter(|_| list.inside)) {
            Some(near) => error.help(format!("rename the column `{near}` to `{name}`?")),
            None => error.help("the columns are image and mask, and optionally split and group"),
        }
    };
    let wanted = |name: &str| find(name)?.ok_or_else(|| missing(name));
    let (image, mask) = (wanted("image")?, wanted("mask")?);
    let (split, group) = (find("split")?, find("group")?);
    if roles == RoleColumn::Required && split.is_none() {
        return Err(missing("split"));
    }
    let like = |known: &[&str]| header.iter().find(|h| known.contains(&h.to_lowercase().as_str())).map(beginning_of);
    let place = path.display();
    match (split, like(&LIKE_SPLIT)) {
        (Some(_), _) if roles == RoleColumn::Unused => doubts.push(format!(
            "{place}: the column `split` is not used, because the data block writes another split; `split = column` uses it"
        )),
        (None, Some(name)) => doubts.push(format!(
            "{place}: the column `{name}` is not used; rename it to `split` if it says train, val or test"
        )),
        _ => {}
    }
    if let (None, Some(name)) = (group, like(&LIKE_GROUP)) {
        doubts.push(format!(
            "{place}: the column `{name}` is not used; rename it to `group` to keep the images of a group in one split"
        ));
    }
    Ok(ListColumns { image, mask, split: split.filter(|_| roles != RoleColumn::Unused), group })
}

/// A list, and the folder under which its paths are.
struct ListFile<'a> {
    path: &'a Path,
    root: &'a Path,
    text: &'a ListText,
}

/// Reads a row of a list whose header has `width` cells.
fn read_row(from: &ListFile<'_>, columns: &ListColumns, record: &StringRecord, width: usize) -> Result<ListRow> {
    let ListFile { path, root, text: list } = *from;
    let line = record.position().map_or(0, |p| p.line());
    if record.len() < width || record.iter().skip(width).any(|cell| !is_blank(cell)) {
        let cells = counted(record.len(), "cell");
        return Err(problem!(E0705, path, "line {line}: {cells}, but the header has {width}";
            help: "put a cell that holds the separator into double quotes, and write empty cells as well"));
    }
    let at = |column: &str, message: String| problem!(E0705, path, "line {line}, column `{column}`: {message}");
    // `npc new` writes lists that spreadsheets open.
    let as_written = |column: usize| without_apostrophe(record.get(column).unwrap_or_default());
    let cell = |column: usize| without_apostrophe(record.get(column).unwrap_or_default().trim());
    let existing = |name: &str, column: usize| -> Result<(PathBuf, String)> {
        let written = cell(column);
        if written.is_empty() {
            return Err(at(name, "the cell is empty".into()));
        }
        if let Some(problem) = name_problem(Path::new(written)) {
            return Err(at(name, problem.message));
        }
        // A spreadsheet may have changed the Unicode form of a name.
        let spellings = |written: &str| [written.to_string(), composed(written), decomposed(written)];
        // Blanks around a name are mostly those between cells, unless a file has them in its name.
        for written in [as_written(column), written] {
            if let Some(file) = spellings(written).iter().map(|name| root.join(name)).find(|file| file.exists()) {
                return Ok((file, written.to_string()));
            }
        }
        Err(at(name, format!("no such file {}", list.entry(written)))
            .help(format!("paths in the list are relative to the data root, {}", root.display())))
    };
    let ((image, written), (mask, _)) = (existing("image", columns.image)?, existing("mask", columns.mask)?);
    let mut case = Case::new(String::new(), image, mask);
    case.group = columns.group.map(cell).filter(|g| !g.is_empty()).map(str::to_string);
    if columns.group.is_some() && case.group.is_none() {
        return Err(at("group", "the cell is empty".into()).help("give each image a group, or remove the column"));
    }
    if case.group.as_deref().is_some_and(|group| group.contains(char::is_control)) {
        return Err(at("group", "the cell contains a control character, such as a line feed".into()));
    }
    if let Some(column) = columns.split {
        let written = cell(column).to_lowercase();
        case.role = match ROLES.iter().find(|(name, _)| *name == written) {
            Some((_, role)) => Some(*role),
            // A case without a role is not used.
            None if written.is_empty() => None,
            None => {
                let message = format!("{} is not one of train, val, test", list.entry(cell(column)));
                let help = "if the column means something else, write another `split` in the data block, such as `split = random()`";
                return Err(at("split", message).help(help));
            }
        };
    }
    Ok(ListRow { line, image: written, case })
}

fn is_blank(cell: &str) -> bool {
    cell.trim().is_empty()
}

/// An image of a list as its path is written.
pub(super) struct ListedImage<'a> {
    pub text: &'a str,
    /// Whether it is the folder of a series, whose name has no extension.
    pub is_folder: bool,
}

/// Returns the stems of the images of a list: the file name of the image without extension, or if these are not unique, its path with
/// `_` for `/`.
pub(super) fn list_stems(images: &[ListedImage<'_>]) -> Vec<String> {
    let cut = |name: &str, is_folder: bool| if is_folder { name.to_string() } else { stem_of(name).to_string() };
    let short = |image: &ListedImage<'_>| {
        let name = image.text.rsplit(['/', '\\']).next().unwrap_or(image.text);
        cut(name, image.is_folder)
    };
    let names: BTreeSet<String> = images.iter().map(|image| stem_key(&short(image))).collect();
    let distinct: BTreeSet<&str> = images.iter().map(|image| image.text).collect();
    let by_path = names.len() < distinct.len();
    let stem = |image: &ListedImage<'_>| match by_path {
        true => cut(image.text, image.is_folder).trim_start_matches(['.', '/']).replace(['/', '\\'], "_"),
        false => short(image),
    };
    images.iter().map(|image| composed(&stem(image))).collect()
}

/// Assigns stems to the cases.
fn assign_stems(path: &Path, rows: Vec<ListRow>, problems: &mut Vec<RunError>) -> Vec<Case> {
    // The extension of a picture or a volume of one file says enough.
    let is_folder = |image: &Path| !is_picture(image) && !is_nifti(image) && image.is_dir();
    let listed = |row| {
        let ListRow { image, case, .. }: &ListRow = row;
        ListedImage { text: image, is_folder: is_folder(&case.image) }
    };
    let stems = list_stems(&rows.iter().map(listed).collect::<Vec<_>>());
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let mut cases = Vec::new();
    for (mut row, stem) in rows.into_iter().zip(stems) {
        row.case.stem = stem;
        match seen.insert(stem_key(&row.case.stem), row.line) {
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
