//! Hyper-parameters of a model, and conversion of values to the types of parameters.

use super::binding::is_tensor;
use super::elaborator::{Elaborator, ErrorReported, EvalResult, ModelArgument};
use super::value::EvalValue;
use crate::base::problem::problem;
use crate::graph::ir::HyperParameter;
use crate::text::diag::quoted_list;
use crate::text::source::Span;
use crate::text::syntax::ast::*;

impl<'a> Elaborator<'_, 'a> {
    /// Evaluates and binds the hyper-parameters of a model that are set from outside (`given`) or by variants (`fixed`). A
    /// value from outside replaces that of a variant.
    pub(super) fn bind_model_arguments(
        &mut self,
        model: &'a Block,
        fixed: Vec<&'a Arg>,
        given: &'a [ModelArgument],
    ) -> EvalResult<()> {
        let params: Vec<&'a Param> = model.params.iter().filter(|p| !is_tensor(p)).collect();
        let mut chosen: Vec<(&'a Param, &'a Expr, Span)> = Vec::new();
        let mut failed = false;
        for arg in fixed {
            let found = match &arg.name {
                Some(name) => self.find_param(model, &params, name),
                None => params.first().copied().ok_or(ErrorReported),
            };
            match found {
                Ok(param) => {
                    let span = arg.name.as_ref().map_or(arg.value.span, |n| n.span);
                    if let Some((_, _, before)) = chosen.iter().find(|(p, ..)| p.name.node == param.name.node) {
                        let d = problem!(E0204, span, "`{}` is fixed already", param.name;
                            other[*before]: "fixed here");
                        failed |= self.fail::<()>(d).is_err();
                    } else {
                        chosen.push((param, &arg.value, span));
                    }
                }
                Err(ErrorReported) => failed = true,
            }
        }
        for arg in given {
            match self.find_param(model, &params, &arg.name) {
                Ok(param) => {
                    chosen.retain(|(p, ..)| p.name.node != param.name.node);
                    chosen.push((param, &arg.value, arg.name.span));
                }
                Err(ErrorReported) => failed = true,
            }
        }
        for (param, expr, _) in chosen {
            failed |= self.bind_model_value(model, param, expr).is_err();
        }
        if failed { Err(ErrorReported) } else { Ok(()) }
    }

    /// Evaluates a value of a hyper-parameter and binds it. A hole has no value.
    fn bind_model_value(&mut self, model: &Block, param: &'a Param, expr: &'a Expr) -> EvalResult<()> {
        if let ExprKind::Hole { .. } = expr.kind {
            let name = &param.name;
            return self.fail(problem!(E0313, expr.span, "`{name}` of `{}` is a hole without a value", model.name;
                label: "to be filled in";
                help: "give one: `--with {name}=...`; with an `expect` block `npc check` tries them all"));
        }
        let value = self.eval_typed(expr, &param.ty, &param.name.node)?;
        self.bind_param(param, value);
        Ok(())
    }

    /// Binds a hyper-parameter of a model to its default, unless it has a value.
    pub(super) fn bind_model_default(&mut self, model: &Block, param: &'a Param) -> EvalResult<()> {
        if self.frame().values.contains_key(param.name.node.as_str()) {
            return Ok(());
        }
        match &param.default {
            Some(default) => self.bind_model_value(model, param, default),
            None => {
                let name = &param.name;
                self.fail(problem!(E0204, param.span, "`{name}` of `{}` has no default and no value", model.name;
                    help: "give one: `--with {name}=...`"))
            }
        }
    }

    /// Binds the hyper-parameters that have no value yet, in order, and records the values of all of them in the graph.
    pub(super) fn bind_model_defaults(&mut self, model: &'a Block) -> EvalResult<()> {
        let mut failed = false;
        for param in model.params.iter().filter(|p| !is_tensor(p)) {
            failed |= self.bind_model_default(model, param).is_err();
        }
        if failed {
            return Err(ErrorReported);
        }
        for param in model.params.iter().filter(|p| !is_tensor(p)) {
            if let Some(value) = self.frame().values.get(param.name.node.as_str()) {
                let value = value.to_string();
                self.graph.settings.push(HyperParameter { name: param.name.node.clone(), value });
            }
        }
        Ok(())
    }

    /// Evaluates an argument and converts it to the type of its parameter. Enum cases may be bare names, and integers become
    /// floats where the type is `float`.
    pub(super) fn eval_typed(&mut self, expr: &'a Expr, ty: &'a ParamType, name: &str) -> EvalResult {
        match &ty.kind {
            ParamTypeKind::Tensor(_) | ParamTypeKind::Index(_) => self.eval_expr(expr),
            ParamTypeKind::Scalar(of) => self.eval_scalar(expr, of, name),
            ParamTypeKind::List(of) => {
                if let ExprKind::List(items) = &expr.kind {
                    let values: Vec<_> = items.iter().map(|i| self.eval_scalar(i, of, name)).collect();
                    return Ok(EvalValue::List(values.into_iter().collect::<EvalResult<_>>()?));
                }
                match self.eval_expr(expr)? {
                    EvalValue::List(items) => {
                        let fitted: Vec<_> =
                            items.into_iter().map(|v| self.convert_to_type(v, of, expr.span, name)).collect();
                        Ok(EvalValue::List(fitted.into_iter().collect::<EvalResult<_>>()?))
                    }
                    other => self.type_error(expr.span, &format!("a list `{of}[]` for `{name}`"), &other),
                }
            }
        }
    }

    fn eval_scalar(&mut self, expr: &'a Expr, of: &'a Ident, name: &str) -> EvalResult {
        if let (ExprKind::Name(word), Some(cases)) = (&expr.kind, self.program.enums.get(of.node.as_str())) {
            if self.program.has_case(&of.node, word) && !self.frame().values.contains_key(word.as_str()) {
                return Ok(EvalValue::Case { of: of.node.clone(), case: word.clone() });
            }
            if !self.frame().values.contains_key(word.as_str()) {
                let known = || cases.cases.iter().map(|c| c.node.as_str());
                let d = problem!(E0206, expr.span, "`{of}` has no case `{word}`";
                    other[cases.name.span]: "its cases are {}", quoted_list(known()));
                return self.fail(d.nearest(expr.span, word, known(), || None));
            }
        }
        let value = self.eval_expr(expr)?;
        self.convert_to_type(value, of, expr.span, name)
    }

    fn convert_to_type(&mut self, value: EvalValue, of: &Ident, span: Span, name: &str) -> EvalResult {
        match (of.node.as_str(), value) {
            ("int", v @ (EvalValue::Int(_) | EvalValue::Dim(..)))
            | ("float", v @ EvalValue::Float(_))
            | ("bool", v @ EvalValue::Bool(_))
            | ("string", v @ EvalValue::Str(_)) => Ok(v),
            ("float", EvalValue::Int(n)) => Ok(EvalValue::Float(n as f64)),
            ("float", v @ EvalValue::Dim(n, _)) => {
                self.concretize(v, span);
                Ok(EvalValue::Float(n as f64))
            }
            (of, EvalValue::Case { of: have, case }) if of == have => Ok(EvalValue::Case { of: have, case }),
            (of, other) => {
                let wanted = match of {
                    "int" => "an integer".to_string(),
                    "float" => "a number".to_string(),
                    "bool" => "`true` or `false`".to_string(),
                    "string" => "a string".to_string(),
                    of => format!("a case of {of}"),
                };
                let found = self.describe(&other);
                self.fail(problem!(E0206, span, "`{name}` takes {wanted}, found {found}"))
            }
        }
    }
}
