//! Which image is for training and which for the test.

use super::value::{Read, call, field, integer, number, string};
use crate::diag::{Code, Diagnostic};
use crate::recipe::Split;
use crate::syntax::ast::Expr;

pub(super) fn split(expr: &Expr) -> Read<Split> {
    let (name, fields) =
        call(expr, &[("random", &["train", "val", "test", "seed"]), ("lists", &["train", "val", "test"])])?;
    if name == "random" {
        let share = |key, default| field(&fields, key, default, number);
        let (train, val, test) = (share("train", 0.8)?, share("val", 0.0)?, share("test", 0.2)?);
        let seed = field(&fields, "seed", 0, |e| integer(e, 0))?;
        if [train, val, test].iter().any(|s| !(0.0..=1.0).contains(s)) || (train + val + test - 1.0).abs() > 1e-9 {
            let message = format!("shares must sum to 1, found {}", train + val + test);
            let d = Diagnostic::new(Code::E0206, expr.span, message);
            return Err(d.help("shares that are not written are train = 0.8, val = 0, test = 0.2"));
        }
        return Ok(Split::Random { train, val, test, seed });
    }
    let path = |key: &str| match fields.iter().find(|(k, _)| *k == key) {
        Some((_, e)) => string(e).map(Some),
        None => Ok(None),
    };
    match (path("train")?, path("val")?, path("test")?) {
        (Some(train), val, Some(test)) => Ok(Split::Lists { train, val, test }),
        _ => {
            let message = "`lists` needs `train` and `test`";
            Err(Diagnostic::new(Code::E0207, expr.span, message)
                .help("write `split = lists(train = \"train.txt\", test = \"test.txt\")`"))
        }
    }
}
