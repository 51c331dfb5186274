//! The option `--split`, which selects a part of the data split.

use crate::data::SplitRole;
use clap::ValueEnum;

/// Part of the data split.
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

    /// Returns the role of these images.
    pub(super) fn role(self) -> SplitRole {
        match self {
            SplitPart::Train => SplitRole::Train,
            SplitPart::Val => SplitRole::Val,
            SplitPart::Test => SplitRole::Test,
        }
    }
}
