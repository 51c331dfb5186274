//! The quantities of claims and bounds.

use super::measured::MeasuredModel;
use crate::base::problem::problem;
use crate::graph::check::unknown_result;
use crate::graph::op::PassKind;
use crate::study::cost::Convention;
use crate::text::diag::Diagnostic;
use crate::text::source::{Span, Spanned};
use crate::text::syntax::ast::{Call, Expr, ExprKind, Ident};
use std::fmt;

/// The quantity of a claim.
#[derive(Debug, Clone)]
pub(super) enum Quantity {
    /// Trainable parameters; with a convention, the total of its tool.
    Params(Option<Convention>),
    Buffers,
    Macs(Convention),
    Input,
    /// Shape of the first or the named result.
    Output(Option<Ident>),
    /// Smaller side of the receptive field of the first result, in image pixels.
    ReceptiveField,
    /// Peak memory of a pass in bytes.
    Memory(PassKind),
    /// A score, which only a trained network has.
    Score,
}

/// A quantity's value: a number or a shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuantityValue {
    /// A count: parameters, buffers, operations of one image, bytes, or pixels of a receptive field.
    Number(u64),
    /// The shape of an input or a result, `[c, h, w]`.
    Shape(Vec<usize>),
    /// A score, which is known only after training.
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

/// Names of quantities, for suggestions.
pub(super) const QUANTITIES: &[&str] =
    &["params", "buffers", "macs", "input", "output", "receptive_field", "dice", "iou"];

/// The quantities that only a trained network has.
pub(super) const SCORES: &[&str] = &["dice", "iou"];

/// Reads the quantity of a claim; `macs` is the convention where the claim names none. Errors: an unknown quantity, pass or
/// convention.
pub(super) fn parse_quantity(expr: &Expr, macs: Convention) -> Result<Quantity, Box<Diagnostic>> {
    match &expr.kind {
        ExprKind::Name(name) => named_quantity(expr, name, macs),
        ExprKind::Call(call) => quantity_with_argument(expr, call),
        _ => Err(Box::new(problem!(E0603, expr.span, "a claim is about a quantity such as `params`"))),
    }
}

/// Reads a quantity such as `macs(thop)`.
fn quantity_with_argument(expr: &Expr, call: &Call) -> Result<Quantity, Box<Diagnostic>> {
    let unknown = || unknown_quantity(expr, call.name.span, &call.name.node);
    let [arg] = &call.args[..] else { return Err(unknown()) };
    let ExprKind::Name(word) = &arg.value.kind else { return Err(unknown()) };
    let word = Spanned::new(word.clone(), arg.value.span);
    match call.name.node.as_str() {
        "output" => return Ok(Quantity::Output(Some(word))),
        "memory" => return parse_pass(&word).map(Quantity::Memory),
        _ => {}
    }
    let convention = parse_convention(&word)?;
    match call.name.node.as_str() {
        "macs" => Ok(Quantity::Macs(convention)),
        "params" => Ok(Quantity::Params(Some(convention))),
        _ => Err(unknown()),
    }
}

/// Reads a quantity without an argument.
fn named_quantity(expr: &Expr, name: &str, macs: Convention) -> Result<Quantity, Box<Diagnostic>> {
    match name {
        "params" => Ok(Quantity::Params(None)),
        "buffers" => Ok(Quantity::Buffers),
        "macs" => Ok(Quantity::Macs(macs)),
        "input" => Ok(Quantity::Input),
        "output" => Ok(Quantity::Output(None)),
        "receptive_field" => Ok(Quantity::ReceptiveField),
        "memory" => Err(Box::new(problem!(E0603, expr.span, "`memory` needs a pass: inference or training";
                fix[expr.span => "memory(inference)", MaybeIncorrect]: "memory of a forward pass";
                fix[expr.span => "memory(training)", MaybeIncorrect]: "memory of a training step"))),
        score if SCORES.contains(&score) => Ok(Quantity::Score),
        other => Err(unknown_quantity(expr, expr.span, other)),
    }
}

/// Reads the pass of `memory(...)`.
fn parse_pass(word: &Ident) -> Result<PassKind, Box<Diagnostic>> {
    match word.node.as_str() {
        "inference" => Ok(PassKind::Inference),
        "training" => Ok(PassKind::Training),
        other => {
            let d = problem!(E0603, word.span, "unknown pass `{other}`; the passes are inference and training");
            Err(Box::new(d.nearest(word.span, other, ["inference", "training"], || None)))
        }
    }
}

/// Reads the convention of `macs(...)` and `params(...)`.
fn parse_convention(word: &Ident) -> Result<Convention, Box<Diagnostic>> {
    word.node.parse().map_err(|message: String| {
        let d = problem!(E0603, word.span, "{message}");
        Box::new(d.nearest(word.span, &word.node, Convention::ALL.iter().map(|c| c.name()), || None))
    })
}

/// Returns the error of a quantity that does not exist; `at` is the span of its name.
fn unknown_quantity(expr: &Expr, at: Span, name: &str) -> Box<Diagnostic> {
    let d = problem!(E0603, expr.span, "unknown quantity `{name}`");
    let known = || Some(format!("the quantities are {}", QUANTITIES.join(", ")));
    Box::new(d.nearest(at, name, QUANTITIES.iter().copied(), known))
}

/// Measures a quantity of a model. Errors: the model lacks the named result, or its receptive field is unknown.
pub(super) fn measure(quantity: &Quantity, model: &MeasuredModel<'_>) -> Result<QuantityValue, Box<Diagnostic>> {
    let checked = model.checked();
    Ok(match quantity {
        Quantity::Params(None) => QuantityValue::Number(model.totals(Convention::Conv).params),
        Quantity::Params(Some(convention)) => QuantityValue::Number(model.totals(*convention).counted_params),
        Quantity::Buffers => QuantityValue::Number(model.totals(Convention::Conv).buffers),
        Quantity::Macs(convention) => QuantityValue::Number(model.totals(*convention).macs),
        Quantity::ReceptiveField => QuantityValue::Number(receptive_field(model)?),
        Quantity::Memory(PassKind::Inference) => QuantityValue::Number(model.peaks().inference),
        Quantity::Memory(PassKind::Training) => QuantityValue::Number(model.peaks().training),
        Quantity::Score => QuantityValue::Nothing,
        Quantity::Input => QuantityValue::Shape(checked.input().dims().to_vec()),
        Quantity::Output(None) => QuantityValue::Shape(checked.output().dims().to_vec()),
        Quantity::Output(Some(name)) => {
            let shape = checked.results().find(|(n, _)| *n == name.node).map(|(_, shape)| shape);
            match shape.map_or_else(|| unknown_result(checked, name), |_| None) {
                Some(unknown) => return Err(Box::new(unknown)),
                None => QuantityValue::Shape(shape.unwrap_or(checked.output()).dims().to_vec()),
            }
        }
    })
}

fn receptive_field(model: &MeasuredModel<'_>) -> Result<u64, Box<Diagnostic>> {
    let graph = model.checked().graph();
    model.receptive_field().ok_or_else(|| {
        Box::new(problem!(E0603, graph.node(graph.input()).span, "the receptive field of `{}` is unknown", graph.name;
            help: "it repeats only after more than 4096 pixels"))
    })
}
