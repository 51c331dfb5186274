//! A hint on a run whose numbers show that something went wrong: what is seen, and what to try.

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

impl fmt::Display for RunHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.seen, self.advice)
    }
}
