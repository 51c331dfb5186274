//! Calls of operators: operands and settings are bound by the operator's signature, and the call becomes a node.

use super::call_site::OperatorCall;
use super::elaborator::{Elaborator, ErrorReported, EvalResult};
use super::errors::OperatorError;
use super::value::EvalValue;
use crate::graph::ir::Outlet;
use crate::graph::op::signature::OperatorArgs;
use crate::graph::op::{ArgSpec, Signature};
use crate::graph::ty::Dim;
use crate::text::source::Span;
use crate::text::syntax::ast::*;

/// The operands and settings of one call.
#[derive(Default)]
struct BoundOperands {
    inputs: Vec<Outlet>,
    settings: OperatorArgs,
    target: TargetSize,
}

/// The size that a call asks for, beyond its numbers.
#[derive(Default)]
pub(super) struct TargetSize {
    /// The tensor whose size is the target, `to = x`. It becomes an input of the node.
    pub(super) like: Option<Outlet>,
    /// The dims of the target as formulas, `to = [2 * H, 2 * W]`; else empty.
    pub(super) dims: Vec<Dim>,
}

/// The place of an argument in a signature.
enum OperandSlot {
    Input,
    Setting(&'static ArgSpec),
}

/// Returns the place of the next argument of a call. Only one setting may be given without its name, the first;
/// `positional` says that one was.
fn operand_slot<'a>(
    sig: &'static Signature,
    arg: &'a Arg,
    bound: &BoundOperands,
    positional: bool,
) -> Result<OperandSlot, OperatorError<'a>> {
    let span = arg.value.span;
    let setting = match &arg.name {
        Some(name) => sig.args.iter().find(|a| a.name == name.node).ok_or(OperatorError::UnknownName { name })?,
        None if sig.variadic || bound.inputs.len() < sig.inputs.len() => return Ok(OperandSlot::Input),
        None => sig.args.first().filter(|_| !positional).ok_or(OperatorError::NameMissing { span })?,
    };
    if bound.settings.get(setting.name).is_some() {
        return Err(OperatorError::Duplicate { name: setting.name, span });
    }
    Ok(OperandSlot::Setting(setting))
}

impl<'a> Elaborator<'_, 'a> {
    /// Adds the node of a call of an operator and returns its output.
    pub(super) fn apply_operator(&mut self, call: OperatorCall<'a>, input: Option<EvalValue>) -> EvalResult {
        let piped = input.is_some();
        let bound = self.bind_operands(call, input)?;
        let op = match (call.sig.build)(&bound.settings) {
            Ok(op) => op,
            Err(refusal) => return self.fail(OperatorError::Refused(refusal).diagnostic(call)),
        };
        let mut inputs = bound.inputs;
        inputs.extend(bound.target.like);
        let result = self.add_node_of_size(op, &inputs, bound.target.dims, call.name_span);
        if result.is_err() {
            self.suggest_operator_fix(call, &inputs, piped);
        }
        result
    }

    /// Evaluates the operands and settings of a call. Those that fail do not hide errors of the others; an error that
    /// leaves open which settings the others are for ends the call.
    fn bind_operands(&mut self, call: OperatorCall<'a>, input: Option<EvalValue>) -> EvalResult<BoundOperands> {
        let mut bound = BoundOperands::default();
        if let Some(value) = input {
            self.add_operand(call, value, call.name_span, &mut bound.inputs)?;
        }
        let mut positional = false;
        let mut failed = false;
        for arg in call.args {
            let result = match operand_slot(call.sig, arg, &bound, positional) {
                Ok(OperandSlot::Input) => self
                    .eval_expr(&arg.value)
                    .and_then(|value| self.add_operand(call, value, arg.value.span, &mut bound.inputs)),
                Ok(OperandSlot::Setting(spec)) => {
                    positional |= arg.name.is_none();
                    self.bind_setting(spec, &arg.value, &mut bound)
                }
                Err(error @ OperatorError::UnknownName { .. }) => self.fail(error.diagnostic(call)),
                Err(error) => return self.fail(error.diagnostic(call)),
            };
            failed |= result.is_err();
        }
        if failed {
            return Err(ErrorReported);
        }
        match missing_operand(call.sig, &bound) {
            Some(error) => self.fail(error.diagnostic(call)),
            None => Ok(bound),
        }
    }

    fn bind_setting(&mut self, spec: &'static ArgSpec, expr: &'a Expr, bound: &mut BoundOperands) -> EvalResult<()> {
        let (value, target) = self.eval_setting(spec, expr)?;
        bound.settings.0.push((spec.name, value));
        if let Some(target) = target {
            bound.target = target;
        }
        Ok(())
    }

    /// Appends the tensor of an operand, or several for an operator that takes any number of them.
    fn add_operand(
        &mut self,
        call: OperatorCall<'a>,
        value: EvalValue,
        span: Span,
        inputs: &mut Vec<Outlet>,
    ) -> EvalResult<()> {
        match value {
            value if call.sig.variadic => self.flatten_tensors(value, span, inputs),
            EvalValue::Node(outlet) => {
                inputs.push(outlet);
                Ok(())
            }
            EvalValue::Poison => Err(ErrorReported),
            other => {
                let found = self.describe(&other);
                self.fail(OperatorError::NotATensor { found, span }.diagnostic(call))
            }
        }
    }
}

/// Returns an error where inputs or required settings are missing.
fn missing_operand(sig: &'static Signature, bound: &BoundOperands) -> Option<OperatorError<'static>> {
    if bound.inputs.len() < sig.inputs.len() {
        return Some(if bound.inputs.is_empty() { OperatorError::NoInput } else { OperatorError::TooFewInputs });
    }
    let missing = sig.args.iter().find(|a| a.required && bound.settings.get(a.name).is_none())?;
    Some(OperatorError::MissingSetting { spec: missing })
}
