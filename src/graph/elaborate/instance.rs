//! Instances of blocks: the call of a block becomes the nodes of its body.

use super::binding::{BoundArgument, is_tensor};
use super::call_site::BlockCall;
use super::elaborator::{CallFrame, Elaborator, ErrorReported, EvalResult, LIMITS};
use super::value::EvalValue;
use crate::base::problem::problem;
use crate::graph::ir::Path;
use crate::text::syntax::ast::*;

impl<'a> Elaborator<'_, 'a> {
    /// Adds the nodes of one call of a block and returns its result.
    pub(super) fn instantiate_block(&mut self, call: BlockCall<'a>, input: Option<EvalValue>) -> EvalResult {
        let name = call.block.name.node.as_str();
        if self.program.is_broken(name) {
            return Err(ErrorReported);
        }
        self.program.mark_used(call.block);
        if self.calls.len() >= LIMITS.blocks {
            return self.fail(problem!(E0311, call.name_span, "blocks are nested more than {} deep", LIMITS.blocks));
        }
        let arguments = self.bind_arguments(call, input)?;
        let path: Path = self.fresh_path(name);
        self.record_instance(path.clone(), name, call.span);
        let outer = std::mem::replace(&mut self.prefix, path);
        self.calls.push((name, call.name_span));
        self.frames.push(CallFrame { block: name, ..CallFrame::default() });
        let result = self.elaborate_block_body(call.block, arguments);
        self.frames.pop();
        self.calls.pop();
        self.prefix = outer;
        result
    }

    /// Binds the parameters of a block in the innermost frame and evaluates its body.
    fn elaborate_block_body(&mut self, block: &'a Block, arguments: Vec<BoundArgument<'a>>) -> EvalResult {
        for argument in arguments.iter().filter(|a| !is_tensor(a.param)) {
            self.bind_param(argument.param, argument.value.clone());
        }
        for argument in arguments.iter().filter(|a| is_tensor(a.param)) {
            self.bind_tensor_input(block, argument)?;
        }
        for param in &block.params {
            if !self.frame().values.contains_key(param.name.node.as_str()) {
                self.bind_default(param)?;
            }
        }
        let (value, span) = self.eval_body(&block.body)?;
        if let Some(declared) = &block.result {
            self.check_results(declared, &value, span, &block.name.node)?;
        }
        Ok(value)
    }

    /// Binds a parameter to its default, if it has one.
    pub(super) fn bind_default(&mut self, param: &'a Param) -> EvalResult<()> {
        let Some(default) = &param.default else { return Ok(()) };
        let value = self.eval_typed(default, &param.ty, &param.name.node)?;
        self.bind_param(param, value);
        Ok(())
    }

    /// Binds a parameter to a value in the innermost frame.
    pub(super) fn bind_param(&mut self, param: &'a Param, value: EvalValue) {
        let frame = self.frame();
        frame.values.insert(&param.name.node, value);
        frame.bound_at.insert(&param.name.node, param.name.span);
    }
}
