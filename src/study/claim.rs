//! Claims about models, as papers make them: `expect` blocks against what is counted.
//!
//! Knows syntax, graphs and costs; runs nothing. A claim with `refuted "reason"` is one that is known not to hold: it is
//! an error when it holds after all.

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
pub use bound::Bound;
use compare::compare;
pub use number::Printed;
pub use quantity::{Found, Peaks};
use quantity::{Quantity, measure, quantity};
use score::reported;
pub use score::{Figure, figure, is_judged};
pub use verdict::{Judged, Verdict};

/// Holds one claim against a model. The error is a claim that is wrong, or marked as wrong and right.
pub fn judge(claim: &Claim, checked: &CheckedGraph) -> Result<Judged, Box<Diagnostic>> {
    let quantity = quantity(&claim.quantity, Convention::Conv)?;
    if matches!(quantity, Quantity::Score) {
        return reported(claim);
    }
    if let Quantity::Memory(_) = quantity {
        let message = "memory depends on a run's batch and optimiser, and a claim is about the model alone";
        let d = Diagnostic::new(Code::E0603, claim.quantity.span, message);
        return Err(Box::new(d.help("`memory` stands behind `keep where` of a sweep; `npc check` prints it")));
    }
    let found = measure(&quantity, checked, &Peaks::default)?;
    let holds = compare(claim, &quantity, &found)?;
    match (&claim.refuted, holds) {
        (None, true) => Ok(Judged { found, verdict: Verdict::Holds }),
        (Some(reason), false) => Ok(Judged { found, verdict: Verdict::Refuted { reason: reason.node.clone() } }),
        (None, false) => {
            let name = &checked.graph().name;
            let message = format!("this claim about `{name}` at {} does not hold", checked.input());
            let d = Diagnostic::new(Code::E0601, claim.span, message).label(format!("it is {found}"));
            let help = "mend the claim or the model; a source known to be wrong gets `refuted \"reason\"`";
            let at = match &claim.value {
                ClaimValue::Number { span, .. } => *span,
                ClaimValue::Expr(expr) => expr.span,
            };
            Err(Box::new(match claim.relation.node {
                Relation::Rounds | Relation::Eq => {
                    d.help(help).suggest("what the model has", at, found.to_string(), Applicability::MaybeIncorrect)
                }
                Relation::Ne | Relation::Lt | Relation::Le | Relation::Gt | Relation::Ge => d.help(help),
            }))
        }
        (Some(reason), true) => {
            let message = "this claim is marked as refuted and holds";
            let d = Diagnostic::new(Code::E0602, claim.span, message).label(format!("it is {found}"));
            let mark = Span { start: value_end(claim), end: reason.span.end, ..reason.span };
            let d = d.other(reason.span, "marked here");
            Err(Box::new(d.suggest("take `refuted` away", mark, "", Applicability::MaybeIncorrect)))
        }
    }
}

/// Where the value of a claim ends.
fn value_end(claim: &Claim) -> u32 {
    match &claim.value {
        ClaimValue::Number { span, .. } => span.end,
        ClaimValue::Expr(expr) => expr.span.end,
    }
}
