//! Statements: bindings, loops, requirements and `return`.

use super::elaborator::{Elaborator, ErrorReported, EvalResult};
use super::value::EvalValue;
use crate::base::problem::problem;
use crate::text::source::{Span, Spanned};
use crate::text::syntax::ast::*;

impl<'a> Elaborator<'_, 'a> {
    /// Evaluates a body to its `return`. Returns the value and the span of the returned expression.
    pub(super) fn eval_body(&mut self, body: &'a Body) -> EvalResult<(EvalValue, Span)> {
        let mut result = None;
        for stmt in &body.stmts {
            match &stmt.kind {
                StmtKind::Return(value) => result = Some((self.eval_expr(value), value.span)),
                // The statements after a requirement assume that it holds.
                StmtKind::Require { cond, message } => self.eval_require(cond, message.as_ref())?,
                StmtKind::Let { .. } | StmtKind::For { .. } => self.eval_stmt(stmt),
            }
        }
        match result {
            Some((Ok(value), span)) if !value.is_poisoned() => Ok((value, span)),
            _ => Err(ErrorReported),
        }
    }

    /// Evaluates a statement. One that fails binds its names to poisoned values, so that the next statements are still
    /// checked.
    fn eval_stmt(&mut self, stmt: &'a Stmt) {
        match &stmt.kind {
            StmtKind::Let { target: LetTarget::One(name), value } => {
                if let Ok((indices, segment)) = self.binding_target(name) {
                    let value = self.with_path_segment(&segment, |e| e.eval_expr(value)).unwrap_or(EvalValue::Poison);
                    self.bind_node(name, indices, value);
                }
            }
            StmtKind::Let { target: LetTarget::Tuple(names), value } => self.eval_let_tuple(names, value),
            StmtKind::For { var, iter, body } => {
                let Ok(items) = self.eval_items(iter) else { return };
                if self.frame().values.contains_key(var.node.as_str()) {
                    let _ = self.fail::<()>(problem!(E0308, var.span, "`{var}` is bound already"));
                    return;
                }
                for item in items {
                    if self.consume_step(var.span).is_err() {
                        break;
                    }
                    self.frame().values.insert(&var.node, item);
                    body.iter().for_each(|s| self.eval_stmt(s));
                }
                self.frame().values.remove(var.node.as_str());
            }
            // Inside a loop the other iterations are still checked.
            StmtKind::Require { cond, message } => drop(self.eval_require(cond, message.as_ref())),
            StmtKind::Return(value) => {
                let _ = self.fail::<()>(problem!(E0314, value.span, "`return` is allowed only at the end of a body"));
            }
        }
    }

    fn eval_require(&mut self, cond: &'a Expr, message: Option<&Spanned<String>>) -> EvalResult<()> {
        if self.eval_requirement(cond)? {
            return Ok(());
        }
        let text = match message {
            Some(m) => self.interpolate(&m.node, m.span)?,
            None => "the requirement does not hold".into(),
        };
        let block = self.frame().block;
        let mut d = problem!(E0306, cond.span, "{text}"; label: "required by `{block}`");
        let values = self.condition_values(cond);
        if !values.is_empty() {
            d = d.note(values.join(", "));
        }
        self.fail(d)
    }

    fn eval_let_tuple(&mut self, names: &'a [NodeName], value: &'a Expr) {
        let targets: Vec<_> = names.iter().map(|n| self.binding_target(n)).collect();
        let Some(Ok((_, segment))) = targets.first() else { return };
        let segment = segment.clone();
        let values = match self.with_path_segment(&segment, |e| e.eval_expr(value)) {
            Ok(EvalValue::Tuple(items)) if items.len() == names.len() => items,
            Ok(other) => {
                if !other.is_poisoned() {
                    let _ = self.type_error::<()>(value.span, &format!("a tuple of {}", names.len()), &other);
                }
                vec![EvalValue::Poison; names.len()]
            }
            Err(ErrorReported) => vec![EvalValue::Poison; names.len()],
        };
        for ((name, target), value) in names.iter().zip(targets).zip(values) {
            if let Ok((indices, _)) = target {
                self.bind_node(name, indices, value);
            }
        }
    }

    /// Returns the indices of a binding and its path segment: `s[i + 1]` becomes `s.1`.
    fn binding_target(&mut self, name: &'a NodeName) -> EvalResult<(Vec<i64>, String)> {
        let mut indices = Vec::new();
        let mut segment = name.name.node.clone();
        for index in &name.indices {
            let n = self.eval_int(index)?;
            if n < 0 {
                return self.fail(problem!(E0307, index.span, "an index must not be negative, found {n}"));
            }
            indices.push(n);
            segment.push_str(&format!(".{n}"));
        }
        Ok((indices, segment))
    }

    /// Binds a name, with or without indices, to a value. Each may be bound once.
    fn bind_node(&mut self, name: &'a NodeName, indices: Vec<i64>, value: EvalValue) {
        let key = name.name.node.as_str();
        let frame = self.frame();
        let before = if indices.is_empty() {
            frame.bound_at.get(key).copied()
        } else {
            frame.indexed_nodes.get(key).and_then(|f| f.get(&indices)).map(|(_, span)| *span)
        };
        let other_form = before.is_none();
        let clash = before.or_else(|| match (indices.is_empty(), frame.indexed_nodes.get(key)) {
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
                true => format!("`{key}` cannot be both a single node and indexed nodes"),
                false => format!("`{shown}` is bound already"),
            };
            let mut d = problem!(E0308, name.span, "{message}";
                help: "each node is assigned once: choose another name, or an index such as `s[i + 1]`");
            d = match before == name.span {
                true => d.label("bound again in the next iteration of the loop"),
                false => d.label("bound again here").other(before, "first bound here"),
            };
            let _ = self.fail::<()>(d);
        } else if indices.is_empty() {
            frame.bound_at.insert(key, name.span);
            frame.values.insert(key, value);
        } else {
            frame.indexed_nodes.entry(key).or_default().insert(indices, (value, name.span));
        }
    }

    /// Returns `c = 30` for each name in a condition whose value is a number, an enum case, a boolean or a short list.
    fn condition_values(&mut self, cond: &Expr) -> Vec<String> {
        let mut names = Vec::new();
        let mut todo = vec![cond];
        while let Some(expr) = todo.pop().filter(|_| names.len() < SHOWN_NAMES) {
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
        let values = &self.frame().values;
        let shown = |name: &String| match values.get(name.as_str())? {
            value @ (EvalValue::Int(_)
            | EvalValue::Dim(..)
            | EvalValue::Float(_)
            | EvalValue::Bool(_)
            | EvalValue::Case { .. }) => Some(format!("{name} = {value}")),
            value @ EvalValue::List(_) if value.fits(&mut { SHOWN_ITEMS }) => Some(format!("{name} = {value}")),
            _ => None,
        };
        names.iter().filter_map(shown).collect()
    }

    /// Replaces `{name}` in a message by the value of `name`. Other braces stay. The text and the values that are written count
    /// as evaluation steps; a message ends where it is longer than anyone reads.
    fn interpolate(&mut self, text: &str, span: Span) -> EvalResult<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(open) = rest.find('{').filter(|_| out.len() < MESSAGE_BYTES) {
            out.push_str(&rest[..open]);
            let Some(close) = rest[open..].find('}') else { break };
            self.consume_step(span)?;
            let name = rest[open + 1..open + close].trim();
            match self.frame().values.get(name).filter(|value| value.fits(&mut { SHOWN_PARTS })) {
                Some(value) => out.push_str(&value.to_string()),
                None => out.push_str(&rest[open..=open + close]),
            }
            rest = &rest[open + close + 1..];
        }
        out.push_str(rest);
        self.consume_fuel(out.len() / 16, span)?;
        Ok(out)
    }
}

/// Largest number of names whose values are noted besides a failed requirement.
const SHOWN_NAMES: usize = 8;
/// Largest number of parts of a list among them.
const SHOWN_ITEMS: usize = 16;
/// Length in bytes after which no more values are written into a message.
const MESSAGE_BYTES: usize = 4096;
/// Largest number of parts of a value in a message. A long list would hide the message.
const SHOWN_PARTS: usize = 64;
