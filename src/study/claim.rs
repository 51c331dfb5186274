//! Checks of claims about models, as papers make them: `expect` blocks against exact counts.
//!
//! Nothing is run. A claim with `refuted "reason"` is known not to hold, so it is an error if it does hold.

mod bound;
mod compare;
mod measured;
mod number;
mod quantity;
mod score;
mod verdict;

use super::cost::Convention;
use crate::base::problem::problem;
use crate::graph::check::CheckedGraph;
use crate::text::diag::{Applicability, Diagnostic};
use crate::text::source::Span;
use crate::text::syntax::ast::{Claim, ClaimValue, Relation};
pub use bound::SweepBound;
use compare::claim_holds;
pub use measured::{MeasuredModel, PeakBytes};
pub use number::PrintedNumber;
pub use quantity::QuantityValue;
use quantity::{Quantity, measure, parse_quantity};
use score::check_score;
pub use score::{ReportedFigure, is_countable, reported_figure};
pub use verdict::{Judgement, Verdict};

/// Returns the steps of evaluation that some claims about a model stand for. A claim about a named result looks for it.
pub(crate) fn claim_steps(claims: usize, checked: &CheckedGraph) -> usize {
    claims.saturating_mul(50 + checked.graph().results.len() / 8)
}

/// Checks one claim about a model. Errors: a claim that does not hold, one marked as refuted that holds, or one that cannot
/// be checked.
pub fn judge_claim(claim: &Claim, model: &MeasuredModel<'_>) -> Result<Judgement, Box<Diagnostic>> {
    let quantity = parse_quantity(&claim.quantity, Convention::Conv)?;
    if matches!(quantity, Quantity::Score) {
        return check_score(claim);
    }
    if let Quantity::Memory(_) = quantity {
        return Err(Box::new(problem!(E0603, claim.quantity.span,
            "a claim about memory cannot be checked: memory depends on the batch size and the optimiser of a run";
            help: "`npc check` prints the memory; `keep where` of a sweep accepts `memory`")));
    }
    let value = measure(&quantity, model)?;
    let holds = claim_holds(claim, &quantity, &value)?;
    match (&claim.refuted, holds) {
        (None, true) => Ok(Judgement { value, verdict: Verdict::Holds }),
        (Some(reason), false) => Ok(Judgement { value, verdict: Verdict::Refuted { reason: reason.node.clone() } }),
        (None, false) => Err(Box::new(false_claim(claim, model.checked(), &value))),
        (Some(reason), true) => {
            let clause = Span { start: value_span(claim).end, end: reason.span.end, ..reason.span };
            Err(Box::new(problem!(E0602, claim.span, "this claim is marked as refuted, but it holds";
                label: "it is {value}";
                other[reason.span]: "marked here";
                fix[clause => "", MaybeIncorrect]: "remove `refuted`")))
        }
    }
}

/// Returns the error of a claim that does not hold.
fn false_claim(claim: &Claim, checked: &CheckedGraph, value: &QuantityValue) -> Diagnostic {
    let name = &checked.graph().name;
    let d = problem!(E0601, claim.span, "this claim about `{name}` at {} does not hold", checked.input();
        label: "it is {value}";
        help: "correct the claim or the model, or mark a claim known to be wrong with `refuted \"reason\"`");
    match claim.relation.node {
        Relation::Rounds | Relation::Eq => {
            d.suggest("what the model has", value_span(claim), value.to_string(), Applicability::MaybeIncorrect)
        }
        Relation::Ne | Relation::Lt | Relation::Le | Relation::Gt | Relation::Ge => d,
    }
}

/// Returns the span of the value of a claim.
fn value_span(claim: &Claim) -> Span {
    match &claim.value {
        ClaimValue::Number { span, .. } => *span,
        ClaimValue::Expr(expr) => expr.span,
    }
}
