//! Operators: the closed set of things a node can compute.
//!
//! One file per family under `op/`; each operator is a config struct that answers every question about itself through
//! [`Operator`], which has no default methods, so that a new operator cannot forget one. Its call form is in the
//! `SIGNATURES` of its file, and the list `operators!` below names it. The compiler then reports every match that still
//! needs an arm to compute it.
//!
//! This module depends on shapes, not on graphs, syntax or tensors.

pub mod activation;
pub mod adaptive_pool;
pub mod canonical;
pub mod channel;
pub mod combine;
pub mod conv;
pub mod conv_padding;
pub mod conv_transpose;
pub mod footprint;
pub mod linear;
pub mod norm;
pub mod pad_crop;
pub mod pool;
pub mod read_pattern;
pub mod refusal;
pub mod resample;
pub mod reshape;
pub mod signature;
pub mod work;

use super::ty::{FormulaContext, FormulaType, Shape, TensorType};
pub use activation::ActivationFunction;
pub use canonical::{CanonicalForm, NodeContext};
pub use channel::Reduction;
pub use combine::ElementwiseFunction;
pub use conv_padding::ConvPadding;
pub use footprint::{BatchBytes, Footprint, GradientStorage, OutputStorage, PassKind, SavedTensor};
pub use pad_crop::PaddingMode;
pub use pool::PoolWindow;
pub use read_pattern::{Interpolation, KernelTaps, ReadPattern};
pub use refusal::{Refusal, RefusalKind};
pub use resample::ResizeTarget;
pub use signature::{ArgKind, ArgSpec, ArgValue};
pub use work::WorkKind;

/// Number of inputs of an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arity {
    /// Exactly this many inputs.
    Exactly(usize),
    /// This many inputs or more.
    AtLeast(usize),
}

/// Whether the optimiser updates a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamKind {
    /// Updated by the optimiser (weights and biases).
    Trainable,
    /// Stored and saved, but not updated by the optimiser (running statistics).
    Buffer,
}

/// Initial values of a tensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Init {
    /// Uniform in `[-bound, bound)`.
    Uniform {
        /// The exclusive upper end; the inclusive lower end is its negative.
        bound: f64,
    },
    /// The same number everywhere.
    Constant(f64),
}

/// A tensor that belongs to an operator. Shapes are laid out as in PyTorch: `conv.weight` is
/// `[out, in / groups, kh, kw]`, `linear.weight` is `[out, in]`.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamSpec {
    /// The tensor's name below the node's path, as in PyTorch: `weight`, `bias`, `running_mean` or `running_var`.
    pub name: &'static str,
    /// The dims, outermost first.
    pub shape: Vec<usize>,
    /// Whether the optimiser updates it.
    pub kind: ParamKind,
    /// The values before training.
    pub init: Init,
}

impl ParamSpec {
    /// Returns the number of elements. Saturates; elaboration refuses tensors that large.
    pub fn elements(&self) -> u64 {
        self.shape.iter().fold(1, |n, &d| n.saturating_mul(d as u64))
    }
}

/// Everything that must be known of an operator. No method has a default, so that a new operator cannot forget one.
pub trait Operator {
    /// Returns the name in the language.
    fn name(&self) -> &'static str;
    /// Returns the settings in declaration order, in the spelling of the language.
    fn config(&self) -> Vec<(&'static str, String)>;
    /// Returns the operation that runs, as the plan prints it: with the settings of the kernel, and padding as numbers.
    fn kernel(&self) -> String;
    /// Returns the number of inputs.
    fn arity(&self) -> Arity;
    /// Returns what an output pixel reads of input `slot`, vertically and horizontally, for inputs that `infer` accepts.
    fn reads(&self, slot: usize, inputs: &[TensorType], outputs: &[TensorType]) -> [ReadPattern; 2];
    /// Infers the output types from the input types, of which there are as many as `arity` declares. `Ok` means that
    /// lowering and a forward pass on inputs of these types cannot fail.
    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, Refusal>;
    /// Infers the output types with dims as formulas in the image's height and width, and adds the conditions under which
    /// `infer` accepts to `f.constraints`. Called for inputs that `infer` accepts at one size. Returns `None` where a
    /// formula exceeds its limits; the node's size is then a constant.
    fn formulas(&self, f: &mut FormulaContext) -> Option<Vec<FormulaType>>;
    /// Returns the parameters and buffers for inputs that `infer` accepts.
    fn params(&self, inputs: &[TensorType]) -> Vec<ParamSpec>;
    /// Returns what is saved for the backward pass, where the output is stored and how much workspace is needed, for inputs
    /// that `infer` accepts.
    fn memory(&self, pass: PassKind, inputs: &[TensorType], outputs: &[TensorType]) -> Footprint;
    /// Returns the canonical form of output `slot`. Equal functions have equal forms.
    fn canonical(&self, site: &NodeContext, slot: usize) -> CanonicalForm;
    /// Returns the kind of arithmetic, for the counting conventions.
    fn work(&self) -> WorkKind;
}

macro_rules! operators {
    ($($family:ident { $($variant:ident)* })*) => {
        $(pub use $family::{$($variant),*};)*

        /// The computation of a node.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Op {
            /// The image, of the given shape.
            Input(Shape),
            $($(
                #[doc = concat!("The operator [`", stringify!($variant), "`] with its settings.")]
                $variant($variant),
            )*)*
        }

        impl Op {
            /// Returns the operator of a node; `None` for the input, which computes nothing.
            pub fn operator(&self) -> Option<&dyn Operator> {
                match self {
                    Op::Input(_) => None,
                    $($(Op::$variant(op) => Some(op),)*)*
                }
            }
        }

        $($(impl From<$variant> for Op {
            fn from(op: $variant) -> Op { Op::$variant(op) }
        })*)*

        /// The signatures of each family.
        const FAMILIES: &[&[Signature]] = &[$($family::SIGNATURES),*];
    };
}

