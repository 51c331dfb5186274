//! Bounds that a sweep sets for its models: `keep where macs <= 2.5G and params < 1M`.

use super::compare::claim_holds;
use super::measured::MeasuredModel;
use super::quantity::{Quantity, QuantityValue, measure, parse_quantity};
use crate::base::problem::problem;
use crate::study::cost::Convention;
use crate::text::diag::Diagnostic;
use crate::text::syntax::ast::Claim;

/// A bound that can be checked for any model.
#[derive(Debug, Clone)]
pub struct SweepBound {
    quantity: Quantity,
    claim: Claim,
}

impl SweepBound {
    /// Reads a bound; `macs` is the convention where the bound names none. Errors: a bound that no model can satisfy or
    /// violate.
    pub fn new(claim: &Claim, macs: Convention) -> Result<Self, Box<Diagnostic>> {
        let quantity = parse_quantity(&claim.quantity, macs)?;
        // Comparing with any value of the quantity's kind shows whether the other side has this kind.
        let kind = match &quantity {
            Quantity::Params(_)
            | Quantity::Buffers
            | Quantity::Macs(_)
            | Quantity::ReceptiveField
            | Quantity::Memory(_) => QuantityValue::Number(0),
            Quantity::Input | Quantity::Output(_) => QuantityValue::Shape(Vec::new()),
            Quantity::Score => {
                return Err(Box::new(problem!(E0603, claim.quantity.span,
                    "a score is known only after training, so it cannot be a bound";
                    help: "use a quantity that can be counted, such as `params` or `macs`")));
            }
        };
        claim_holds(claim, &quantity, &kind)?;
        Ok(SweepBound { quantity, claim: claim.clone() })
    }

    /// Returns the claim as written.
    pub fn claim(&self) -> &Claim {
        &self.claim
    }

    /// Checks the bound for a model. Errors: the model lacks the result that the bound names, or its receptive field is
    /// unknown.
    pub fn holds(&self, model: &MeasuredModel<'_>) -> Result<bool, Box<Diagnostic>> {
        claim_holds(&self.claim, &self.quantity, &measure(&self.quantity, model)?)
    }
}
