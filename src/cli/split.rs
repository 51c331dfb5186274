//! `--split`: which images a command is about.

use crate::data::Role;
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
    pub(super) fn of(role: Role) -> Split {
        match role {
            Role::Train => Split::Train,
            Role::Val => Split::Val,
            Role::Test => Split::Test,
        }
    }

    /// The same for data sets.
    pub(super) fn role(self) -> Role {
        match self {
            Split::Train => Role::Train,
            Split::Val => Role::Val,
            Split::Test => Role::Test,
        }
    }
}
