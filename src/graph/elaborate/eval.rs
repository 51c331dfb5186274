//! Expressions and statements: what is bound, indexed, repeated, chosen and piped.

use super::{Elaborator, Eval, Failed, Value};
use crate::graph::op::{Combine, Concat, Elementwise};
use crate::text::diag::{Applicability, Code, Diagnostic, listed};
use crate::text::source::{Span, Spanned};
use crate::text::syntax::ast::*;

impl<'a> Elaborator<'_, 'a> {
    /// Runs a body to its `return`; the span is that of the returned expression.
    pub(super) fn body(&mut self, body: &'a Body) -> Eval<(Value, Span)> {
        let mut result = None;
        for stmt in &body.stmts {
            match &stmt.kind {
                StmtKind::Return(value) => result = Some((self.expr(value), value.span)),
                // What follows was written for values that the requirement lets through.
                StmtKind::Require { cond, message } => self.require(cond, message.as_ref())?,
                StmtKind::Let { .. } | StmtKind::For { .. } => self.stmt(stmt),
            }
        }
        match result {
            Some((Ok(value), span)) if !value.is_poisoned() => Ok((value, span)),
            _ => Err(Failed),
        }
    }

    /// A failed statement leaves its names poisoned, so that the next ones can still be looked at.
    fn stmt(&mut self, stmt: &'a Stmt) {
        match &stmt.kind {
            StmtKind::Let { target: LetTarget::One(name), value } => {
                if let Ok((indices, segment)) = self.target(name) {
                    let value = self.within(&segment, |e| e.expr(value)).unwrap_or(Value::Poison);
                    self.bind(name, indices, value);
                }
            }
            StmtKind::Let { target: LetTarget::Tuple(names), value } => self.let_tuple(names, value),
            StmtKind::For { var, iter, body } => {
                let Ok(items) = self.items(iter) else { return };
                let shadowed = self.frame().values.get(var.node.as_str()).cloned();
                if shadowed.is_some() {
                    let _ = self.error::<()>(Code::E0308, var.span, format!("`{var}` is bound already"));
                    return;
                }
                for item in items {
                    if self.step(var.span).is_err() {
                        break;
                    }
                    self.frame().values.insert(&var.node, item);
                    body.iter().for_each(|s| self.stmt(s));
                }
                self.frame().values.remove(var.node.as_str());
            }
            // Inside a loop the other rounds are still looked at.
            StmtKind::Require { cond, message } => drop(self.require(cond, message.as_ref())),
            StmtKind::Return(value) => {
                let _ = self.error::<()>(Code::E0314, value.span, "`return` stands only at the end of a body");
            }
        }
    }

    fn require(&mut self, cond: &'a Expr, message: Option<&Spanned<String>>) -> Eval<()> {
        if self.holds(cond)? {
            return Ok(());
        }
        let text = match message {
            Some(m) => self.interpolate(&m.node),
            None => "the requirement does not hold".into(),
        };
        let block = self.frame().block;
        let mut d = Diagnostic::new(Code::E0306, cond.span, text).label(format!("required by `{block}`"));
        let values = self.values_in(cond);
        if !values.is_empty() {
            d = d.note(values.join(", "));
        }
        self.fail(d)
    }

    fn let_tuple(&mut self, names: &'a [NodeName], value: &'a Expr) {
        let targets: Vec<_> = names.iter().map(|n| self.target(n)).collect();
        let Some(Ok((_, segment))) = targets.first() else { return };
        let segment = segment.clone();
        let values = match self.within(&segment, |e| e.expr(value)) {
            Ok(Value::Tuple(items)) if items.len() == names.len() => items,
            Ok(other) => {
                if !other.is_poisoned() {
                    let _ = self.type_error::<()>(value.span, &format!("a tuple of {}", names.len()), &other);
                }
                vec![Value::Poison; names.len()]
            }
            Err(Failed) => vec![Value::Poison; names.len()],
        };
        for ((name, target), value) in names.iter().zip(targets).zip(values) {
            if let Ok((indices, _)) = target {
                self.bind(name, indices, value);
            }
        }
    }

    /// The indices of a binding and the path segment it gives: `s[i + 1]` becomes `s.1`.
    fn target(&mut self, name: &'a NodeName) -> Eval<(Vec<i64>, String)> {
        let mut indices = Vec::new();
        let mut segment = name.name.node.clone();
        for index in &name.indices {
            let n = self.int(index)?;
            if n < 0 {
                return self.error(Code::E0307, index.span, format!("an index must not be negative, found {n}"));
            }
            indices.push(n);
            segment.push_str(&format!(".{n}"));
        }
        Ok((indices, segment))
    }

    fn bind(&mut self, name: &'a NodeName, indices: Vec<i64>, value: Value) {
        let key = name.name.node.as_str();
        let frame = self.frame();
        let before = if indices.is_empty() {
            frame.bound_at.get(key).copied()
        } else {
            frame.families.get(key).and_then(|f| f.get(&indices)).map(|(_, span)| *span)
        };
        let other_form = before.is_none();
        let clash = before.or_else(|| match (indices.is_empty(), frame.families.get(key)) {
            (true, Some(family)) => family.values().next().map(|(_, span)| *span),
            (false, _) => frame.bound_at.get(key).copied(),
            (true, None) => None,
        });
        if let Some(before) = clash {
            let shown = match indices.len() {
                0 => key.to_string(),
                _ => format!("{key}[{}]", indices.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")),
            };
            let message = match other_form {
                true => format!("`{key}` cannot be a node and a row of indexed nodes"),
                false => format!("`{shown}` is bound already"),
            };
            let mut d = Diagnostic::new(Code::E0308, name.span, message)
                .help("each node is assigned once: choose another name, or an index such as `s[i + 1]`");
            d = match before == name.span {
                true => d.label("bound again by the next pass of the loop"),
                false => d.label("bound again here").other(before, "first bound here"),
            };
            let _ = self.fail::<()>(d);
        } else if indices.is_empty() {
            frame.bound_at.insert(key, name.span);
            frame.values.insert(key, value);
        } else {
            frame.families.entry(key).or_default().insert(indices, (value, name.span));
        }
    }

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

    /// `c = 30` for each name in a condition that stands for a number, a word or a truth value.
    fn values_in(&mut self, cond: &Expr) -> Vec<String> {
        let mut names = Vec::new();
        let mut todo = vec![cond];
        while let Some(expr) = todo.pop() {
            match &expr.kind {
                ExprKind::Name(name) if !names.contains(name) => names.push(name.clone()),
                ExprKind::Unary { value, .. } => todo.push(value),
                ExprKind::Binary { lhs, rhs, .. } => todo.extend([&**rhs, &**lhs]),
                ExprKind::Call(call) => todo.extend(call.args.iter().rev().map(|a| &a.value)),
                ExprKind::Member { base, .. } => todo.push(base),
                ExprKind::Index { base, indices } => todo.extend(indices.iter().rev().chain([&**base])),
                _ => {}
            }
        }
        names.truncate(8);
        let values = &self.frame().values;
        let shown = |name: &String| match values.get(name.as_str())? {
            value @ (Value::Int(_) | Value::Dim(..) | Value::Float(_) | Value::Bool(_) | Value::Case { .. }) => {
                Some(format!("{name} = {value}"))
            }
            value @ Value::List(_) if value.parts(2).is_some_and(|n| n <= 16) => Some(format!("{name} = {value}")),
            _ => None,
        };
        names.iter().filter_map(shown).collect()
    }

    /// `{name}` in a message becomes the value of `name`; other braces stay.
    fn interpolate(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            out.push_str(&rest[..open]);
            let Some(close) = rest[open..].find('}') else { break };
            let name = &rest[open + 1..open + close];
            match self.frame().values.get(name.trim()) {
                // Long lists would drown the message.
                Some(value) if value.parts(8).is_some_and(|n| n <= 64) => out.push_str(&value.to_string()),
                Some(_) | None => out.push_str(&rest[open..=open + close]),
            }
            rest = &rest[open + close + 1..];
        }
        out + rest
    }
}

fn equal_pattern(pattern: &Value, value: &Value) -> bool {
    pattern == value
}
