//! Declared dims against real ones: names among them are bound, promises are held, for all image sizes at once.

use super::elaborator::{Elaborator, EvalResult};
use super::value::EvalValue;
use crate::graph::ty::{Cond, FormulaType, TensorType};
use crate::text::diag::{Applicability, Code, Diagnostic};
use crate::text::source::Span;
use crate::text::syntax::ast::*;

/// The dims as a declaration writes them: those of the pooled map's source for indices.
fn written_dims(ty: &FormulaType) -> crate::graph::ty::SharedDims {
    match ty {
        FormulaType::Tensor(dims) | FormulaType::Index { from: dims, .. } => dims.clone(),
    }
}

impl<'a> Elaborator<'_, 'a> {
    /// Binds the names among a parameter's dims and checks the rest.
    /// `given` is where the argument is written, an empty place where it was piped in.
    pub(super) fn bind_tensor_input(
        &mut self,
        block: &'a Block,
        param: &'a Param,
        value: &EvalValue,
        given: Span,
    ) -> EvalResult<()> {
        let (_, site) = self.calls.last().copied().unwrap_or(("", param.span));
        let EvalValue::Node(outlet) = value else {
            let found = self.describe(value);
            let message = format!("`{}` takes a tensor for `{}`, found {found}", block.name, param.name);
            return self.error(Code::E0304, site, message);
        };
        let ty = self.graph.ty(*outlet).clone();
        let formulas = written_dims(self.graph.formula(*outlet));
        let (dims, actual) = match (&param.ty.kind, &ty) {
            (ParamTypeKind::Tensor(dims), TensorType::Tensor(shape)) => (dims, shape.dims().to_vec()),
            (ParamTypeKind::Index(dims), TensorType::Index { from, .. }) => (dims, from.dims().to_vec()),
            _ => {
                let message = format!("`{}` of `{}` is given {ty}", param.name, block.name);
                let d =
                    Diagnostic::new(Code::E0304, site, message).other(param.ty.span, "another kind is declared here");
                return self.fail(d);
            }
        };
        if dims.len() != actual.len() {
            let kind = |n| if n == 1 { "a vector of 1 dim" } else { "a map of 3 dims" };
            let message = format!("`{}` of `{}` is {}, found {ty}", param.name, block.name, kind(dims.len()));
            let d = Diagnostic::new(Code::E0302, site, message)
                .label(format!("{} arrives here", kind(actual.len())))
                .other(param.ty.span, "declared here");
            return self.fail(match (dims.len(), actual.len()) {
                (1, 3) => super::fixes::suggest_stage(
                    d.help("`flatten` keeps every number, `avgpool_to(1) |> flatten` one a channel"),
                    "make it a vector",
                    "avgpool_to(1) |> flatten",
                    given,
                    Applicability::MaybeIncorrect,
                ),
                (3, 1) => super::fixes::suggest_stage(
                    d,
                    "`unflatten` makes it [c, 1, 1]",
                    "unflatten",
                    given,
                    Applicability::MaybeIncorrect,
                ),
                _ => d,
            });
        }
        for (axis, (dim, &n)) in dims.iter().zip(&actual).enumerate() {
            if let ExprKind::Name(name) = &dim.kind
                && !self.frame().values.contains_key(name.as_str())
            {
                // A dim may also be the name of a hyper-parameter that was left at its default.
                match block.params.iter().find(|p| p.name.node == *name) {
                    Some(hyper) => self.bind_default(hyper)?,
                    None => {
                        self.frame().values.insert(name, EvalValue::of_dim(n as i64, formulas[axis].clone()));
                        continue;
                    }
                }
            }
            let (want, formula) = self.eval_dim(dim)?;
            if want == n
                && let Some(gap) = formula.minus(&formulas[axis])
            {
                let what = || format!("`{}` of `{}` is of the declared size", param.name, block.name);
                self.require_size(vec![vec![Cond::Zero(gap)]], dim.span, what);
            }
            if want != n {
                let text = self.dims_text(dims)?;
                let message = format!("`{}` of `{}` must be {text}, found {ty}", param.name, block.name);
                let from = self.graph.node(outlet.node);
                let (from_span, from_path) = (from.span, from.path.clone());
                let mut d = Diagnostic::new(Code::E0302, site, message)
                    .label(format!("{ty} arrives here"))
                    .other(dim.span, format!("this is {want}"))
                    .other(from_span, format!("{ty} from `{from_path}`"));
                // The other side of the clash: the tensor that `c`, `h` or `w` was read from.
                if let Some(o) = self.dim_source(&block.params, dim) {
                    let source = self.graph.node(o.node);
                    d = d.other(source.span, format!("{} from `{}`", self.graph.ty(o), source.path));
                }
                return self.fail(match (axis, dims.len()) {
                    (0, 3) => {
                        let stage = format!("conv({want}, k = 1)");
                        let help = format!("bring it to {want} channels, for example");
                        super::fixes::suggest_stage(d, &help, &stage, given, Applicability::MaybeIncorrect)
                    }
                    (_, 3) => {
                        let help = "bring it to that size, for example";
                        let (to, trust) = match self.caller_name_of(&block.params, dim) {
                            Some(name) => (name, Applicability::MaybeIncorrect),
                            None => ("...".into(), Applicability::HasPlaceholders),
                        };
                        super::fixes::suggest_stage(d, help, &format!("resize(to = {to})"), given, trust)
                    }
                    _ => d,
                });
            }
        }
        self.bind_param(param, value.clone())
    }

    /// `[64, h, 12]` with the values that are known.
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

    /// Compares what a body gives with what its head promises.
    pub(super) fn check_results(
        &mut self,
        promise: &'a ResultType,
        value: &EvalValue,
        span: Span,
        name: &str,
    ) -> EvalResult<()> {
        match (&promise.kind, value) {
            (ResultTypeKind::One(ty), value) => self.check_result(ty, value, span, name),
            (ResultTypeKind::Tuple(types), EvalValue::Tuple(values)) if types.len() == values.len() => {
                types.iter().zip(values).try_for_each(|(ty, v)| self.check_result(ty, v, span, name))
            }
            (ResultTypeKind::Record(fields), EvalValue::Record(values)) => {
                for (field, ty) in fields {
                    let Some((_, value)) = values.iter().find(|(n, _)| *n == field.node) else {
                        let message = format!("`{name}` promises a result `{field}` and gives none");
                        let given = values.iter().map(|(n, _)| n.as_str());
                        let d = Diagnostic::new(Code::E0302, field.span, message).other(span, "returned here");
                        return self.fail(d.nearest(field.span, &field.node, given, || None));
                    };
                    self.check_result(ty, value, span, name)?;
                }
                if let Some((extra, _)) = values.iter().find(|(n, _)| !fields.iter().any(|(f, _)| f.node == *n)) {
                    let message = format!("`{name}` gives a result `{extra}` that it does not promise");
                    return self.fail(Diagnostic::new(Code::E0302, span, message).other(promise.span, "promised here"));
                }
                Ok(())
            }
            (_, value) => {
                let found = self.describe(value);
                let message = format!("`{name}` promises another number of results, its body gives {found}");
                self.fail(Diagnostic::new(Code::E0302, promise.span, message).other(span, "returned here"))
            }
        }
    }

    fn check_result(&mut self, ty: &'a ParamType, value: &EvalValue, span: Span, name: &str) -> EvalResult<()> {
        let EvalValue::Node(outlet) = value else {
            let found = self.describe(value);
            let message = format!("`{name}` promises a tensor, its body gives {found}");
            return self.fail(Diagnostic::new(Code::E0302, ty.span, message).other(span, "returned here"));
        };
        let actual = self.graph.ty(*outlet).clone();
        let (dims, shape) = match (&ty.kind, &actual) {
            (ParamTypeKind::Tensor(dims), TensorType::Tensor(shape)) => (dims, shape),
            (ParamTypeKind::Index(dims), TensorType::Index { from, .. }) => (dims, from),
            _ => {
                let message = format!("`{name}` promises another kind of result, its body gives {actual}");
                return self.fail(Diagnostic::new(Code::E0302, ty.span, message).other(span, "returned here"));
            }
        };
        let mut wanted = Vec::new();
        let formulas = written_dims(self.graph.formula(*outlet));
        let mut held = Vec::new();
        for (axis, dim) in dims.iter().enumerate() {
            let (n, formula) = self.eval_dim(dim)?;
            wanted.push(n);
            held.extend(formulas.get(axis).and_then(|f| formula.minus(f)).map(Cond::Zero));
        }
        if wanted == shape.dims() {
            self.require_size(vec![held], ty.span, || format!("`{name}` keeps its promise"));
            return Ok(());
        }
        let from = self.graph.node(outlet.node);
        let (from_path, wanted) = (from.path.clone(), format!("{wanted:?}"));
        let d = Diagnostic::new(Code::E0302, ty.span, format!("`{name}` promises {wanted}, its body gives {actual}"))
            .label(format!("this is {wanted}"))
            .other(span, format!("{actual} from `{from_path}`"));
        let text = self.dims_in_declared_terms(dims, shape.dims());
        let index = if matches!(ty.kind, ParamTypeKind::Index(_)) { "index" } else { "" };
        let help = "change the body so that the promise holds, or promise what it gives";
        self.fail(d.suggest(help, ty.span, format!("{index}[{text}]"), Applicability::MaybeIncorrect))
    }
}
