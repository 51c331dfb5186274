//! How a command ends without success.

use crate::base::error::RunError;
use crate::desk::{ProblemReport, WorkbenchError};
use crate::text::diag::{Code, Diagnostic, Problems};
use crate::text::source::SourceMap;

/// Reason why a command ends without success.
pub(super) enum CommandError {
    /// The problems were printed already; exit code 1.
    AlreadyReported,
    /// Problems of the command line were printed already; exit code 2.
    UsageReported,
    /// Problems to print; exit code 1.
    Problems(Box<ProblemReport>),
    /// Problems of the command line, to print; exit code 2.
    Usage(Box<ProblemReport>),
    /// Ctrl-C ended the command; exit code 130.
    #[cfg(feature = "run")]
    Interrupted,
}

/// The result of a command.
pub(super) type CommandResult = Result<(), CommandError>;

impl CommandError {
    /// Returns the exit code of the process.
    pub(super) fn code(&self) -> u8 {
        match self {
            CommandError::AlreadyReported | CommandError::Problems(_) => 1,
            CommandError::UsageReported | CommandError::Usage(_) => 2,
            #[cfg(feature = "run")]
            CommandError::Interrupted => 130,
        }
    }

    /// Returns the error of a command that printed these problems.
    pub(super) fn reported(sources: &SourceMap, problems: &Problems) -> CommandError {
        if is_usage(sources, problems) { CommandError::UsageReported } else { CommandError::AlreadyReported }
    }

    /// Returns the error of a wrong command line.
    pub(super) fn usage(problem: impl Into<Diagnostic>) -> CommandError {
        WorkbenchError::request(problem).into()
    }
}

/// Checks whether an error is about the command line: its code says so, or its place is in the text of an option, as that of
/// `--set epochs=none`.
fn is_usage(sources: &SourceMap, problems: &Problems) -> bool {
    let in_option = |problem: &Diagnostic| {
        problem.primary.as_ref().is_some_and(|label| sources.file(label.span.source).name.starts_with("--"))
    };
    problems
        .iter()
        .filter(|problem| problem.is_error())
        .any(|problem| problem.code == Code::E0503 || in_option(problem))
}

impl From<WorkbenchError> for CommandError {
    fn from(error: WorkbenchError) -> CommandError {
        match error {
            WorkbenchError::Problems(report) if is_usage(&report.sources, &report.problems) => {
                CommandError::Usage(report)
            }
            WorkbenchError::Problems(report) => CommandError::Problems(report),
            WorkbenchError::InvalidRequest(report) => CommandError::Usage(report),
        }
    }
}

impl From<RunError> for CommandError {
    fn from(error: RunError) -> CommandError {
        WorkbenchError::from(error).into()
    }
}
