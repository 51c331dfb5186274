//! Problems of a request to the workbench.

use crate::base::error::RunError;
use crate::text::diag::{Diagnostic, Problems, render};
use crate::text::source::SourceMap;
use std::fmt;

/// Problems with the texts that their places are in.
#[derive(Debug, Clone, Default)]
pub struct ProblemReport {
    /// The texts that the spans of the problems point into.
    pub sources: SourceMap,
    /// The problems, sorted by place.
    pub problems: Problems,
}

/// Reason why the workbench returns no value. Both kinds hold at least one problem with a code.
#[derive(Debug, Clone)]
pub enum WorkbenchError {
    /// A model file, or something else that the request names, has problems.
    Problems(Box<ProblemReport>),
    /// The request itself is invalid, for example a `--with` value that does not parse.
    InvalidRequest(Box<ProblemReport>),
}

impl WorkbenchError {
    /// Returns an error with the problems that caused it, sorted by place.
    pub fn problems(sources: SourceMap, problems: impl Into<Problems>) -> WorkbenchError {
        WorkbenchError::Problems(Box::new(ProblemReport { sources, problems: problems.into().sorted() }))
    }

    /// Returns the error of an invalid request: the problems of its text, and then the option or argument that holds it.
    pub fn invalid_text(sources: SourceMap, mut problems: Problems, what: impl Into<Diagnostic>) -> WorkbenchError {
        problems.push(what.into());
        WorkbenchError::InvalidRequest(Box::new(ProblemReport { sources, problems }))
    }

    /// Returns the error of an invalid request that has one problem, without a place in a text.
    pub fn request(problem: impl Into<Diagnostic>) -> WorkbenchError {
        WorkbenchError::invalid_text(SourceMap::new(), Problems::new(), problem)
    }

    /// Returns the problems with their texts.
    pub fn report(&self) -> &ProblemReport {
        match self {
            WorkbenchError::Problems(report) | WorkbenchError::InvalidRequest(report) => report,
        }
    }
}

impl fmt::Display for ProblemReport {
    /// Writes the problems as a terminal shows them, without colours.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&render::to_text(&self.sources, &self.problems, false))
    }
}

impl fmt::Display for WorkbenchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.report().fmt(f)
    }
}

impl std::error::Error for WorkbenchError {}

impl From<Diagnostic> for WorkbenchError {
    /// Converts a problem that has no place in a text.
    fn from(problem: Diagnostic) -> WorkbenchError {
        WorkbenchError::problems(SourceMap::new(), problem)
    }
}

impl From<RunError> for WorkbenchError {
    fn from(error: RunError) -> WorkbenchError {
        Diagnostic::from(error).into()
    }
}
