//! What claims and bounds are about.

use crate::graph::check::{CheckedGraph, unknown_result};
use crate::graph::op::PassKind;
use crate::study::cost::field::{narrower_side, receptive_fields};
use crate::study::cost::{Convention, count};
use crate::text::diag::{Applicability, Code, Diagnostic};
use crate::text::source::Spanned;
use crate::text::syntax::ast::{Expr, ExprKind, Ident};
use std::fmt;

/// What a claim is about.
#[derive(Debug, Clone)]
pub(super) enum Quantity {
    /// Trainable numbers; with a convention, as that tool totals them.
    Params(Option<Convention>),
    Buffers,
    Macs(Convention),
    Input,
    /// Of the first result, or of the one that is named.
    Output(Option<Ident>),
    /// Image pixels that a pixel of the first result sees through windows: along the axis where it sees fewer.
    ReceptiveField,
    /// The most bytes that a pass holds at once.
    Memory(PassKind),
    /// What only a trained network has.
    Score,
}

/// A quantity's value: a number or a shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuantityValue {
    /// A count: parameters, buffers, operations of one image, bytes, or pixels of a receptive field.
    Number(u64),
    /// The shape of an input or a result, `[c, h, w]`.
    Shape(Vec<usize>),
    /// Only training tells.
    Nothing,
}

impl fmt::Display for QuantityValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            QuantityValue::Number(n) => n.fmt(f),
            QuantityValue::Shape(shape) => write!(f, "{shape:?}"),
            QuantityValue::Nothing => f.write_str("-"),
        }
    }
}

/// The most bytes that a run of a model holds at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PeakBytes {
    /// Peak of a forward pass without gradients, in bytes.
    pub inference: u64,
    /// Peak of a training step (forward, loss, backward, update), in bytes.
    pub training: u64,
}

pub(super) const QUANTITIES: &[&str] =
    &["params", "buffers", "macs", "input", "output", "receptive_field", "dice", "iou"];

/// Those quantities that only a trained network has.
pub(super) const SCORES: &[&str] = &["dice", "iou"];

/// `macs` without a convention are those of `macs`.
pub(super) fn parse_quantity(expr: &Expr, macs: Convention) -> Result<Quantity, Box<Diagnostic>> {
    let unknown = |name: &str| {
        let d = Diagnostic::new(Code::E0603, expr.span, format!("nothing is known about `{name}`"));
        let at = if let ExprKind::Call(call) = &expr.kind { call.name.span } else { expr.span };
        let there = || Some(format!("there is {}", QUANTITIES.join(", ")));
        Box::new(d.nearest(at, name, QUANTITIES.iter().copied(), there))
    };
    let plain = |name: &str| {
        Ok(match name {
            "params" => Quantity::Params(None),
            "buffers" => Quantity::Buffers,
            "macs" => Quantity::Macs(macs),
            "input" => Quantity::Input,
            "output" => Quantity::Output(None),
            "receptive_field" => Quantity::ReceptiveField,
            "memory" => {
                let d = Diagnostic::new(Code::E0603, expr.span, "`memory` of which pass?");
                let d = d.suggest("to run", expr.span, "memory(inference)", Applicability::MaybeIncorrect);
                return Err(Box::new(d.suggest(
                    "to train",
                    expr.span,
                    "memory(training)",
                    Applicability::MaybeIncorrect,
                )));
            }
            score if SCORES.contains(&score) => Quantity::Score,
            other => return Err(unknown(other)),
        })
    };
    match &expr.kind {
        ExprKind::Name(name) => plain(name),
        ExprKind::Call(call) => {
            let [arg] = &call.args[..] else { return Err(unknown(&call.name.node)) };
            let ExprKind::Name(word) = &arg.value.kind else { return Err(unknown(&call.name.node)) };
            if call.name.node == "output" {
                return Ok(Quantity::Output(Some(Spanned::new(word.clone(), arg.value.span))));
            }
            if call.name.node == "memory" {
                return match word.as_str() {
                    "inference" => Ok(Quantity::Memory(PassKind::Inference)),
                    "training" => Ok(Quantity::Memory(PassKind::Training)),
                    _ => {
                        let message = format!("no pass is called `{word}`; there is inference and training");
                        let d = Diagnostic::new(Code::E0603, arg.value.span, message);
                        Err(Box::new(d.nearest(arg.value.span, word, ["inference", "training"], || None)))
                    }
                };
            }
            let convention: Convention = word.parse().map_err(|message: String| {
                let d = Diagnostic::new(Code::E0603, arg.value.span, message);
                Box::new(d.nearest(arg.value.span, word, Convention::ALL.iter().map(|c| c.name()), || None))
            })?;
            match call.name.node.as_str() {
                "macs" => Ok(Quantity::Macs(convention)),
                "params" => Ok(Quantity::Params(Some(convention))),
                other => Err(unknown(other)),
            }
        }
        _ => Err(Box::new(Diagnostic::new(Code::E0603, expr.span, "a claim is about a quantity such as `params`"))),
    }
}

/// `memory` is asked for the bytes of a pass when the quantity is one. The error names a result that the model lacks, or a
/// field that is not known.
pub(super) fn measure(
    quantity: &Quantity,
    checked: &CheckedGraph,
    memory: &dyn Fn() -> PeakBytes,
) -> Result<QuantityValue, Box<Diagnostic>> {
    Ok(match quantity {
        Quantity::Params(None) => QuantityValue::Number(count(checked, Convention::Conv).params),
        Quantity::Params(Some(convention)) => QuantityValue::Number(count(checked, *convention).counted_params),
        Quantity::Buffers => QuantityValue::Number(count(checked, Convention::Conv).buffers),
        Quantity::Macs(convention) => QuantityValue::Number(count(checked, *convention).macs),
        Quantity::ReceptiveField => QuantityValue::Number(receptive_field(checked)?),
        Quantity::Memory(PassKind::Inference) => QuantityValue::Number(memory().inference),
        Quantity::Memory(PassKind::Training) => QuantityValue::Number(memory().training),
        Quantity::Score => QuantityValue::Nothing,
        Quantity::Input => QuantityValue::Shape(checked.input().dims().to_vec()),
        Quantity::Output(None) => QuantityValue::Shape(checked.output().dims().to_vec()),
        Quantity::Output(Some(name)) => {
            if let Some(d) = unknown_result(checked, name) {
                return Err(Box::new(d));
            }
            let shape = checked.results().find(|(n, _)| *n == name.node).map_or(checked.output(), |(_, shape)| shape);
            QuantityValue::Shape(shape.dims().to_vec())
        }
    })
}

fn receptive_field(checked: &CheckedGraph) -> Result<u64, Box<Diagnostic>> {
    let graph = checked.graph();
    let field = &receptive_fields(graph)[graph.results[0].1.node.index()];
    narrower_side(field, checked.input().spatial().unwrap_or_default()).ok_or_else(|| {
        let message = format!("the receptive field of `{}` is not known", graph.name);
        let d = Diagnostic::new(Code::E0603, graph.node(graph.input()).span, message);
        Box::new(d.help("it repeats after more than 4096 pixels only"))
    })
}
