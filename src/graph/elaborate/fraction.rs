//! Expressions inside `ceil` and `floor`: exact fractions of integers, with their formulas in the image's size.

use super::elaborator::{Elaborator, EvalResult};
use super::value::EvalValue;
use crate::base::problem::problem;
use crate::base::rational::Rational;
use crate::graph::ty::Dim;
use crate::text::source::Span;
use crate::text::syntax::ast::{BinaryOp, Expr, ExprKind, UnaryOp};

/// The direction in which a fraction becomes an integer.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Rounding {
    /// `ceil`.
    Up,
    /// `floor`.
    Down,
}

/// A number inside `ceil` or `floor`, before it is rounded.
enum Fraction {
    /// Only integers took part. With a formula where the number follows from the image's size.
    Exact(Rational, Option<DimFraction>),
    /// At least one float took part.
    Float(f64),
}

/// A fraction whose numerator is a formula in the image's size.
#[derive(Clone)]
pub(super) struct DimFraction {
    pub(super) numerator: Dim,
    /// Above 0.
    pub(super) denominator: i128,
}

impl DimFraction {
    fn constant(value: Rational) -> Self {
        Self { numerator: Dim::constant(value.num()), denominator: value.den() }
    }

    fn negated(&self) -> Option<Self> {
        Some(Self { numerator: self.numerator.times_n(-1)?, denominator: self.denominator })
    }

    /// Returns the formula of the rounded fraction; `None` beyond the limits of a formula.
    fn rounded(&self, rounding: Rounding) -> Option<Dim> {
        match rounding {
            Rounding::Up => self.numerator.ceil_div(self.denominator),
            Rounding::Down => self.numerator.floor_div(self.denominator),
        }
    }
}

impl Fraction {
    fn to_f64(&self) -> f64 {
        match self {
            Fraction::Exact(value, _) => value.to_f64(),
            Fraction::Float(x) => *x,
        }
    }
}

