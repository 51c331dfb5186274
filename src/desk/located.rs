//! Problems with files, lines and columns in place of spans, for fronts that show or send them.

use crate::text::diag::{Applicability, Diagnostic, Problems, Severity};
use crate::text::source::{SourceMap, Span};
use std::fmt;

/// A range of a text. Lines and columns count from 1, columns in characters; the end is exclusive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextRange {
    /// The name of the text: the path as it was asked for or imported, `<std>`, or the name of an option.
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
    /// The place of a span in its text.
    pub fn of(sources: &SourceMap, span: Span) -> TextRange {
        let (line, column) = sources.line_column(span);
        let (end_line, end_column) = sources.line_column(span.after());
        TextRange { file: sources.file(span.source).name.clone(), line, column, end_line, end_column }
    }
}

impl fmt::Display for TextRange {
    /// `net.model:3:7`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One way to fix a problem. Its edits belong together: all of them or none.
#[derive(Debug, Clone)]
pub struct Fix {
    /// What the fix does, as a message for the author.
    pub message: String,
    /// Places and the text that replaces what stands there. They do not overlap.
    pub edits: Vec<(TextRange, String)>,
    /// How certain it is that the fix is what the author means.
    pub applicability: Applicability,
}

/// A problem of a file.
#[derive(Debug, Clone)]
pub struct LocatedDiagnostic {
    /// `E0301`; `npc explain` says more.
    pub code: &'static str,
    /// Whether it is an error or a warning.
    pub severity: Severity,
    /// What is wrong, in one sentence.
    pub message: String,
    /// `None` for a problem that has no place in a text.
    pub place: Option<TextRange>,
    /// What is wrong at that place.
    pub label: String,
    /// Other places that have to do with it.
    pub related: Vec<(TextRange, String)>,
    /// Facts that explain the problem, one each.
    pub notes: Vec<String>,
    /// What the author can do about it, one hint each.
    pub help: Vec<String>,
    /// Edits that would repair it, as alternatives.
    pub fixes: Vec<Fix>,
}

impl LocatedDiagnostic {
    /// A problem with its spans resolved.
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

    /// All problems of some texts, in their order.
    pub fn all(sources: &SourceMap, problems: &Problems) -> Vec<LocatedDiagnostic> {
        problems.iter().map(|d| LocatedDiagnostic::new(sources, d)).collect()
    }
}
