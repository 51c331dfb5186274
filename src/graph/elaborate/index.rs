//! Lists, ranges and indexed nodes (`s[i]`), and named results (`r.main`).

use super::elaborator::{Elaborator, ErrorReported, EvalResult, LIMITS};
use super::value::EvalValue;
use crate::base::count::counted;
use crate::base::number::thousands;
use crate::base::problem::problem;
use crate::text::source::Span;
use crate::text::syntax::ast::*;

impl<'a> Elaborator<'_, 'a> {
    /// Evaluates a list or a range and returns its elements.
    pub(super) fn eval_items(&mut self, expr: &'a Expr) -> EvalResult<Vec<EvalValue>> {
        let ExprKind::Range { lo, hi } = &expr.kind else {
            return match self.eval_expr(expr)? {
                EvalValue::List(items) => Ok(items),
                other => self.type_error(expr.span, "a list or a range", &other),
            };
        };
        let (lo, hi) = (self.eval_int(lo)?, self.eval_int(hi)?);
        let n = hi.saturating_sub(lo).max(0);
        if n > LIMITS.steps as i64 {
            self.aborted = true;
            return self.fail(
                problem!(E0311, expr.span, "a range of {}", counted(n, "step"); help: "the limit is {}", thousands(LIMITS.steps)),
            );
        }
        self.consume_fuel(n as usize, expr.span)?;
        Ok((lo..hi.max(lo)).map(EvalValue::Int).collect())
    }

    /// Evaluates `r.main`, one of the named results of a block.
    pub(super) fn eval_member(&mut self, base: &'a Expr, name: &'a Ident) -> EvalResult {
        let fields = match self.eval_expr(base)? {
            EvalValue::Record(fields) => fields,
            other => {
                let found = self.describe(&other);
                let d = problem!(E0304, base.span, "{found} has no named result `{name}`";
                    label: "has no named results");
                let callable = crate::graph::op::signature(&name.node).is_some()
                    || self.program.block(&name.node, name.span.source).is_some();
                return self.fail(match (callable, &other) {
                    (true, _) => d.help(format!("there are no methods: write `x |> {name}`")),
                    (false, EvalValue::Tuple(_)) => d.help("unnamed results are unpacked with `let (a, b) = ...`"),
                    (false, _) => d.help(format!("a block returns named results with `return {{ {name} = ... }}`")),
                });
            }
        };
        let known = || fields.iter().map(|(n, _)| n.as_str());
        if let Some((_, value)) = fields.iter().find(|(n, _)| *n == name.node) {
            return self.finish_value(value.clone(), name.span);
        }
        let d = problem!(E0201, name.span, "there is no result `{name}`";
            other[base.span]: "gives {}", known().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", "));
        let d = d.nearest(name.span, &name.node, known(), || None);
        self.fail(d)
    }

    /// Evaluates `list[i]`, `list[a..b]`, `n[i, j]` and `n[i, 0..j]`.
    pub(super) fn eval_index(&mut self, base: &'a Expr, indices: &'a [Expr], span: Span) -> EvalResult {
        let family = match &base.kind {
            ExprKind::Name(name) if self.frame().indexed_nodes.contains_key(name.as_str()) => Some(name.as_str()),
            _ => None,
        };
        if let Some(name) = family {
            return self.eval_indexed_nodes(name, indices, span);
        }
        if let ExprKind::Name(name) = &base.kind
            && !self.frame().values.contains_key(name.as_str())
        {
            return self.fail(problem!(E0307, span, "no node `{name}` is bound yet"));
        }
        let mut places = Vec::new();
        for index in indices {
            places.push(match &index.kind {
                ExprKind::Range { lo, hi } => IndexValue::Slice(self.eval_int(lo)?, self.eval_int(hi)?),
                _ => IndexValue::At(self.eval_int(index)?),
            });
        }
        // A named list is not copied, since it may be long and only one element is needed.
        let picked = match &base.kind {
            ExprKind::Name(name) => {
                index_into(self.frame().values.get(name.as_str()).unwrap_or(&EvalValue::Poison), &places, 0)
            }
            _ => index_into(&self.eval_expr(base)?, &places, 0),
        };
        match picked {
            Ok(value) => self.finish_value(value, span),
            Err(IndexError::NotAList(value)) => self.type_error(base.span, "a list", &value),
            Err(IndexError::Outside { index, len }) => {
                let shown = match &places[index] {
                    IndexValue::At(i) => i.to_string(),
                    IndexValue::Slice(lo, hi) => format!("{lo}..{hi}"),
                };
                let d =
                    problem!(E0307, indices[index].span, "index {shown} is out of bounds for a list of length {len}")
                        .label(match len {
                            0 => "the list is empty".to_string(),
                            _ => format!("0 to {}", len - 1),
                        });
                self.fail(d.other(base.span, format!("a list of {len}")))
            }
            Err(IndexError::Poisoned) => Err(ErrorReported),
        }
    }

    /// Evaluates `n[i, j]` and `n[i, 0..j]`, where nodes are bound as `n[i, j]`.
    fn eval_indexed_nodes(&mut self, name: &'a str, indices: &'a [Expr], span: Span) -> EvalResult {
        // With one range among the indices the result is a list. All other indices are integers.
        let mut lists: Vec<Vec<i64>> = vec![Vec::new()];
        let mut is_list = false;
        for index in indices {
            // Each index becomes a part of the key of every node.
            self.consume_fuel(lists.len(), index.span)?;
            if let ExprKind::Range { .. } = index.kind {
                if is_list {
                    return self.fail(problem!(E0304, index.span, "only one index may be a range"));
                }
                is_list = true;
                let items = self.eval_items(index)?;
                let base = lists.remove(0);
                self.consume_fuel(items.len().saturating_mul(base.len()) / 16, index.span)?;
                for item in items {
                    let EvalValue::Int(i) = item else { return Err(ErrorReported) };
                    lists.push(base.iter().copied().chain([i]).collect());
                }
            } else {
                let i = self.eval_int(index)?;
                lists.iter_mut().for_each(|l| l.push(i));
            }
        }
        let mut values = Vec::new();
        for key in lists {
            let bound = self.frame().indexed_nodes.get(name).and_then(|f| f.get(&key)).map(|(v, _)| v.clone());
            match bound {
                Some(value) if value.is_poisoned() => return Err(ErrorReported),
                Some(value) => values.push(value),
                None => {
                    let shown = key.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
                    let known: Vec<String> = (self.frame().indexed_nodes.get(name).into_iter())
                        .flat_map(|f| f.keys().take(8))
                        .map(|k| format!("{name}{k:?}"))
                        .collect();
                    let d = problem!(E0307, span, "no node `{name}[{shown}]` is bound yet";
                        label: "used before it has a value";
                        note: "bound so far: {}", known.join(", "));
                    return self.fail(d);
                }
            }
        }
        match (is_list, values.pop()) {
            (false, Some(value)) => self.finish_value(value, span),
            (_, last) => {
                values.extend(last);
                self.finish_value(EvalValue::List(values), span)
            }
        }
    }
}

