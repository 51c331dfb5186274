//! The table "Metadata: what npc does" of `docs/data.md`: each cell is what the commands do.
//!
//! Each row of the table has a set here whose files carry the field. `npc data check` and `npc train` run on that set; `npc eval` and
//! `npc predict` with a run that was trained on the same set without the field. A row that is in the table alone, or here alone,
//! fails.

mod dicom_rows;
mod files;
mod format_rows;
mod nifti_rows;
mod picture_rows;
mod storage_rows;

use crate::support::program::{ProgramOutput, npc};
use crate::support::repository::repository;
use npc::desk::data_blocks;
use npc::internals::data::{Dataset, SplitRole};
use npc::text::files::Disk;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use tempfile::TempDir;

/// What a command does with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MetadataAnswer {
    /// The field has its effect, and there is nothing to say.
    Applied,
    /// The command ends with an error that names the field.
    Refused,
    /// The command works and names the field.
    Told,
    /// The field says nothing about pixels: training gets the same numbers as without it.
    NoEffect,
    /// The command does not read the file.
    NotRead,
}

impl MetadataAnswer {
    const WORDS: [(&str, MetadataAnswer); 5] = [
        ("applied", MetadataAnswer::Applied),
        ("refused", MetadataAnswer::Refused),
        ("told", MetadataAnswer::Told),
        ("no effect", MetadataAnswer::NoEffect),
        ("not read", MetadataAnswer::NotRead),
    ];
}

impl fmt::Display for MetadataAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = MetadataAnswer::WORDS.iter().find(|(_, answer)| answer == self).map_or("", |(word, _)| word);
        f.write_str(word)
    }
}

/// The commands, in the order of the table's columns.
const COMMANDS: [&str; 4] = ["data check", "train", "eval", "predict"];

/// One row of the table with the files that show it.
struct MatrixRow {
    format: &'static str,
    field: &'static str,
    /// More keys of the data block, which the set without the field has as well.
    keys: &'static str,
    /// What a message about the field says.
    words: &'static str,
    /// Whether the field is in the masks, which `predict` does not read.
    in_masks: bool,
    /// Writes the set with the field.
    write: fn(&Path),
    /// Writes the set without the field, on which runs are trained.
    plain: fn(&Path),
    /// Writes a set without the field that means the same: where the field does not end a command, training gets the same numbers.
    same_as: Option<fn(&Path)>,
}

/// The part of a model file that all sets share.
const MODEL: &str = "npc 1

model Net(x: [1, H, W]) -> [2, H, W] = x |> conv(4) |> relu |> conv(2, k = 1)

train t = Net on d { epochs = 1 batch = 2 }

data d {
  images = \"images/*\"
  masks = \"masks/*\"
  size = [8, 8]
  classes = [\"a\", \"b\"]
  empty = one
";

/// The cells of the table by format and field.
fn table() -> BTreeMap<(String, String), Vec<String>> {
    let page = fs::read_to_string(repository("docs/data.md")).unwrap();
    let (_, section) = page.split_once("\n## Metadata: what npc does\n").expect("docs/data.md has the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let mut rows = BTreeMap::new();
    for line in section.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<String> = line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_string()).collect();
        if cells[0] == "format" || cells[0].starts_with("---") {
            continue;
        }
        assert_eq!(cells.len(), 2 + COMMANDS.len(), "{line}");
        let before = rows.insert((cells[0].clone(), cells[1].clone()), cells[2..].to_vec());
        assert!(before.is_none(), "two rows for {line}");
    }
    rows
}

fn all_rows() -> Vec<MatrixRow> {
    let pictures = [picture_rows::rows(), format_rows::rows(), storage_rows::rows()];
    pictures.into_iter().chain([nifti_rows::rows(), dicom_rows::rows()]).flatten().collect()
}

/// Writes a set with its model file.
fn set(keys: &str, write: fn(&Path)) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let labels = if keys.contains("labels") { "" } else { "  labels = [0, 255]\n" };
    fs::write(folder.path().join("m.model"), format!("{MODEL}{labels}  {keys}\n}}\n")).unwrap();
    write(folder.path());
    folder
}

/// Sets without the field, each with a run `run`, by the keys of the block and the function that writes them.
static TRAINED: Mutex<BTreeMap<(String, usize), TempDir>> = Mutex::new(BTreeMap::new());

/// Returns the folder of a run on a set without the field.
fn trained(row: &MatrixRow) -> String {
    let mut trained = TRAINED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let folder = trained.entry((row.keys.to_string(), row.plain as usize)).or_insert_with(|| {
        let folder = set(row.keys, row.plain);
        let output = npc(folder.path(), &["train", "m.model", "t", "--out", "run"]);
        assert_eq!(output.code, 0, "{}, {}: {}{}", row.format, row.field, output.stdout, output.stderr);
        folder
    });
    folder.path().join("run").display().to_string()
}

