//! Elementwise activation functions, and softmax over channels.

use super::footprint::{self, BatchBytes, Footprint, GradientStorage, OutputStorage, PassKind, SavedTensor};
use super::refusal::{Refusal, expect_tensor};
use super::signature::{ArgKind, arg};
use super::{
    Arity, CanonicalForm, Init, NodeContext, Operator, ParamKind, ParamSpec, ReadPattern, Signature, WorkKind,
    call_text, kernel_text,
};
use crate::graph::ty::{FormulaContext, FormulaType, TensorType};

macro_rules! plain {
    ($name:literal, $function:expr, $summary:literal) => {
        Signature::plain($name, |_| Ok(Activation { function: $function }.into()), $summary)
    };
}

/// Call forms of the operators of this file.
pub(super) const SIGNATURES: &[Signature] = &[
    plain!("relu", ActivationFunction::Relu, "max(x, 0)"),
    plain!("relu6", ActivationFunction::Relu6, "min(max(x, 0), 6)"),
    Signature {
        name: "leaky_relu",
        inputs: &["x"],
        variadic: false,
        args: &[arg("slope", ArgKind::Float)],
        build: |a| Ok(Activation { function: ActivationFunction::LeakyRelu { slope: a.float("slope", 0.01) } }.into()),
        summary: "x above 0, slope * x below; slope = 0.01",
    },
    Signature {
        name: "prelu",
        inputs: &["x"],
        variadic: false,
        args: &[arg("per_channel", ArgKind::Bool)],
        build: |a| Ok(PRelu { per_channel: a.bool("per_channel", false) }.into()),
        summary: "x above 0, a learned slope * x below; per_channel = false",
    },
    Signature {
        name: "elu",
        inputs: &["x"],
        variadic: false,
        args: &[arg("alpha", ArgKind::Float)],
        build: |a| Ok(Activation { function: ActivationFunction::Elu { alpha: a.float("alpha", 1.0) } }.into()),
        summary: "x above 0, alpha * (exp(x) - 1) below; alpha = 1",
    },
    plain!("gelu", ActivationFunction::Gelu, "x * Phi(x), exact"),
    plain!("silu", ActivationFunction::Silu, "x * sigmoid(x)"),
    plain!("hard_swish", ActivationFunction::HardSwish, "x * relu6(x + 3) / 6"),
    plain!("hard_sigmoid", ActivationFunction::HardSigmoid, "relu6(x + 3) / 6"),
    plain!("sigmoid", ActivationFunction::Sigmoid, "1 / (1 + exp(-x))"),
    plain!("tanh", ActivationFunction::Tanh, "hyperbolic tangent"),
    plain!("softmax", ActivationFunction::Softmax, "softmax over channels"),
];

/// The function that an [`Activation`] applies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ActivationFunction {
    /// `max(x, 0)`, as `torch.nn.functional.relu`.
    Relu,
    /// `min(max(x, 0), 6)`, as `torch.nn.functional.relu6`.
    Relu6,
    /// x above 0, `slope * x` below, as `torch.nn.functional.leaky_relu`.
    LeakyRelu {
        /// The factor below 0; default 0.01.
        slope: f64,
    },
    /// x above 0, `alpha * (exp(x) - 1)` below, as `torch.nn.functional.elu`.
    Elu {
        /// The factor below 0; default 1.
        alpha: f64,
    },
    /// `x * Phi(x)` with the normal distribution function, exact, as `torch.nn.functional.gelu`.
    Gelu,
    /// `x * sigmoid(x)`, as `torch.nn.functional.silu`.
    Silu,
    /// `x * relu6(x + 3) / 6`, as `torch.nn.functional.hardswish`.
    HardSwish,
    /// `relu6(x + 3) / 6`, as `torch.nn.functional.hardsigmoid`.
    HardSigmoid,
    /// `1 / (1 + exp(-x))`, as `torch.sigmoid`.
    Sigmoid,
    /// Hyperbolic tangent, as `torch.tanh`.
    Tanh,
    /// Over the channel axis, as `torch.nn.functional.softmax` with `dim = 1`.
    Softmax,
}

/// An elementwise function, or softmax over channels. The output has the shape of the input, `[c, h, w]` or `[c]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Activation {
    /// Which function is applied.
    pub function: ActivationFunction,
}

/// Prefixes of the canonical forms of functions whose values are never below 0.
const NOT_NEGATIVE: &[&str] = &["relu(", "relu6(", "sigmoid(", "hard_sigmoid(", "softmax("];

