//! How a command ends without success.

use crate::base::error::RunError;
use crate::desk::{ProblemReport, WorkbenchError};
use crate::text::diag::Diagnostic;

/// Reason why a command ends without success.
pub(super) enum CommandError {
    /// The problems were printed already; exit code 1.
    AlreadyReported,
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
            CommandError::Usage(_) => 2,
            #[cfg(feature = "run")]
            CommandError::Interrupted => 130,
        }
    }

    /// Returns the error of a wrong command line.
    pub(super) fn usage(problem: impl Into<Diagnostic>) -> CommandError {
        WorkbenchError::request(problem).into()
    }
}

impl From<WorkbenchError> for CommandError {
    fn from(error: WorkbenchError) -> CommandError {
        match error {
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
