//! Schedules of the learning rate: `poly(power = 0.9, warmup = 5)`.

use super::value::{Read, call, field, integer, non_negative, positive};
use crate::text::config::{Curve, Schedule};
use crate::text::syntax::ast::Expr;

pub(super) fn schedule(e: &Expr) -> Read<Schedule> {
    let (name, f) = call(
        e,
        &[("constant", &["warmup"]), ("poly", &["power", "warmup"]), ("cosine", &["min", "restarts", "warmup"])],
    )?;
    let curve = match name {
        "constant" => Curve::Constant,
        "poly" => Curve::Poly { power: field(&f, "power", 0.9, positive)? },
        _ => Curve::Cosine {
            min: field(&f, "min", 0.0, non_negative)?,
            restarts: field(&f, "restarts", 0, |e| integer(e, 0))?,
        },
    };
    Ok(Schedule { curve, warmup: field(&f, "warmup", 0.0, non_negative)? })
}
