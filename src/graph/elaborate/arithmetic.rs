//! Arithmetic and comparisons of integers, numbers and truth values. Nothing here adds a node to the graph.

use super::elaborator::{Elaborator, ErrorReported, EvalResult};
use super::value::EvalValue;
use crate::base::problem::problem;
use crate::graph::ty::{Cond, Dim};
use crate::text::diag::Applicability;
use crate::text::source::Span;
use crate::text::syntax::ast::{BinaryOp, Expr, UnaryOp};
use std::cmp::Ordering;

impl<'a> Elaborator<'_, 'a> {
    /// Evaluates a dim, which must be at least 1. Returns it with its formula.
    pub(super) fn eval_dim(&mut self, expr: &'a Expr) -> EvalResult<(usize, Dim)> {
        let value = self.eval_expr(expr)?;
        match value.as_dim() {
            Some((n, formula)) if n > 0 => match usize::try_from(n) {
                Ok(n) => Ok((n, formula)),
                Err(_) => self.overflow(expr.span),
            },
            Some((n, _)) => self.fail(problem!(E0206, expr.span, "a dim must be at least 1, found {n}")),
            None => self.type_error(expr.span, "an integer", &value),
        }
    }

    /// Evaluates an integer that must not follow from the image's size: its value is fixed by a path condition.
    pub(super) fn eval_int(&mut self, expr: &'a Expr) -> EvalResult<i64> {
        let value = self.eval_expr(expr)?;
        match self.concretize(value, expr.span) {
            EvalValue::Int(n) => Ok(n),
            other => self.type_error(expr.span, "an integer", &other),
        }
    }

    pub(super) fn eval_bool(&mut self, expr: &'a Expr) -> EvalResult<bool> {
        match self.eval_expr(expr)? {
            EvalValue::Bool(b) => Ok(b),
            other => self.type_error(expr.span, "`true` or `false`", &other),
        }
    }

    pub(super) fn eval_unary(&mut self, op: UnaryOp, value: &'a Expr, span: Span) -> EvalResult {
        match (op, self.eval_expr(value)?) {
            (UnaryOp::Not, EvalValue::Bool(b)) => Ok(EvalValue::Bool(!b)),
            (UnaryOp::Neg, EvalValue::Float(x)) => Ok(EvalValue::Float(-x)),
            (UnaryOp::Neg, EvalValue::Int(n)) => match n.checked_neg() {
                Some(n) => Ok(EvalValue::Int(n)),
                None => self.overflow(span),
            },
            (UnaryOp::Neg, EvalValue::Dim(n, formula)) => match n.checked_neg() {
                Some(n) => Ok(self.dim_value(n, formula.times_n(-1), &[&EvalValue::Dim(-n, formula)], span)),
                None => self.overflow(span),
            },
            (UnaryOp::Not, other) => self.type_error(value.span, "`true` or `false`", &other),
            (UnaryOp::Neg, other) => self.type_error(value.span, "a number", &other),
        }
    }

    /// Reports an integer beyond 64 bits.
    pub(super) fn overflow<T>(&mut self, span: Span) -> EvalResult<T> {
        self.fail(
            problem!(E0310, span, "the result does not fit in 64 bits"; label: "beyond 9,223,372,036,854,775,807"),
        )
    }

    /// Evaluates `+ - * / %`, `++` of lists and comparisons, for values other than tensors.
    pub(super) fn eval_arithmetic(&mut self, op: BinaryOp, a: EvalValue, b: EvalValue, span: Span) -> EvalResult {
        use BinaryOp::*;
        if let (Eq | Ne | Lt | Le | Gt | Ge, Some((x, f)), Some((y, g))) = (op, a.as_dim(), b.as_dim()) {
            let (truth, cond) = comparison(op, (x, &f), (y, &g));
            match cond {
                Some(cond) => self.add_path_condition(cond, span, || {
                    format!("`{x} {} {y}` is decided by the image's size", op.symbol())
                }),
                None => drop([self.concretize(a, span), self.concretize(b, span)]),
            }
            return Ok(EvalValue::Bool(truth));
        }
        let compare = |order: Option<Ordering>| match op {
            Lt => order == Some(Ordering::Less),
            Le => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Gt => order == Some(Ordering::Greater),
            _ => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        };
        match (op, &a, &b) {
            (Eq, _, _) => return Ok(EvalValue::Bool(equal(&a, &b))),
            (Ne, _, _) => return Ok(EvalValue::Bool(!equal(&a, &b))),
            (Concat, EvalValue::List(x), EvalValue::List(y)) => {
                return Ok(EvalValue::List(x.iter().chain(y).cloned().collect()));
            }
            (Add | Sub | Mul | Div | Rem, EvalValue::Int(x), EvalValue::Int(y)) => {
                return self.integer_arithmetic(op, *x, *y, span);
            }
            (
                Add | Sub | Mul | Div | Rem,
                EvalValue::Int(_) | EvalValue::Dim(..),
                EvalValue::Int(_) | EvalValue::Dim(..),
            ) => {
                return self.dim_arithmetic(op, &a, &b, span);
            }
            _ => {}
        }
        let (a, b) = (self.concretize(a, span), self.concretize(b, span));
        let (Some(x), Some(y)) = (number(&a), number(&b)) else {
            let (a, b) = (self.describe(&a), self.describe(&b));
            return self.fail(problem!(E0304, span, "`{}` cannot join {a} and {b}", op.symbol();
                label: "needs two tensors, or two numbers"));
        };
        match op {
            Lt | Le | Gt | Ge => Ok(EvalValue::Bool(compare(x.partial_cmp(&y)))),
            Add => Ok(EvalValue::Float(x + y)),
            Sub => Ok(EvalValue::Float(x - y)),
            Mul => Ok(EvalValue::Float(x * y)),
            Div if y != 0.0 => Ok(EvalValue::Float(x / y)),
            Div | Rem => self.fail(problem!(E0310, span, "`{x} {} {y}` has no value", op.symbol())),
            Eq | Ne | Or | And | Concat => {
                self.fail(problem!(E0304, span, "`{}` does not apply to numbers", op.symbol()))
            }
        }
    }

    fn integer_arithmetic(&mut self, op: BinaryOp, x: i64, y: i64, span: Span) -> EvalResult {
        let result = match op {
            BinaryOp::Add => x.checked_add(y),
            BinaryOp::Sub => x.checked_sub(y),
            BinaryOp::Mul => x.checked_mul(y),
            _ if y == 0 => {
                return self
                    .fail(problem!(E0310, span, "`{x} {} 0` has no value", op.symbol(); label: "the divisor is 0"));
            }
            BinaryOp::Rem => x.checked_rem_euclid(y),
            _ => match x.checked_rem(y) {
                Some(0) => x.checked_div(y),
                Some(rest) => {
                    let d = problem!(E0305, span, "{x} / {y} leaves a remainder of {rest}";
                        label: "a division of integers must be exact";
                        help: "choose numbers that divide");
                    let edits = vec![(span.before(), "ceil(".to_string()), (span.after(), ")".to_string())];
                    let help = "or choose the direction of rounding: `ceil(a / b)` or `floor(a / b)`";
                    return self.fail(d.suggest_all(help, edits, Applicability::MaybeIncorrect));
                }
                None => None,
            },
        };
        match result {
            Some(n) => Ok(EvalValue::Int(n)),
            None => self.overflow(span),
        }
    }

    /// Evaluates arithmetic of integers of which at least one follows from the image's size.
    fn dim_arithmetic(&mut self, op: BinaryOp, a: &EvalValue, b: &EvalValue, span: Span) -> EvalResult {
        let (Some((x, f)), Some((y, g))) = (a.as_dim(), b.as_dim()) else { return Err(ErrorReported) };
        let EvalValue::Int(n) = self.integer_arithmetic(op, x, y, span)? else { return Err(ErrorReported) };
        let by = g.as_const().filter(|n| *n > 0);
        let formula = match op {
            BinaryOp::Add => f.plus(&g),
            BinaryOp::Sub => f.minus(&g),
            BinaryOp::Mul => f.times(&g),
            BinaryOp::Div => by.and_then(|by| {
                self.require_size(vec![vec![Cond::Zero(f.rem(by)?)]], span, || {
                    format!("a division by {by} leaves no remainder")
                });
                f.floor_div(by)
            }),
            BinaryOp::Rem => by.and_then(|by| f.rem(by)),
            BinaryOp::Eq
            | BinaryOp::Ne
            | BinaryOp::Lt
            | BinaryOp::Le
            | BinaryOp::Gt
            | BinaryOp::Ge
            | BinaryOp::And
            | BinaryOp::Or
            | BinaryOp::Concat => None,
        };
        Ok(self.dim_value(n, formula, &[a, b], span))
    }

    /// Returns an integer with its formula. Without a formula, because it would be too large or has no form, the values `from`
    /// which it was computed are fixed at this size.
    pub(super) fn dim_value(&mut self, n: i64, formula: Option<Dim>, from: &[&EvalValue], span: Span) -> EvalValue {
        match formula {
            Some(formula) => EvalValue::of_dim(n, formula),
            None => {
                for value in from {
                    self.concretize((*value).clone(), span);
                }
                EvalValue::Int(n)
            }
        }
    }
}

