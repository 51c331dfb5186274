//! Tensors bound to parameters: names among the declared dims get a value, the other dims are checked.

use super::binding::BoundArgument;
use super::elaborator::{Elaborator, EvalResult};
use super::errors::{DimMismatch, TensorInput, TensorInputError};
use super::value::EvalValue;
use crate::graph::ir::Outlet;
use crate::graph::ty::{Cond, Dim, FormulaType, Shape, SharedDims, TensorType};
use crate::text::syntax::ast::*;

/// Returns the dims that a declaration of this type writes: for pool indices those of the map that was pooled.
pub(super) fn declared_formulas(ty: &FormulaType) -> SharedDims {
    match ty {
        FormulaType::Tensor(dims) | FormulaType::Index { from: dims, .. } => dims.clone(),
    }
}

/// Returns the dims of a declared type and of a tensor; `None` where one of them is a tensor and the other is pool indices.
pub(super) fn dims_of_one_kind<'a>(ty: &'a ParamType, given: &TensorType) -> Option<(&'a [Expr], Shape)> {
    match (&ty.kind, given) {
        (ParamTypeKind::Tensor(dims), TensorType::Tensor(shape)) => Some((dims, shape.clone())),
        (ParamTypeKind::Index(dims), TensorType::Index { from, .. }) => Some((dims, from.clone())),
        _ => None,
    }
}

impl<'a> Elaborator<'_, 'a> {
    /// Binds a tensor parameter: names among its dims that have no value yet get one, the other dims are checked.
    pub(super) fn bind_tensor_input(&mut self, block: &'a Block, argument: &BoundArgument<'a>) -> EvalResult<()> {
        let param = argument.param;
        let (_, call) = self.calls.last().copied().unwrap_or(("", param.span));
        let input = TensorInput { block, param, call, argument: argument.span };
        let EvalValue::Node(outlet) = argument.value else {
            let found = self.describe(&argument.value);
            return self.fail(TensorInputError::NotATensor { found }.diagnostic(input));
        };
        let given = self.graph.ty(outlet).clone();
        let Some((dims, shape)) = dims_of_one_kind(&param.ty, &given) else {
            return self.fail(TensorInputError::OtherKind { given }.diagnostic(input));
        };
        let (declared, found) = (dims.len(), shape.dims().len());
        if declared != found {
            return self.fail(TensorInputError::Rank { declared, found, given }.diagnostic(input));
        }
        let formulas = declared_formulas(self.graph.formula(outlet));
        for (axis, dim) in dims.iter().enumerate() {
            let n = shape.dims()[axis];
            if !self.bind_dim_name(block, dim, n, &formulas[axis])? {
                self.check_dim(input, outlet, dims, axis, (n, &formulas[axis]))?;
            }
        }
        self.bind_param(param, argument.value.clone());
        Ok(())
    }

    /// Gives a dim that is a name without a value the size `n`. Returns whether it did.
    fn bind_dim_name(&mut self, block: &'a Block, dim: &'a Expr, n: usize, formula: &Dim) -> EvalResult<bool> {
        let ExprKind::Name(name) = &dim.kind else { return Ok(false) };
        if self.frame().values.contains_key(name.as_str()) {
            return Ok(false);
        }
        // A dim may also be the name of a hyper-parameter that was left at its default.
        if let Some(hyper) = block.params.iter().find(|p| p.name.node == *name) {
            self.bind_default(hyper)?;
            return Ok(false);
        }
        self.frame().values.insert(name, EvalValue::of_dim(n as i64, formula.clone()));
        Ok(true)
    }

    /// Checks a declared dim against the one of the given tensor, at this size and at every other one.
    fn check_dim(
        &mut self,
        input: TensorInput<'a>,
        outlet: Outlet,
        dims: &'a [Expr],
        axis: usize,
        (n, formula): (usize, &Dim),
    ) -> EvalResult<()> {
        let dim = &dims[axis];
        let (declared, declared_formula) = self.eval_dim(dim)?;
        if declared == n {
            if let Some(gap) = declared_formula.minus(formula) {
                let what = || format!("`{}` of `{}` is of the declared size", input.param.name, input.block.name);
                self.require_size(vec![vec![Cond::Zero(gap)]], dim.span, what);
            }
            return Ok(());
        }
        let shape = self.dims_text(dims)?;
        let mismatch = DimMismatch { outlet, dim, axis, rank: dims.len(), declared, shape };
        let diagnostic = self.dim_mismatch(input, &mismatch);
        self.fail(diagnostic)
    }

    /// Returns declared dims as text, `[64, h, 12]`, with the values that are known.
    fn dims_text(&mut self, dims: &'a [Expr]) -> EvalResult<String> {
        let mut parts = Vec::new();
        for dim in dims {
            parts.push(match &dim.kind {
                ExprKind::Name(name) if !self.frame().values.contains_key(name.as_str()) => name.clone(),
                _ => self.eval_dim(dim)?.0.to_string(),
            });
        }
        Ok(format!("[{}]", parts.join(", ")))
    }
}
