//! Integers, numbers and truth values. Nothing here makes a node.

use super::{Elaborator, Eval, Value};
use crate::diag::{Applicability, Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, Expr, ExprKind, Ident, UnaryOp};
use std::cmp::Ordering;

/// A number on the way to `ceil` or `floor`.
#[derive(Clone, Copy)]
enum Fraction {
    /// Numerator and positive denominator, reduced.
    Exact(i128, i128),
    /// A float took part.
    Float(f64),
}

impl Fraction {
    fn float(self) -> f64 {
        match self {
            Fraction::Exact(n, d) => n as f64 / d as f64,
            Fraction::Float(x) => x,
        }
    }
}

impl<'a> Elaborator<'_, 'a> {
    /// A positive dim.
    pub(super) fn dim(&mut self, expr: &'a Expr) -> Eval<usize> {
        match self.expr(expr)? {
            Value::Int(n) if n > 0 => match usize::try_from(n) {
                Ok(n) => Ok(n),
                Err(_) => self.overflow(expr.span),
            },
            Value::Int(n) => self.error(Code::E0206, expr.span, format!("a dim must be at least 1, found {n}")),
            other => self.type_error(expr.span, "an integer", &other),
        }
    }

    pub(super) fn int(&mut self, expr: &'a Expr) -> Eval<i64> {
        match self.expr(expr)? {
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
            (UnaryOp::Not, other) => self.type_error(value.span, "`true` or `false`", &other),
            (UnaryOp::Neg, other) => self.type_error(value.span, "a number", &other),
        }
    }

    fn overflow<T>(&mut self, span: Span) -> Eval<T> {
        let d = Diagnostic::new(Code::E0310, span, "the result does not fit in 64 bits");
        self.fail(d.label("beyond 9,223,372,036,854,775,807"))
    }

    /// `+ - * / %` and comparisons of values that are no tensors.
    pub(super) fn arithmetic(&mut self, op: BinaryOp, a: Value, b: Value, span: Span) -> Eval {
        use BinaryOp::*;
        let compare = |order: Option<Ordering>| match op {
            Lt => order == Some(Ordering::Less),
            Le => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Gt => order == Some(Ordering::Greater),
            _ => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        };
        match (op, &a, &b) {
            (Eq, _, _) => return Ok(Value::Bool(equal(&a, &b))),
            (Ne, _, _) => return Ok(Value::Bool(!equal(&a, &b))),
            (Lt | Le | Gt | Ge, Value::Int(x), Value::Int(y)) => return Ok(Value::Bool(compare(Some(x.cmp(y))))),
            (Concat, Value::List(x), Value::List(y)) => {
                return Ok(Value::List(x.iter().chain(y).cloned().collect()));
            }
            (Add | Sub | Mul | Div | Rem, Value::Int(x), Value::Int(y)) => return self.integers(op, *x, *y, span),
            _ => {}
        }
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

    /// `ceil(e)` and `floor(e)`: fractions of integers inside stay exact.
    pub(super) fn round(&mut self, expr: &'a Expr, up: bool) -> Eval {
        let rounded = match self.fraction(expr)? {
            Fraction::Exact(n, d) => {
                let floor = n.div_euclid(d);
                i64::try_from(if up && n.rem_euclid(d) != 0 { floor + 1 } else { floor }).ok()
            }
            Fraction::Float(x) => {
                let x = if up { x.ceil() } else { x.floor() };
                (x.abs() < i64::MAX as f64).then_some(x as i64)
            }
        };
        match rounded {
            Some(n) => Ok(Value::Int(n)),
            None => self.overflow(expr.span),
        }
    }

    fn fraction(&mut self, expr: &'a Expr) -> Eval<Fraction> {
        use BinaryOp::{Add, Div, Mul, Sub};
        self.step(expr.span)?;
        let exact = match &expr.kind {
            ExprKind::Binary { op, lhs, rhs } if matches!(op.node, Add | Sub | Mul | Div) => {
                let (x, y) = (self.fraction(lhs)?, self.fraction(rhs)?);
                let (Fraction::Exact(a, b), Fraction::Exact(c, d)) = (x, y) else {
                    let (x, y) = (Value::Float(x.float()), Value::Float(y.float()));
                    return match self.arithmetic(op.node, x, y, expr.span)? {
                        Value::Float(x) => Ok(Fraction::Float(x)),
                        other => self.type_error(expr.span, "a number", &other),
                    };
                };
                let cross = |f: fn(i128, i128) -> Option<i128>| {
                    Some((f(a.checked_mul(d)?, c.checked_mul(b)?)?, b.checked_mul(d)?))
                };
                match op.node {
                    Add => cross(i128::checked_add),
                    Sub => cross(i128::checked_sub),
                    Mul => a.checked_mul(c).zip(b.checked_mul(d)),
                    _ if c == 0 => return self.error(Code::E0310, expr.span, "division by zero"),
                    _ => a.checked_mul(d).zip(b.checked_mul(c)),
                }
            }
            ExprKind::Unary { op, value } if op.node == UnaryOp::Neg => match self.fraction(value)? {
                Fraction::Exact(a, b) => Some((-a, b)),
                Fraction::Float(x) => return Ok(Fraction::Float(-x)),
            },
            _ => {
                return match self.expr(expr)? {
                    Value::Int(n) => Ok(Fraction::Exact(n.into(), 1)),
                    Value::Float(x) => Ok(Fraction::Float(x)),
                    other => self.type_error(expr.span, "a number", &other),
                };
            }
        };
        // Reduced, so that long sums of fractions stay small.
        let reduced = exact.filter(|&(_, d)| d != 0).map(|(n, d)| {
            let g = gcd(n.unsigned_abs(), d.unsigned_abs()).max(1) as i128 * d.signum();
            (n / g, d / g)
        });
        match reduced.filter(|(n, d)| n.unsigned_abs() <= 1 << 63 && *d < 1 << 63) {
            Some((n, d)) => Ok(Fraction::Exact(n, d)),
            None => self.overflow(expr.span),
        }
    }

    /// `len`, `min`, `max`, `sum`, `ceil` and `floor`.
    pub(super) fn function(&mut self, name: &Ident, args: &'a [crate::syntax::ast::Arg], span: Span) -> Eval {
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
                        "sum" => self.arithmetic(BinaryOp::Add, best, n, span)?,
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
        Value::Int(n) => Some(*n as f64),
        Value::Float(x) => Some(*x),
        _ => None,
    }
}

fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Int(_), Value::Float(_)) | (Value::Float(_), Value::Int(_)) => number(a) == number(b),
        _ => a == b,
    }
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
