//! Schedules of the learning rate: `poly(power = 0.9, warmup = 5)`.

use super::value::{ReadResult, call, field, integer, non_negative, positive};
use crate::text::config::{Schedule, ScheduleCurve};
use crate::text::syntax::ast::Expr;

pub(super) fn schedule(e: &Expr) -> ReadResult<Schedule> {
    let (name, f) = call(
        e,
        &[("constant", &["warmup"]), ("poly", &["power", "warmup"]), ("cosine", &["min", "restarts", "warmup"])],
    )?;
    let curve = match name {
        "constant" => ScheduleCurve::Constant,
        "poly" => ScheduleCurve::Poly { power: field(&f, "power", 0.9, positive)? },
        _ => ScheduleCurve::Cosine {
            min: field(&f, "min", 0.0, non_negative)?,
            restarts: field(&f, "restarts", 0, |e| integer(e, 0))?,
        },
    };
    Ok(Schedule { curve, warmup: field(&f, "warmup", 0.0, non_negative)? })
}
