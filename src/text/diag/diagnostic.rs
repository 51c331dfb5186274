//! One problem: what is wrong, where, and what would pass.

use super::suggestion::Suggestion;
use crate::base::code::Code;
use crate::base::error::RunError;
use crate::base::problem::ProblemPlace;
use crate::base::severity::Severity;
use crate::text::source::Span;

/// A place in a source and a few words about it.
#[derive(Debug, Clone)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is said about the place, in a few words; may be empty.
    pub text: String,
}

/// One problem.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// Kind of the problem.
    pub code: Code,
    /// How bad it is: that of the code, unless a warning was denied and became an error.
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
    /// Makes a problem at `span`, with the severity of its code and nothing said yet beside the message.
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

    /// Adds another place that takes part, with words about it.
    pub fn other(mut self, span: Span, text: impl Into<String>) -> Self {
        self.others.push(Label { span, text: text.into() });
        self
    }

    /// Adds a line that says what would pass.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// Adds a line with a fact that explains the problem.
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

    /// Tells whether the problem is an error, which a command answers with exit code 1.
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
        d.help = error.help;
        d
    }
}
