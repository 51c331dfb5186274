//! The value that a claim names against the one that was found.

use super::number::{Written, relate, written};
use super::quantity::{Found, Quantity};
use crate::text::diag::{Code, Diagnostic};
use crate::text::syntax::ast::{Claim, ClaimValue, Expr, ExprKind, Relation};

/// Whether the relation holds. The error is a value of another kind than the quantity's.
pub(super) fn compare(claim: &Claim, quantity: &Quantity, found: &Found) -> Result<bool, Box<Diagnostic>> {
    let wrong = |message: &str| Err(Box::new(Diagnostic::new(Code::E0206, claim.span, message)));
    match (found, &claim.value) {
        (Found::Number(_), ClaimValue::Number { bytes: Some(_), span, .. })
            if !matches!(quantity, Quantity::Memory(_)) =>
        {
            let d = Diagnostic::new(Code::E0206, *span, "this quantity is a number and no amount of memory");
            Err(Box::new(d.help("write it without the `B`")))
        }
        (Found::Number(n), ClaimValue::Number { digits, suffix, bytes, .. }) => {
            match written(digits, *suffix, *bytes) {
                Some(value) => Ok(relate(claim.relation.node, *n, value)),
                None => wrong("this number has too many digits"),
            }
        }
        (Found::Number(n), ClaimValue::Expr(Expr { kind: ExprKind::Int(value), .. })) => {
            Ok(relate(claim.relation.node, *n, Written::whole(u64::try_from(*value).unwrap_or(0))))
        }
        (Found::Shape(shape), ClaimValue::Expr(Expr { kind: ExprKind::List(items), .. })) => {
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
        (Found::Number(_), ClaimValue::Expr(_)) => wrong("this quantity is a number"),
        (Found::Shape(_), _) => wrong("this quantity is a shape, for example [2, 288, 384]"),
        // Scores are not compared.
        (Found::Nothing, _) => Ok(true),
    }
}
