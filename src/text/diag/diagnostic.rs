//! One problem of a text: what is wrong, where, and what would fix it.

use super::suggestion::Suggestion;
use crate::base::code::Code;
use crate::base::error::RunError;
use crate::base::problem::ProblemPlace;
use crate::base::severity::Severity;
use crate::base::shorten::message_text;
use crate::text::source::Span;

/// A span of a source with a short text.
#[derive(Debug, Clone)]
pub struct Label {
    /// The span.
    pub span: Span,
    /// A few words about the span; may be empty.
    pub text: String,
}

/// One problem. The macro `problem!` makes it.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// Kind of the problem.
    pub code: Code,
    /// Severity of the code, unless `--deny` turned a warning into an error.
    pub severity: Severity,
    /// What is wrong, in one line, without "you" and without a full stop.
    pub message: String,
    /// The span that is wrong. Problems of a command line or of a whole file have none.
    pub primary: Option<Label>,
    /// The file or folder that the problem is about, if it has no span; the message begins with it.
    pub file: Option<String>,
    /// Other spans that the problem involves: "declared here", "first bound here".
    pub others: Vec<Label>,
    /// What to do about it, one line each.
    pub help: Vec<String>,
    /// Edits that would fix it, as alternatives.
    pub suggestions: Vec<Suggestion>,
    /// Facts that explain the problem, one line each.
    pub notes: Vec<String>,
    /// Spans of the calls and items that led to the problem. They are not shown, but an `@allow` on one of them silences it.
    pub through: Vec<Span>,
}

impl Diagnostic {
    /// Returns a problem at `span` with a message alone and the severity of its code. `problem!` needs the code as a name; this
    /// function takes a variable.
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        let mut d = Self::bare(code, message);
        d.primary = Some(Label { span, text: String::new() });
        d
    }

    /// Returns a problem without a place in a source.
    pub fn bare(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            message: message_text(message.into()),
            primary: None,
            file: None,
            others: Vec::new(),
            help: Vec::new(),
            suggestions: Vec::new(),
            notes: Vec::new(),
            through: Vec::new(),
        }
    }

    /// Sets the text of the primary label.
    pub fn label(mut self, text: impl Into<String>) -> Self {
        if let Some(primary) = &mut self.primary {
            primary.text = message_text(text.into());
        }
        self
    }

    /// Adds a label for another span that the problem involves.
    pub fn other(mut self, span: Span, text: impl Into<String>) -> Self {
        self.others.push(Label { span, text: message_text(text.into()) });
        self
    }

    /// Adds a line that says what to do about the problem.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(message_text(text.into()));
        self
    }

    /// Adds a line with a fact that explains the problem.
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(message_text(text.into()));
        self
    }

    /// Adds the calls that led to the problem.
    pub fn through(mut self, calls: Vec<Span>) -> Self {
        self.through.extend(calls);
        self
    }

    /// Returns the name of the lint that silences the problem, if it is a warning of a lint.
    pub fn lint(&self) -> Option<&'static str> {
        self.code.lint().filter(|_| self.severity == Severity::Warning)
    }

    /// Checks whether the problem is an error, for which a command exits with code 1.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl ProblemPlace for Span {
    type Problem = Diagnostic;
    fn problem(self, code: Code, message: String) -> Diagnostic {
        Diagnostic::new(code, self, message)
    }
}

impl From<RunError> for Diagnostic {
    /// Converts a problem of a run into a diagnostic without a place in a text; its message begins with the file.
    fn from(error: RunError) -> Diagnostic {
        let mut d = Diagnostic::bare(error.code, error.headline());
        d.file = error.path.map(|path| path.display().to_string());
        d.help = error.help;
        d
    }
}
