//! The model itself: its image, its body and its results.

use super::elaborator::{CallFrame, Elaborator, EvalResult, LIMITS, ModelArgument};
use super::value::EvalValue;
use crate::base::problem::problem;
use crate::graph::ir::{Node, Outlet};
use crate::graph::op::Op;
use crate::graph::ty::{Cond, Dim, FormulaType, Shape, TensorType};
use crate::text::source::Span;
use crate::text::syntax::ast;

impl<'a> Elaborator<'_, 'a> {
    /// Elaborates a model or variant into the graph, at an image size `[height, width]`.
    pub(super) fn elaborate_model(
        &mut self,
        entry: &ast::Ident,
        given: &'a [ModelArgument],
        size: Option<[usize; 2]>,
    ) -> EvalResult<()> {
        let program = self.program;
        let Some((model, fixed)) = program.entry(&entry.node) else {
            return self.fail(problem!(E0501, entry.span, "unknown model `{entry}`"));
        };
        self.frames.push(CallFrame { block: &model.name.node, ..CallFrame::default() });
        self.bind_model_arguments(model, fixed, given)?;
        let (param, dims) = self.image_param(model)?;
        let (shape, formula) = self.image_shape(model, dims, size, param.span)?;
        if shape.elements() > LIMITS.elements {
            return self.fail(problem!(E0311, param.span, "an image {shape} has more than 2^40 numbers"));
        }
        self.bind_model_defaults(model)?;
        let node = Node {
            path: param.name.node.clone(),
            op: Op::Input(shape.clone()),
            outputs: vec![TensorType::Tensor(shape)],
            span: param.span,
        };
        self.path_counts.insert(param.name.node.clone(), 1);
        let id = self.graph.add_with(node, &[], vec![formula]);
        self.bind_param(param, EvalValue::Node(Outlet { node: id, slot: 0 }));
        let (value, span) = self.eval_body(&model.body)?;
        let Some(declared) = &model.result else {
            return self.fail(problem!(E0302, model.head, "model `{}` declares no result", model.name;
                help: "add `-> [classes, H, W]`"));
        };
        self.check_results(declared, &value, span, &model.name.node)?;
        self.graph.results = self.graph_results(declared, value, span)?;
        if let Some((name, _)) = self.graph.results.iter().find(|(_, o)| self.graph.ty(*o).tensor().is_none()) {
            return self.fail(problem!(E0304, span, "result `{name}` is pool indices, not a tensor"));
        }
        Ok(())
    }

    /// Returns the one tensor parameter of a model, with its dims.
    fn image_param(&mut self, model: &'a ast::Block) -> EvalResult<(&'a ast::Param, &'a [ast::Expr])> {
        let mut image = None;
        for param in &model.params {
            match &param.ty.kind {
                ast::ParamTypeKind::Tensor(_) if image.is_some() => {
                    return self.fail(problem!(E0304, param.span, "a model can have only one image input"));
                }
                ast::ParamTypeKind::Tensor(dims) => image = Some((param, &dims[..])),
                ast::ParamTypeKind::Index(_) => {
                    return self.fail(problem!(E0304, param.span, "a model cannot take pool indices as input"));
                }
                ast::ParamTypeKind::Scalar(_) | ast::ParamTypeKind::List(_) => {}
            }
        }
        match image {
            Some(image) => Ok(image),
            None => self.fail(problem!(E0304, model.head, "a model needs an image, for example `x: [3, H, W]`")),
        }
    }

    /// Returns the results of the graph by name, in the order in which the model declares them.
    fn graph_results(
        &mut self,
        declared: &ast::ResultType,
        value: EvalValue,
        span: Span,
    ) -> EvalResult<Vec<(String, Outlet)>> {
        match value {
            EvalValue::Node(outlet) => Ok(vec![("out".into(), outlet)]),
            EvalValue::Record(mut fields) => {
                if let ast::ResultTypeKind::Record(names) = &declared.kind {
                    fields.sort_by_key(|(name, _)| names.iter().position(|(n, _)| n.node == *name));
                }
                let mut results = Vec::new();
                for (name, value) in fields {
                    let EvalValue::Node(outlet) = value else { return self.type_error(span, "a tensor", &value) };
                    results.push((name, outlet));
                }
                Ok(results)
            }
            other => self.type_error(span, "a tensor or named tensors", &other),
        }
    }

    /// Returns the image's shape at this size and as formulas. Names among the last two dims get their value from `size`,
    /// everything else is evaluated.
    fn image_shape(
        &mut self,
        model: &'a ast::Block,
        dims: &'a [ast::Expr],
        size: Option<[usize; 2]>,
        span: Span,
    ) -> EvalResult<(Shape, FormulaType)> {
        if dims.len() != 3 {
            return self.fail(problem!(E0304, span, "the image of a model must have the shape [channels, H, W]"));
        }
        let mut shape = [0; 3];
        let mut formulas = Vec::new();
        for (axis, dim) in dims.iter().enumerate() {
            if let ast::ExprKind::Name(name) = &dim.kind
                && let Some(hyper) = model.params.iter().find(|p| p.name.node == *name)
            {
                self.bind_model_default(model, hyper)?;
            }
            let (n, formula) = match &dim.kind {
                ast::ExprKind::Name(name) if !self.frame().values.contains_key(name.as_str()) => {
                    self.bind_image_dim(name, axis, size, dim.span)?
                }
                _ => self.fixed_image_dim(dim, axis, size)?,
            };
            shape[axis] = n;
            formulas.push(formula);
        }
        Ok((Shape::new(shape), FormulaType::tensor(formulas)))
    }

    /// Binds a name that is the image's height or width.
    fn bind_image_dim(
        &mut self,
        name: &'a str,
        axis: usize,
        size: Option<[usize; 2]>,
        span: Span,
    ) -> EvalResult<(usize, Dim)> {
        if axis == 0 {
            return self.fail(problem!(E0502, span, "the channel count `{name}` of the image is not known";
                help: "write a number, or add it as a hyper-parameter with a default"));
        }
        let Some(size) = size else {
            return self.fail(problem!(E0502, span, "no value for the symbol `{name}`";
                label: "bound by the input size";
                help: "give the input size: `--size 256x256`, or `--on DATA` with a data block"));
        };
        let (n, formula) = (size[axis - 1], Dim::image_side(axis));
        self.frame().values.insert(name, EvalValue::Dim(n as i64, formula.clone()));
        Ok((n, formula))
    }

    /// Evaluates a dim of the image that the model fixes. Another height or width is refused, at every size.
    fn fixed_image_dim(
        &mut self,
        dim: &'a ast::Expr,
        axis: usize,
        size: Option<[usize; 2]>,
    ) -> EvalResult<(usize, Dim)> {
        let (n, formula) = self.eval_dim(dim)?;
        if axis == 0 {
            return Ok((n, formula));
        }
        if let Some(gap) = Dim::image_side(axis).minus(&formula) {
            let what = || format!("the image's {} is {formula}", ["height", "width"][axis - 1]);
            self.require_size(vec![vec![Cond::Zero(gap)]], dim.span, what);
        }
        self.image[axis - 1] = n;
        match size {
            Some(size) if size[axis - 1] != n => {
                let (side, given) = (["height", "width"][axis - 1], size[axis - 1]);
                self.fail(problem!(E0302, dim.span, "the {side} of the image must be {n}, found {given}"))
            }
            _ => Ok((n, formula)),
        }
    }
}
