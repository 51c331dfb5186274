//! Suggested edits for failed expressions. They are added to errors that other modules report.

use super::call_site::OperatorCall;
use super::elaborator::Elaborator;
use super::value::EvalValue;
use crate::base::count::counted;
use crate::graph::ir::{Graph, Outlet};
use crate::graph::placement::placements;
use crate::graph::ty::TensorType;
use crate::text::diag::{Applicability, Diagnostic};
use crate::text::source::Span;
use crate::text::syntax::ast::{Arg, BinaryOp, Expr, ExprKind, Param, ParamTypeKind};

/// Largest number of nodes for which the places of maps are computed for a suggestion.
const MAX_PLACED: usize = 4096;
/// Says why a map is cropped and not resized.
const CUT_OFF: &str = "cut the border off the larger one, so that pixels meet the same place of the image, for example";

/// Returns the place and the text that add `name = ...` to a call. `name_span` is the called name, `call` reaches to the
/// closing bracket.
pub(super) fn missing_argument_edit(name: &str, args: &[Arg], name_span: Span, call: Span) -> (Span, String) {
    match args.last() {
        Some(last) => (last.value.span.after(), format!(", {name} = ...")),
        None if call.end > name_span.end => {
            (Span { start: call.end - 1, end: call.end - 1, ..call }, format!("{name} = ..."))
        }
        None => (name_span.after(), format!("({name} = ...)")),
    }
}

/// Suggests to apply `stage` to the argument at `given`. An empty span is a piped input, before the call.
pub(super) fn suggest_stage(
    d: Diagnostic,
    message: &str,
    stage: &str,
    given: Span,
    applicability: Applicability,
) -> Diagnostic {
    if given.start == given.end {
        d.suggest(message, given, format!("{stage} |> "), applicability)
    } else {
        d.suggest(message, given.after(), format!(" |> {stage}"), applicability)
    }
}

