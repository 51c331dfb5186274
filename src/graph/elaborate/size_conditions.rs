//! Conditions on the image's size, and formulas of nodes, from an elaboration at one size.
//!
//! This is concolic execution: integers that follow from the image's height and width carry a formula
//! ([`EvalValue::Dim`]). Where such an integer decides something, the condition under which the decision stays the same is
//! recorded. The graph's formulas therefore hold at every size that meets all conditions, and no second elaboration is
//! needed.

use super::arithmetic::comparison;
use super::elaborator::{Elaborator, EvalResult};
use super::fraction::DimFraction;
use super::value::EvalValue;
use crate::base::rational::Rational;
use crate::graph::ir::{Outlet, SizeConstraint};
use crate::graph::op::Op;
use crate::graph::ty::{Cond, Dim, Disjunction, FormulaContext, FormulaType, TensorType};
use crate::text::source::Span;
use crate::text::syntax::ast::{BinaryOp, Expr, ExprKind};

/// The largest number of conditions of a graph. With more of them the graph is only known at its own size.
const MAX_CONDITIONS: usize = 10_000;

impl<'a> Elaborator<'_, 'a> {
    /// Records a constraint: the model refuses an image size that does not meet `any`. `what` gives the reason in words and
    /// is called for new constraints only.
    pub(super) fn require_size(&mut self, any: Disjunction, span: Span, what: impl Fn() -> String) {
        let open = |all: Vec<Cond>| all.into_iter().filter(|c| c.as_const() != Some(true)).collect::<Vec<_>>();
        let any: Disjunction = any.into_iter().map(open).collect();
        if any.iter().any(Vec::is_empty) {
            return;
        }
        // The conditions of a single list must all hold, so each becomes a constraint of its own.
        let constraints: Vec<Disjunction> = match <[Vec<Cond>; 1]>::try_from(any) {
            Ok([all]) => all.into_iter().map(|cond| vec![vec![cond]]).collect(),
            Err(any) => vec![any],
        };
        for any in constraints {
            if self.recorded_constraints.contains(&any) {
                continue;
            }
            if self.graph.constraints.len() >= MAX_CONDITIONS {
                return self.fix_image_size(span);
            }
            self.recorded_constraints.insert(any.clone());
            self.graph.constraints.push(SizeConstraint { any, what: what(), span });
        }
    }

    /// Records a path condition: at sizes that do not meet `cond` the model file gives another graph, or none.
    pub(super) fn add_path_condition(&mut self, cond: Cond, span: Span, what: impl FnOnce() -> String) {
        if cond.as_const() == Some(true) {
            return;
        }
        if self.graph.path_conditions.len() >= MAX_CONDITIONS {
            return self.fix_image_size(span);
        }
        let any = vec![vec![cond]];
        if self.recorded_path_conditions.insert(any.clone()) {
            self.graph.path_conditions.push(SizeConstraint { any, what: what(), span });
        }
    }

    /// Fixes the image's size by a path condition, so that nothing is known about other sizes.
    fn fix_image_size(&mut self, span: Span) {
        let gaps =
            [Dim::height(), Dim::width()].into_iter().zip(self.image).filter_map(|(d, n)| d.plus_n(-(n as i128)));
        let any: Disjunction = vec![gaps.map(Cond::Zero).collect()];
        if self.recorded_path_conditions.insert(any.clone()) {
            self.graph.path_conditions.push(SizeConstraint {
                any,
                what: "there are more conditions on the size than are kept".into(),
                span,
            });
        }
    }

    /// Returns the value without the formulas of its integers. Path conditions fix each of these integers at its value.
    pub(super) fn concretize(&mut self, value: EvalValue, span: Span) -> EvalValue {
        match value {
            EvalValue::Dim(n, formula) => {
                if let Some(gap) = formula.plus_n(-i128::from(n)) {
                    self.add_path_condition(Cond::Zero(gap), span, || format!("a setting is {n} = {formula} here"));
                }
                EvalValue::Int(n)
            }
            EvalValue::List(items) => EvalValue::List(items.into_iter().map(|v| self.concretize(v, span)).collect()),
            EvalValue::Int(_)
            | EvalValue::Float(_)
            | EvalValue::Bool(_)
            | EvalValue::Str(_)
            | EvalValue::Case { .. }
            | EvalValue::Tuple(_)
            | EvalValue::Record(_)
            | EvalValue::Node(_)
            | EvalValue::Poison => value,
        }
    }

    /// Records that the fraction must keep the value that it has at this size.
    pub(super) fn fix_fraction(&mut self, formula: &DimFraction, value: Rational, span: Span) {
        let scaled = formula.numerator.times_n(value.den());
        let target = value.num().checked_mul(formula.denominator).and_then(i128::checked_neg);
        match scaled.zip(target).and_then(|(scaled, target)| scaled.plus_n(target)) {
            Some(gap) => self
                .add_path_condition(Cond::Zero(gap), span, || format!("a number follows from {}", formula.numerator)),
            None => self.fix_image_size(span),
        }
    }

    /// Evaluates the condition of a `require`. Comparisons that must all hold become size constraints; comparisons in other
    /// forms become path conditions.
    pub(super) fn eval_requirement(&mut self, cond: &'a Expr) -> EvalResult<bool> {
        if let ExprKind::Binary { op, lhs, rhs } = &cond.kind {
            match op.node {
                BinaryOp::And => return Ok(self.eval_requirement(lhs)? && self.eval_requirement(rhs)?),
                BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => {
                    self.consume_step(cond.span)?;
                    let (a, b) = (self.eval_expr(lhs)?, self.eval_expr(rhs)?);
                    if let (Some((x, f)), Some((y, g))) = (a.as_dim(), b.as_dim())
                        && let (true, Some(kept)) = comparison(op.node, (x, &f), (y, &g))
                    {
                        self.require_size(vec![vec![kept]], cond.span, || "a requirement".into());
                        return Ok(true);
                    }
                    return match self.eval_arithmetic(op.node, a, b, cond.span)? {
                        EvalValue::Bool(b) => Ok(b),
                        other => self.type_error(cond.span, "`true` or `false`", &other),
                    };
                }
                BinaryOp::Or
                | BinaryOp::Add
                | BinaryOp::Sub
                | BinaryOp::Mul
                | BinaryOp::Div
                | BinaryOp::Rem
                | BinaryOp::Concat => {}
            }
        }
        self.eval_bool(cond)
    }

    /// Returns the output types of a node as formulas and records the operator's constraints on the image's size.
    pub(super) fn infer_formulas(
        &mut self,
        op: &Op,
        inputs: &[Outlet],
        written: Vec<Dim>,
        outputs: &[TensorType],
        span: Span,
    ) -> Vec<FormulaType> {
        let types = inputs.iter().map(|o| self.graph.formula(*o).clone()).collect();
        let mut f = FormulaContext { inputs: types, written, ..FormulaContext::default() };
        if let Some(types) = op.formulas(&mut f) {
            for (any, what) in std::mem::take(&mut f.constraints.0) {
                self.require_size(any, span, || what.clone());
            }
            return types;
        }
        // Beyond the limits of a formula the types are known at this size only.
        self.fix_image_size(span);
        outputs.iter().map(FormulaType::fixed).collect()
    }
}
