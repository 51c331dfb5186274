//! Arguments of a block call are bound to the parameters of the block.

use super::call_site::BlockCall;
use super::elaborator::{Elaborator, ErrorReported, EvalResult};
use super::errors::{ArgumentError, unknown_parameter};
use super::value::EvalValue;
use crate::text::source::Span;
use crate::text::syntax::ast::*;

/// An argument bound to a parameter.
pub(super) struct BoundArgument<'a> {
    pub(super) param: &'a Param,
    pub(super) value: EvalValue,
    /// Where the argument is written; an empty span before the call for a piped input.
    pub(super) span: Span,
}

pub(super) fn is_tensor(param: &Param) -> bool {
    matches!(param.ty.kind, ParamTypeKind::Tensor(_) | ParamTypeKind::Index(_))
}

/// The state of binding the arguments of one call, in the order in which they are written.
struct ArgumentBinder<'a> {
    call: BlockCall<'a>,
    bound: Vec<BoundArgument<'a>>,
    /// Number of hyper-parameters that were given by position.
    positional: usize,
}

impl<'a> ArgumentBinder<'a> {
    /// Binds a piped input to the first tensor parameter.
    fn bind_piped(&mut self, value: EvalValue) -> Result<(), ArgumentError<'a>> {
        let Some(param) = self.call.block.params.iter().find(|p| is_tensor(p)) else {
            return Err(ArgumentError::NoTensorParameter);
        };
        self.bound.push(BoundArgument { param, value, span: self.call.name_span.before() });
        Ok(())
    }

    /// Returns the parameter that an argument is for.
    ///
    /// An argument without a name is for the first tensor parameter that has no argument, else for the next
    /// hyper-parameter: for the first one, and for those after it that have no default.
    fn bind_argument(&mut self, arg: &'a Arg) -> Result<&'a Param, ArgumentError<'a>> {
        let param = match &arg.name {
            Some(name) => {
                let named = self.call.block.params.iter().find(|p| p.name.node == name.node);
                named.ok_or(ArgumentError::UnknownName { name })?
            }
            None => match self.next_tensor() {
                Some(param) => param,
                None => self.next_hyper_parameter(arg)?,
            },
        };
        if self.is_bound(param) {
            return Err(ArgumentError::Duplicate { param, span: arg.value.span });
        }
        Ok(param)
    }

    fn next_tensor(&self) -> Option<&'a Param> {
        let named = |p: &Param| self.call.args.iter().any(|a| a.name.as_ref().is_some_and(|n| n.node == p.name.node));
        self.call.block.params.iter().find(|p| is_tensor(p) && !self.is_bound(p) && !named(p))
    }

    fn next_hyper_parameter(&mut self, arg: &'a Arg) -> Result<&'a Param, ArgumentError<'a>> {
        let position = self.positional;
        self.positional += 1;
        let span = arg.value.span;
        match self.call.block.params.iter().filter(|p| !is_tensor(p)).nth(position) {
            Some(param) if position == 0 || param.default.is_none() => Ok(param),
            Some(param) => Err(ArgumentError::NameMissing { param, span }),
            None => Err(ArgumentError::TooMany { span }),
        }
    }

    fn is_bound(&self, param: &Param) -> bool {
        self.bound.iter().any(|a| a.param.name.node == param.name.node)
    }

    /// Returns an error for the first parameter that has neither an argument nor a default.
    fn missing(&self) -> Option<ArgumentError<'a>> {
        let param = self.call.block.params.iter().find(|p| !self.is_bound(p) && p.default.is_none())?;
        Some(if is_tensor(param) {
            ArgumentError::MissingTensor { param }
        } else {
            ArgumentError::MissingValue { param }
        })
    }
}

impl<'a> Elaborator<'_, 'a> {
    /// Evaluates the arguments of a call and binds them. Arguments that fail do not hide errors of the others; an error
    /// that leaves open which parameters the others are for ends the call.
    pub(super) fn bind_arguments(
        &mut self,
        call: BlockCall<'a>,
        input: Option<EvalValue>,
    ) -> EvalResult<Vec<BoundArgument<'a>>> {
        let mut binder = ArgumentBinder { call, bound: Vec::new(), positional: 0 };
        if let Some(value) = input
            && let Err(error) = binder.bind_piped(value)
        {
            return self.fail(error.diagnostic(call));
        }
        let mut failed = false;
        for arg in call.args {
            let bound = match binder.bind_argument(arg) {
                Ok(param) => self.eval_argument(call, param, arg),
                Err(error @ ArgumentError::UnknownName { .. }) => self.fail(error.diagnostic(call)),
                Err(error) => return self.fail(error.diagnostic(call)),
            };
            match bound {
                Ok(bound) => binder.bound.push(bound),
                Err(ErrorReported) => failed = true,
            }
        }
        if failed {
            return Err(ErrorReported);
        }
        match binder.missing() {
            Some(error) => self.fail(error.diagnostic(call)),
            None => Ok(binder.bound),
        }
    }

    fn eval_argument(&mut self, call: BlockCall<'a>, param: &'a Param, arg: &'a Arg) -> EvalResult<BoundArgument<'a>> {
        let span = arg.value.span;
        let value = self.eval_typed(&arg.value, &param.ty, &param.name.node)?;
        // Values of other kinds are refused where the tensor is bound.
        let number = matches!(
            value,
            EvalValue::Int(_) | EvalValue::Dim(..) | EvalValue::Float(_) | EvalValue::Bool(_) | EvalValue::Str(_)
        );
        if arg.name.is_none() && is_tensor(param) && number {
            let found = self.describe(&value);
            return self.fail(ArgumentError::NotATensor { param, found, span }.diagnostic(call));
        }
        Ok(BoundArgument { param, value, span })
    }

    /// Returns the hyper-parameter of this name among `params`.
    pub(super) fn find_param(&mut self, block: &'a Block, params: &[&'a Param], name: &Ident) -> EvalResult<&'a Param> {
        match params.iter().find(|p| p.name.node == name.node) {
            Some(param) => Ok(param),
            None => self.fail(unknown_parameter(block, params, name)),
        }
    }
}
