//! Comparison of the value in a claim with the measured one.

use super::number::{ScaledNumber, parse_number, relation_holds};
use super::quantity::{Quantity, QuantityValue};
use crate::base::problem::problem;
use crate::text::diag::Diagnostic;
use crate::text::syntax::ast::{Claim, ClaimValue, Expr, ExprKind, Relation};

/// Checks whether the relation of a claim holds. Errors: a value of another kind than the quantity's.
pub(super) fn claim_holds(claim: &Claim, quantity: &Quantity, found: &QuantityValue) -> Result<bool, Box<Diagnostic>> {
    let wrong = |message: &str| Err(Box::new(problem!(E0206, claim.span, "{message}")));
    match (found, &claim.value) {
        (QuantityValue::Number(_), ClaimValue::Number { bytes: Some(_), span, .. })
            if !matches!(quantity, Quantity::Memory(_)) =>
        {
            Err(Box::new(problem!(E0206, *span, "this quantity is a number, not an amount of memory";
                help: "write it without the `B`")))
        }
        (QuantityValue::Number(n), ClaimValue::Number { digits, suffix, bytes, .. }) => {
            match parse_number(digits, *suffix, *bytes) {
                Some(value) => Ok(relation_holds(claim.relation.node, *n, value)),
                None => wrong("this number has too many digits"),
            }
        }
        (QuantityValue::Number(n), ClaimValue::Expr(Expr { kind: ExprKind::Int(value), .. })) => {
            Ok(relation_holds(claim.relation.node, *n, ScaledNumber::whole(u64::try_from(*value).unwrap_or(0))))
        }
        (QuantityValue::Shape(shape), ClaimValue::Expr(Expr { kind: ExprKind::List(items), .. })) => {
            let dims: Option<Vec<usize>> = (items.iter())
                .map(|i| if let ExprKind::Int(n) = i.kind { usize::try_from(n).ok() } else { None })
                .collect();
            match (dims, claim.relation.node) {
                (Some(dims), Relation::Eq | Relation::Rounds) => Ok(dims == *shape),
                (Some(dims), Relation::Ne) => Ok(dims != *shape),
                (Some(_), _) => wrong("shapes are equal or not; they have no order"),
                (None, _) => wrong("a shape is a list of integers, for example [2, 288, 384]"),
            }
        }
        (QuantityValue::Number(_), ClaimValue::Expr(_)) => wrong("this quantity is a number"),
        (QuantityValue::Shape(_), _) => wrong("this quantity is a shape, for example [2, 288, 384]"),
        // Scores are not compared.
        (QuantityValue::Nothing, _) => Ok(true),
    }
}
