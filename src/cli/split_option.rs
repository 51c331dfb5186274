//! `--split`: which images a command is about.

use crate::data::SplitRole;
use clap::ValueEnum;

/// A part of the split.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum SplitPart {
    Train,
    Val,
    Test,
}

impl SplitPart {
    #[cfg(feature = "run")]
    pub(super) fn of(role: SplitRole) -> SplitPart {
        match role {
            SplitRole::Train => SplitPart::Train,
            SplitRole::Val => SplitPart::Val,
            SplitRole::Test => SplitPart::Test,
        }
    }

    /// The same for data sets.
    pub(super) fn role(self) -> SplitRole {
        match self {
            SplitPart::Train => SplitRole::Train,
            SplitPart::Val => SplitRole::Val,
            SplitPart::Test => SplitRole::Test,
        }
    }
}
