//! Functions applied to each number, and softmax over channels.

use super::{Arity, Init, Operator, ParamKind, ParamSpec, Reads, Refusal, tensor_of};
use crate::ty::{FormulaType, Formulas, TensorType};

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

    fn reads(&self, _: usize, _: &[TensorType], _: &[TensorType]) -> [Reads; 2] {
        [Reads::Same; 2]
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, Refusal> {
        tensor_of(self.name(), &inputs[0])?;
        Ok(inputs.to_vec())
    }

    fn formulas(&self, f: &mut Formulas) -> Option<Vec<FormulaType>> {
        f.same()
    }

    fn params(&self, _: &[TensorType]) -> Vec<ParamSpec> {
        Vec::new()
    }

    fn macs(&self, _: &[TensorType], _: &[TensorType]) -> u64 {
        0
    }
}

/// x above 0, slope * x below, with a slope that is learned: one for all channels or one for each, as
/// `torch.nn.PReLU(num_parameters = 1 or c)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PRelu {
    pub per_channel: bool,
}

impl Operator for PRelu {
    fn name(&self) -> &'static str {
        "prelu"
    }

    fn config(&self) -> Vec<(&'static str, String)> {
        vec![("per_channel", self.per_channel.to_string())]
    }

    fn arity(&self) -> Arity {
        Arity::Exactly(1)
    }

    fn reads(&self, _: usize, _: &[TensorType], _: &[TensorType]) -> [Reads; 2] {
        [Reads::Same; 2]
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, Refusal> {
        tensor_of("prelu", &inputs[0])?;
        Ok(inputs.to_vec())
    }

    fn formulas(&self, f: &mut Formulas) -> Option<Vec<FormulaType>> {
        f.same()
    }

    fn params(&self, inputs: &[TensorType]) -> Vec<ParamSpec> {
        let slopes = if self.per_channel { inputs[0].shape().channels() } else { 1 };
        let init = Init::Constant(0.25);
        vec![ParamSpec { name: "weight", shape: vec![slopes], kind: ParamKind::Trainable, init }]
    }

    fn macs(&self, _: &[TensorType], _: &[TensorType]) -> u64 {
        0
    }
}
