//! Operators that change form and not numbers, and dropout.

use super::footprint::{Bytes, Footprint, Gradient, Pass, Saved, Storage};
use super::reads::on_axes;
use super::{Arity, Operator, ParamSpec, Reads, Refusal, RefusalKind, axis, map_of, tensor_of};
use crate::ty::{Dim, FormulaType, Formulas, Shape, TensorType};

/// `[c, h, w]` to `[c * h * w]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flatten;

/// `[c]` to `[c, 1, 1]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unflatten;

/// Zeroes each number with probability `p` in training and scales the rest by `1 / (1 - p)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Dropout {
    pub p: f64,
}

macro_rules! free_operator {
    ($ty:ident $name:literal $config:expr, $formulas:expr, $infer:expr, $memory:expr) => {
        impl Operator for $ty {
            fn name(&self) -> &'static str {
                $name
            }

            fn config(&self) -> Vec<(&'static str, String)> {
                let config: fn(&$ty) -> Vec<(&'static str, String)> = $config;
                config(self)
            }

            fn arity(&self) -> Arity {
                Arity::Exactly(1)
            }

            fn reads(&self, _: usize, inputs: &[TensorType], outputs: &[TensorType]) -> [Reads; 2] {
                // Flattening makes one pixel of all.
                on_axes(&inputs[0], &outputs[0], Reads::same_or_all)
            }

            fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, Refusal> {
                let infer: fn(&TensorType) -> Result<Shape, Refusal> = $infer;
                Ok(vec![TensorType::Tensor(infer(&inputs[0])?)])
            }

            fn formulas(&self, f: &mut Formulas) -> Option<Vec<FormulaType>> {
                let formulas: fn(&mut Formulas) -> Option<Vec<FormulaType>> = $formulas;
                formulas(f)
            }

            fn params(&self, _: &[TensorType]) -> Vec<ParamSpec> {
                Vec::new()
            }

            fn memory(&self, pass: Pass, inputs: &[TensorType], _: &[TensorType]) -> Footprint {
                let memory: fn(Pass, &TensorType) -> Footprint = $memory;
                memory(pass, &inputs[0])
            }

            fn macs(&self, _: &[TensorType], _: &[TensorType]) -> u64 {
                0
            }
        }
    };
}

free_operator!(Flatten "flatten" |_| Vec::new(), |f| Some(vec![FormulaType::tensor(vec![f.inputs.first()?.elements()?])]), |input| {
    map_of("flatten", input)?;
    Ok(Shape::new([axis("flatten", input.shape().elements().into())?]))
}, |_, _| reshaped());

free_operator!(Unflatten "unflatten" |_| Vec::new(), |f| {
    let c = f.inputs.first()?.channels().clone();
    Some(vec![FormulaType::map(c, Dim::ONE, Dim::ONE)])
}, |input| {
    match tensor_of("unflatten", input)?.dims() {
        &[c] => Ok(Shape::map(c, 1, 1)),
        _ => Err(Refusal::new(RefusalKind::Type, format!("`unflatten` needs a vector [c], found {input}"))),
    }
}, |_, _| reshaped());

free_operator!(Dropout "dropout" |op| vec![("p", op.p.to_string())], |f| f.same(), |input| {
    tensor_of("dropout", input).cloned()
}, |pass, input| match pass {
    Pass::Inference => reshaped(),
    // burn-nn `modules/dropout.rs`: the input times random zeros and ones, which are floats and are kept.
    Pass::Training => Footprint::new()
        .output(Storage::InPlace(&[0]))
        .gradient(Gradient::InPlace)
        .saves([Saved::Other(Bytes::of(input))]),
});

/// The same numbers in the same place.
fn reshaped() -> Footprint {
    Footprint::new().output(Storage::Alias(0)).gradient(Gradient::Alias)
}
