//! Expressions: what is named, indexed, chosen and piped.

use super::elaborator::{Elaborator, Eval, Failed};
use super::value::Value;
use crate::graph::op::{Combine, Concat, Elementwise};
use crate::text::diag::{Applicability, Code, Diagnostic, listed};
use crate::text::source::Span;
use crate::text::syntax::ast::*;

impl<'a> Elaborator<'_, 'a> {
    pub(super) fn expr(&mut self, expr: &'a Expr) -> Eval {
        self.step(expr.span)?;
        match &expr.kind {
            ExprKind::Int(n) => Ok(Value::Int(*n)),
            ExprKind::Float(x) => Ok(Value::Float(*x)),
            ExprKind::Bool(b) => Ok(Value::Bool(*b)),
            ExprKind::Str(s) => {
                self.charge(s.len() / 16, expr.span)?;
                Ok(Value::Str(s.clone()))
            }
            ExprKind::Name(name) => self.name(name, expr.span),
            ExprKind::Call(call) => self.call(call, None, expr.span),
            ExprKind::Pipe { .. } => self.pipe(expr, None),
            ExprKind::Index { base, indices } => self.index(base, indices, expr.span),
            ExprKind::Member { base, name } => self.member(base, name),
            ExprKind::List(items) => {
                let values: Vec<_> =
                    items.iter().enumerate().map(|(i, item)| self.within(&i.to_string(), |e| e.expr(item))).collect();
                self.made(Value::List(values.into_iter().collect::<Eval<_>>()?), expr.span)
            }
            ExprKind::Tuple(items) => {
                let values: Vec<_> = items.iter().map(|item| self.expr(item)).collect();
                self.made(Value::Tuple(values.into_iter().collect::<Eval<_>>()?), expr.span)
            }
            ExprKind::Comprehension { item, var, iter } => {
                let mut values = Vec::new();
                let shadowed = self.frame().values.remove(var.node.as_str());
                for (i, x) in self.items(iter)?.into_iter().enumerate() {
                    self.frame().values.insert(&var.node, x);
                    values.push(self.within(&i.to_string(), |e| e.expr(item)));
                }
                self.frame().values.remove(var.node.as_str());
                if let Some(value) = shadowed {
                    self.frame().values.insert(&var.node, value);
                }
                self.made(Value::List(values.into_iter().collect::<Eval<_>>()?), expr.span)
            }
            ExprKind::Record(fields) => {
                let values: Vec<_> = fields
                    .iter()
                    .map(|(name, v)| self.within(&name.node, |e| Ok((name.node.clone(), e.expr(v)?))))
                    .collect();
                self.made(Value::Record(values.into_iter().collect::<Eval<_>>()?), expr.span)
            }
            ExprKind::Unary { op, value } => self.unary(op.node, value, expr.span),
            ExprKind::Binary { op, lhs, rhs } => self.binary(op.node, lhs, rhs, expr.span),
            ExprKind::Range { .. } => Ok(Value::List(self.items(expr)?)),
            ExprKind::Match { value, arms } => {
                let arm = self.arm(value, arms)?;
                self.expr(arm)
            }
            ExprKind::If { cond, then, otherwise } => {
                let chosen = if self.truth(cond)? { then } else { otherwise };
                self.expr(chosen)
            }
            ExprKind::Hole { .. } => {
                let d =
                    Diagnostic::new(Code::E0313, expr.span, "this hole has no value").label("a number is needed here");
                self.fail(d.help("make it a hyper-parameter, `width: int = ?`, and give that a value with `--with`"))
            }
        }
    }

    /// Hands on a value after counting its parts.
    pub(super) fn made(&mut self, value: Value, span: Span) -> Eval {
        if value.is_poisoned() {
            return Err(Failed);
        }
        self.weigh(&value, span)?;
        Ok(value)
    }

    fn name(&mut self, name: &'a str, span: Span) -> Eval {
        if let Some(value) = self.frame().values.get(name).cloned() {
            return self.made(value, span);
        }
        if let Some(family) = self.frame().families.get(name) {
            // A family without an index is the list of its nodes in index order.
            let items: Vec<Value> = family.values().map(|(v, _)| v.clone()).collect();
            return self.made(Value::List(items), span);
        }
        let program = self.program;
        if let Some(owners) = program.cases.get(name) {
            let mut owners = owners.iter();
            return match (owners.next(), owners.next()) {
                (Some(of), None) => Ok(Value::Case { of: of.to_string(), case: name.to_string() }),
                (first, second) => {
                    let names: Vec<_> = first.into_iter().chain(second).map(|o| format!("`{o}`")).collect();
                    let message = format!("`{name}` is a case of several enums: {}", names.join(", "));
                    let d = Diagnostic::new(Code::E0304, span, message).label("of which is not known here");
                    self.fail(d.help("give it to a parameter of one of the enums"))
                }
            };
        }
        if self.program.block(name, span.source).is_some() || crate::graph::op::signature(name).is_some() {
            let d =
                Diagnostic::new(Code::E0304, span, format!("`{name}` is a stage, not a value")).label("needs an input");
            let help = format!("pipe something into it: `x |> {name}`");
            return self.fail(d.suggest(help, span.before(), "... |> ", Applicability::HasPlaceholders));
        }
        self.error(Code::E0201, span, format!("`{name}` has no value here"))
    }

    /// Left to right without recursion: a chain may be long.
    fn pipe(&mut self, expr: &'a Expr, input: Option<Value>) -> Eval {
        let mut stages = Vec::new();
        let mut first = expr;
        while let ExprKind::Pipe { lhs, rhs } = &first.kind {
            stages.push(&**rhs);
            first = lhs;
        }
        let mut value = match input {
            Some(input) => self.stage(first, input)?,
            None => self.expr(first)?,
        };
        for stage in stages.into_iter().rev() {
            value = self.stage(stage, value)?;
        }
        Ok(value)
    }

    /// Applies what stands right of `|>`.
    pub(super) fn stage(&mut self, stage: &'a Expr, input: Value) -> Eval {
        self.step(stage.span)?;
        match &stage.kind {
            ExprKind::Name(name) if name == "identity" => Ok(input),
            ExprKind::Name(name) => self.named_call(name, stage.span, &[], Some(input), stage.span),
            ExprKind::Call(call) => self.call(call, Some(input), stage.span),
            ExprKind::Pipe { .. } => self.pipe(stage, Some(input)),
            ExprKind::Match { value, arms } => {
                let arm = self.arm(value, arms)?;
                self.stage(arm, input)
            }
            ExprKind::If { cond, then, otherwise } => {
                let chosen = if self.truth(cond)? { then } else { otherwise };
                self.stage(chosen, input)
            }
            _ => {
                let d = Diagnostic::new(Code::E0304, stage.span, "only a block or an operator can follow `|>`")
                    .label("not a stage");
                self.fail(d)
            }
        }
    }

    fn binary(&mut self, op: BinaryOp, lhs: &'a Expr, rhs: &'a Expr, span: Span) -> Eval {
        if matches!(op, BinaryOp::And | BinaryOp::Or) {
            let a = self.truth(lhs)?;
            let decided = a == (op == BinaryOp::Or);
            return Ok(Value::Bool(if decided { a } else { self.truth(rhs)? }));
        }
        let (a, b) = (self.expr(lhs), self.expr(rhs));
        let (a, b) = (a?, b?);
        let tensors = |v: &Value| match v {
            Value::Node(_) => true,
            Value::List(items) => items.iter().any(|i| matches!(i, Value::Node(_))),
            _ => false,
        };
        if op == BinaryOp::Concat && (tensors(&a) || tensors(&b)) {
            let mut parts = Vec::new();
            self.flatten(a, lhs.span, &mut parts)?;
            self.flatten(b, rhs.span, &mut parts)?;
            return self.node(Concat.into(), &parts, span);
        }
        let function = match op {
            BinaryOp::Add => Elementwise::Add,
            BinaryOp::Sub => Elementwise::Sub,
            BinaryOp::Mul => Elementwise::Mul,
            BinaryOp::Div => Elementwise::Div,
            _ => return self.arithmetic(op, a, b, span),
        };
        match (&a, &b) {
            (Value::Node(x), Value::Node(y)) => {
                let made = self.node(Combine { function }.into(), &[*x, *y], span);
                if made.is_err() {
                    self.mend_join([*x, *y], [lhs, rhs], span);
                }
                made
            }
            _ => self.arithmetic(op, a, b, span),
        }
    }

    /// The arm that a value chooses. Every pattern is looked at, so a wrong case shows in the first run.
    fn arm(&mut self, value: &'a Expr, arms: &'a [Arm]) -> Eval<&'a Expr> {
        let scrutinee = self.expr(value)?;
        let scrutinee = self.settled(scrutinee, value.span);
        let mut chosen = None;
        for arm in arms {
            let Pattern::Cases(cases) = &arm.pattern else {
                chosen = chosen.or(Some(&arm.value));
                continue;
            };
            for case in cases {
                let pattern = self.pattern(case, &scrutinee)?;
                let pattern = self.settled(pattern, case.span);
                if equal_pattern(&pattern, &scrutinee) {
                    chosen = chosen.or(Some(&arm.value));
                }
            }
        }
        match chosen {
            Some(arm) => Ok(arm),
            None => {
                let d = Diagnostic::new(Code::E0309, value.span, format!("no case for `{scrutinee}`"))
                    .label(format!("this is `{scrutinee}`"));
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

    fn pattern(&mut self, case: &'a Expr, scrutinee: &Value) -> Eval {
        match (&case.kind, scrutinee) {
            (ExprKind::Name(word), Value::Case { of, .. }) => {
                self.step(case.span)?;
                let known = self.program.enums.get(of.as_str()).map(|e| &e.cases);
                let cases = || known.into_iter().flatten().map(|c| c.node.as_str());
                if self.program.has_case(of, word) {
                    return Ok(Value::Case { of: of.clone(), case: word.clone() });
                }
                let d = Diagnostic::new(Code::E0309, case.span, format!("`{of}` has no case `{word}`"));
                let declared = self.program.enums.get(of.as_str()).map(|e| e.name.span);
                let d = match declared {
                    Some(span) => d.other(span, format!("its cases are {}", listed(cases()))),
                    None => d,
                };
                let d = d.nearest(case.span, word, cases(), || None);
                self.fail(d)
            }
            _ => self.expr(case),
        }
    }
}

fn equal_pattern(pattern: &Value, value: &Value) -> bool {
    pattern == value
}
