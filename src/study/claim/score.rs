//! Claims about trained networks, which cannot be checked before training, and figures as sources print them.

use super::quantity::{QUANTITIES, QuantityValue, SCORES};
use super::verdict::{Judgement, Verdict};
use crate::base::problem::problem;
use crate::text::diag::Diagnostic;
use crate::text::source::Span;
use crate::text::syntax::ast::{Claim, ClaimValue, ExprKind, Relation};

/// A figure as a source prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedFigure {
    /// Name of the quantity (`params`, `macs`, `dice`, `iou`) without its convention.
    pub quantity: String,
    /// The number as printed, for example `2.17G`.
    pub text: String,
    /// The reason why it is known to be wrong, if it is.
    pub refuted: Option<String>,
}

/// Returns the figure that a claim with `~=` reports.
pub fn reported_figure(claim: &Claim) -> Option<ReportedFigure> {
    let name = match &claim.quantity.kind {
        ExprKind::Name(name) => name,
        ExprKind::Call(call) => &call.name.node,
        _ => return None,
    };
    let ClaimValue::Number { digits, suffix, .. } = &claim.value else { return None };
    let known = QUANTITIES.contains(&name.as_str()) && claim.relation.node == Relation::Rounds;
    let text = digits.chars().chain(*suffix).collect();
    let refuted = claim.refuted.as_ref().map(|r| r.node.clone());
    known.then(|| ReportedFigure { quantity: name.clone(), text, refuted })
}

/// Checks whether a claim is about a quantity that can be counted without training.
pub fn is_countable(claim: &Claim) -> bool {
    !matches!(&claim.quantity.kind, ExprKind::Name(name) if SCORES.contains(&name.as_str()))
}

/// Checks that a score is written as a source prints it: a share with `~=`.
pub(super) fn check_score(claim: &Claim) -> Result<Judgement, Box<Diagnostic>> {
    let wrong = |span: Span, message: &str| Err(Box::new(problem!(E0206, span, "{message}")));
    if claim.relation.node != Relation::Rounds {
        return wrong(claim.relation.span, "a score is reported with `~=`; only training can tell more");
    }
    if let Some(reason) = &claim.refuted {
        return wrong(reason.span, "a score is not judged, so it cannot be refuted");
    }
    match &claim.value {
        ClaimValue::Number { digits, suffix: None, bytes: None, .. } if digits.parse().is_ok_and(|x: f64| x <= 1.0) => {
            Ok(Judgement { value: QuantityValue::Nothing, verdict: Verdict::Reported })
        }
        ClaimValue::Number { span, .. } => wrong(*span, "a score is a share from 0 to 1, for example 0.8397"),
        ClaimValue::Expr(expr) if matches!(expr.kind, ExprKind::Int(0 | 1)) => {
            Ok(Judgement { value: QuantityValue::Nothing, verdict: Verdict::Reported })
        }
        ClaimValue::Expr(expr) => wrong(expr.span, "a score is a share from 0 to 1, for example 0.8397"),
    }
}
