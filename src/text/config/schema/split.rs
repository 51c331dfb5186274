//! Splits into training, validation and test cases.

use super::value::{ReadResult, call, count, expected, field, integer, number, string, word};
use crate::base::count::counted;
use crate::base::problem::problem;
use crate::text::config::{GroupBy, Grouping, ListedValidation, Split, StratifyBy};
use crate::text::syntax::ast::{Expr, ExprKind};

const FORMS: &[(&str, &[&str])] = &[
    ("random", &["train", "val", "test", "seed", "group", "stratify"]),
    ("kfold", &["k", "fold", "val", "seed", "group", "stratify"]),
    ("lists", &["train", "val", "test", "seed", "group", "stratify"]),
    ("column", &["group"]),
];

/// Reads a split with its grouping.
pub(super) fn split(expr: &Expr) -> ReadResult<(Split, Grouping)> {
    let (name, fields) = call(expr, FORMS)?;
    let grouping = Grouping {
        group: field(&fields, "group", None, |e| group(e).map(Some))?,
        stratify: field(&fields, "stratify", None, |e| {
            word(e, &[("foreground", StratifyBy::Foreground), ("classes", StratifyBy::Classes)]).map(Some)
        })?,
    };
    let split = match name {
        "random" => random(expr, &fields),
        "kfold" => kfold(expr, &fields),
        "column" => Ok(Split::Column),
        _ => lists(expr, &fields),
    };
    Ok((split?, grouping))
}

/// Reads `"{group}_z*"`, or the name of a data set with known groups.
fn group(e: &Expr) -> ReadResult<GroupBy> {
    if let ExprKind::Str(pattern) = &e.kind {
        return match pattern.matches("{group}").count() {
            1 => Ok(GroupBy::Pattern(pattern.clone())),
            _ => expected(e, "a pattern over stems with `{group}` once, such as \"{group}_z*\""),
        };
    }
    match word(e, &[("cvc_clinicdb", GroupWord::CvcClinicdb)]) {
        Ok(GroupWord::CvcClinicdb) => Ok(GroupBy::CvcClinicdb),
        Err(_) => expected(e, "a pattern over stems such as \"{group}_z*\", or cvc_clinicdb"),
    }
}

#[derive(Clone, Copy)]
enum GroupWord {
    CvcClinicdb,
}

fn random(expr: &Expr, fields: &[(&str, &Expr)]) -> ReadResult<Split> {
    let share = |key, default| field(fields, key, default, number);
    let (train, val, test) = (share("train", 0.8)?, share("val", 0.0)?, share("test", 0.2)?);
    // The default of `train` is the rest, rounded to drop the last digits of 1 - 0.1 - 0.2.
    let left = ((1.0 - val - test).max(0.0) * 1e12).round() / 1e12;
    let train = if fields.iter().any(|(k, _)| *k == "train") { train } else { left };
    let seed = field(fields, "seed", 0, |e| integer(e, 0))?;
    if [train, val, test].iter().any(|s| !(0.0..=1.0).contains(s)) || (train + val + test - 1.0).abs() > 1e-9 {
        return Err(problem!(E0206, expr.span, "shares must sum to 1, found {}", train + val + test;
            help: "the defaults are val = 0, test = 0.2, and the rest for train"));
    }
    Ok(Split::Random { train, val, test, seed })
}

fn kfold(expr: &Expr, fields: &[(&str, &Expr)]) -> ReadResult<Split> {
    let k = field(fields, "k", 5, |e| count(e, 2))?;
    let fold = field(fields, "fold", 0, |e| count(e, 0))?;
    let seed = field(fields, "seed", 0, |e| integer(e, 0))?;
    let val = field(fields, "val", 0.0, |e| match number(e)? {
        share if (0.0..1.0).contains(&share) => Ok(share),
        _ => expected(e, "a share of at least 0 and below 1"),
    })?;
    if fold >= k {
        return Err(problem!(E0206, expr.span, "`fold = {fold}` is out of range for {}", counted(k, "fold");
            help: "folds are counted from 0: 0 to {}", k - 1));
    }
    Ok(Split::Kfold { k, fold, val, seed })
}

fn lists(expr: &Expr, fields: &[(&str, &Expr)]) -> ReadResult<Split> {
    let given = |key: &str| fields.iter().find(|(k, _)| *k == key).map(|(_, e)| *e);
    let path = |key: &str| given(key).map(string).transpose();
    let seed = field(fields, "seed", 0, |e| integer(e, 0))?;
    let val = field(fields, "val", None, |e| listed_validation(e, seed).map(Some))?;
    if !matches!(val, Some(ListedValidation::Share { .. })) {
        for key in ["seed", "stratify"] {
            if let Some(value) = given(key) {
                return Err(
                    problem!(E0205, value.span, "`lists` has no key `{key}` unless `val` is a share, because it draws no part";
                    help: "remove `{key}`, or write `val = 0.1` to draw a validation part from the training list"),
                );
            }
        }
    }
    match (path("train")?, path("test")?) {
        (Some(train), Some(test)) => Ok(Split::Lists { train, val, test }),
        _ => Err(problem!(E0207, expr.span, "`lists` needs `train` and `test`";
            help: "write `split = lists(train = \"train.txt\", test = \"test.txt\")`")),
    }
}

/// Reads the path of a list, or the share of the training list that is for validation.
fn listed_validation(e: &Expr, seed: u64) -> ReadResult<ListedValidation> {
    if let ExprKind::Str(list) = &e.kind {
        return Ok(ListedValidation::List(list.clone()));
    }
    match number(e) {
        Ok(share) if share > 0.0 && share < 1.0 => Ok(ListedValidation::Share { share, seed }),
        _ => {
            expected(e, "a list such as \"val.txt\", or a share of the training list above 0 and below 1, such as 0.1")
        }
    }
}
