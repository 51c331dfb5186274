//! What a sweep asks of its models: `keep where macs <= 2.5G and params < 1M`.

use super::compare::claim_holds;
use super::quantity::{PeakBytes, Quantity, QuantityValue, measure, parse_quantity};
use crate::graph::check::CheckedGraph;
use crate::study::cost::Convention;
use crate::text::diag::{Code, Diagnostic};
use crate::text::syntax::ast::Claim;

/// A bound that can be held against any model.
#[derive(Debug, Clone)]
pub struct SweepBound {
    quantity: Quantity,
    claim: Claim,
}

impl SweepBound {
    /// `macs` without a convention are those of `macs`. The error is a bound that no model can be held against.
    pub fn new(claim: &Claim, macs: Convention) -> Result<Self, Box<Diagnostic>> {
        let quantity = parse_quantity(&claim.quantity, macs)?;
        // Any value of the right kind shows whether the other side is one as well.
        let kind = match &quantity {
            Quantity::Params(_)
            | Quantity::Buffers
            | Quantity::Macs(_)
            | Quantity::ReceptiveField
            | Quantity::Memory(_) => QuantityValue::Number(0),
            Quantity::Input | Quantity::Output(_) => QuantityValue::Shape(Vec::new()),
            Quantity::Score => {
                let d = Diagnostic::new(Code::E0603, claim.quantity.span, "only training can tell a score");
                return Err(Box::new(d.help("a sweep is thinned out by what can be counted")));
            }
        };
        claim_holds(claim, &quantity, &kind)?;
        Ok(SweepBound { quantity, claim: claim.clone() })
    }

    /// As it was written.
    pub fn claim(&self) -> &Claim {
        &self.claim
    }

    /// `memory` is called where the bound is about memory. The error is a model that lacks the quantity: a result of that
    /// name, or a receptive field that is known.
    pub fn holds(&self, checked: &CheckedGraph, memory: &dyn Fn() -> PeakBytes) -> Result<bool, Box<Diagnostic>> {
        claim_holds(&self.claim, &self.quantity, &measure(&self.quantity, checked, memory)?)
    }
}
