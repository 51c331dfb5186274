//! What was found about a claim.

use super::quantity::QuantityValue;

/// How a claim stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The model has what the claim says.
    Holds,
    /// Known not to hold, and it does not.
    Refuted {
        /// Why the claim does not hold, as the `refuted` clause says.
        reason: String,
    },
    /// What a source reports of a trained network: kept, and not judged.
    Reported,
}

/// A claim that is as it should be.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// The value that the model has.
    pub value: QuantityValue,
    /// How the claim stands against that value.
    pub verdict: Verdict,
}