fn number(value: &EvalValue) -> Option<f64> {
    match value {
        EvalValue::Int(n) | EvalValue::Dim(n, _) => Some(*n as f64),
        EvalValue::Float(x) => Some(*x),
        _ => None,
    }
}

fn equal(a: &EvalValue, b: &EvalValue) -> bool {
    match (a, b) {
        (EvalValue::Int(_) | EvalValue::Dim(..), EvalValue::Float(_) | EvalValue::Int(_) | EvalValue::Dim(..))
        | (EvalValue::Float(_), EvalValue::Int(_) | EvalValue::Dim(..)) => number(a) == number(b),
        _ => a == b,
    }
}

/// Returns whether `x op y` holds, and the condition on the image's size under which the answer stays the same. The condition
/// is `None` beyond the limits of a formula.
pub(super) fn comparison(op: BinaryOp, (x, f): (i64, &Dim), (y, g): (i64, &Dim)) -> (bool, Option<Cond>) {
    let above = |more: &Dim, less: &Dim, by: i128| Some(Cond::NotNegative(more.minus(less)?.plus_n(-by)?));
    let at_most = |truth: bool| if truth { above(g, f, 0) } else { above(f, g, 1) };
    let below = |truth: bool| if truth { above(g, f, 1) } else { above(f, g, 0) };
    let equal = |truth: bool| {
        let gap = f.minus(g)?;
        Some(if truth { Cond::Zero(gap) } else { Cond::NotZero(gap) })
    };
    match op {
        BinaryOp::Lt => (x < y, below(x < y)),
        BinaryOp::Le => (x <= y, at_most(x <= y)),
        BinaryOp::Gt => (x > y, at_most(x <= y)),
        BinaryOp::Ge => (x >= y, below(x < y)),
        BinaryOp::Ne => (x != y, equal(x == y)),
        _ => (x == y, equal(x == y)),
    }
}
