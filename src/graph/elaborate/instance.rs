//! Blocks become nodes: arguments are matched to parameters, and the body is run.

use super::elaborator::{CallFrame, Elaborator, ErrorReported, EvalResult, LIMITS};
use super::value::EvalValue;
use crate::graph::ir::Path;
use crate::text::diag::{Applicability, Code, Diagnostic, listed};
use crate::text::source::Span;
use crate::text::syntax::ast::*;

/// An argument matched to a parameter.
type Matched<'a> = (&'a Param, EvalValue, Span);

pub(super) fn is_tensor(param: &Param) -> bool {
    matches!(param.ty.kind, ParamTypeKind::Tensor(_) | ParamTypeKind::Index(_))
}

impl<'a> Elaborator<'_, 'a> {
    pub(super) fn bind_param(&mut self, param: &'a Param, value: EvalValue) -> EvalResult<()> {
        let frame = self.frame();
        frame.values.insert(&param.name.node, value);
        frame.bound_at.insert(&param.name.node, param.name.span);
        Ok(())
    }
    pub(super) fn find_param(&mut self, block: &'a Block, params: &[&'a Param], name: &Ident) -> EvalResult<&'a Param> {
        if let Some(param) = params.iter().find(|p| p.name.node == name.node) {
            return Ok(param);
        }
        let message = format!("`{}` has no hyper-parameter `{name}`", block.name);
        let known = || params.iter().map(|p| p.name.node.as_str());
        let d = Diagnostic::new(Code::E0204, name.span, message).other(block.name.span, "declared here");
        let there = match params {
            [] => format!("`{}` takes no hyper-parameter", block.name),
            _ => format!("it takes {}", listed(known())),
        };
        self.fail(d.nearest(name.span, &name.node, known(), || Some(there)))
    }

    /// Makes the nodes of one use of a block.
    pub(super) fn instantiate_block(
        &mut self,
        block: &'a Block,
        args: &'a [Arg],
        input: Option<EvalValue>,
        name_span: Span,
        span: Span,
    ) -> EvalResult {
        if self.program.is_broken(&block.name.node) {
            return Err(ErrorReported);
        }
        self.program.mark_used(block);
        if self.calls.len() >= LIMITS.blocks {
            return self.error(Code::E0311, name_span, format!("blocks are nested more than {} deep", LIMITS.blocks));
        }
        let matched = self.match_args(block, args, input, name_span, span)?;
        let path: Path = self.fresh_path(&block.name.node);
        self.record_instance(path.clone(), &block.name.node, span);
        let outer = std::mem::replace(&mut self.prefix, path);
        self.calls.push((&block.name.node, name_span));
        self.frames.push(CallFrame { block: &block.name.node, ..CallFrame::default() });
        let result = self.elaborate_block_body(block, matched);
        self.frames.pop();
        self.calls.pop();
        self.prefix = outer;
        result
    }

    fn elaborate_block_body(&mut self, block: &'a Block, matched: Vec<Matched<'a>>) -> EvalResult {
        for (param, value, _) in matched.iter().filter(|(p, ..)| !is_tensor(p)) {
            self.bind_param(param, value.clone())?;
        }
        for (param, value, given) in matched.iter().filter(|(p, ..)| is_tensor(p)) {
            self.bind_tensor_input(block, param, value, *given)?;
        }
        for param in &block.params {
            if !self.frame().values.contains_key(param.name.node.as_str()) {
                self.bind_default(param)?;
            }
        }
        let (value, span) = self.eval_body(&block.body)?;
        if let Some(promise) = &block.result {
            self.check_results(promise, &value, span, &block.name.node)?;
        }
        Ok(value)
    }

    pub(super) fn bind_default(&mut self, param: &'a Param) -> EvalResult<()> {
        let Some(default) = &param.default else { return Ok(()) };
        let value = self.eval_typed(default, &param.ty, &param.name.node)?;
        self.bind_param(param, value)
    }

    fn match_args(
        &mut self,
        block: &'a Block,
        args: &'a [Arg],
        input: Option<EvalValue>,
        span: Span,
        call: Span,
    ) -> EvalResult<Vec<Matched<'a>>> {
        let tensors: Vec<&'a Param> = block.params.iter().filter(|p| is_tensor(p)).collect();
        let hypers: Vec<&'a Param> = block.params.iter().filter(|p| !is_tensor(p)).collect();
        let all: Vec<&'a Param> = block.params.iter().collect();
        let mut matched: Vec<Matched<'a>> = Vec::new();
        if let Some(value) = input {
            let Some(first) = tensors.first() else {
                return self.error(Code::E0204, span, format!("block `{}` takes no tensor", block.name));
            };
            // An empty place: what is piped in is not written among the arguments.
            matched.push((first, value, span.before()));
        }
        let taken = |matched: &[Matched<'a>], p: &Param| matched.iter().any(|(q, ..)| q.name.node == p.name.node);
        let mut positional = 0;
        let mut failed = false;
        for arg in args {
            let param = match &arg.name {
                Some(name) => match self.find_param(block, &all, name) {
                    Ok(param) => param,
                    Err(ErrorReported) => {
                        failed = true;
                        continue;
                    }
                },
                None => {
                    let named =
                        |p: &&&'a Param| args.iter().any(|a| a.name.as_ref().is_some_and(|n| n.node == p.name.node));
                    let next = tensors.iter().find(|p| !taken(&matched, p) && !named(p)).copied();
                    if let Some(tensor) = next {
                        let value = self.eval_expr(&arg.value);
                        match value {
                            Ok(
                                value @ (EvalValue::Int(_)
                                | EvalValue::Dim(..)
                                | EvalValue::Float(_)
                                | EvalValue::Bool(_)
                                | EvalValue::Str(_)),
                            ) => {
                                let found = self.describe(&value);
                                let message =
                                    format!("`{}` takes a tensor for `{}`, found {found}", block.name, tensor.name);
                                let d = Diagnostic::new(Code::E0304, arg.value.span, message)
                                    .label("not a tensor")
                                    .other(tensor.span, "declared here");
                                let help = format!("pipe a tensor into it: `x |> {}(...)`", block.name);
                                let d = d.suggest(help, span.before(), "... |> ", Applicability::HasPlaceholders);
                                failed |= self.fail::<()>(d).is_err();
                            }
                            Ok(value) => matched.push((tensor, value, arg.value.span)),
                            Err(ErrorReported) => failed = true,
                        }
                        continue;
                    }
                    // The first hyper-parameter, and those without a default after it, may be positional, in order.
                    let at = positional;
                    positional += 1;
                    let next = hypers.get(at).copied().filter(|p| at == 0 || p.default.is_none());
                    let Some(param) = next else {
                        let message = match hypers.get(at) {
                            Some(p) => format!("`{}` of `{}` has a default and must be named", p.name, block.name),
                            None => format!("too many arguments for `{}`", block.name),
                        };
                        let d = Diagnostic::new(Code::E0204, arg.value.span, message).label("without a name");
                        let before = arg.value.span.before();
                        return self.fail(match hypers.get(at) {
                            Some(p) => {
                                let text = format!("{} = ", p.name);
                                d.suggest("name it", before, text, Applicability::MachineApplicable)
                            }
                            None => d.help(format!("`{}` takes no further argument", block.name)),
                        });
                    };
                    param
                }
            };
            if taken(&matched, param) {
                let message = format!("`{}` is given twice", param.name);
                return self.error(Code::E0204, arg.value.span, message);
            }
            match self.eval_typed(&arg.value, &param.ty, &param.name.node) {
                Ok(value) => matched.push((param, value, arg.value.span)),
                Err(ErrorReported) => failed = true,
            }
        }
        if failed {
            return Err(ErrorReported);
        }
        for param in &block.params {
            if taken(&matched, param) || param.default.is_some() {
                continue;
            }
            let d = if is_tensor(param) {
                let message = format!("`{}` needs a tensor for `{}`", block.name, param.name);
                let d = Diagnostic::new(Code::E0304, span, message).label("a stage, not a value");
                let help = format!("pipe something into it: `x |> {}(...)`", block.name);
                d.suggest(help, span.before(), "... |> ", Applicability::HasPlaceholders)
            } else {
                let message = format!("`{}` needs a value for `{}`", block.name, param.name);
                let d = Diagnostic::new(Code::E0204, span, message);
                let (place, text) = super::fixes::missing_argument_edit(&param.name.node, args, span, call);
                d.suggest(format!("add `{} = ...`", param.name), place, text, Applicability::HasPlaceholders)
            };
            return self.fail(d.other(param.span, "declared here"));
        }
        Ok(matched)
    }
}
