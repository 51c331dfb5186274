//! Files of a run folder that a report cannot show: missing, damaged, or no plain files.
//!
//! Messages say nothing of what the files hold.

use crate::base::file;
use crate::data::SplitRole;
use crate::learn::history::History;
use crate::learn::run_folder::RunFolder;
use crate::score::case_columns::CaseColumns;
use serde_json::Value;
use std::path::Path;

/// Returns a sentence for each file of the run that is there and cannot be shown, and for missing epochs. Scores that are not there
/// are not repeated: the run was not scored.
pub(super) fn unreadable_files(folder: &RunFolder, role: SplitRole) -> Vec<String> {
    let summary = folder.summary_file();
    let of_json = [(folder.evaluation(role), "scores and remarks"), (summary, "best epoch and time")];
    let mut found: Vec<String> = History::problem(folder).into_iter().collect();
    found.extend(of_json.iter().filter_map(|(path, what)| json_problem(path, what)));
    let cases = folder.cases(role);
    if is_there(&cases) && CaseColumns::read(&cases).is_err() {
        found.push(format!("{} is damaged, so the scores of the images are missing", name(&cases)));
    }
    found
}

/// Checks whether there is a file, a link that leads nowhere included.
fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn json_problem(path: &Path, what: &str) -> Option<String> {
    if !is_there(path) {
        return None;
    }
    let missing = format!("so {what} are missing");
    match file::read_text(path, file::TABLE_BYTES) {
        Err(e) => Some(format!("{} cannot be read, {missing}: {e}", name(path))),
        Ok(text) => match serde_json::from_str::<Value>(&text) {
            Ok(_) => None,
            Err(e) => Some(format!("{} is damaged at line {}, {missing}", name(path), e.line())),
        },
    }
}