impl<'a> Elaborator<'_, 'a> {
    /// Evaluates `ceil(e)` and `floor(e)`. Fractions of integers in `e` stay exact.
    pub(super) fn eval_rounding(&mut self, expr: &'a Expr, rounding: Rounding) -> EvalResult {
        match self.eval_fraction(expr)? {
            Fraction::Exact(value, formula) => self.round_exact(value, formula, rounding, expr.span),
            Fraction::Float(x) => {
                let x = if rounding == Rounding::Up { x.ceil() } else { x.floor() };
                if x.abs() < i64::MAX as f64 { Ok(EvalValue::Int(x as i64)) } else { self.overflow(expr.span) }
            }
        }
    }

    fn round_exact(
        &mut self,
        value: Rational,
        formula: Option<DimFraction>,
        rounding: Rounding,
        span: Span,
    ) -> EvalResult {
        let rounded = if rounding == Rounding::Up { value.ceil() } else { value.floor() };
        let Ok(rounded) = i64::try_from(rounded) else { return self.overflow(span) };
        let Some(formula) = formula else { return Ok(EvalValue::Int(rounded)) };
        match formula.rounded(rounding) {
            Some(formula) => Ok(EvalValue::of_dim(rounded, formula)),
            None => {
                self.fix_fraction(&formula, value, span);
                Ok(EvalValue::Int(rounded))
            }
        }
    }

    fn eval_fraction(&mut self, expr: &'a Expr) -> EvalResult<Fraction> {
        use BinaryOp::{Add, Div, Mul, Sub};
        self.consume_step(expr.span)?;
        match &expr.kind {
            ExprKind::Binary { op, lhs, rhs } if matches!(op.node, Add | Sub | Mul | Div) => {
                let (left, right) = (self.eval_fraction(lhs)?, self.eval_fraction(rhs)?);
                match (left, right) {
                    (Fraction::Exact(a, f), Fraction::Exact(b, g)) => {
                        self.combine_exact(op.node, (a, f), (b, g), expr.span)
                    }
                    (left, right) => self.combine_floats(op.node, left, right, expr.span),
                }
            }
            ExprKind::Unary { op, value } if op.node == UnaryOp::Neg => match self.eval_fraction(value)? {
                Fraction::Exact(value, formula) => match value.checked_neg() {
                    Some(value) => Ok(Fraction::Exact(value, formula.and_then(|f| f.negated()))),
                    None => self.overflow(expr.span),
                },
                Fraction::Float(x) => Ok(Fraction::Float(-x)),
            },
            _ => match self.eval_expr(expr)? {
                EvalValue::Int(n) => Ok(Fraction::Exact(Rational::integer(n), None)),
                EvalValue::Dim(n, numerator) => {
                    Ok(Fraction::Exact(Rational::integer(n), Some(DimFraction { numerator, denominator: 1 })))
                }
                EvalValue::Float(x) => Ok(Fraction::Float(x)),
                other => self.type_error(expr.span, "a number", &other),
            },
        }
    }

    /// Evaluates an operation of which one side is a float. A formula is not kept: its side is fixed at its value.
    fn combine_floats(&mut self, op: BinaryOp, left: Fraction, right: Fraction, span: Span) -> EvalResult<Fraction> {
        for side in [&left, &right] {
            if let Fraction::Exact(value, Some(formula)) = side {
                self.fix_fraction(formula, *value, span);
            }
        }
        let (x, y) = (EvalValue::Float(left.to_f64()), EvalValue::Float(right.to_f64()));
        match self.eval_arithmetic(op, x, y, span)? {
            EvalValue::Float(x) => Ok(Fraction::Float(x)),
            other => self.type_error(span, "a number", &other),
        }
    }

    /// Evaluates an operation of exact fractions, and its formula where a side has one.
    fn combine_exact(
        &mut self,
        op: BinaryOp,
        (a, f): (Rational, Option<DimFraction>),
        (b, g): (Rational, Option<DimFraction>),
        span: Span,
    ) -> EvalResult<Fraction> {
        let value = match op {
            BinaryOp::Add => a.checked_add(b),
            BinaryOp::Sub => a.checked_sub(b),
            BinaryOp::Mul => a.checked_mul(b),
            _ if b.num() == 0 => return self.fail(problem!(E0310, span, "division by zero")),
            _ => a.checked_div(b),
        };
        let mut formula = None;
        if f.is_some() || g.is_some() {
            formula = combined_formula(op, (a, f.as_ref()), (b, g.as_ref()));
            if formula.is_none() {
                for (value, side) in [(a, f), (b, g)] {
                    side.iter().for_each(|side| self.fix_fraction(side, value, span));
                }
            }
        }
        match value {
            Some(value) => Ok(Fraction::Exact(value, formula)),
            None => self.overflow(span),
        }
    }
}

/// Returns the formula of `a op b`, where a side without a formula is a constant. `None` for a divisor that is a formula
/// or not above 0, and beyond the limits of a formula.
fn combined_formula(
    op: BinaryOp,
    (a, f): (Rational, Option<&DimFraction>),
    (b, g): (Rational, Option<&DimFraction>),
) -> Option<DimFraction> {
    let constant_divisor = g.is_none() && b.num() > 0;
    let left = f.cloned().unwrap_or_else(|| DimFraction::constant(a));
    let right = g.cloned().unwrap_or_else(|| DimFraction::constant(b));
    let denominator = left.denominator.checked_mul(right.denominator)?;
    let crosswise = || Some((left.numerator.times_n(right.denominator)?, right.numerator.times_n(left.denominator)?));
    match op {
        BinaryOp::Add => {
            let (left, right) = crosswise()?;
            Some(DimFraction { numerator: left.plus(&right)?, denominator })
        }
        BinaryOp::Sub => {
            let (left, right) = crosswise()?;
            Some(DimFraction { numerator: left.minus(&right)?, denominator })
        }
        BinaryOp::Mul => Some(DimFraction { numerator: left.numerator.times(&right.numerator)?, denominator }),
        BinaryOp::Div if constant_divisor => Some(DimFraction {
            numerator: left.numerator.times_n(right.denominator)?,
            denominator: left.denominator.checked_mul(b.num())?,
        }),
        _ => None,
    }
}
