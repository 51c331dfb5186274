//! Results of bodies are compared with the result types that the heads declare.

use super::dims::declared_formulas;
use super::elaborator::{Elaborator, EvalResult};
use super::value::EvalValue;
use crate::base::problem::problem;
use crate::graph::ty::{Cond, TensorType};
use crate::text::diag::Applicability;
use crate::text::source::Span;
use crate::text::syntax::ast::*;

impl<'a> Elaborator<'_, 'a> {
    /// Compares the value that a body returns at `span` with the declared result of the block or model `name`.
    pub(super) fn check_results(
        &mut self,
        declared: &'a ResultType,
        value: &EvalValue,
        span: Span,
        name: &str,
    ) -> EvalResult<()> {
        match (&declared.kind, value) {
            (ResultTypeKind::One(ty), value) => self.check_result(ty, value, span, name),
            (ResultTypeKind::Tuple(types), EvalValue::Tuple(values)) if types.len() == values.len() => {
                types.iter().zip(values).try_for_each(|(ty, v)| self.check_result(ty, v, span, name))
            }
            (ResultTypeKind::Record(fields), EvalValue::Record(values)) => {
                for (field, ty) in fields {
                    let Some((_, value)) = values.iter().find(|(n, _)| *n == field.node) else {
                        let given = values.iter().map(|(n, _)| n.as_str());
                        let d = problem!(E0302, field.span, "`{name}` promises a result `{field}` and gives none";
                            other[span]: "returned here");
                        return self.fail(d.nearest(field.span, &field.node, given, || None));
                    };
                    self.check_result(ty, value, span, name)?;
                }
                if let Some((extra, _)) = values.iter().find(|(n, _)| !fields.iter().any(|(f, _)| f.node == *n)) {
                    return self
                        .fail(problem!(E0302, span, "`{name}` gives a result `{extra}` that it does not promise";
                            other[declared.span]: "promised here"));
                }
                Ok(())
            }
            (_, value) => {
                let found = self.describe(value);
                self.fail(problem!(E0302, declared.span, "`{name}` promises another number of results, its body gives {found}";
                    other[span]: "returned here"))
            }
        }
    }

    fn check_result(&mut self, ty: &'a ParamType, value: &EvalValue, span: Span, name: &str) -> EvalResult<()> {
        let EvalValue::Node(outlet) = value else {
            let found = self.describe(value);
            return self.fail(problem!(E0302, ty.span, "`{name}` promises a tensor, its body gives {found}";
                other[span]: "returned here"));
        };
        let actual = self.graph.ty(*outlet).clone();
        let (dims, shape) = match (&ty.kind, &actual) {
            (ParamTypeKind::Tensor(dims), TensorType::Tensor(shape)) => (dims, shape),
            (ParamTypeKind::Index(dims), TensorType::Index { from, .. }) => (dims, from),
            _ => {
                return self.fail(
                    problem!(E0302, ty.span, "`{name}` promises another kind of result, its body gives {actual}";
                    other[span]: "returned here"),
                );
            }
        };
        let mut wanted = Vec::new();
        let formulas = declared_formulas(self.graph.formula(*outlet));
        let mut equalities = Vec::new();
        for (axis, dim) in dims.iter().enumerate() {
            let (n, formula) = self.eval_dim(dim)?;
            wanted.push(n);
            equalities.extend(formulas.get(axis).and_then(|f| formula.minus(f)).map(Cond::Zero));
        }
        if wanted == shape.dims() {
            self.require_size(vec![equalities], ty.span, || format!("`{name}` keeps its promise"));
            return Ok(());
        }
        let from = self.graph.node(outlet.node);
        let (from_path, wanted) = (from.path.clone(), format!("{wanted:?}"));
        let d = problem!(E0302, ty.span, "`{name}` promises {wanted}, its body gives {actual}";
            label: "this is {wanted}";
            other[span]: "{actual} from `{from_path}`");
        let text = self.dims_in_declared_terms(dims, shape.dims());
        let index = if matches!(ty.kind, ParamTypeKind::Index(_)) { "index" } else { "" };
        let help = "change the body so that the promise holds, or promise what it gives";
        self.fail(d.suggest(help, ty.span, format!("{index}[{text}]"), Applicability::MaybeIncorrect))
    }
}
