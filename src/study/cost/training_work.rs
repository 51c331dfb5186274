//! The time of a training, as counted from its multiply-accumulates.

use crate::base::count::counted;

/// Multiply-accumulates a second of a training step on two cores, measured on a U-Net of 8 channels.
const SPEED: u64 = 12_000_000_000;
/// A training step costs about three forward passes.
const PASSES: u64 = 3;

/// What a training computes. `npc new` and `npc train --dry-run` both estimate its time with this, and not from the machine, so that one
/// set has one figure everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TrainingWork {
    /// Multiply-accumulates of a forward pass of one image.
    pub macs: u64,
    /// Training images.
    pub images: usize,
    pub epochs: usize,
}

impl TrainingWork {
    /// Returns the multiply-accumulates of the whole training, without scoring.
    pub(crate) fn total(&self) -> u64 {
        self.macs.saturating_mul(PASSES).saturating_mul(self.images as u64).saturating_mul(self.epochs as u64)
    }

    /// Returns the minutes on two cores, rounded up.
    pub(crate) fn minutes(&self) -> u64 {
        self.total().div_ceil(60 * SPEED)
    }

    /// Returns `about 4 minutes on two cores`.
    pub(crate) fn in_words(&self) -> String {
        format!("about {} on two cores", counted(self.minutes(), "minute"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_follow_from_the_operations() {
        let work = TrainingWork { macs: 100_000_000, images: 100, epochs: 100 };
        assert_eq!(work.total(), 3_000_000_000_000);
        assert_eq!(work.minutes(), 5);
        assert_eq!(work.in_words(), "about 5 minutes on two cores");
        assert_eq!(TrainingWork { epochs: 1, ..work }.in_words(), "about 1 minute on two cores");
    }
}
