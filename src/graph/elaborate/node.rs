//! Nodes: the operator infers its outputs, or refuses its inputs.

use super::elaborator::{Elaborator, EvalResult, LIMITS};
use super::value::EvalValue;
use crate::base::number::thousands;
use crate::base::problem::problem;
use crate::graph::ir::{Node, Outlet};
use crate::graph::op::{Op, Refusal, RefusalKind};
use crate::graph::ty::{Dim, TensorType};
use crate::text::diag::{Code, Diagnostic};
use crate::text::source::Span;
use std::collections::HashSet;

/// Steps that a node adds to those of the program, since it is checked and counted as well.
const FUEL_PER_NODE: usize = 50;

impl<'a> Elaborator<'_, 'a> {
    /// Adds a node for the call at `span`. An error where the operator refuses these inputs.
    pub(super) fn add_node(&mut self, op: Op, inputs: &[Outlet], span: Span) -> EvalResult {
        self.add_node_of_size(op, inputs, Vec::new(), span)
    }

    /// Adds a node whose call gives the output's height and width as formulas, `written`. Returns its output, or a tuple
    /// of its outputs.
    pub(super) fn add_node_of_size(&mut self, op: Op, inputs: &[Outlet], written: Vec<Dim>, span: Span) -> EvalResult {
        if self.graph.len() >= LIMITS.nodes {
            self.aborted = true;
            return self.fail(
                problem!(E0311, span, "more than {} nodes", thousands(LIMITS.nodes); label: "one more is made here"),
            );
        }
        let types: Vec<TensorType> = inputs.iter().map(|&o| self.graph.ty(o).clone()).collect();
        let outputs = match op.infer(&types) {
            Ok(outputs) => outputs,
            Err(refusal) => {
                let diagnostic = self.refused_inputs(&op, inputs, &types, refusal, span);
                return self.fail(diagnostic);
            }
        };
        if let Some(diagnostic) = too_large(&op, &types, &outputs, span) {
            return self.fail(diagnostic);
        }
        let formulas = self.infer_formulas(&op, inputs, written, &outputs, span);
        let path = self.fresh_path(op.name());
        self.program.spend_fuel(FUEL_PER_NODE);
        self.consume_fuel(path.len() / 16, span)?;
        let count = outputs.len();
        let node = self.graph.add_with(Node { path, op, outputs, span }, inputs, formulas);
        let outlet = |slot| EvalValue::Node(Outlet { node, slot });
        Ok(if count > 1 { EvalValue::Tuple((0..count).map(outlet).collect()) } else { outlet(0) })
    }

    /// Why an operator refuses its inputs, with the place where each of them got its size.
    fn refused_inputs(
        &self,
        op: &Op,
        inputs: &[Outlet],
        types: &[TensorType],
        refusal: Refusal,
        span: Span,
    ) -> Diagnostic {
        let code = match refusal.kind {
            RefusalKind::Mismatch => Code::E0301,
            RefusalKind::Setting => Code::E0303,
            RefusalKind::Type => Code::E0304,
            RefusalKind::Index => Code::E0312,
            RefusalKind::Limit => Code::E0311,
        };
        let mut d = Diagnostic::new(code, span, refusal.message);
        if let [] | [_] = inputs {
            d = d.label(format!("its input is {}", types.first().map(ToString::to_string).unwrap_or_default()));
        } else {
            d = d.label(format!("`{}` joins here", op.name()));
            // A second label at one place would repeat the first.
            let mut places = HashSet::from([span]);
            for (outlet, ty) in inputs.iter().zip(types) {
                let from = self.graph.node(outlet.node);
                if places.insert(from.span) {
                    d = d.other(from.span, format!("{ty} from `{}`", from.path));
                }
            }
        }
        match refusal.help {
            Some(help) => d.help(help),
            None => d,
        }
    }
}

/// An error where an output or a parameter has more elements than [`LIMITS`] allow.
fn too_large(op: &Op, types: &[TensorType], outputs: &[TensorType], span: Span) -> Option<Diagnostic> {
    if let Some(large) = outputs.iter().find(|t| t.shape().elements() > LIMITS.elements) {
        return Some(problem!(E0311, span, "`{}` would make a tensor of more than 2^40 numbers", op.name();
            label: "its shape would be {large}"));
    }
    let params = op.params(types);
    let large = params.iter().find(|p| p.elements() > LIMITS.elements)?;
    Some(problem!(E0311, span, "the {} of this `{}` would have more than 2^40 numbers", large.name, op.name();
        label: "its shape would be {:?}", large.shape))
}