/// An index after evaluation.
enum IndexValue {
    At(i64),
    Slice(i64, i64),
}

/// Why indices lead to no value.
enum IndexError {
    NotAList(EvalValue),
    /// The index of this number is outside of a list of `len`.
    Outside {
        index: usize,
        len: usize,
    },
    Poisoned,
}

/// Follows indices into nested lists, after the first `skipped` indices were followed.
fn index_into(value: &EvalValue, indices: &[IndexValue], skipped: usize) -> Result<EvalValue, IndexError> {
    let Some((index, rest)) = indices.split_first() else { return Ok(value.clone()) };
    let items = match value {
        EvalValue::List(items) | EvalValue::Tuple(items) => items,
        EvalValue::Poison => return Err(IndexError::Poisoned),
        other => return Err(IndexError::NotAList(other.clone())),
    };
    let outside = IndexError::Outside { index: skipped, len: items.len() };
    match *index {
        IndexValue::At(i) => {
            let item = usize::try_from(i).ok().and_then(|i| items.get(i));
            index_into(item.ok_or(outside)?, rest, skipped + 1)
        }
        IndexValue::Slice(lo, hi) => {
            let range = usize::try_from(lo).ok().zip(usize::try_from(hi).ok());
            let part = range.and_then(|(lo, hi)| items.get(lo..hi)).ok_or(outside)?;
            // The indices after a slice are for the slice.
            index_into(&EvalValue::List(part.to_vec()), rest, skipped + 1)
        }
    }
}
