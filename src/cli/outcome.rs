//! How a command ends.

use crate::desk::{Failure, Report};

/// Why a command ends without success.
pub(super) enum Stop {
    /// Problems that were printed already, exit code 1.
    Problems,
    /// Problems to print, exit code 1.
    Found(Box<Report>),
    /// One message for the terminal, exit code 1.
    Message(String),
    /// Ended by Ctrl-C, exit code 130.
    #[cfg(feature = "run")]
    Interrupted,
    /// Wrong usage, exit code 2, with problems to print first, if there are any.
    Usage(Option<Box<Report>>, String),
}

/// What a command gives back.
pub(super) type Done = Result<(), Stop>;

impl Stop {
    /// The exit code.
    pub(super) fn code(&self) -> u8 {
        match self {
            Stop::Problems | Stop::Found(_) | Stop::Message(_) => 1,
            Stop::Usage(..) => 2,
            #[cfg(feature = "run")]
            Stop::Interrupted => 130,
        }
    }

    /// Wrong usage, in one sentence.
    pub(super) fn usage(message: impl Into<String>) -> Stop {
        Stop::Usage(None, message.into())
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        match failure {
            Failure::Problems(report) => Stop::Found(report),
            Failure::Request { report, message } => Stop::Usage(report, message),
            Failure::Message(message) => Stop::Message(message),
        }
    }
}

impl From<crate::base::error::RunError> for Stop {
    fn from(error: crate::base::error::RunError) -> Stop {
        Stop::Message(error.to_string())
    }
}
