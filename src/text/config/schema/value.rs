//! Readers of values: numbers, words, lists, and calls with known keys.

use crate::base::problem::problem;
use crate::text::config::check::MAX_COUNT;
use crate::text::diag::{Applicability, Diagnostic, quoted_list};
use crate::text::source::Span;
use crate::text::syntax::ast::{Arg, Expr, ExprKind, UnaryOp};

/// A value, or the problem of its expression.
pub(super) type ReadResult<T> = Result<T, Diagnostic>;

/// Fails with "expected `what`".
pub(super) fn expected<T>(expr: &Expr, what: &str) -> ReadResult<T> {
    Err(problem!(E0206, expr.span, "expected {what}"))
}

/// Adds the name of the key to a message of [`expected`].
pub(super) fn with_key_name(mut d: Diagnostic, key: &str) -> Diagnostic {
    if let Some(wanted) = d.message.strip_prefix("expected ") {
        d.message = format!("`{key}` takes {wanted}");
    }
    d
}

pub(super) fn number(expr: &Expr) -> ReadResult<f64> {
    match &expr.kind {
        ExprKind::Int(n) => Ok(*n as f64),
        ExprKind::Float(x) => Ok(*x),
        ExprKind::Unary { op, value } if op.node == UnaryOp::Neg => Ok(-number(value)?),
        _ => expected(expr, "a number"),
    }
}

pub(super) fn integer(expr: &Expr, min: u64) -> ReadResult<u64> {
    match &expr.kind {
        ExprKind::Int(n) if u64::try_from(*n).is_ok_and(|n| n >= min) => Ok(*n as u64),
        _ => expected(expr, &format!("an integer of at least {min}")),
    }
}

pub(super) fn count(expr: &Expr, min: u64) -> ReadResult<usize> {
    let n = integer(expr, min)?;
    usize::try_from(n).ok().filter(|&n| n <= MAX_COUNT).map_or_else(|| expected(expr, "a smaller integer"), Ok)
}

pub(super) fn positive(e: &Expr) -> ReadResult<f64> {
    match number(e)? {
        x if x > 0.0 && x.is_finite() => Ok(x),
        _ => expected(e, "a number above 0"),
    }
}

pub(super) fn non_negative(e: &Expr) -> ReadResult<f64> {
    match number(e)? {
        x if x >= 0.0 && x.is_finite() => Ok(x),
        _ => expected(e, "a number of at least 0"),
    }
}

pub(super) fn boolean(e: &Expr) -> ReadResult<bool> {
    match &e.kind {
        ExprKind::Bool(b) => Ok(*b),
        _ => expected(e, "true or false"),
    }
}

pub(super) fn string(expr: &Expr) -> ReadResult<String> {
    match &expr.kind {
        ExprKind::Str(s) => Ok(s.clone()),
        _ => expected(expr, "a string in double quotes"),
    }
}

pub(super) fn list<T>(expr: &Expr, what: &str, read: impl Fn(&Expr) -> ReadResult<T>) -> ReadResult<Vec<T>> {
    match &expr.kind {
        ExprKind::List(items) => items.iter().map(read).collect(),
        _ => expected(expr, what),
    }
}

/// Reads one of the known words.
pub(super) fn word<T: Copy>(expr: &Expr, words: &[(&str, T)]) -> ReadResult<T> {
    let names: Vec<_> = words.iter().map(|(w, _)| *w).collect();
    let refused = expected(expr, &format!("one of {}", names.join(", ")));
    let ExprKind::Name(name) = &expr.kind else { return refused };
    match words.iter().find(|(w, _)| w == name) {
        Some((_, value)) => Ok(*value),
        None => refused.map_err(|d| d.nearest(expr.span, name, names.iter().copied(), || None)),
    }
}

/// Reads `name(key = value, ...)` with known names and keys; a bare name is a call without arguments.
pub(super) fn call<'a>(
    expr: &'a Expr,
    known: &[(&str, &[&'static str])],
) -> ReadResult<(&'a str, Vec<(&'a str, &'a Expr)>)> {
    let (name, at, args): (&str, Span, &[Arg]) = match &expr.kind {
        ExprKind::Call(call) => (&call.name.node, call.name.span, &call.args),
        ExprKind::Name(name) => (name, expr.span, &[]),
        _ => ("", expr.span, &[]),
    };
    let names = || known.iter().map(|(n, _)| *n);
    let Some((_, keys)) = known.iter().find(|(n, _)| *n == name) else {
        let d = problem!(E0206, expr.span, "expected one of {}", names().collect::<Vec<_>>().join(", "));
        return Err(match usual_name(name).filter(|usual| names().any(|known| known == *usual)) {
            Some(usual) => d.renamed(at, usual, Applicability::MaybeIncorrect),
            None => d.nearest(at, name, names(), || None),
        });
    };
    let mut found = Vec::new();
    for (i, arg) in args.iter().enumerate() {
        let key = match &arg.name {
            Some(key) => key.node.as_str(),
            None if i == 0 && !keys.is_empty() => keys[0],
            None => return expected(&arg.value, "`key = value`"),
        };
        if !keys.contains(&key) {
            let span = arg.name.as_ref().map_or(arg.value.span, |n| n.span);
            return Err(unknown_argument(name, key, span, keys));
        }
        if found.iter().any(|(k, _)| *k == key) {
            return Err(problem!(E0202, arg.value.span, "`{key}` is given twice"));
        }
        found.push((key, &arg.value));
    }
    Ok((name, found))
}

/// Returns npc's name for what other libraries and papers call by another.
fn usual_name(name: &str) -> Option<&'static str> {
    Some(match name.to_lowercase().as_str() {
        "ce" | "bce" | "xent" | "crossentropy" | "cross_entropy_loss" | "binary_cross_entropy" => "cross_entropy",
        "dice_loss" | "soft_dice" | "generalized_dice" => "dice",
        "focal_loss" => "focal",
        "lovasz_softmax" | "lovasz_hinge" => "lovasz",
        _ => return None,
    })
}

/// Returns the problem of an argument `key` that the call `name` does not have.
fn unknown_argument(name: &str, key: &str, span: Span, keys: &[&str]) -> Diagnostic {
    problem!(E0205, span, "`{name}` has no key `{key}`").nearest(span, key, keys.iter().copied(), || {
        Some(match keys.is_empty() {
            true => format!("`{name}` has no keys"),
            false => format!("its keys are {}", quoted_list(keys.iter().copied())),
        })
    })
}

/// Reads the field `key` of a call, or returns `default` if it is absent.
pub(super) fn field<'a, T>(
    fields: &[(&str, &'a Expr)],
    key: &str,
    default: T,
    read: impl FnOnce(&'a Expr) -> ReadResult<T>,
) -> ReadResult<T> {
    fields.iter().find(|(k, _)| *k == key).map_or(Ok(default), |(_, e)| read(e).map_err(|d| with_key_name(d, key)))
}

/// Reads one number for all channels, or a list of one or three.
pub(super) fn per_channel(expr: &Expr) -> ReadResult<Vec<f64>> {
    match &expr.kind {
        ExprKind::List(items) if matches!(items.len(), 1 | 3) => items.iter().map(number).collect(),
        ExprKind::List(_) => expected(expr, "one number, or one for each of 3 channels"),
        _ => Ok(vec![number(expr)?]),
    }
}
