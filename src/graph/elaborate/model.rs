//! The model itself: its image, its body, and its results.

use super::elaborator::{CallFrame, Elaborator, EvalResult, LIMITS, ModelArgument};
use super::value::EvalValue;
use crate::graph::ir::{Node, Outlet};
use crate::graph::op::Op;
use crate::graph::ty::{Cond, Dim, FormulaType, Shape, TensorType};
use crate::text::diag::{Code, Diagnostic};
use crate::text::source::Span;
use crate::text::syntax::ast;

impl<'a> Elaborator<'_, 'a> {
    pub(super) fn elaborate_model(
        &mut self,
        entry: &ast::Ident,
        given: &'a [ModelArgument],
        size: Option<[usize; 2]>,
    ) -> EvalResult<()> {
        let program = self.program;
        let Some((model, fixed)) = program.entry(&entry.node) else {
            return self.error(Code::E0501, entry.span, format!("unknown model `{entry}`"));
        };
        self.frames.push(CallFrame { block: &model.name.node, ..CallFrame::default() });
        self.bind_model_arguments(model, fixed, given)?;
        let mut input = None;
        for param in &model.params {
            match &param.ty.kind {
                ast::ParamTypeKind::Tensor(dims) => {
                    if input.is_some() {
                        return self.error(Code::E0304, param.span, "a model takes one image");
                    }
                    input = Some((param, dims));
                }
                ast::ParamTypeKind::Index(_) => {
                    return self.error(Code::E0304, param.span, "a model takes no pool indices");
                }
                ast::ParamTypeKind::Scalar(_) | ast::ParamTypeKind::List(_) => {}
            }
        }
        let Some((param, dims)) = input else {
            return self.error(Code::E0304, model.head, "a model takes an image, for example `x: [3, H, W]`");
        };
        let (shape, formula) = self.input_shape(model, dims, size, param.span)?;
        if shape.elements() > LIMITS.elements {
            return self.error(Code::E0311, param.span, format!("an image {shape} has more than 2^40 numbers"));
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
        match &model.result {
            Some(promise) => self.check_results(promise, &value, span, &model.name.node)?,
            None => {
                let message = format!("model `{}` does not say what it gives back", model.name);
                let d = Diagnostic::new(Code::E0302, model.head, message).help("add `-> [classes, H, W]`");
                return self.fail(d);
            }
        }
        self.graph.results = match value {
            EvalValue::Node(o) => vec![("out".into(), o)],
            EvalValue::Record(mut fields) => {
                // The order of the promise says which result is the first, not that of the body.
                if let Some(ast::ResultTypeKind::Record(promised)) = model.result.as_ref().map(|r| &r.kind) {
                    fields.sort_by_key(|(name, _)| promised.iter().position(|(p, _)| p.node == *name));
                }
                let mut results = Vec::new();
                for (name, value) in fields {
                    let EvalValue::Node(o) = value else { return self.type_error(span, "a tensor", &value) };
                    results.push((name, o));
                }
                results
            }
            other => return self.type_error(span, "a tensor or named tensors", &other),
        };
        if let Some((name, _)) = self.graph.results.iter().find(|(_, o)| self.graph.ty(*o).tensor().is_none()) {
            let message = format!("result `{name}` is pool indices, not a tensor");
            return self.error(Code::E0304, span, message);
        }
        Ok(())
    }

    /// The image's shape: names among the last two dims are bound by `size`, everything else is evaluated.
    fn input_shape(
        &mut self,
        model: &'a ast::Block,
        dims: &'a [ast::Expr],
        size: Option<[usize; 2]>,
        span: Span,
    ) -> EvalResult<(Shape, FormulaType)> {
        if dims.len() != 3 {
            return self.error(Code::E0304, span, "the image of a model is a map [channels, H, W]");
        }
        let mut shape = [0; 3];
        let mut formula = Vec::new();
        for (axis, dim) in dims.iter().enumerate() {
            if let ast::ExprKind::Name(name) = &dim.kind
                && let Some(hyper) = model.params.iter().find(|p| p.name.node == *name)
            {
                self.bind_model_default(model, hyper)?;
            }
            let unbound = match &dim.kind {
                ast::ExprKind::Name(name) if !self.frame().values.contains_key(name.as_str()) => Some(name.as_str()),
                _ => None,
            };
            shape[axis] = match (unbound, axis) {
                (Some(name), 0) => {
                    let message = format!("the channel count `{name}` of the image is not known");
                    let d = Diagnostic::new(Code::E0502, dim.span, message)
                        .help("write a number, or add it as a hyper-parameter with a default");
                    return self.fail(d);
                }
                (Some(name), _) => {
                    let Some(size) = size else {
                        let d = Diagnostic::new(Code::E0502, dim.span, format!("no value for the symbol `{name}`"))
                            .label("bound by the input size")
                            .help("give the input size: `--size 256x256`, or `--on DATA` with a data block");
                        return self.fail(d);
                    };
                    let n = size[axis - 1];
                    formula.push(if axis == 1 { Dim::height() } else { Dim::width() });
                    self.frame().values.insert(name, EvalValue::Dim(n as i64, formula[axis].clone()));
                    n
                }
                (None, _) => {
                    let (n, dim_formula) = self.eval_dim(dim)?;
                    if axis > 0 {
                        let image = if axis == 1 { Dim::height() } else { Dim::width() };
                        let what = || format!("the image's {} is {dim_formula}", ["height", "width"][axis - 1]);
                        if let Some(gap) = image.minus(&dim_formula) {
                            self.require_size(vec![vec![Cond::Zero(gap)]], dim.span, what);
                        }
                    }
                    if axis > 0 {
                        self.image[axis - 1] = n;
                    }
                    formula.push(dim_formula);
                    if axis > 0 && size.is_some_and(|s| s[axis - 1] != n) {
                        let asked = size.map_or(0, |s| s[axis - 1]);
                        let message = format!("the model takes images of {n} here, asked for {asked}");
                        return self.error(Code::E0302, dim.span, message);
                    }
                    n
                }
            };
        }
        Ok((Shape::new(shape), FormulaType::tensor(formula)))
    }
}