impl<'a> Elaborator<'_, 'a> {
    /// Changes the error that was just reported at `span`, unless it has a suggestion.
    pub(super) fn suggest_fix(&mut self, span: Span, f: impl FnOnce(Diagnostic) -> Diagnostic) {
        let here = |d: &Diagnostic| d.primary.as_ref().map(|l| l.span) == Some(span);
        self.problems.amend_last(|d| if here(&d) && d.suggestions.is_empty() { f(d) } else { d });
    }

    /// Adds a fix for a call of an operator whose inputs were refused.
    pub(super) fn suggest_operator_fix(&mut self, call: OperatorCall<'a>, inputs: &[Outlet], piped: bool) {
        match call.sig.name {
            _ if call.sig.variadic => self.suggest_concat_fix(inputs, call.args, call.name_span),
            "unpool" => self.suggest_unpool_fix(inputs, call.args, call.name_span),
            "linear" if piped => self.suggest_flatten(call.name_span),
            _ => {}
        }
    }

    /// Suggests to flatten a map where a vector is needed.
    fn suggest_flatten(&mut self, span: Span) {
        self.suggest_fix(span, |d| {
            d.suggest("make a vector of it", span.before(), "flatten |> ", Applicability::MaybeIncorrect)
        });
    }

    /// Suggests a 1x1 convolution on the operand with fewer channels, or a resize of the smaller of two maps.
    pub(super) fn suggest_join_fix(&mut self, outlets: [Outlet; 2], sides: [&'a Expr; 2], span: Span) {
        let shapes = outlets.map(|o| self.graph.ty(o).tensor().cloned());
        let [Some(a), Some(b)] = &shapes else { return };
        let (Some(size_a), Some(size_b)) = (a.spatial(), b.spatial()) else { return };
        // `side` is the operand that is changed.
        let (side, stage, applicability, message) = if size_a == size_b {
            let channels = a.channels().max(b.channels());
            let message = format!("bring both to {}, for example", counted(channels, "channel"));
            let fewer = usize::from(b.channels() < a.channels());
            (fewer, format!("conv({channels}, k = 1)"), Applicability::MaybeIncorrect, message)
        } else if a.channels() == b.channels() {
            let (side, stage, message) = match self.larger_by_a_border(outlets) {
                Some(larger) => (larger, "crop", CUT_OFF),
                None => (usize::from(size_b < size_a), "resize", "bring both to one size, for example"),
            };
            let (to, applicability) = resize_target(sides[1 - side]);
            (side, format!("{stage}(to = {to})"), applicability, message.to_string())
        } else {
            return;
        };
        let at = sides[side].span;
        let edits = vec![(at.before(), "(".into()), (at.after(), format!(" |> {stage})"))];
        self.suggest_fix(span, |d| {
            let d = Diagnostic { help: Vec::new(), ..d };
            d.suggest_all(message, edits, applicability)
        });
    }

    /// Returns the larger of two maps that lie on the same grid of the image and differ by a border that unpadded windows cut
    /// off. Resizing one of them would displace its pixels. `None` where resizing is right: after pools and strides.
    pub(super) fn larger_by_a_border(&self, outlets: [Outlet; 2]) -> Option<usize> {
        if self.graph.len() > MAX_PLACED {
            return None;
        }
        let (places, _) = placements(&self.graph);
        let [a, b] = outlets.map(|outlet| places[outlet.node.index()]);
        let mut larger = None;
        for (a, b) in a.into_iter().zip(b) {
            let (a, b) = (a?, b?);
            if a.lies_on(&b) {
                continue;
            }
            if (a.stride / b.stride - 1.0).abs() > 1e-9 {
                return None;
            }
            let wider = usize::from(b.end - b.start > a.end - a.start);
            if larger.is_some_and(|larger| larger != wider) {
                return None;
            }
            larger = Some(wider);
        }
        larger
    }

    /// Suggests to resize the first input of a `concat` whose size differs from that of the first one, or to crop the larger.
    fn suggest_concat_fix(&mut self, inputs: &[Outlet], args: &'a [Arg], span: Span) {
        let sizes: Vec<_> = inputs.iter().map(|&o| self.graph.ty(o).tensor().and_then(|s| s.spatial())).collect();
        let Some(odd) = sizes.iter().position(|s| *s != sizes[0]) else { return };
        // Elements of a list argument have no span of their own.
        if sizes.contains(&None) || inputs.len() != args.len() {
            return;
        }
        let (first, part) = (&args[0].value, &args[odd].value);
        let (changed, kept, stage, message) = match self.larger_by_a_border([inputs[0], inputs[odd]]) {
            Some(0) => (first, part, "crop", CUT_OFF),
            Some(_) => (part, first, "crop", CUT_OFF),
            None => (part, first, "resize", "bring it to the size of the first, for example"),
        };
        let (to, applicability) = resize_target(kept);
        // A pipe applies to everything before it, so the argument needs no brackets.
        let edits = vec![(changed.span.after(), format!(" |> {stage}(to = {to})"))];
        self.suggest_fix(span, |d| {
            let d = Diagnostic { help: Vec::new(), ..d };
            d.suggest_all(message, edits, applicability)
        });
    }

    /// Suggests the pool indices that fit the map of an `unpool`, where exactly one name has them.
    fn suggest_unpool_fix(&mut self, inputs: &[Outlet], args: &'a [Arg], span: Span) {
        let [x, _] = inputs else { return };
        let Some(shape) = self.graph.ty(*x).tensor().cloned() else { return };
        let fits = |graph: &Graph, value: &EvalValue| match value {
            EvalValue::Node(o) => matches!(graph.ty(*o), TensorType::Index { pooled, .. } if *pooled == shape),
            _ => false,
        };
        let (frame, graph) = (self.frames.last(), &self.graph);
        let plain =
            frame.into_iter().flat_map(|f| &f.values).filter(|(_, v)| fits(graph, v)).map(|(n, _)| n.to_string());
        let rows = frame.into_iter().flat_map(|f| &f.indexed_nodes).flat_map(|(name, nodes)| {
            nodes.iter().filter(|(_, (v, _))| fits(graph, v)).map(move |(key, _)| format!("{name}{key:?}"))
        });
        let mut names: Vec<String> = plain.chain(rows).collect();
        names.sort_unstable();
        // With several candidates only the author knows which one is meant.
        if let ([name], Some(arg)) = (&names[..], args.last()) {
            let (help, at) = (format!("the indices of its own pool are `{name}`"), arg.value.span);
            self.suggest_fix(span, |d| {
                Diagnostic { help: Vec::new(), ..d }.suggest(help, at, name.clone(), Applicability::MaybeIncorrect)
            });
        }
    }

    /// Returns the name that the caller has for the tensor from which `dim` got its value.
    pub(super) fn caller_name_of(&self, params: &[Param], dim: &Expr) -> Option<String> {
        let [.., caller, _] = &self.frames[..] else { return None };
        if !matches!(dim.kind, ExprKind::Name(_)) {
            return None;
        }
        let value = EvalValue::Node(self.dim_source(params, dim)?);
        let mut names: Vec<&str> = caller.values.iter().filter(|(_, v)| **v == value).map(|(n, _)| *n).collect();
        names.sort_unstable();
        names.first().map(|n| n.to_string())
    }

    /// Returns the tensor from which the first name in `dim` got its value.
    pub(super) fn dim_source(&self, params: &[Param], dim: &Expr) -> Option<Outlet> {
        let mut names = Vec::new();
        names_in(dim, &mut names);
        let wanted = names.first()?;
        let here = self.frames.last()?;
        let binds = |p: &&Param| match &p.ty.kind {
            ParamTypeKind::Tensor(dims) => {
                dims.iter().any(|d| matches!(&d.kind, ExprKind::Name(n) if n.as_str() == *wanted))
            }
            ParamTypeKind::Index(_) | ParamTypeKind::Scalar(_) | ParamTypeKind::List(_) => false,
        };
        match here.values.get(params.iter().find(binds)?.name.node.as_str())? {
            EvalValue::Node(o) => Some(*o),
            _ => None,
        }
    }

    /// Writes actual dims in terms of the names in declared dims, where these have the same value: `h` for 64, `h / 2` for 32.
    pub(super) fn dims_in_declared_terms(&mut self, declared: &'a [Expr], given: &[usize]) -> String {
        let same_rank = declared.len() == given.len();
        let mut parts = Vec::new();
        for (axis, &n) in given.iter().enumerate() {
            let dim = declared.get(axis).filter(|_| same_rank);
            parts.push(dim.and_then(|dim| self.in_declared_terms(dim, n)).unwrap_or_else(|| n.to_string()));
        }
        parts.join(", ")
    }

    /// Writes `n` as the declared dim, a name in it, or such a name times or divided by a power of two.
    fn in_declared_terms(&mut self, dim: &'a Expr, n: usize) -> Option<String> {
        let mut names = Vec::new();
        names_in(dim, &mut names);
        let values = &self.frame().values;
        let known = |name: &&str| {
            let (v, _) = values.get(name)?.as_dim()?;
            usize::try_from(v).ok().filter(|v| *v > 0)
        };
        let named: Vec<(&str, usize)> = names.iter().filter_map(|name| Some((*name, known(name)?))).collect();
        if let Some(expr_text) = expr_text(dim).filter(|_| evaluates_to(dim, &named, n)) {
            return Some(expr_text);
        }
        if let Some((name, _)) = named.iter().find(|(_, v)| *v == n) {
            return Some(name.to_string());
        }
        let factor = |(name, v): &(&str, usize)| match (n % v, v % n) {
            (0, _) if (n / v).is_power_of_two() => Some(format!("{} * {name}", n / v)),
            (_, 0) if (v / n).is_power_of_two() => Some(format!("{name} / {}", v / n)),
            _ => None,
        };
        named.iter().find_map(factor)
    }
}

