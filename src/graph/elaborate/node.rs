//! Nodes: an operator asked for its outputs, and why it refuses its inputs.

use super::elaborator::{Elaborator, EvalResult, LIMITS};
use super::value::EvalValue;
use crate::graph::ir::{Node, Outlet};
use crate::graph::op::{Op, RefusalKind};
use crate::graph::ty::{Dim, TensorType};
use crate::text::diag::{Code, Diagnostic};
use crate::text::source::Span;
use std::collections::HashSet;

/// What a node adds to the steps of a program: it is checked and counted as well.
const FUEL_PER_NODE: usize = 50;

impl<'a> Elaborator<'_, 'a> {
    /// Adds a node, or says at `span` why the operator refuses these inputs.
    pub(super) fn add_node(&mut self, op: Op, inputs: &[Outlet], span: Span) -> EvalResult {
        self.add_node_of_size(op, inputs, Vec::new(), span)
    }

    /// The same where the call gives height and width as formulas.
    pub(super) fn add_node_of_size(&mut self, op: Op, inputs: &[Outlet], written: Vec<Dim>, span: Span) -> EvalResult {
        if self.graph.len() >= LIMITS.nodes {
            self.aborted = true;
            let d = Diagnostic::new(Code::E0311, span, format!("more than {} nodes", LIMITS.nodes));
            return self.fail(d.label("one more is made here"));
        }
        let types: Vec<TensorType> = inputs.iter().map(|&o| self.graph.ty(o).clone()).collect();
        let outputs = match op.infer(&types) {
            Ok(outputs) => outputs,
            Err(refusal) => {
                let code = match refusal.kind {
                    RefusalKind::Mismatch => Code::E0301,
                    RefusalKind::Setting => Code::E0303,
                    RefusalKind::Type => Code::E0304,
                    RefusalKind::Index => Code::E0312,
                    RefusalKind::Limit => Code::E0311,
                };
                let mut d = Diagnostic::new(code, span, refusal.message).label(format!("`{}` joins here", op.name()));
                if inputs.len() < 2 {
                    d = d.label(format!("its input is {}", types.first().map(ToString::to_string).unwrap_or_default()));
                } else {
                    // Where each side got its size; the same place twice would only repeat itself.
                    let mut places = HashSet::from([span]);
                    for (o, ty) in inputs.iter().zip(&types) {
                        let from = self.graph.node(o.node);
                        if places.insert(from.span) {
                            d = d.other(from.span, format!("{ty} from `{}`", from.path));
                        }
                    }
                }
                if let Some(help) = refusal.help {
                    d = d.help(help);
                }
                return self.fail(d);
            }
        };
        if let Some(large) = outputs.iter().find(|t| t.shape().elements() > LIMITS.elements) {
            let message = format!("`{}` would make a tensor of more than 2^40 numbers", op.name());
            let shape = format!("its shape would be {large}");
            return self.fail(Diagnostic::new(Code::E0311, span, message).label(shape));
        }
        if let Some(large) = op.params(&types).iter().find(|p| p.elements() > LIMITS.elements) {
            let message = format!("the {} of this `{}` would have more than 2^40 numbers", large.name, op.name());
            let shape = format!("{:?}", large.shape);
            return self.fail(Diagnostic::new(Code::E0311, span, message).label(format!("its shape would be {shape}")));
        }
        let formulas = self.infer_formulas(&op, inputs, written, &outputs, span);
        let path = self.fresh_path(op.name());
        self.program.spend_fuel(FUEL_PER_NODE);
        self.consume_fuel(path.len() / 16, span)?;
        let several = outputs.len() > 1;
        let slots = outputs.len();
        let id = self.graph.add_with(Node { path, op, outputs, span }, inputs, formulas);
        let outlet = |slot| EvalValue::Node(Outlet { node: id, slot });
        Ok(if several { EvalValue::Tuple((0..slots).map(outlet).collect()) } else { outlet(0) })
    }
}