impl Operator for Activation {
    fn name(&self) -> &'static str {
        match self.function {
            ActivationFunction::Relu => "relu",
            ActivationFunction::Relu6 => "relu6",
            ActivationFunction::LeakyRelu { .. } => "leaky_relu",
            ActivationFunction::Elu { .. } => "elu",
            ActivationFunction::Gelu => "gelu",
            ActivationFunction::Silu => "silu",
            ActivationFunction::HardSwish => "hard_swish",
            ActivationFunction::HardSigmoid => "hard_sigmoid",
            ActivationFunction::Sigmoid => "sigmoid",
            ActivationFunction::Tanh => "tanh",
            ActivationFunction::Softmax => "softmax",
        }
    }

    fn config(&self) -> Vec<(&'static str, String)> {
        match self.function {
            ActivationFunction::LeakyRelu { slope } => vec![("slope", slope.to_string())],
            ActivationFunction::Elu { alpha } => vec![("alpha", alpha.to_string())],
            ActivationFunction::Relu
            | ActivationFunction::Relu6
            | ActivationFunction::Gelu
            | ActivationFunction::Silu
            | ActivationFunction::HardSwish
            | ActivationFunction::HardSigmoid
            | ActivationFunction::Sigmoid
            | ActivationFunction::Tanh
            | ActivationFunction::Softmax => Vec::new(),
        }
    }

    fn kernel(&self) -> String {
        kernel_text(self)
    }

    fn arity(&self) -> Arity {
        Arity::Exactly(1)
    }

    fn reads(&self, _: usize, _: &[TensorType], _: &[TensorType]) -> [ReadPattern; 2] {
        [ReadPattern::Same; 2]
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, Refusal> {
        expect_tensor(self.name(), &inputs[0])?;
        Ok(inputs.to_vec())
    }

    fn formulas(&self, f: &mut FormulaContext) -> Option<Vec<FormulaType>> {
        f.same()
    }

    fn params(&self, _: &[TensorType]) -> Vec<ParamSpec> {
        Vec::new()
    }

    fn memory(&self, pass: PassKind, inputs: &[TensorType], _: &[TensorType]) -> Footprint {
        let new = Footprint::new();
        let whole = BatchBytes::of(&inputs[0]);
        let mask = footprint::mask_bytes(&inputs[0]);
        match (self.function, pass) {
            // burn-autodiff `ops/activation.rs` and `ops/tensor.rs`: relu, sigmoid, gelu and tanh save their input;
            // burn-flex `ops/unary.rs` and `binary.rs` write over a tensor that has one owner.
            (
                ActivationFunction::Relu
                | ActivationFunction::Sigmoid
                | ActivationFunction::Gelu
                | ActivationFunction::Tanh,
                _,
            ) => in_place(new).saves([SavedTensor::Input(0)]),
            // The rest is `compute/exec/activation.rs`: here a ReLU and a mask of the values above 6.
            (ActivationFunction::Relu6, _) => {
                in_place(new).saves([SavedTensor::Input(0), SavedTensor::Other(mask)]).workspace(mask, BatchBytes::NONE)
            }
            // A mask that selects the input or its multiple.
            (ActivationFunction::LeakyRelu { .. }, _) => new.saves([SavedTensor::Other(mask)]).workspace(mask, whole),
            // Two masks, and the input of the exponential.
            (ActivationFunction::Elu { .. }, _) => {
                new.saves([SavedTensor::Other(whole + mask + mask)]).workspace(mask + mask, whole)
            }
            // The input of the inner ReLU, and a mask of the values above 6.
            (ActivationFunction::HardSigmoid, PassKind::Inference) => in_place(new).workspace(mask, BatchBytes::NONE),
            (ActivationFunction::HardSigmoid, PassKind::Training) => new.saves([SavedTensor::Other(whole + mask)]),
            // Both factors, one of which is the input.
            (ActivationFunction::Silu, PassKind::Inference) | (ActivationFunction::HardSwish, PassKind::Inference) => {
                new
            }
            (ActivationFunction::Silu, PassKind::Training) => {
                new.saves([SavedTensor::Input(0), SavedTensor::Other(whole)])
            }
            // Both factors, the input of the inner ReLU, and its mask.
            (ActivationFunction::HardSwish, PassKind::Training) => {
                new.saves([SavedTensor::Input(0), SavedTensor::Other(whole.times(2) + mask)])
            }
            // burn-flex `ops/activation.rs`, `softmax`: the channel axis is moved last, which copies the tensor.
            (ActivationFunction::Softmax, PassKind::Inference) => new.workspace(whole, BatchBytes::NONE),
            // burn-backend `ops/activation.rs`, `softmax`, differentiated step by step: the exponents and their powers.
            (ActivationFunction::Softmax, PassKind::Training) => new.saves([SavedTensor::Other(whole.times(2))]),
        }
    }

    fn canonical(&self, site: &NodeContext, _: usize) -> CanonicalForm {
        let idle = match self.function {
            ActivationFunction::Relu => NOT_NEGATIVE.iter().any(|name| site.before.starts_with(name)),
            ActivationFunction::Relu6 => site.before.starts_with("relu6(") || site.before.starts_with("sigmoid("),
            ActivationFunction::LeakyRelu { .. }
            | ActivationFunction::Elu { .. }
            | ActivationFunction::Gelu
            | ActivationFunction::Silu
            | ActivationFunction::HardSwish
            | ActivationFunction::HardSigmoid
            | ActivationFunction::Sigmoid
            | ActivationFunction::Tanh
            | ActivationFunction::Softmax => false,
        };
        if idle { CanonicalForm::Unchanged } else { CanonicalForm::Function(call_text(self)) }
    }

    fn work(&self) -> WorkKind {
        match self.function {
            ActivationFunction::Softmax => WorkKind::Softmax,
            ActivationFunction::LeakyRelu { .. } => WorkKind::FixedSlope,
            ActivationFunction::Relu
            | ActivationFunction::Relu6
            | ActivationFunction::Elu { .. }
            | ActivationFunction::Gelu
            | ActivationFunction::Silu
            | ActivationFunction::HardSwish
            | ActivationFunction::HardSigmoid
            | ActivationFunction::Sigmoid
            | ActivationFunction::Tanh => WorkKind::Uncounted,
        }
    }
}

