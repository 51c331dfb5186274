//! Integers, numbers and truth values. Nothing here makes a node but `sum` of tensors.

use super::elaborator::{Elaborator, Eval, Failed};
use super::value::Value;
use crate::graph::op::{Combine, Elementwise};
use crate::graph::ty::{Cond, Dim};
use crate::text::diag::{Applicability, Code, Diagnostic};
use crate::text::source::Span;
use crate::text::syntax::ast::{BinaryOp, Expr, ExprKind, Ident, UnaryOp};
use std::cmp::Ordering;

impl<'a> Elaborator<'_, 'a> {
    /// A positive dim, and its formula.
    pub(super) fn dim(&mut self, expr: &'a Expr) -> Eval<(usize, Dim)> {
        let value = self.expr(expr)?;
        match value.as_dim() {
            Some((n, formula)) if n > 0 => match usize::try_from(n) {
                Ok(n) => Ok((n, formula)),
                Err(_) => self.overflow(expr.span),
            },
            Some((n, _)) => self.error(Code::E0206, expr.span, format!("a dim must be at least 1, found {n}")),
            None => self.type_error(expr.span, "an integer", &value),
        }
    }

    pub(super) fn int(&mut self, expr: &'a Expr) -> Eval<i64> {
        let value = self.expr(expr)?;
        match self.settled(value, expr.span) {
            Value::Int(n) => Ok(n),
            other => self.type_error(expr.span, "an integer", &other),
        }
    }

    pub(super) fn truth(&mut self, expr: &'a Expr) -> Eval<bool> {
        match self.expr(expr)? {
            Value::Bool(b) => Ok(b),
            other => self.type_error(expr.span, "`true` or `false`", &other),
        }
    }

    pub(super) fn unary(&mut self, op: UnaryOp, value: &'a Expr, span: Span) -> Eval {
        match (op, self.expr(value)?) {
            (UnaryOp::Not, Value::Bool(b)) => Ok(Value::Bool(!b)),
            (UnaryOp::Neg, Value::Float(x)) => Ok(Value::Float(-x)),
            (UnaryOp::Neg, Value::Int(n)) => match n.checked_neg() {
                Some(n) => Ok(Value::Int(n)),
                None => self.overflow(span),
            },
            (UnaryOp::Neg, Value::Dim(n, formula)) => match n.checked_neg() {
                Some(n) => Ok(self.dim_value(n, formula.times_n(-1), &[&Value::Dim(-n, formula)], span)),
                None => self.overflow(span),
            },
            (UnaryOp::Not, other) => self.type_error(value.span, "`true` or `false`", &other),
            (UnaryOp::Neg, other) => self.type_error(value.span, "a number", &other),
        }
    }

    pub(super) fn overflow<T>(&mut self, span: Span) -> Eval<T> {
        let d = Diagnostic::new(Code::E0310, span, "the result does not fit in 64 bits");
        self.fail(d.label("beyond 9,223,372,036,854,775,807"))
    }

    /// `+ - * / %` and comparisons of values that are no tensors.
    pub(super) fn arithmetic(&mut self, op: BinaryOp, a: Value, b: Value, span: Span) -> Eval {
        use BinaryOp::*;
        if let (Eq | Ne | Lt | Le | Gt | Ge, Some((x, f)), Some((y, g))) = (op, a.as_dim(), b.as_dim()) {
            let (truth, cond) = comparison(op, (x, &f), (y, &g));
            match cond {
                Some(cond) => {
                    self.pin(cond, span, || format!("`{x} {} {y}` is decided by the image's size", op.text()))
                }
                None => drop([self.settled(a, span), self.settled(b, span)]),
            }
            return Ok(Value::Bool(truth));
        }
        let compare = |order: Option<Ordering>| match op {
            Lt => order == Some(Ordering::Less),
            Le => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Gt => order == Some(Ordering::Greater),
            _ => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        };
        match (op, &a, &b) {
            (Eq, _, _) => return Ok(Value::Bool(equal(&a, &b))),
            (Ne, _, _) => return Ok(Value::Bool(!equal(&a, &b))),
            (Concat, Value::List(x), Value::List(y)) => {
                return Ok(Value::List(x.iter().chain(y).cloned().collect()));
            }
            (Add | Sub | Mul | Div | Rem, Value::Int(x), Value::Int(y)) => return self.integers(op, *x, *y, span),
            (Add | Sub | Mul | Div | Rem, Value::Int(_) | Value::Dim(..), Value::Int(_) | Value::Dim(..)) => {
                return self.dims(op, &a, &b, span);
            }
            _ => {}
        }
        let (a, b) = (self.settled(a, span), self.settled(b, span));
        let (Some(x), Some(y)) = (number(&a), number(&b)) else {
            let (a, b) = (self.describe(&a), self.describe(&b));
            let d = Diagnostic::new(Code::E0304, span, format!("`{}` cannot join {a} and {b}", op.text()));
            return self.fail(d.label("two tensors, or two numbers"));
        };
        match op {
            Lt | Le | Gt | Ge => Ok(Value::Bool(compare(x.partial_cmp(&y)))),
            Add => Ok(Value::Float(x + y)),
            Sub => Ok(Value::Float(x - y)),
            Mul => Ok(Value::Float(x * y)),
            Div if y != 0.0 => Ok(Value::Float(x / y)),
            Div | Rem => self.error(Code::E0310, span, format!("`{x} {} {y}` has no value", op.text())),
            Eq | Ne | Or | And | Concat => self.error(Code::E0304, span, format!("`{}` of numbers", op.text())),
        }
    }

    fn integers(&mut self, op: BinaryOp, x: i64, y: i64, span: Span) -> Eval {
        let result = match op {
            BinaryOp::Add => x.checked_add(y),
            BinaryOp::Sub => x.checked_sub(y),
            BinaryOp::Mul => x.checked_mul(y),
            _ if y == 0 => {
                let d = Diagnostic::new(Code::E0310, span, format!("`{x} {} 0` has no value", op.text()));
                return self.fail(d.label("the divisor is 0"));
            }
            BinaryOp::Rem => x.checked_rem_euclid(y),
            _ => match x.checked_rem(y) {
                Some(0) => x.checked_div(y),
                Some(rest) => {
                    let d = Diagnostic::new(Code::E0305, span, format!("{x} / {y} leaves a remainder of {rest}"))
                        .label("integers divide exactly or not at all")
                        .help("choose numbers that divide");
                    let edits = vec![(span.before(), "ceil(".to_string()), (span.after(), ")".to_string())];
                    let help = "or say which way to round, `ceil(a / b)` or `floor(a / b)`";
                    return self.fail(d.suggest_all(help, edits, Applicability::MaybeIncorrect));
                }
                None => None,
            },
        };
        match result {
            Some(n) => Ok(Value::Int(n)),
            None => self.overflow(span),
        }
    }

    /// Arithmetic of integers, one of which follows from the image's size.
    fn dims(&mut self, op: BinaryOp, a: &Value, b: &Value, span: Span) -> Eval {
        let (Some((x, f)), Some((y, g))) = (a.as_dim(), b.as_dim()) else { return Err(Failed) };
        let Value::Int(n) = self.integers(op, x, y, span)? else { return Err(Failed) };
        let by = g.as_const().filter(|n| *n > 0);
        let formula = match op {
            BinaryOp::Add => f.plus(&g),
            BinaryOp::Sub => f.minus(&g),
            BinaryOp::Mul => f.times(&g),
            BinaryOp::Div => by.and_then(|by| {
                self.demand(vec![vec![Cond::Zero(f.rem(by)?)]], span, || {
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

    /// An integer with its formula; without one (it would grow too large, or has no form) what it came from is pinned.
    fn dim_value(&mut self, n: i64, formula: Option<Dim>, from: &[&Value], span: Span) -> Value {
        match formula {
            Some(formula) => Value::of_dim(n, formula),
            None => {
                for value in from {
                    self.settled((*value).clone(), span);
                }
                Value::Int(n)
            }
        }
    }

    /// `len`, `min`, `max`, `sum`, `ceil` and `floor`.
    pub(super) fn function(&mut self, name: &Ident, args: &'a [crate::text::syntax::ast::Arg], span: Span) -> Eval {
        if let Some(named) = args.iter().find(|a| a.name.is_some()) {
            return self.error(Code::E0204, named.value.span, format!("`{name}` takes no named arguments"));
        }
        match (name.node.as_str(), args) {
            ("ceil", [one]) => self.round(&one.value, true),
            ("floor", [one]) => self.round(&one.value, false),
            ("len", [one]) => {
                if let ExprKind::Name(n) = &one.value.kind
                    && let Some(family) = self.frame().families.get(n.as_str())
                {
                    return Ok(Value::Int(family.len() as i64));
                }
                match self.expr(&one.value)? {
                    Value::List(items) => Ok(Value::Int(items.len() as i64)),
                    other => self.type_error(one.value.span, "a list", &other),
                }
            }
            ("min" | "max" | "sum", args) if !args.is_empty() => {
                let mut numbers = Vec::new();
                for arg in args {
                    match self.expr(&arg.value)? {
                        Value::List(items) => numbers.extend(items),
                        one => numbers.push(one),
                    }
                }
                let mut numbers = numbers.into_iter();
                let Some(mut best) = numbers.next() else {
                    let zero = name.node == "sum";
                    return if zero { Ok(Value::Int(0)) } else { self.error(Code::E0307, span, "the list is empty") };
                };
                for n in numbers {
                    best = match name.node.as_str() {
                        "sum" => match (&best, &n) {
                            (Value::Node(a), Value::Node(b)) => {
                                let function = Elementwise::Add;
                                self.node(Combine { function }.into(), &[*a, *b], span)?
                            }
                            _ => self.arithmetic(BinaryOp::Add, best, n, span)?,
                        },
                        which if let (Some((x, f)), Some((y, g))) = (best.as_dim(), n.as_dim()) => {
                            let (n_, formula) = match which {
                                "min" => (x.min(y), f.smaller_of(&g)),
                                _ => (x.max(y), f.larger_of(&g)),
                            };
                            self.dim_value(n_, formula, &[&best, &n], span)
                        }
                        which => {
                            let op = if which == "min" { BinaryOp::Lt } else { BinaryOp::Gt };
                            let replace = self.arithmetic(op, n.clone(), best.clone(), span)? == Value::Bool(true);
                            if replace { n } else { best }
                        }
                    };
                }
                Ok(best)
            }
            _ => self.error(Code::E0204, span, format!("`{name}` takes one argument, found {}", args.len())),
        }
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(n) | Value::Dim(n, _) => Some(*n as f64),
        Value::Float(x) => Some(*x),
        _ => None,
    }
}

fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Int(_) | Value::Dim(..), Value::Float(_) | Value::Int(_) | Value::Dim(..))
        | (Value::Float(_), Value::Int(_) | Value::Dim(..)) => number(a) == number(b),
        _ => a == b,
    }
}

/// Whether `x op y`, and the condition on the image's size that keeps it so.
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
