//! Calls: builtin functions, `repeat`, operators, blocks.

use super::elaborator::{Elaborator, ErrorReported, EvalResult};
use super::value::EvalValue;
use crate::graph::ir::Outlet;
use crate::graph::op::signature::Args;
use crate::graph::op::{ArgKind, ArgSig, ArgValue, Pad, RefusalKind, Signature, signature};
use crate::graph::resolve::BUILTIN_FUNCTIONS;
use crate::graph::ty::Dim;
use crate::text::diag::{Applicability, Code, Diagnostic, did_you_mean, listed};
use crate::text::source::Span;
use crate::text::syntax::ast::*;

/// What a size argument says besides numbers.
#[derive(Default)]
struct Given {
    /// The tensor whose size it is, which becomes an input.
    tensor: Option<Outlet>,
    /// The dims of a size or shape as formulas.
    dims: Vec<Dim>,
}

/// A value without the formulas of its integers.
fn without_formulas(value: EvalValue) -> EvalValue {
    match value {
        EvalValue::Dim(n, _) => EvalValue::Int(n),
        EvalValue::List(items) => EvalValue::List(items.into_iter().map(without_formulas).collect()),
        other => other,
    }
}

impl<'a> Elaborator<'_, 'a> {
    pub(super) fn eval_call(&mut self, call: &'a Call, input: Option<EvalValue>, span: Span) -> EvalResult {
        if input.is_none() && BUILTIN_FUNCTIONS.contains(&call.name.node.as_str()) {
            return self.eval_function(&call.name, &call.args, span);
        }
        self.call_by_name(&call.name.node, call.name.span, &call.args, input, span)
    }

    pub(super) fn call_by_name(
        &mut self,
        name: &'a str,
        name_span: Span,
        args: &'a [Arg],
        input: Option<EvalValue>,
        span: Span,
    ) -> EvalResult {
        if input.as_ref().is_some_and(EvalValue::is_poisoned) {
            return Err(ErrorReported);
        }
        if name == "repeat" {
            return self.eval_repeat(name_span, args, input);
        }
        // A block of the file shadows an operator, so that new operators do not break old files.
        if let Some(block) = self.program.block(name, name_span.source) {
            return self.instantiate_block(block, args, input, name_span, span);
        }
        match signature(name) {
            Some(sig) => self.apply_operator(sig, args, input, name_span, span),
            None if self.program.is_broken(name) => Err(ErrorReported),
            None => self.error(Code::E0201, name_span, format!("unknown block or operator `{name}`")),
        }
    }

    /// `x |> repeat(n, stage)`: the stage n times in a row.
    fn eval_repeat(&mut self, span: Span, args: &'a [Arg], input: Option<EvalValue>) -> EvalResult {
        let (Some(mut value), [count, stage]) = (input, args) else {
            let d = Diagnostic::new(Code::E0204, span, "`repeat` takes an input, a count and a stage")
                .help("for example `x |> repeat(2, cbr(64))`");
            return self.fail(d);
        };
        let n = self.eval_int(&count.value)?;
        if n < 0 {
            return self.error(Code::E0206, count.value.span, format!("a count must not be negative, found {n}"));
        }
        for _ in 0..n {
            value = self.apply_stage(&stage.value, value)?;
        }
        Ok(value)
    }

    /// Tensors of a value, lists opened up.
    pub(super) fn flatten_tensors(&mut self, value: EvalValue, span: Span, into: &mut Vec<Outlet>) -> EvalResult<()> {
        match value {
            EvalValue::Node(o) => into.push(o),
            EvalValue::List(items) => {
                for item in items {
                    self.flatten_tensors(item, span, into)?;
                }
            }
            EvalValue::Poison => return Err(ErrorReported),
            other => return self.type_error(span, "a tensor or a list of tensors", &other),
        }
        Ok(())
    }

    fn apply_operator(
        &mut self,
        sig: &'static Signature,
        args: &'a [Arg],
        input: Option<EvalValue>,
        span: Span,
        call: Span,
    ) -> EvalResult {
        let mut inputs: Vec<Outlet> = Vec::new();
        let piped = input.is_some();
        if let Some(value) = input {
            self.add_operand(sig, value, span, &mut inputs)?;
        }
        let mut built = Args::default();
        let mut like = Given::default();
        let mut positional = 0;
        let mut failed = false;
        for arg in args {
            let arg_sig = match &arg.name {
                Some(name) => match sig.args.iter().find(|a| a.name == name.node) {
                    Some(found) => found,
                    None => {
                        failed |= self.unknown_argument(sig, name).is_err();
                        continue;
                    }
                },
                None if sig.variadic || inputs.len() < sig.inputs.len() => {
                    match self.eval_expr(&arg.value).and_then(|v| self.add_operand(sig, v, arg.value.span, &mut inputs))
                    {
                        Ok(()) => {}
                        Err(ErrorReported) => failed = true,
                    }
                    continue;
                }
                None if positional == 0 && !sig.args.is_empty() => &sig.args[0],
                None => {
                    let message = format!("only the first argument of `{}` may stand without its name", sig.name);
                    let d = Diagnostic::new(Code::E0204, arg.value.span, message).label("the second");
                    let before = arg.value.span.before();
                    return self.fail(match sig.args.get(1) {
                        Some(a) => {
                            let text = format!("{} = ", a.name);
                            let d = d.help(format!("it takes {}", listed(sig.args.iter().map(|a| a.name))));
                            d.suggest("name it, for example", before, text, Applicability::MaybeIncorrect)
                        }
                        None => d.help(format!("`{}` takes no further argument", sig.name)),
                    });
                }
            };
            positional += usize::from(arg.name.is_none());
            if built.get(arg_sig.name).is_some() {
                return self.error(Code::E0204, arg.value.span, format!("`{}` is given twice", arg_sig.name));
            }
            match self.convert_argument(arg_sig, &arg.value, &mut like) {
                Ok(value) => built.0.push((arg_sig.name, value)),
                Err(ErrorReported) => failed = true,
            }
        }
        if failed {
            return Err(ErrorReported);
        }
        if inputs.len() < sig.inputs.len() {
            let d = if inputs.is_empty() {
                let help = format!("pipe something into it: `x |> {}(...)`", sig.name);
                Diagnostic::new(Code::E0304, span, format!("`{}` has no input", sig.name))
                    .label("a stage, not a value")
                    .suggest(help, span.before(), "... |> ", Applicability::HasPlaceholders)
            } else {
                let message = format!("`{}` needs {} inputs ({})", sig.name, sig.inputs.len(), sig.inputs.join(", "));
                Diagnostic::new(Code::E0204, span, message).help(sig.summary)
            };
            return self.fail(d);
        }
        if let Some(missing) = sig.args.iter().find(|a| a.required && built.get(a.name).is_none()) {
            let message = format!("`{}` needs `{}`, {}", sig.name, missing.name, missing.kind.describe());
            let (place, text) = super::fixes::missing_argument_edit(missing.name, args, span, call);
            let help = format!("write `{}({} = ...)`", sig.name, missing.name);
            let d = Diagnostic::new(Code::E0204, span, message);
            return self.fail(d.suggest(help, place, text, Applicability::HasPlaceholders));
        }
        match (sig.build)(&built) {
            Ok(op) => {
                inputs.extend(like.tensor);
                let made = self.add_node_of_size(op, &inputs, like.dims, span);
                if made.is_err() && sig.variadic {
                    self.suggest_concat_fix(&inputs, args, span);
                } else if made.is_err() && sig.name == "unpool" {
                    self.suggest_unpool_fix(&inputs, args, span);
                } else if made.is_err() && piped && sig.name == "linear" {
                    self.suggest_fix(span, |d| {
                        d.suggest("make a vector of it", span.before(), "flatten |> ", Applicability::MaybeIncorrect)
                    });
                }
                made
            }
            Err(refusal) => {
                let code = if refusal.kind == RefusalKind::Setting { Code::E0206 } else { Code::E0304 };
                self.fail(Diagnostic::new(code, span, refusal.message).help(sig.summary))
            }
        }
    }

    fn add_operand(
        &mut self,
        sig: &Signature,
        value: EvalValue,
        span: Span,
        inputs: &mut Vec<Outlet>,
    ) -> EvalResult<()> {
        match value {
            value if sig.variadic => self.flatten_tensors(value, span, inputs),
            EvalValue::Node(o) => {
                inputs.push(o);
                Ok(())
            }
            EvalValue::Poison => Err(ErrorReported),
            other => {
                let found = self.describe(&other);
                let message = format!("`{}` takes a tensor, found {found}", sig.name);
                let d = Diagnostic::new(Code::E0304, span, message).label("not a tensor");
                self.fail(d.help(format!("pipe one into it: `x |> {}(...)`", sig.name)))
            }
        }
    }

    fn unknown_argument(&mut self, sig: &Signature, name: &Ident) -> EvalResult<()> {
        let d = Diagnostic::new(Code::E0204, name.span, format!("`{}` has no argument `{name}`", sig.name));
        let known = || sig.args.iter().map(|a| a.name);
        let foreign = match name.node.as_str() {
            "kernel_size" | "kernel" | "ks" => Some("k"),
            "padding" => Some("pad"),
            "out_channels" | "channels" | "filters" => Some("out"),
            "rate" => Some("dilation"),
            "scale_factor" | "scale" | "upscale_factor" => Some("factor"),
            "num_groups" => Some("groups"),
            "epsilon" => Some("eps"),
            "negative_slope" => Some("slope"),
            "output_size" => Some("size"),
            "size" => Some("to"),
            _ => None,
        };
        let there = match sig.args {
            [] => format!("`{}` takes no arguments", sig.name),
            _ => format!("it takes {}", listed(known())),
        };
        self.fail(match foreign.filter(|f| known().any(|k| k == *f)) {
            Some(ours) => d.renamed(name.span, ours, Applicability::MachineApplicable),
            None => d.nearest(name.span, &name.node, known(), || Some(there)),
        })
    }

    fn convert_argument(&mut self, sig: &ArgSig, expr: &'a Expr, like: &mut Given) -> EvalResult<ArgValue> {
        if let ExprKind::Name(word) = &expr.kind
            && !self.frame().values.contains_key(word.as_str())
        {
            match sig.kind {
                ArgKind::Pad if word == "same" => return Ok(ArgValue::Pad(Pad::Same)),
                ArgKind::Word(words) => {
                    if let Some(known) = words.iter().find(|w| **w == word) {
                        return Ok(ArgValue::Word(known));
                    }
                }
                _ => {}
            }
            let callable = self.program.is_case(word) || self.frame().indexed_nodes.contains_key(word.as_str());
            if !callable {
                let message = format!("`{}` takes {}, found `{word}`", sig.name, sig.kind.describe());
                let mut d = Diagnostic::new(Code::E0206, expr.span, message);
                let words: &[&str] = match sig.kind {
                    ArgKind::Word(words) => words,
                    ArgKind::Pad => &["same"],
                    _ => &[],
                };
                let mut bound: Vec<&str> = self.frame().values.keys().copied().collect();
                bound.sort_unstable();
                // A word of the argument first: a node of a like name is no value here.
                d = match did_you_mean(word, words.iter().copied()) {
                    Some(_) => d.nearest(expr.span, word, words.iter().copied(), || None),
                    None => d.nearest(expr.span, word, bound, || None),
                };
                return self.fail(d);
            }
        }
        let value = self.eval_expr(expr)?;
        // A size to go to may follow the image's; any other setting holds at this size only.
        if let (ArgKind::Size | ArgKind::Pair { .. } | ArgKind::Dims, "to" | "size", EvalValue::List(items)) =
            (sig.kind, sig.name, &value)
        {
            let dims: Option<Vec<Dim>> = items.iter().map(|v| v.as_dim().map(|(_, dim)| dim)).collect();
            like.dims = dims.unwrap_or_default();
        }
        let value = if like.dims.is_empty() { self.concretize(value, expr.span) } else { without_formulas(value) };
        let at_least = |v: &EvalValue, min: usize| match v {
            EvalValue::Int(n) => usize::try_from(*n).ok().filter(|&n| n >= min && n <= u32::MAX as usize),
            _ => None,
        };
        let pair = |v: &EvalValue, min: usize| match v {
            EvalValue::List(items) => match &items[..] {
                [a, b] => Some([at_least(a, min)?, at_least(b, min)?]),
                _ => None,
            },
            one => at_least(one, min).map(|n| [n, n]),
        };
        let fitted = match (sig.kind, &value) {
            (ArgKind::Int { min }, v) => at_least(v, min).map(ArgValue::Int),
            (ArgKind::Pair { min }, v) => pair(v, min).map(ArgValue::Pair),
            (ArgKind::Pad, v) => pair(v, 0).map(|p| ArgValue::Pad(Pad::Explicit(p))),
            (ArgKind::Float, EvalValue::Float(x)) => Some(ArgValue::Float(*x)),
            (ArgKind::Float, EvalValue::Int(n)) => Some(ArgValue::Float(*n as f64)),
            (ArgKind::Bool, EvalValue::Bool(b)) => Some(ArgValue::Bool(*b)),
            (ArgKind::Size, EvalValue::Node(o)) => {
                like.tensor = Some(*o);
                Some(ArgValue::Like)
            }
            (ArgKind::Size, v @ EvalValue::List(_)) => pair(v, 1).map(ArgValue::Size),
            (ArgKind::Sides, EvalValue::List(items)) if items.len() == 4 => {
                let sides: Option<Vec<usize>> = items.iter().map(|v| at_least(v, 0)).collect();
                sides.and_then(|s| s.try_into().ok()).map(ArgValue::Sides)
            }
            (ArgKind::Dims, EvalValue::List(items)) if matches!(items.len(), 1 | 3) => {
                let dim = |v: &EvalValue| if *v == EvalValue::Int(-1) { Some(None) } else { at_least(v, 1).map(Some) };
                let dims: Option<Vec<Option<usize>>> = items.iter().map(dim).collect();
                dims.filter(|d| d.iter().filter(|d| d.is_none()).count() <= 1).map(ArgValue::Dims)
            }
            (ArgKind::Sides, v) => pair(v, 0).map(|[v, h]| ArgValue::Sides([v, v, h, h])),
            (ArgKind::Float | ArgKind::Bool | ArgKind::Word(_) | ArgKind::Size | ArgKind::Dims, _) => None,
        };
        match fitted {
            Some(value) => Ok(value),
            None => {
                let found = self.describe(&value);
                let message = format!("`{}` takes {}, found {found}", sig.name, sig.kind.describe());
                self.error(Code::E0206, expr.span, message)
            }
        }
    }
}
