//! Optimisers: `adam(lr = 1e-3)`.

use super::value::{Read, call, field, number, positive, wrong};
use crate::recipe::Optimizer;
use crate::syntax::ast::Expr;

pub(super) fn optimizer(e: &Expr) -> Read<Optimizer> {
    let (_, f) = call(e, &[("adam", &["lr", "beta1", "beta2", "eps", "weight_decay"])])?;
    let beta = |key, default| {
        field(&f, key, default, |e| match number(e)? {
            x if (0.0..1.0).contains(&x) => Ok(x),
            _ => wrong(e, "a number of at least 0 and below 1"),
        })
    };
    Ok(Optimizer::Adam {
        lr: field(&f, "lr", 1e-3, positive)?,
        beta1: beta("beta1", 0.9)?,
        beta2: beta("beta2", 0.999)?,
        epsilon: field(&f, "eps", 1e-8, positive)?,
        weight_decay: field(&f, "weight_decay", 0.0, |e| match number(e)? {
            x if x >= 0.0 && x.is_finite() => Ok(x),
            _ => wrong(e, "a number of at least 0"),
        })?,
    })
}