/// Writes the output over the input, and the input's gradient over the output's.
fn in_place(footprint: Footprint) -> Footprint {
    footprint.output(OutputStorage::InPlace(&[0])).gradient(GradientStorage::InPlace)
}

/// x above 0, slope * x below, with a learned slope for all channels or one for each, as
/// `torch.nn.PReLU(num_parameters = 1 or c)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PRelu {
    /// Whether each channel has its own slope; default `false`. Slopes are initialised to 0.25.
    pub per_channel: bool,
}

impl Operator for PRelu {
    fn name(&self) -> &'static str {
        "prelu"
    }

    fn config(&self) -> Vec<(&'static str, String)> {
        vec![("per_channel", self.per_channel.to_string())]
    }

    fn kernel(&self) -> String {
        kernel_text(self)
    }

    fn arity(&self) -> Arity {
        Arity::Exactly(1)
    }

    fn reads(&self, _: usize, _: &[TensorType], _: &[TensorType]) -> [ReadPattern; 2] {
        [ReadPattern::Same; 2]
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, Refusal> {
        expect_tensor("prelu", &inputs[0])?;
        Ok(inputs.to_vec())
    }

    fn formulas(&self, f: &mut FormulaContext) -> Option<Vec<FormulaType>> {
        f.same()
    }

    fn params(&self, inputs: &[TensorType]) -> Vec<ParamSpec> {
        let slopes = if self.per_channel { inputs[0].shape().channels() } else { 1 };
        let init = Init::Constant(0.25);
        vec![ParamSpec { name: "weight", shape: vec![slopes], kind: ParamKind::Trainable, init }]
    }

    fn memory(&self, _: PassKind, inputs: &[TensorType], _: &[TensorType]) -> Footprint {
        // `compute/exec.rs`: input times weight, which saves the input, and a mask that selects one of the two.
        let mask = footprint::mask_bytes(&inputs[0]);
        let whole = BatchBytes::of(&inputs[0]);
        Footprint::new().saves([SavedTensor::Input(0), SavedTensor::Other(mask)]).workspace(mask, whole)
    }

    fn canonical(&self, site: &NodeContext, _: usize) -> CanonicalForm {
        let slopes = if self.per_channel { site.channels } else { 1 };
        CanonicalForm::Own(format!("prelu({slopes} slopes)"))
    }

    fn work(&self) -> WorkKind {
        WorkKind::LearnedSlope
    }
}
