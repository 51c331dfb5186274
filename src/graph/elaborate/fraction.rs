//! What stands inside `ceil` and `floor`: fractions of integers, exact, with their formulas.

use super::elaborator::{Elaborator, EvalResult};
use super::value::EvalValue;
use crate::base::integer::gcd;
use crate::graph::ty::Dim;
use crate::text::diag::Code;
use crate::text::syntax::ast::{BinaryOp, Expr, ExprKind, UnaryOp};

/// A number on the way to `ceil` or `floor`.
#[derive(Clone)]
enum Fraction {
    /// Numerator and positive denominator, reduced; and where it follows from the image's size a formula over a number.
    Exact(i128, i128, Option<(Dim, i128)>),
    /// A float took part.
    Float(f64),
}

impl Fraction {
    fn float(&self) -> f64 {
        match self {
            Fraction::Exact(n, d, _) => *n as f64 / *d as f64,
            Fraction::Float(x) => *x,
        }
    }
}

impl<'a> Elaborator<'_, 'a> {
    /// `ceil(e)` and `floor(e)`: fractions of integers inside stay exact.
    pub(super) fn eval_rounding(&mut self, expr: &'a Expr, up: bool) -> EvalResult {
        let rounded = match self.eval_fraction(expr)? {
            Fraction::Exact(n, d, formula) => {
                let floor = n.div_euclid(d);
                let rounded = i64::try_from(if up && n.rem_euclid(d) != 0 { floor + 1 } else { floor }).ok();
                if let (Some(rounded), Some((over, by))) = (rounded, formula) {
                    return match if up { over.ceil_div(by) } else { over.floor_div(by) } {
                        Some(formula) => Ok(EvalValue::of_dim(rounded, formula)),
                        None => {
                            self.fix_fraction(&over, n, d, by, expr.span);
                            Ok(EvalValue::Int(rounded))
                        }
                    };
                }
                rounded
            }
            Fraction::Float(x) => {
                let x = if up { x.ceil() } else { x.floor() };
                (x.abs() < i64::MAX as f64).then_some(x as i64)
            }
        };
        match rounded {
            Some(n) => Ok(EvalValue::Int(n)),
            None => self.overflow(expr.span),
        }
    }

    fn eval_fraction(&mut self, expr: &'a Expr) -> EvalResult<Fraction> {
        use BinaryOp::{Add, Div, Mul, Sub};
        self.consume_step(expr.span)?;
        let mut formula = None;
        let exact = match &expr.kind {
            ExprKind::Binary { op, lhs, rhs } if matches!(op.node, Add | Sub | Mul | Div) => {
                let (x, y) = (self.eval_fraction(lhs)?, self.eval_fraction(rhs)?);
                let (Fraction::Exact(a, b, f), Fraction::Exact(c, d, g)) = (x.clone(), y.clone()) else {
                    // A formula of floats is not kept.
                    for side in [&x, &y] {
                        if let Fraction::Exact(n, d, Some((over, by))) = side {
                            self.fix_fraction(over, *n, *d, *by, expr.span);
                        }
                    }
                    let (x, y) = (EvalValue::Float(x.float()), EvalValue::Float(y.float()));
                    return match self.eval_arithmetic(op.node, x, y, expr.span)? {
                        EvalValue::Float(x) => Ok(Fraction::Float(x)),
                        other => self.type_error(expr.span, "a number", &other),
                    };
                };
                let cross = |f: fn(i128, i128) -> Option<i128>| {
                    Some((f(a.checked_mul(d)?, c.checked_mul(b)?)?, b.checked_mul(d)?))
                };
                let exact = match op.node {
                    Add => cross(i128::checked_add),
                    Sub => cross(i128::checked_sub),
                    Mul => a.checked_mul(c).zip(b.checked_mul(d)),
                    _ if c == 0 => return self.error(Code::E0310, expr.span, "division by zero"),
                    _ => a.checked_mul(d).zip(b.checked_mul(c)),
                };
                if f.is_some() || g.is_some() {
                    formula = joined(op.node, (a, b, &f), (c, d, &g));
                    if formula.is_none() {
                        for (n, d, side) in [(a, b, f), (c, d, g)] {
                            if let Some((over, by)) = side {
                                self.fix_fraction(&over, n, d, by, expr.span);
                            }
                        }
                    }
                }
                exact
            }
            ExprKind::Unary { op, value } if op.node == UnaryOp::Neg => match self.eval_fraction(value)? {
                Fraction::Exact(a, b, f) => {
                    formula = f.and_then(|(over, by)| Some((over.times_n(-1)?, by)));
                    Some((-a, b))
                }
                Fraction::Float(x) => return Ok(Fraction::Float(-x)),
            },
            _ => {
                return match self.eval_expr(expr)? {
                    EvalValue::Int(n) => Ok(Fraction::Exact(n.into(), 1, None)),
                    EvalValue::Dim(n, formula) => Ok(Fraction::Exact(n.into(), 1, Some((formula, 1)))),
                    EvalValue::Float(x) => Ok(Fraction::Float(x)),
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
            Some((n, d)) => Ok(Fraction::Exact(n, d, formula)),
            None => self.overflow(expr.span),
        }
    }
}

/// A formula over a number from two of them; `None` where there is none.
type Over = Option<(Dim, i128)>;

fn joined(op: BinaryOp, (a, b, f): (i128, i128, &Over), (c, d, g): (i128, i128, &Over)) -> Over {
    let side = |n: i128, d: i128, f: &Over| f.clone().unwrap_or((Dim::constant(n), d));
    let divides = g.is_none() && c > 0;
    let ((f, b), (g, d)) = (side(a, b, f), side(c, d, g));
    let under = b.checked_mul(d)?;
    match op {
        BinaryOp::Add => Some((f.times_n(d)?.plus(&g.times_n(b)?)?, under)),
        BinaryOp::Sub => Some((f.times_n(d)?.minus(&g.times_n(b)?)?, under)),
        BinaryOp::Mul => Some((f.times(&g)?, under)),
        BinaryOp::Div if divides => Some((f.times_n(d)?, b.checked_mul(c)?)),
        _ => None,
    }
}
