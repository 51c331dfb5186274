//! Calls: finds out whether a name is a builtin function, `repeat`, a block or an operator.

use super::call_site::{BlockCall, OperatorCall};
use super::elaborator::{Elaborator, ErrorReported, EvalResult};
use super::value::EvalValue;
use crate::base::problem::problem;
use crate::graph::ir::Outlet;
use crate::graph::op::signature;
use crate::graph::resolve::BUILTIN_FUNCTIONS;
use crate::text::source::Span;
use crate::text::syntax::ast::*;

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
            return self.instantiate_block(BlockCall { block, args, name_span, span }, input);
        }
        match signature(name) {
            Some(sig) => self.apply_operator(OperatorCall { sig, args, name_span, span }, input),
            None if self.program.is_broken(name) => Err(ErrorReported),
            None => self.fail(problem!(E0201, name_span, "unknown block or operator `{name}`")),
        }
    }

    /// Evaluates `x |> repeat(n, stage)`: applies the stage n times in a row.
    fn eval_repeat(&mut self, span: Span, args: &'a [Arg], input: Option<EvalValue>) -> EvalResult {
        let (Some(mut value), [count, stage]) = (input, args) else {
            let d = problem!(E0204, span, "`repeat` takes an input, a count and a stage";
                help: "for example `x |> repeat(2, cbr(64))`");
            return self.fail(d);
        };
        let n = self.eval_int(&count.value)?;
        if n < 0 {
            return self.fail(problem!(E0206, count.value.span, "a count must not be negative, found {n}"));
        }
        for _ in 0..n {
            value = self.apply_stage(&stage.value, value)?;
        }
        Ok(value)
    }

    /// Appends the tensors of a value, those of nested lists included.
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
}
