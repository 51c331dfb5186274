//! Linear layers.

use super::conv::{Conv, weight_and_bias};
use super::conv_padding::ConvPadding;
use super::footprint::{Footprint, PassKind, SavedTensor};
use super::refusal::{Refusal, RefusalKind, expect_tensor};
use super::signature::{ArgKind, ONE, arg, required};
use super::{Arity, CanonicalForm, NodeContext, Operator, ParamSpec, ReadPattern, Signature, WorkKind};
use crate::graph::ty::{FormulaContext, FormulaType, Shape, TensorType};

/// Call form of the operator.
pub(super) const SIGNATURES: &[Signature] = &[Signature {
    name: "linear",
    inputs: &["x"],
    variadic: false,
    args: &[required("out", ONE), arg("bias", ArgKind::Bool)],
    build: |a| Ok(Linear { out: a.int("out", 1), bias: a.bool("bias", true) }.into()),
    summary: "fully connected layer over [c]; bias = true",
}];

/// Fully connected layer over a vector `[c]`, as `torch.nn.Linear`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linear {
    /// Features of the output `[out]`.
    pub out: usize,
    /// Whether a trained bias is added to each feature; default `true`.
    pub bias: bool,
}

impl Operator for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn config(&self) -> Vec<(&'static str, String)> {
        vec![("out", self.out.to_string()), ("bias", self.bias.to_string())]
    }

    fn kernel(&self) -> String {
        "linear".into()
    }

    fn arity(&self) -> Arity {
        Arity::Exactly(1)
    }

    fn reads(&self, _: usize, _: &[TensorType], _: &[TensorType]) -> [ReadPattern; 2] {
        [ReadPattern::Same; 2]
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, Refusal> {
        let shape = expect_tensor("linear", &inputs[0])?;
        if shape.dims().len() != 1 {
            let message = format!("`linear` needs a vector [c], found a map {shape}");
            return Err(Refusal::new(RefusalKind::Type, message).help("write `|> flatten` before it"));
        }
        Ok(vec![TensorType::Tensor(Shape::new([self.out]))])
    }

    fn formulas(&self, _: &mut FormulaContext) -> Option<Vec<FormulaType>> {
        Some(vec![FormulaType::tensor(vec![self.out.into()])])
    }

    fn params(&self, inputs: &[TensorType]) -> Vec<ParamSpec> {
        let c = inputs[0].shape().channels();
        weight_and_bias(vec![self.out, c], self.bias.then_some(self.out))
    }

    fn memory(&self, _: PassKind, _: &[TensorType], _: &[TensorType]) -> Footprint {
        // burn-autodiff `ops/module.rs`, `linear`: the input is saved.
        Footprint::new().saves([SavedTensor::Input(0)])
    }

    fn canonical(&self, _: &NodeContext, _: usize) -> CanonicalForm {
        // A linear layer is a convolution of a map of one pixel.
        let pad = ConvPadding::Explicit([0, 0]);
        let Self { out, bias } = *self;
        CanonicalForm::Own(Conv { out, kernel: [1, 1], stride: [1, 1], dilation: [1, 1], pad, groups: 1, bias }.label())
    }

    fn work(&self) -> WorkKind {
        WorkKind::Linear { out: self.out }
    }
}
