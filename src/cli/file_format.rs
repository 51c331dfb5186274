//! The format of a file to write, by the ending of its name.

use super::error::CommandError;
use crate::base::problem::problem;
use crate::show::table::OutputFormat;
use std::path::Path;

/// Formats that a command writes into files, each with the endings that name it; the first is the usual one.
pub(super) type FileEndings = &'static [(OutputFormat, &'static [&'static str])];

/// Endings that name a format which no command writes as text; no `--format` makes them right.
const OF_OTHERS: [&str; 13] =
    ["png", "jpg", "jpeg", "gif", "bmp", "webp", "tif", "tiff", "pdf", "eps", "ps", "docx", "pptx"];

/// What the ending of a name says.
enum NamedFormat {
    /// The name has no ending.
    None,
    Known(OutputFormat),
    Unknown(String),
}

fn named_format(path: &Path, endings: FileEndings) -> NamedFormat {
    let Some(ending) = path.extension() else { return NamedFormat::None };
    let ending = ending.to_string_lossy().to_lowercase();
    let known = endings.iter().find(|(_, names)| names.contains(&ending.as_str()));
    known.map_or(NamedFormat::Unknown(ending), |(format, _)| NamedFormat::Known(*format))
}

/// Checks that a file has one of the endings that the command writes. A name without an ending is fine.
pub(super) fn check_ending(path: &Path, endings: &[&str]) -> Result<(), CommandError> {
    let Some(ending) = path.extension() else { return Ok(()) };
    let ending = ending.to_string_lossy().to_lowercase();
    if endings.contains(&ending.as_str()) { Ok(()) } else { Err(refused(path, &ending, endings, "")) }
}

/// Returns the format of a file: the one of `--format`, else the one that its ending names, else text.
///
/// Errors: the ending names another format than `--format`, or one that the command does not write.
pub(super) fn format_of_file(
    path: &Path,
    given: Option<OutputFormat>,
    endings: FileEndings,
) -> Result<OutputFormat, CommandError> {
    let usual: Vec<&str> = endings.iter().filter_map(|(_, names)| names.first().copied()).collect();
    match (named_format(path, endings), given) {
        (NamedFormat::None, given) => Ok(given.unwrap_or(OutputFormat::Text)),
        (NamedFormat::Known(named), None) => Ok(named),
        (NamedFormat::Known(named), Some(given)) if named == given => Ok(given),
        (NamedFormat::Known(named), Some(given)) => Err(problem!(
            E0503,
            path,
            "the ending of the file names {named}, and `--format` names {given}";
            help: "leave out `--format {given}`, or write `--format {named}`, or end the name differently"
        )
        .into()),
        (NamedFormat::Unknown(ending), Some(given)) if !OF_OTHERS.contains(&ending.as_str()) => Ok(given),
        (NamedFormat::Unknown(ending), Some(_)) => Err(refused(path, &ending, &usual, "")),
        (NamedFormat::Unknown(ending), None) => {
            let hint = if OF_OTHERS.contains(&ending.as_str()) { "" } else { ", or name the format: `--format text`" };
            Err(refused(path, &ending, &usual, hint))
        }
    }
}

fn refused(path: &Path, ending: &str, usual: &[&str], hint: &str) -> CommandError {
    let known: Vec<String> = usual.iter().map(|name| format!(".{name}")).collect();
    problem!(E0503, path, "this command does not write files of the format `.{ending}`";
        help: "end the name with {}{hint}", known.join(", "))
    .into()
}
