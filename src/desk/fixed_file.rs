//! A model file, repaired by the edits that its problems suggest.

use super::analysis::{AnalysisRequest, analyze_file};
use super::error::{ProblemReport, WorkbenchError};
use crate::text::files::{self, Files, Overlay};
use crate::text::fix::apply_suggestions;
use crate::text::source::SourceMap;
use std::path::Path;

/// Edits of one round may uncover problems that the next can fix. More rounds than this would mean that edits undo each other.
const ROUNDS: usize = 20;

/// What became of a file.
#[derive(Debug)]
pub struct FixedFile {
    /// The text of the file before any edit.
    pub original: String,
    /// The text after all edits; the original where none could be applied.
    pub text: String,
    /// Problems that the edits fix.
    pub fixed: usize,
    /// Problems that are left, with the text that they are in.
    pub left: ProblemReport,
}

/// Applies edits round by round until nothing is left to do. Nothing is written. With `likely` edits that may not be what
/// was meant are applied as well. Errors: the file cannot be read, or the request's hyper-parameters cannot.
pub fn fix_file(
    files: &dyn Files,
    path: &Path,
    request: &AnalysisRequest,
    likely: bool,
) -> Result<FixedFile, WorkbenchError> {
    let mut sources = SourceMap::new();
    let original = match files::read(files, &mut sources, path) {
        Ok(id) => sources.text(id).to_string(),
        Err(d) => return Err(WorkbenchError::problems(sources, d)),
    };
    let mut edited = Overlay::new(files);
    let (mut text, mut fixed, mut rounds) = (original.clone(), 0, 0);
    loop {
        edited.set(path, text.clone());
        let analysis = analyze_file(&edited, path, request)?;
        let (next, edits) = apply_suggestions(&text, analysis.root, &analysis.problems, likely);
        if edits == 0 || next == text || rounds == ROUNDS {
            let left = ProblemReport { sources: analysis.sources, problems: analysis.problems };
            return Ok(FixedFile { original, text, fixed, left });
        }
        (fixed, rounds) = (fixed + edits, rounds + 1);
        text = next;
    }
}
