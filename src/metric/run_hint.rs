//! A hint on a run whose numbers show that something went wrong: what is seen, and what to try.

use super::score_hints::{IMBALANCE, IMBALANCE_OF_REGIONS};
use crate::text::config::{LossSpec, LossTerm};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What the numbers of a run show, and what to do about it. `eval.json` and `summary.json` hold hints under the key `hints`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunHint {
    /// Name of the hint, for programs: `all_foreground`, `dice_near_zero`, `loss_did_not_fall`, ...
    pub kind: String,
    /// What the numbers show, in one sentence without a full stop.
    pub seen: String,
    /// What to try, in one sentence without a full stop.
    pub advice: String,
}

impl RunHint {
    pub(crate) fn new(kind: &str, seen: impl Into<String>, advice: impl Into<String>) -> RunHint {
        RunHint { kind: kind.into(), seen: seen.into(), advice: advice.into() }
    }
}

impl RunHint {
    /// Returns the hint without the advice to use what the loss of the run has already.
    pub(crate) fn for_loss(mut self, loss: &LossSpec) -> RunHint {
        let is_of_regions = |term: &LossTerm| match term {
            LossTerm::Dice { .. } | LossTerm::Tversky { .. } | LossTerm::Lovasz { .. } => true,
            LossTerm::CrossEntropy { .. } | LossTerm::Focal { .. } => false,
        };
        if self.advice == IMBALANCE && loss.terms.iter().any(|term| is_of_regions(&term.term)) {
            self.advice = IMBALANCE_OF_REGIONS.into();
        }
        self
    }
}

impl fmt::Display for RunHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.seen, self.advice)
    }
}
