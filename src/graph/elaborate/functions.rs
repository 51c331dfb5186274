//! Builtin functions: `len`, `min`, `max`, `sum`, `ceil` and `floor`.

use super::elaborator::{Elaborator, EvalResult};
use super::fraction::Rounding;
use super::value::EvalValue;
use crate::base::problem::problem;
use crate::graph::op::{Combine, ElementwiseFunction};
use crate::text::source::Span;
use crate::text::syntax::ast::{Arg, BinaryOp, Expr, ExprKind, Ident};

/// A function that reduces its arguments, lists among them included, to one value.
#[derive(Clone, Copy)]
enum BuiltinReduction {
    Min,
    Max,
    Sum,
}

impl<'a> Elaborator<'_, 'a> {
    /// Evaluates a call of a builtin function.
    pub(super) fn eval_function(&mut self, name: &Ident, args: &'a [Arg], span: Span) -> EvalResult {
        if let Some(named) = args.iter().find(|a| a.name.is_some()) {
            return self.fail(problem!(E0204, named.value.span, "`{name}` takes no named arguments"));
        }
        match (name.node.as_str(), args) {
            ("ceil", [arg]) => self.eval_rounding(&arg.value, Rounding::Up),
            ("floor", [arg]) => self.eval_rounding(&arg.value, Rounding::Down),
            ("len", [arg]) => self.eval_len(&arg.value),
            ("min", [_, ..]) => self.eval_reduction(BuiltinReduction::Min, args, span),
            ("max", [_, ..]) => self.eval_reduction(BuiltinReduction::Max, args, span),
            ("sum", [_, ..]) => self.eval_reduction(BuiltinReduction::Sum, args, span),
            _ => self.fail(problem!(E0204, span, "`{name}` takes one argument, found {}", args.len())),
        }
    }

    fn eval_len(&mut self, list: &'a Expr) -> EvalResult {
        if let ExprKind::Name(name) = &list.kind
            && let Some(nodes) = self.frame().indexed_nodes.get(name.as_str())
        {
            return Ok(EvalValue::Int(nodes.len() as i64));
        }
        match self.eval_expr(list)? {
            EvalValue::List(items) => Ok(EvalValue::Int(items.len() as i64)),
            other => self.type_error(list.span, "a list", &other),
        }
    }

    fn eval_reduction(&mut self, reduction: BuiltinReduction, args: &'a [Arg], span: Span) -> EvalResult {
        let mut values = Vec::new();
        for arg in args {
            match self.eval_expr(&arg.value)? {
                EvalValue::List(items) => values.extend(items),
                single => values.push(single),
            }
        }
        let mut values = values.into_iter();
        let Some(mut result) = values.next() else {
            return match reduction {
                BuiltinReduction::Sum => Ok(EvalValue::Int(0)),
                BuiltinReduction::Min | BuiltinReduction::Max => self.fail(problem!(E0307, span, "the list is empty")),
            };
        };
        for value in values {
            result = match reduction {
                BuiltinReduction::Sum => self.add_values(result, value, span)?,
                BuiltinReduction::Min => self.extreme_value(BinaryOp::Lt, result, value, span)?,
                BuiltinReduction::Max => self.extreme_value(BinaryOp::Gt, result, value, span)?,
            };
        }
        Ok(result)
    }

    /// Adds two numbers, or two tensors by a node.
    fn add_values(&mut self, a: EvalValue, b: EvalValue, span: Span) -> EvalResult {
        match (&a, &b) {
            (EvalValue::Node(x), EvalValue::Node(y)) => {
                self.add_node(Combine { function: ElementwiseFunction::Add }.into(), &[*x, *y], span)
            }
            _ => self.eval_arithmetic(BinaryOp::Add, a, b, span),
        }
    }

    /// Returns `b` where `b op a` holds, else `a`: the smaller number for `Lt`, the larger one for `Gt`.
    fn extreme_value(&mut self, op: BinaryOp, a: EvalValue, b: EvalValue, span: Span) -> EvalResult {
        if let (Some((x, f)), Some((y, g))) = (a.as_dim(), b.as_dim()) {
            let (n, formula) =
                if op == BinaryOp::Lt { (x.min(y), f.smaller_of(&g)) } else { (x.max(y), f.larger_of(&g)) };
            return Ok(self.dim_value(n, formula, &[&a, &b], span));
        }
        let replace = self.eval_arithmetic(op, b.clone(), a.clone(), span)? == EvalValue::Bool(true);
        Ok(if replace { b } else { a })
    }
}
