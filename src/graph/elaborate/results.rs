//! Results of bodies are compared with the result types that the heads declare.

use super::dims::{declared_formulas, dims_of_one_kind};
use super::elaborator::{Elaborator, EvalResult};
use super::value::EvalValue;
use crate::base::problem::problem;
use crate::graph::ty::Cond;
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
                        let d = problem!(E0302, field.span, "`{name}` declares a result `{field}` that its body does not return";
                            other[span]: "returned here");
                        return self.fail(d.nearest(field.span, &field.node, given, || None));
                    };
                    self.check_result(ty, value, span, name)?;
                }
                if let Some((extra, _)) = values.iter().find(|(n, _)| !fields.iter().any(|(f, _)| f.node == *n)) {
                    return self
                        .fail(problem!(E0302, span, "`{name}` returns a result `{extra}` that it does not declare";
                            other[declared.span]: "declared here"));
                }
                Ok(())
            }
            (_, value) => {
                let found = self.describe(value);
                self.fail(problem!(E0302, declared.span, "`{name}` declares another number of results, but its body returns {found}";
                    other[span]: "returned here"))
            }
        }
    }

    fn check_result(&mut self, ty: &'a ParamType, value: &EvalValue, span: Span, name: &str) -> EvalResult<()> {
        let EvalValue::Node(outlet) = value else {
            let found = self.describe(value);
            return self.fail(
                problem!(E0302, ty.span, "`{name}` declares a tensor as its result, but its body returns {found}";
                other[span]: "returned here"),
            );
        };
        let actual = self.graph.ty(*outlet).clone();
        let Some((dims, shape)) = dims_of_one_kind(ty, &actual) else {
            return self.fail(
                problem!(E0302, ty.span, "`{name}` declares another kind of result, but its body returns {actual}";
                other[span]: "returned here"),
            );
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
            self.require_size(vec![equalities], ty.span, || format!("`{name}` returns its declared shape"));
            return Ok(());
        }
        let from = self.graph.node(outlet.node);
        let (from_path, wanted) = (from.path.clone(), format!("{wanted:?}"));
        let d = problem!(E0302, ty.span, "`{name}` declares the result {wanted}, but its body returns {actual}";
            label: "this is {wanted}";
            other[span]: "{actual} from `{from_path}`");
        let text = self.dims_in_declared_terms(dims, shape.dims());
        let index = if matches!(ty.kind, ParamTypeKind::Index(_)) { "index" } else { "" };
        let help = "change the body, or declare the result that it returns";
        self.fail(d.suggest(help, ty.span, format!("{index}[{text}]"), Applicability::MaybeIncorrect))
    }
}
