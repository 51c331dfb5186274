//! Optimisers: `adam(lr = 1e-3)`, `sgd(lr = 0.01, momentum = 0.99, nesterov = true)`.

use super::value::{ReadResult, boolean, call, expected, field, non_negative, number, positive};
use crate::base::problem::problem;
use crate::text::config::Optimizer;
use crate::text::syntax::ast::Expr;

pub(super) fn optimizer(e: &Expr) -> ReadResult<Optimizer> {
    const ADAM: &[&str] = &["lr", "beta1", "beta2", "eps", "weight_decay"];
    let (name, f) =
        call(e, &[("adam", ADAM), ("adamw", ADAM), ("sgd", &["lr", "momentum", "nesterov", "weight_decay"])])?;
    // At least 0 and below 1.
    let share = |key, default| {
        field(&f, key, default, |e| match number(e)? {
            x if (0.0..1.0).contains(&x) => Ok(x),
            _ => expected(e, "a number of at least 0 and below 1"),
        })
    };
    let lr = field(&f, "lr", 1e-3, positive)?;
    let decay = |default| field(&f, "weight_decay", default, non_negative);
    if name == "sgd" {
        let (momentum, nesterov) = (share("momentum", 0.0)?, field(&f, "nesterov", false, boolean)?);
        if nesterov && momentum == 0.0 {
            return Err(problem!(E0206, e.span, "`nesterov` needs a momentum";
                help: "write `sgd(momentum = 0.9, nesterov = true)`"));
        }
        return Ok(Optimizer::Sgd { lr, momentum, nesterov, weight_decay: decay(0.0)? });
    }
    let (beta1, beta2, epsilon) = (share("beta1", 0.9)?, share("beta2", 0.999)?, field(&f, "eps", 1e-8, positive)?);
    Ok(match name {
        "adam" => Optimizer::Adam { lr, beta1, beta2, epsilon, weight_decay: decay(0.0)? },
        _ => Optimizer::AdamW { lr, beta1, beta2, epsilon, weight_decay: decay(0.01)? },
    })
}
