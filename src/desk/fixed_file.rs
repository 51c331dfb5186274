//! Applies the edits that the problems of a model file suggest.

use super::analysis::{AnalysisRequest, analyze_file};
use super::error::{ProblemReport, WorkbenchError};
use crate::text::files::{self, Files, Overlay};
use crate::text::fix::apply_suggestions;
use crate::text::source::SourceMap;
use std::path::Path;

/// The most rounds of edits. A round may reveal problems that the next can fix; more rounds mean that edits undo each
/// other.
const ROUNDS: usize = 20;

/// A file after all edits.
#[derive(Debug)]
pub struct FixedFile {
    /// The text of the file before any edit.
    pub original: String,
    /// The text after all edits, equal to the original where none could be applied.
    pub text: String,
    /// Number of problems that the edits fix.
    pub fixed: usize,
    /// Remaining problems with their texts.
    pub left: ProblemReport,
}

/// Applies edits in rounds until none is left, without writing the file. With `likely`, edits that may not be what the
/// author intended are applied as well. Errors: the file, or hyper-parameters or lint names of the request, cannot be
/// read.
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
