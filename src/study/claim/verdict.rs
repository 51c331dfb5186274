//! Results of checking a claim.

use super::quantity::QuantityValue;

/// The verdict on a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The claim holds.
    Holds,
    /// The claim is marked as refuted and does not hold.
    Refuted {
        /// The reason given in the `refuted` clause.
        reason: String,
    },
    /// The claim is about a trained network; it is recorded and not checked.
    Reported,
}

/// The result of a claim that is not an error.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// The measured value of the model.
    pub value: QuantityValue,
    /// The verdict for this value.
    pub verdict: Verdict,
}
