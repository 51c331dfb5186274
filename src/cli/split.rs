//! `--split`: which images a command is about.

use crate::data::SplitRole;
use clap::ValueEnum;

/// A part of the split.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Split {
    Train,
    Val,
    Test,
}

impl Split {
    #[cfg(feature = "run")]
    pub(super) fn of(role: SplitRole) -> Split {
        match role {
            SplitRole::Train => Split::Train,
            SplitRole::Val => Split::Val,
            SplitRole::Test => Split::Test,
        }
    }

    /// The same for data sets.
    pub(super) fn role(self) -> SplitRole {
        match self {
            Split::Train => SplitRole::Train,
            Split::Val => SplitRole::Val,
            Split::Test => SplitRole::Test,
        }
    }
}