/// Judges what a command did.
fn judged(output: &ProgramOutput, words: &str) -> Result<MetadataAnswer, String> {
    let text = format!("{}{}", output.stdout, output.stderr);
    match (output.code, text.contains(words)) {
        (0, true) => Ok(MetadataAnswer::Told),
        (0, false) => Ok(MetadataAnswer::Applied),
        (1, true) => Ok(MetadataAnswer::Refused),
        (code, _) => Err(format!("exit code {code}, and `{words}` is not in\n{text}")),
    }
}

/// What training gets of each case.
fn samples(folder: &Path) -> Vec<(Vec<f32>, Vec<u8>)> {
    let block = data_blocks(&Disk, &folder.join("m.model"), &[], None).unwrap().remove(0);
    let data = Dataset::open(&block.spec, folder).unwrap();
    let cases = SplitRole::ALL.into_iter().flat_map(|role| (0..data.len(role)).map(move |i| (role, i)));
    let load = |(role, i)| {
        let sample = data.load(role, i, 1).unwrap();
        (sample.image, sample.mask)
    };
    cases.map(load).collect()
}

/// Runs the commands on a row's set and compares their answers with the cells. Returns what differs.
fn differences(row: &MatrixRow, cells: &[String]) -> Vec<String> {
    let folder = set(row.keys, row.write);
    let run = trained(row);
    let arguments: [&[&str]; 4] = [
        &["data", "check", "m.model", "--data-root", "."],
        &["train", "m.model", "t", "--data-root", ".", "--out", "run"],
        &["eval", &run, "--data-root", "."],
        &["predict", &run, "images", "--out", "out"],
    ];
    let mut found = Vec::new();
    let mut works = true;
    for ((command, arguments), cell) in COMMANDS.into_iter().zip(arguments).zip(cells) {
        let wanted = MetadataAnswer::WORDS.iter().find(|(word, _)| cell.starts_with(word)).map(|(_, answer)| *answer);
        let output = npc(folder.path(), arguments);
        let answer = match judged(&output, row.words) {
            Ok(MetadataAnswer::Applied) if row.in_masks && command == "predict" => MetadataAnswer::NotRead,
            Ok(answer) => answer,
            Err(text) => {
                found.push(format!("{}, {}: {command}: {text}", row.format, row.field));
                works = false;
                continue;
            }
        };
        works &= answer != MetadataAnswer::Refused;
        // A field without an effect is shown by the numbers, below.
        let wanted = wanted.map(|wanted| match wanted {
            MetadataAnswer::NoEffect if row.same_as.is_some() => MetadataAnswer::Applied,
            _ => wanted,
        });
        if wanted != Some(answer) {
            let text = format!("{}{}", output.stdout, output.stderr);
            found.push(format!(
                "{}, {}: {command}: the table says `{cell}`, the command: {answer}\n{text}",
                row.format, row.field
            ));
        }
    }
    if let (true, Some(same_as)) = (works, row.same_as) {
        let other = set(row.keys, same_as);
        if samples(folder.path()) != samples(other.path()) {
            found.push(format!("{}, {}: training gets other numbers than without the field", row.format, row.field));
        }
    }
    found
}

fn assert_rows(rows: &[MatrixRow]) {
    let table = table();
    let row_differences = |row: &MatrixRow| match table.get(&(row.format.to_string(), row.field.to_string())) {
        Some(cells) => differences(row, cells),
        None => vec![format!("docs/data.md has no row for {}, {}", row.format, row.field)],
    };
    let found: Vec<String> = rows.iter().flat_map(row_differences).collect();
    assert!(found.is_empty(), "{}", found.join("\n\n"));
}

#[test]
fn every_row_of_the_table_has_its_files() {
    let rows = all_rows();
    let known = |(format, field): &(String, String)| rows.iter().any(|row| row.format == format && row.field == field);
    let missing: Vec<_> = table().into_keys().filter(|key| !known(key)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
    for ((format, field), cells) in table() {
        for cell in cells {
            assert!(
                MetadataAnswer::WORDS.iter().any(|(word, _)| cell.starts_with(word)),
                "{format}, {field}: the cell `{cell}` does not begin with applied, refused, told or not read"
            );
        }
    }
}

#[test]
fn pictures_do_what_the_table_says() {
    assert_rows(&picture_rows::rows());
}

#[test]
fn kinds_of_pictures_do_what_the_table_says() {
    assert_rows(&format_rows::rows());
}

#[test]
fn samples_of_pictures_do_what_the_table_says() {
    assert_rows(&storage_rows::rows());
}

#[test]
fn nifti_files_do_what_the_table_says() {
    assert_rows(&nifti_rows::rows());
}

#[test]
fn dicom_series_do_what_the_table_says() {
    assert_rows(&dicom_rows::rows());
}
