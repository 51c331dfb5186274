//! What was found about a claim.

use super::quantity::Found;

/// How a claim stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Holds,
    /// Known not to hold, and it does not.
    Refuted {
        reason: String,
    },
    /// What a source reports of a trained network: kept, and not judged.
    Reported,
}

/// A claim that is as it should be.
#[derive(Debug, Clone)]
pub struct Judged {
    pub found: Found,
    pub verdict: Verdict,
}
