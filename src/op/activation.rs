//! Functions applied to each number, and softmax over channels.

use super::{Arity, Operator, ParamSpec, Refusal, tensor_of};
use crate::ty::TensorType;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Function {
    Relu,
    Relu6,
    LeakyRelu {
        slope: f64,
    },
    Elu {
        alpha: f64,
    },
    /// Exact, with the error function.
    Gelu,
    Silu,
    HardSwish,
    Sigmoid,
    Tanh,
    /// Over the channel axis.
    Softmax,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Activation {
    pub function: Function,
}

impl Operator for Activation {
    fn name(&self) -> &'static str {
        match self.function {
            Function::Relu => "relu",
            Function::Relu6 => "relu6",
            Function::LeakyRelu { .. } => "leaky_relu",
            Function::Elu { .. } => "elu",
            Function::Gelu => "gelu",
            Function::Silu => "silu",
            Function::HardSwish => "hard_swish",
            Function::Sigmoid => "sigmoid",
            Function::Tanh => "tanh",
            Function::Softmax => "softmax",
        }
    }

    fn config(&self) -> Vec<(&'static str, String)> {
        match self.function {
            Function::LeakyRelu { slope } => vec![("slope", slope.to_string())],
            Function::Elu { alpha } => vec![("alpha", alpha.to_string())],
            Function::Relu
            | Function::Relu6
            | Function::Gelu
            | Function::Silu
            | Function::HardSwish
            | Function::Sigmoid
            | Function::Tanh
            | Function::Softmax => Vec::new(),
        }
    }

    fn arity(&self) -> Arity {
        Arity::Exactly(1)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, Refusal> {
        tensor_of(self.name(), &inputs[0])?;
        Ok(inputs.to_vec())
    }

    fn params(&self, _: &[TensorType]) -> Vec<ParamSpec> {
        Vec::new()
    }

    fn macs(&self, _: &[TensorType], _: &[TensorType]) -> u64 {
        0
    }
}
