//! Checks of claims about models, as papers make them: `expect` blocks against exact counts.
//!
//! Nothing is run. A claim with `refuted "reason"` is known not to hold, so it is an error if it does hold.

mod bound;
mod compare;
mod number;
mod quantity;
mod score;
mod verdict;

use super::cost::Convention;
use crate::graph::check::CheckedGraph;
use crate::text::diag::{Applicability, Code, Diagnostic};
use crate::text::source::Span;
use crate::text::syntax::ast::{Claim, ClaimValue, Relation};
pub use bound::SweepBound;
use compare::claim_holds;
pub use number::PrintedNumber;
pub use quantity::{PeakBytes, QuantityValue};
use quantity::{Quantity, measure, parse_quantity};
use score::check_score;
pub use score::{ReportedFigure, is_countable, reported_figure};
pub use verdict::{Judgement, Verdict};

/// Checks one claim about a model. Errors: a claim that does not hold, one marked as refuted that holds, or one that cannot
/// be checked.
pub fn judge_claim(claim: &Claim, checked: &CheckedGraph) -> Result<Judgement, Box<Diagnostic>> {
    let quantity = parse_quantity(&claim.quantity, Convention::Conv)?;
    if matches!(quantity, Quantity::Score) {
        return check_score(claim);
    }
    if let Quantity::Memory(_) = quantity {
        let message = "memory depends on a run's batch and optimiser, and a claim is about the model alone";
        let d = Diagnostic::new(Code::E0603, claim.quantity.span, message);
        return Err(Box::new(d.help("`memory` stands behind `keep where` of a sweep; `npc check` prints it")));
    }
    let value = measure(&quantity, checked, &PeakBytes::default)?;
    let holds = claim_holds(claim, &quantity, &value)?;
    match (&claim.refuted, holds) {
        (None, true) => Ok(Judgement { value, verdict: Verdict::Holds }),
        (Some(reason), false) => Ok(Judgement { value, verdict: Verdict::Refuted { reason: reason.node.clone() } }),
        (None, false) => {
            let name = &checked.graph().name;
            let message = format!("this claim about `{name}` at {} does not hold", checked.input());
            let d = Diagnostic::new(Code::E0601, claim.span, message).label(format!("it is {value}"));
            let help = "mend the claim or the model; a source known to be wrong gets `refuted \"reason\"`";
            let at = match &claim.value {
                ClaimValue::Number { span, .. } => *span,
                ClaimValue::Expr(expr) => expr.span,
            };
            Err(Box::new(match claim.relation.node {
                Relation::Rounds | Relation::Eq => {
                    d.help(help).suggest("what the model has", at, value.to_string(), Applicability::MaybeIncorrect)
                }
                Relation::Ne | Relation::Lt | Relation::Le | Relation::Gt | Relation::Ge => d.help(help),
            }))
        }
        (Some(reason), true) => {
            let message = "this claim is marked as refuted and holds";
            let d = Diagnostic::new(Code::E0602, claim.span, message).label(format!("it is {value}"));
            let mark = Span { start: value_end(claim), end: reason.span.end, ..reason.span };
            let d = d.other(reason.span, "marked here");
            Err(Box::new(d.suggest("take `refuted` away", mark, "", Applicability::MaybeIncorrect)))
        }
    }
}

/// Returns the byte offset at which the value of a claim ends.
fn value_end(claim: &Claim) -> u32 {
    match &claim.value {
        ClaimValue::Number { span, .. } => span.end,
        ClaimValue::Expr(expr) => expr.span.end,
    }
}
