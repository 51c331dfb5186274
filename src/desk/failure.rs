//! Why the workbench gives no value.

use crate::text::diag::{Diagnostic, Problems, render};
use crate::text::source::SourceMap;
use std::fmt;

/// Problems with the texts that their places are in.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The texts that the spans of the problems point into.
    pub sources: SourceMap,
    /// Sorted by place.
    pub problems: Problems,
}

/// Why the workbench gives no value.
#[derive(Debug, Clone)]
pub enum Failure {
    /// A model file, or a text of the request, has problems.
    Problems(Box<Report>),
    /// The request itself cannot be understood.
    Request {
        /// The problems that were found in a text of the request, if there are any.
        report: Option<Box<Report>>,
        /// What cannot be understood, in one sentence.
        message: String,
    },
    /// Something else is wrong; the message says what and where.
    Message(String),
}

impl Failure {
    /// A failure with the problems that caused it, sorted by place.
    pub fn problems(sources: SourceMap, problems: impl Into<Problems>) -> Failure {
        Failure::Problems(Box::new(Report { sources, problems: problems.into().sorted() }))
    }

    /// A request that cannot be understood, with the problems that were found in it.
    pub fn unreadable_request(sources: SourceMap, problems: Problems, message: impl Into<String>) -> Failure {
        let report = Some(Box::new(Report { sources, problems }));
        Failure::Request { report, message: message.into() }
    }

    /// A request that cannot be understood, in one sentence.
    pub fn request(message: impl Into<String>) -> Failure {
        Failure::Request { report: None, message: message.into() }
    }
}

impl fmt::Display for Report {
    /// The problems as a terminal shows them, without colours.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&render::text(&self.sources, &self.problems, false))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Problems(report) => report.fmt(f),
            Failure::Request { report, message } => {
                report.iter().try_for_each(|report| report.fmt(f))?;
                f.write_str(message)
            }
            Failure::Message(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Failure {}

impl From<Diagnostic> for Failure {
    /// A problem that has no place in a text.
    fn from(problem: Diagnostic) -> Failure {
        Failure::problems(SourceMap::new(), problem)
    }
}

impl From<crate::base::error::RunError> for Failure {
    fn from(error: crate::base::error::RunError) -> Failure {
        Failure::Message(error.to_string())
    }
}