/// Returns the text that names the tensor of an operand in `resize(to = ...)`, `...` where it has no name.
fn resize_target(operand: &Expr) -> (String, Applicability) {
    match &operand.kind {
        ExprKind::Name(_) | ExprKind::Index { .. } => match expr_text(operand) {
            Some(name) => (name, Applicability::MaybeIncorrect),
            None => ("...".into(), Applicability::HasPlaceholders),
        },
        _ => ("...".into(), Applicability::HasPlaceholders),
    }
}

fn names_in<'e>(expr: &'e Expr, into: &mut Vec<&'e str>) {
    match &expr.kind {
        ExprKind::Name(name) => into.push(name),
        ExprKind::Binary { lhs, rhs, .. } => {
            names_in(lhs, into);
            names_in(rhs, into);
        }
        ExprKind::Call(call) => call.args.iter().for_each(|a| names_in(&a.value, into)),
        _ => {}
    }
}

/// Returns the text of a simple expression: a name, a number, `s[i]`, or one operation on two of these.
fn expr_text(dim: &Expr) -> Option<String> {
    match &dim.kind {
        ExprKind::Int(n) => Some(n.to_string()),
        ExprKind::Name(name) => Some(name.clone()),
        ExprKind::Index { base, indices } => {
            let indices: Option<Vec<String>> = indices.iter().map(expr_text).collect();
            Some(format!("{}[{}]", expr_text(base)?, indices?.join(", ")))
        }
        ExprKind::Binary { op, lhs, rhs } => {
            let simple = |e: &Expr| if matches!(e.kind, ExprKind::Binary { .. }) { None } else { expr_text(e) };
            Some(format!("{} {} {}", simple(lhs)?, op.node.symbol(), simple(rhs)?))
        }
        _ => None,
    }
}

/// Returns whether a dim that [`expr_text`] can write has the value `n`.
fn evaluates_to(dim: &Expr, named: &[(&str, usize)], n: usize) -> bool {
    fn value(e: &Expr, named: &[(&str, usize)]) -> Option<usize> {
        match &e.kind {
            ExprKind::Int(n) => usize::try_from(*n).ok(),
            ExprKind::Name(name) => named.iter().find(|(k, _)| k == name).map(|(_, v)| *v),
            ExprKind::Binary { op, lhs, rhs } => {
                let (a, b) = (value(lhs, named)?, value(rhs, named)?);
                match op.node {
                    BinaryOp::Add => a.checked_add(b),
                    BinaryOp::Sub => a.checked_sub(b),
                    BinaryOp::Mul => a.checked_mul(b),
                    BinaryOp::Div => a.checked_rem(b).filter(|r| *r == 0).and_then(|_| a.checked_div(b)),
                    _ => None,
                }
            }
            _ => None,
        }
    }
    value(dim, named) == Some(n)
}
