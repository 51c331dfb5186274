//! Evaluation of expressions.

use super::elaborator::{Elaborator, ErrorReported, EvalResult};
use super::value::EvalValue;
use crate::base::problem::problem;
use crate::graph::op::{Combine, Concat, ElementwiseFunction};
use crate::text::diag::{Applicability, quoted_list};
use crate::text::source::Span;
use crate::text::syntax::ast::*;

impl<'a> Elaborator<'_, 'a> {
    pub(super) fn eval_expr(&mut self, expr: &'a Expr) -> EvalResult {
        self.consume_step(expr.span)?;
        match &expr.kind {
            ExprKind::Int(n) => Ok(EvalValue::Int(*n)),
            ExprKind::Float(x) => Ok(EvalValue::Float(*x)),
            ExprKind::Bool(b) => Ok(EvalValue::Bool(*b)),
            ExprKind::Str(s) => {
                self.consume_fuel(s.len() / 16, expr.span)?;
                Ok(EvalValue::Str(s.clone()))
            }
            ExprKind::Name(name) => self.eval_name(name, expr.span),
            ExprKind::Call(call) => self.eval_call(call, None, expr.span),
            ExprKind::Pipe { .. } => self.eval_pipe(expr, None),
            ExprKind::Index { base, indices } => self.eval_index(base, indices, expr.span),
            ExprKind::Member { base, name } => self.eval_member(base, name),
            ExprKind::List(items) => {
                let values: Vec<_> = items
                    .iter()
                    .enumerate()
                    .map(|(i, item)| self.with_path_segment(&i.to_string(), |e| e.eval_expr(item)))
                    .collect();
                self.finish_value(EvalValue::List(values.into_iter().collect::<EvalResult<_>>()?), expr.span)
            }
            ExprKind::Tuple(items) => {
                let values: Vec<_> = items.iter().map(|item| self.eval_expr(item)).collect();
                self.finish_value(EvalValue::Tuple(values.into_iter().collect::<EvalResult<_>>()?), expr.span)
            }
            ExprKind::Comprehension { item, var, iter } => {
                let mut values = Vec::new();
                let shadowed = self.frame().values.remove(var.node.as_str());
                for (i, x) in self.eval_items(iter)?.into_iter().enumerate() {
                    self.frame().values.insert(&var.node, x);
                    values.push(self.with_path_segment(&i.to_string(), |e| e.eval_expr(item)));
                }
                self.frame().values.remove(var.node.as_str());
                if let Some(value) = shadowed {
                    self.frame().values.insert(&var.node, value);
                }
                self.finish_value(EvalValue::List(values.into_iter().collect::<EvalResult<_>>()?), expr.span)
            }
            ExprKind::Record(fields) => {
                let values: Vec<_> = fields
                    .iter()
                    .map(|(name, v)| self.with_path_segment(&name.node, |e| Ok((name.node.clone(), e.eval_expr(v)?))))
                    .collect();
                self.finish_value(EvalValue::Record(values.into_iter().collect::<EvalResult<_>>()?), expr.span)
            }
            ExprKind::Unary { op, value } => self.eval_unary(op.node, value, expr.span),
            ExprKind::Binary { op, lhs, rhs } => self.eval_binary(op.node, lhs, rhs, expr.span),
            ExprKind::Range { .. } => Ok(EvalValue::List(self.eval_items(expr)?)),
            ExprKind::Match { value, arms } => {
                let arm = self.choose_arm(value, arms)?;
                self.eval_expr(arm)
            }
            ExprKind::If { cond, then, otherwise } => {
                let chosen = if self.eval_bool(cond)? { then } else { otherwise };
                self.eval_expr(chosen)
            }
            ExprKind::Hole { .. } => self.fail(problem!(E0313, expr.span, "this hole has no value";
                    label: "a number is needed here";
                    help: "make it a hyper-parameter, `width: int = ?`, and give that a value with `--with`")),
        }
    }

    /// Counts the parts of a value as evaluation steps and returns it. Fails for a poisoned value.
    pub(super) fn finish_value(&mut self, value: EvalValue, span: Span) -> EvalResult {
        if value.is_poisoned() {
            return Err(ErrorReported);
        }
        self.consume_fuel_for(&value, span)?;
        Ok(value)
    }

    fn eval_name(&mut self, name: &'a str, span: Span) -> EvalResult {
        if let Some(value) = self.frame().values.get(name).cloned() {
            return self.finish_value(value, span);
        }
        if let Some(family) = self.frame().indexed_nodes.get(name) {
            // Indexed nodes without an index are the list of all of them, in the order of their indices.
            let items: Vec<EvalValue> = family.values().map(|(v, _)| v.clone()).collect();
            return self.finish_value(EvalValue::List(items), span);
        }
        let program = self.program;
        if let Some(owners) = program.cases.get(name) {
            let mut owners = owners.iter();
            return match (owners.next(), owners.next()) {
                (Some(of), None) => Ok(EvalValue::Case { of: of.to_string(), case: name.to_string() }),
                (first, second) => {
                    let names: Vec<_> = first.into_iter().chain(second).map(|o| format!("`{o}`")).collect();
                    self.fail(problem!(E0304, span, "`{name}` is a case of several enums: {}", names.join(", ");
                        label: "it is not clear which enum is meant";
                        help: "give it to a parameter of one of the enums"))
                }
            };
        }
        if self.program.block(name, span.source).is_some() || crate::graph::op::signature(name).is_some() {
            return self.fail(problem!(E0304, span, "`{name}` is a stage, not a value";
                label: "needs an input";
                fix[span.before() => "... |> ", HasPlaceholders]: "pipe something into it: `x |> {name}`"));
        }
        self.fail(problem!(E0201, span, "`{name}` has no value here"))
    }

    /// Evaluates a pipe from left to right, without recursion since a chain may be long.
    fn eval_pipe(&mut self, expr: &'a Expr, input: Option<EvalValue>) -> EvalResult {
        let mut stages = Vec::new();
        let mut first = expr;
        while let ExprKind::Pipe { lhs, rhs } = &first.kind {
            stages.push(&**rhs);
            first = lhs;
        }
        let mut value = match input {
            Some(input) => self.apply_stage(first, input)?,
            None => self.eval_expr(first)?,
        };
        for stage in stages.into_iter().rev() {
            value = self.apply_stage(stage, value)?;
        }
        Ok(value)
    }

    /// Applies the right side of `|>` to its input.
    pub(super) fn apply_stage(&mut self, stage: &'a Expr, input: EvalValue) -> EvalResult {
        self.consume_step(stage.span)?;
        match &stage.kind {
            ExprKind::Name(name) if name == "identity" => Ok(input),
            ExprKind::Name(name) => self.call_by_name(name, stage.span, &[], Some(input), stage.span),
            ExprKind::Call(call) => self.eval_call(call, Some(input), stage.span),
            ExprKind::Pipe { .. } => self.eval_pipe(stage, Some(input)),
            ExprKind::Match { value, arms } => {
                let arm = self.choose_arm(value, arms)?;
                self.apply_stage(arm, input)
            }
            ExprKind::If { cond, then, otherwise } => {
                let chosen = if self.eval_bool(cond)? { then } else { otherwise };
                self.apply_stage(chosen, input)
            }
            _ => {
                let d = problem!(E0304, stage.span, "only a block or an operator can follow `|>`";
                    label: "not a stage");
                self.fail(d)
            }
        }
    }

    fn eval_binary(&mut self, op: BinaryOp, lhs: &'a Expr, rhs: &'a Expr, span: Span) -> EvalResult {
        if matches!(op, BinaryOp::And | BinaryOp::Or) {
            let a = self.eval_bool(lhs)?;
            let decided = a == (op == BinaryOp::Or);
            return Ok(EvalValue::Bool(if decided { a } else { self.eval_bool(rhs)? }));
        }
        let (a, b) = (self.eval_expr(lhs), self.eval_expr(rhs));
        let (a, b) = (a?, b?);
        let tensors = |v: &EvalValue| match v {
            EvalValue::Node(_) => true,
            EvalValue::List(items) => items.iter().any(|i| matches!(i, EvalValue::Node(_))),
            _ => false,
        };
        if op == BinaryOp::Concat && (tensors(&a) || tensors(&b)) {
            let mut parts = Vec::new();
            self.flatten_tensors(a, lhs.span, &mut parts)?;
            self.flatten_tensors(b, rhs.span, &mut parts)?;
            return self.add_node(Concat.into(), &parts, span);
        }
        let function = match op {
            BinaryOp::Add => ElementwiseFunction::Add,
            BinaryOp::Sub => ElementwiseFunction::Sub,
            BinaryOp::Mul => ElementwiseFunction::Mul,
            BinaryOp::Div => ElementwiseFunction::Div,
            _ => return self.eval_arithmetic(op, a, b, span),
        };
        match (&a, &b) {
            (EvalValue::Node(x), EvalValue::Node(y)) => {
                let result = self.add_node(Combine { function }.into(), &[*x, *y], span);
                if result.is_err() {
                    self.suggest_join_fix([*x, *y], [lhs, rhs], span);
                }
                result
            }
            _ => self.eval_arithmetic(op, a, b, span),
        }
    }

    /// Returns the arm of a `match` that a value chooses. Every pattern is evaluated, so that an unknown case is reported
    /// whatever the value is.
    fn choose_arm(&mut self, value: &'a Expr, arms: &'a [Arm]) -> EvalResult<&'a Expr> {
        let scrutinee = self.eval_expr(value)?;
        let scrutinee = self.concretize(scrutinee, value.span);
        let mut chosen = None;
        for arm in arms {
            let Pattern::Cases(cases) = &arm.pattern else {
                chosen = chosen.or(Some(&arm.value));
                continue;
            };
            for case in cases {
                let pattern = self.eval_pattern(case, &scrutinee)?;
                let pattern = self.concretize(pattern, case.span);
                if equal_pattern(&pattern, &scrutinee) {
                    chosen = chosen.or(Some(&arm.value));
                }
            }
        }
        match chosen {
            Some(arm) => Ok(arm),
            None => {
                let d = problem!(E0309, value.span, "`match` has no case for `{scrutinee}`";
                    label: "this is `{scrutinee}`");
                let help = format!("add `{scrutinee} => ...`, or `_ => ...` for all others");
                self.fail(match arms.last() {
                    Some(last) => {
                        let text = format!(", {scrutinee} => ...");
                        d.suggest(help, last.value.span.after(), text, Applicability::HasPlaceholders)
                    }
                    None => d.help(help),
                })
            }
        }
    }

    fn eval_pattern(&mut self, case: &'a Expr, scrutinee: &EvalValue) -> EvalResult {
        match (&case.kind, scrutinee) {
            (ExprKind::Name(word), EvalValue::Case { of, .. }) => {
                self.consume_step(case.span)?;
                let known = self.program.enums.get(of.as_str()).map(|e| &e.cases);
                let cases = || known.into_iter().flatten().map(|c| c.node.as_str());
                if self.program.has_case(of, word) {
                    return Ok(EvalValue::Case { of: of.clone(), case: word.clone() });
                }
                let d = problem!(E0309, case.span, "`{of}` has no case `{word}`");
                let declared = self.program.enums.get(of.as_str()).map(|e| e.name.span);
                let d = match declared {
                    Some(span) => d.other(span, format!("its cases are {}", quoted_list(cases()))),
                    None => d,
                };
                let d = d.nearest(case.span, word, cases(), || None);
                self.fail(d)
            }
            _ => self.eval_expr(case),
        }
    }
}

fn equal_pattern(pattern: &EvalValue, value: &EvalValue) -> bool {
    pattern == value
}