operators! {
    conv { Conv }
    conv_transpose { ConvTranspose }
    linear { Linear }
    norm { BatchNorm GroupNorm InstanceNorm LayerNorm }
    activation { Activation PRelu }
    pool { MaxPool MaxPoolWithIndex Unpool AvgPool }
    adaptive_pool { AvgPoolTo MaxPoolTo }
    resample { Resize }
    pad_crop { Padding Crop }
    channel { Slice ChannelPad ChannelReduce ChannelShuffle PixelShuffle }
    combine { Concat Combine }
    reshape { Flatten Unflatten Reshape Dropout }
}

/// The call form of an operator.
pub type Signature = signature::CallForm<Op>;

/// Every call form of the language, by family.
pub static SIGNATURES: &[Signature] = &signature::concat_lists::<Op, { signature::total_count(FAMILIES) }>(FAMILIES);

/// Returns the signature of the operator with this name.
pub fn signature(name: &str) -> Option<&'static Signature> {
    SIGNATURES.iter().find(|s| s.name == name)
}

impl Op {
    /// Returns the operator's name in the language, `input` for the image.
    pub fn name(&self) -> &'static str {
        self.operator().map_or("input", Operator::name)
    }

    /// Returns name and value of each setting in declaration order; nothing for the image.
    pub fn config(&self) -> Vec<(&'static str, String)> {
        self.operator().map(Operator::config).unwrap_or_default()
    }

    /// Returns the operation that runs, as the plan prints it; see [`Operator::kernel`].
    pub fn kernel(&self) -> String {
        self.operator().map_or("input".into(), Operator::kernel)
    }

    /// Returns how many inputs the operator takes; the image takes none.
    pub fn arity(&self) -> Arity {
        self.operator().map_or(Arity::Exactly(0), Operator::arity)
    }

    /// Returns the inputs whose values are read, without those that only provide a size.
    pub fn read_slots(&self, inputs: &[TensorType], outputs: &[TensorType]) -> Vec<usize> {
        (0..inputs.len()).filter(|&slot| self.reads(slot, inputs, outputs) != [ReadPattern::Nothing; 2]).collect()
    }

    /// Returns what an output pixel reads of input `slot`; see [`Operator::reads`]. The image reads nothing.
    pub fn reads(&self, slot: usize, inputs: &[TensorType], outputs: &[TensorType]) -> [ReadPattern; 2] {
        self.operator().map_or([ReadPattern::Nothing; 2], |op| op.reads(slot, inputs, outputs))
    }

    /// Infers the output types from the input types; see [`Operator::infer`]. Errors: the reason of a refusal.
    pub fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, Refusal> {
        match self {
            Op::Input(shape) => Ok(vec![TensorType::Tensor(shape.clone())]),
            _ => self.operator().map_or(Ok(Vec::new()), |op| op.infer(inputs)),
        }
    }

    /// Infers the output types as formulas in the image's size; see [`Operator::formulas`].
    pub fn formulas(&self, f: &mut FormulaContext) -> Option<Vec<FormulaType>> {
        match self {
            Op::Input(shape) => Some(vec![FormulaType::fixed(&TensorType::Tensor(shape.clone()))]),
            _ => self.operator()?.formulas(f),
        }
    }

    /// Returns the tensors that the operator owns on inputs that `infer` accepts.
    pub fn params(&self, inputs: &[TensorType]) -> Vec<ParamSpec> {
        self.operator().map(|op| op.params(inputs)).unwrap_or_default()
    }

    /// Returns the memory footprint of one application; see [`Operator::memory`].
    pub fn memory(&self, pass: PassKind, inputs: &[TensorType], outputs: &[TensorType]) -> Footprint {
        self.operator().map(|op| op.memory(pass, inputs, outputs)).unwrap_or_default()
    }

    /// Returns the kind of arithmetic, for the counting conventions.
    pub fn work(&self) -> WorkKind {
        self.operator().map_or(WorkKind::Uncounted, Operator::work)
    }

    /// Counts the multiplications of convolutions and linear layers for one image, without biases (convention `conv`).
    /// Saturates; the checker refuses graphs that large.
    pub fn macs(&self, inputs: &[TensorType], outputs: &[TensorType]) -> u64 {
        self.work().multiplications(&work::tensor_dims(inputs), &work::tensor_dims(outputs))
    }
}

/// Names of the axes of a map in messages.
const AXES: [&str; 2] = ["height", "width"];

/// Formats an operator as a call of the language: `name(key = value, key = value)`.
fn call_text(op: &dyn Operator) -> String {
    let settings: Vec<String> = op.config().into_iter().map(|(key, value)| format!("{key} = {value}")).collect();
    format!("{}({})", op.name(), settings.join(", "))
}

/// Formats the kernel of an operator whose settings are passed on unchanged: `name(key value, key value)`.
fn kernel_text(op: &dyn Operator) -> String {
    let settings: Vec<String> = op.config().into_iter().map(|(key, value)| format!("{key} {value}")).collect();
    if settings.is_empty() { op.name().into() } else { format!("{}({})", op.name(), settings.join(", ")) }
}

/// Formats a size, for example `1x5`.
fn size_text([a, b]: [usize; 2]) -> String {
    format!("{a}x{b}")
}

/// Formats a pair: `3` for equal values, `[1, 5]` otherwise.
fn pair_text([a, b]: [usize; 2]) -> String {
    if a == b { a.to_string() } else { format!("[{a}, {b}]") }
}
