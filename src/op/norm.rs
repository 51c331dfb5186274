//! Normalisation.

use super::{Arity, Init, Operator, ParamKind, ParamSpec, Refusal, map_of};
use crate::ty::TensorType;

/// Batch normalisation over a map, affine, as `torch.nn.BatchNorm2d`: batch statistics in training, running ones in
/// evaluation. `momentum` is the weight of the new value.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchNorm {
    pub epsilon: f64,
    pub momentum: f64,
}

impl Operator for BatchNorm {
    fn name(&self) -> &'static str {
        "bn"
    }

    fn config(&self) -> Vec<(&'static str, String)> {
        vec![("eps", self.epsilon.to_string()), ("momentum", self.momentum.to_string())]
    }

    fn arity(&self) -> Arity {
        Arity::Exactly(1)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, Refusal> {
        map_of("bn", &inputs[0])?;
        Ok(inputs.to_vec())
    }

    fn params(&self, inputs: &[TensorType]) -> Vec<ParamSpec> {
        let c = inputs[0].shape().channels();
        let spec = |name, kind, value| ParamSpec { name, shape: vec![c], kind, init: Init::Constant(value) };
        vec![
            spec("weight", ParamKind::Trainable, 1.0),
            spec("bias", ParamKind::Trainable, 0.0),
            spec("running_mean", ParamKind::Buffer, 0.0),
            spec("running_var", ParamKind::Buffer, 1.0),
        ]
    }

    fn macs(&self, _: &[TensorType], _: &[TensorType]) -> u64 {
        0
    }
}
