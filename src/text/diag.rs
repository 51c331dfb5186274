//! Diagnostics: what is wrong, where, and the edit that fixes it.
//!
//! A [`Diagnostic`] holds facts and places; [`render`] is the only module that turns it into something to read, `json`
//! into something for programs.
//! Invariant: every diagnostic carries a [`Code`], and [`Problems::sorted`] orders by place.

mod code;
mod json;
mod level;
pub mod render;
mod suggest;

use super::source::Span;
pub use code::Code;
pub use level::{Allow, Levels, WARNINGS, lints};
pub use suggest::{Applicability, Suggestion, listed};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
    Note,
}

impl Severity {
    pub fn text(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// A place in a source and a few words about it.
#[derive(Debug, Clone)]
pub struct Label {
    pub span: Span,
    pub text: String,
}

#[derive(Debug, Clone)]
pub struct Diagnostic {
    pub code: Code,
    pub severity: Severity,
    /// What is wrong, in one line, without "you" and without a full stop.
    pub message: String,
    /// Where it is wrong. Problems of a command line or of a file as a whole have none.
    pub primary: Option<Label>,
    /// Other places that take part: "promised here", "first bound here".
    pub others: Vec<Label>,
    /// What would pass, in words.
    pub help: Vec<String>,
    /// What would pass, as edits.
    pub suggestions: Vec<Suggestion>,
    /// Facts that explain.
    pub notes: Vec<String>,
    /// Calls and items through which the problem came about and that are not shown: an `@allow` there counts.
    pub through: Vec<Span>,
}

impl Diagnostic {
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        let mut d = Self::bare(code, message);
        d.primary = Some(Label { span, text: String::new() });
        d
    }

    /// A diagnostic without a place in a source.
    pub fn bare(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            message: message.into(),
            primary: None,
            others: Vec::new(),
            help: Vec::new(),
            suggestions: Vec::new(),
            notes: Vec::new(),
            through: Vec::new(),
        }
    }

    /// The words at the primary place.
    pub fn label(mut self, text: impl Into<String>) -> Self {
        if let Some(primary) = &mut self.primary {
            primary.text = text.into();
        }
        self
    }

    pub fn other(mut self, span: Span, text: impl Into<String>) -> Self {
        self.others.push(Label { span, text: text.into() });
        self
    }

    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// The calls that led here.
    pub fn through(mut self, calls: Vec<Span>) -> Self {
        self.through.extend(calls);
        self
    }

    /// The lint name to silence it by, if it is a warning of a lint.
    pub fn lint(&self) -> Option<&'static str> {
        self.code.lint().filter(|_| self.severity == Severity::Warning)
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Problems kept of a run: a hostile file may hold a million.
const KEPT: usize = 1000;

/// The problems of a run.
#[derive(Debug, Clone, Default)]
pub struct Problems(Vec<Diagnostic>);

impl Problems {
    pub fn new() -> Self {
        Self::default()
    }

    /// Drops what comes after the first thousand, but for the first error.
    pub fn push(&mut self, d: Diagnostic) {
        if self.0.len() < KEPT || d.is_error() && !self.has_errors() {
            self.0.push(d);
        }
    }

    /// Replaces the problem that was added last.
    pub fn amend_last(&mut self, f: impl FnOnce(Diagnostic) -> Diagnostic) {
        if let Some(last) = self.0.pop() {
            self.0.push(f(last));
        }
    }

    pub fn extend(&mut self, other: Problems) {
        other.0.into_iter().for_each(|d| self.push(d));
    }

    /// As many as are kept; there may have been more.
    pub fn is_full(&self) -> bool {
        self.0.len() >= KEPT
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn has_errors(&self) -> bool {
        self.0.iter().any(Diagnostic::is_error)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }

    /// By place, then by code; problems without a place come last. Equal ones are told once.
    pub fn sorted(mut self) -> Problems {
        let key = |d: &Diagnostic| {
            let span = d.primary.as_ref().map(|l| l.span);
            (span.is_none(), span, d.code.id(), d.message.clone())
        };
        self.0.sort_by_key(key);
        self.0.dedup_by_key(|d| key(d));
        self
    }
}

impl From<Diagnostic> for Problems {
    fn from(d: Diagnostic) -> Self {
        Problems(vec![d])
    }
}

impl FromIterator<Diagnostic> for Problems {
    fn from_iter<T: IntoIterator<Item = Diagnostic>>(all: T) -> Self {
        Problems(all.into_iter().collect())
    }
}

impl IntoIterator for Problems {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// The name among `known` nearest to `word`, if one is near enough to be meant. Looks at the first 1000 names of at most
/// 64 bytes: a hostile file may hold far more, and longer ones.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 64;
    if word.len() > LONGEST {
        return None;
    }
    known
        .into_iter()
        .take(1000)
        .filter(|k| k.len() <= LONGEST)
        .map(|k| (strsim::damerau_levenshtein(&word.to_lowercase(), &k.to_lowercase()), k))
        .filter(|&(d, k)| d <= word.len().max(k.len()).div_ceil(3))
        .min_by_key(|&(d, _)| d)
        .map(|(_, k)| k)
}
