//! Problems with files, lines and columns instead of spans, for front ends.

use crate::text::diag::{Applicability, Diagnostic, Problems, Severity};
use crate::text::source::{SourceMap, Span};
use std::fmt;

/// A range of a text. Lines and columns start at 1, columns count characters, and the end is exclusive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextRange {
    /// Name of the text: the path as requested or imported, `<std>`, or the name of an option.
    pub file: String,
    /// Line of the first character.
    pub line: usize,
    /// Column of the first character.
    pub column: usize,
    /// Line of the end.
    pub end_line: usize,
    /// Column after the last character.
    pub end_column: usize,
}

impl TextRange {
    /// Returns the range of a span in its text.
    pub fn of(sources: &SourceMap, span: Span) -> TextRange {
        let (line, column) = sources.line_column(span);
        let (end_line, end_column) = sources.line_column(span.after());
        TextRange { file: sources.file(span.source).name.clone(), line, column, end_line, end_column }
    }
}

impl fmt::Display for TextRange {
    /// Writes file, line and column: `net.model:3:7`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One way to fix a problem. Its edits must be applied together.
#[derive(Debug, Clone)]
pub struct Fix {
    /// Description of the fix for the author.
    pub message: String,
    /// Ranges with their replacement text. They do not overlap.
    pub edits: Vec<(TextRange, String)>,
    /// Confidence that the fix is what the author intended.
    pub applicability: Applicability,
}

/// A problem of a file.
#[derive(Debug, Clone)]
pub struct LocatedDiagnostic {
    /// Code such as `E0301`, which `npc explain` explains.
    pub code: &'static str,
    /// Whether it is an error or a warning.
    pub severity: Severity,
    /// Description of the problem in one sentence.
    pub message: String,
    /// Place of the problem, or `None` where it has no place in a text.
    pub place: Option<TextRange>,
    /// Description of the problem at that place.
    pub label: String,
    /// Other places that are involved, each with its description.
    pub related: Vec<(TextRange, String)>,
    /// Facts that explain the problem.
    pub notes: Vec<String>,
    /// Hints for the author.
    pub help: Vec<String>,
    /// Alternative fixes.
    pub fixes: Vec<Fix>,
}

impl LocatedDiagnostic {
    /// Converts a diagnostic by resolving its spans.
    pub fn new(sources: &SourceMap, d: &Diagnostic) -> LocatedDiagnostic {
        let place = |span: Span| TextRange::of(sources, span);
        let fix = |s: &crate::text::diag::Suggestion| Fix {
            message: s.message.clone(),
            edits: s.edits.iter().map(|(span, text)| (place(*span), text.clone())).collect(),
            applicability: s.applicability,
        };
        LocatedDiagnostic {
            code: d.code.id(),
            severity: d.severity,
            message: d.message.clone(),
            place: d.primary.as_ref().map(|l| place(l.span)),
            label: d.primary.as_ref().map(|l| l.text.clone()).unwrap_or_default(),
            related: d.others.iter().map(|l| (place(l.span), l.text.clone())).collect(),
            notes: d.notes.to_vec(),
            help: d.help.to_vec(),
            fixes: d.suggestions.iter().map(fix).collect(),
        }
    }

    /// Converts all problems in their order.
    pub fn all(sources: &SourceMap, problems: &Problems) -> Vec<LocatedDiagnostic> {
        problems.iter().map(|d| LocatedDiagnostic::new(sources, d)).collect()
    }
}
