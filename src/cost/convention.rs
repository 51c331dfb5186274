//! Counting rules by name: what each tool of the field counts as one operation.
//!
//! The rules were read from the tools' sources and are held to their output by tests. `docs/counting.md` says what each
//! counts and where it is known to be wrong. All counts are for one image, in evaluation mode.

use crate::op::{Conv, ConvTranspose, Function, GroupNorm, InstanceNorm, LayerNorm, Linear, Mode, Op, Resize};
use crate::ty::TensorType;
use std::fmt;
use std::str::FromStr;

/// Which operations count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Convention {
    /// Multiplications of convolutions and linear layers; bias, norms, pools and interpolation are free.
    #[default]
    Conv,
    /// thop 0.0.31 (January 2020 to October 2021), which the NPNet paper's table was made with.
    Thop,
    /// thop 0.1.1 (2022).
    Thop01,
    /// fvcore 0.1.5, `FlopCountAnalysis.total`: a fused multiply-add is one.
    Fvcore,
    /// torchinfo 1.8.0, "mult-adds".
    Torchinfo,
    /// `torch.utils.flop_counter.FlopCounterMode`: two for each multiplication of [`Convention::Conv`].
    FlopCounter,
}

impl Convention {
    pub const ALL: [Convention; 6] = [
        Convention::Conv,
        Convention::Thop,
        Convention::Thop01,
        Convention::Fvcore,
        Convention::Torchinfo,
        Convention::FlopCounter,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Convention::Conv => "conv",
            Convention::Thop => "thop",
            Convention::Thop01 => "thop-0.1",
            Convention::Fvcore => "fvcore",
            Convention::Torchinfo => "torchinfo",
            Convention::FlopCounter => "flop-counter",
        }
    }

    /// Operations of one node.
    pub fn count(self, op: &Op, inputs: &[TensorType], outputs: &[TensorType]) -> u64 {
        match self {
            Convention::Conv => op.macs(inputs, outputs),
            Convention::FlopCounter => op.macs(inputs, outputs).saturating_mul(2),
            Convention::Thop => thop(op, inputs, outputs, Age::Old),
            Convention::Thop01 => thop(op, inputs, outputs, Age::New),
            Convention::Fvcore => fvcore(op, inputs, outputs),
            Convention::Torchinfo => torchinfo(op, inputs, outputs),
        }
    }

    /// Whether the tool's parameter total holds the parameters of this operator: thop leaves out modules that it has no
    /// rule for.
    pub fn counts_params(self, op: &Op) -> bool {
        match self {
            Convention::Thop => !matches!(op.name(), "prelu" | "group_norm" | "instance_norm" | "layer_norm"),
            Convention::Thop01 => op.name() != "group_norm",
            Convention::Conv | Convention::Fvcore | Convention::Torchinfo | Convention::FlopCounter => true,
        }
    }
}

impl fmt::Display for Convention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Convention {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Convention::ALL.into_iter().find(|c| c.name() == text || c.name().replace(['-', '.'], "_") == text);
        found.ok_or_else(|| {
            let names = Convention::ALL.map(Convention::name).join(", ");
            format!("no counting convention `{text}`; there is {names}")
        })
    }
}

fn elements(types: &[TensorType]) -> u64 {
    types[0].shape().elements()
}

/// Weights of one output channel. No single tensor has more than 2^40 numbers, but products of two have.
fn kernel(channels: usize, [kh, kw]: [usize; 2]) -> u64 {
    (channels as u64).saturating_mul(kh as u64).saturating_mul(kw as u64)
}

/// Multiplications per output number of a convolution, as all tools have it.
fn per_output(conv: &Conv, inputs: &[TensorType]) -> u64 {
    kernel(inputs[0].shape().channels() / conv.groups, conv.kernel)
}

/// What tools count that take a transposed convolution for an ordinary one: too much by the stride on each axis.
fn transposed_as_conv(conv: &ConvTranspose, inputs: &[TensorType], outputs: &[TensorType]) -> u64 {
    elements(outputs).saturating_mul(kernel(inputs[0].shape().channels() / conv.groups, conv.kernel))
}

fn linear(linear: &Linear, inputs: &[TensorType]) -> u64 {
    (inputs[0].shape().channels() as u64).saturating_mul(linear.out as u64)
}

#[derive(Clone, Copy, PartialEq)]
enum Age {
    /// 0.0.31
    Old,
    /// 0.1.1
    New,
}

fn thop(op: &Op, inputs: &[TensorType], outputs: &[TensorType], age: Age) -> u64 {
    let bias = |has: bool| if has && age == Age::Old { elements(outputs) } else { 0 };
    match op {
        Op::Conv(conv) => elements(outputs).saturating_mul(per_output(conv, inputs)).saturating_add(bias(conv.bias)),
        Op::ConvTranspose(conv) => transposed_as_conv(conv, inputs, outputs).saturating_add(bias(conv.bias)),
        Op::Linear(layer) => linear(layer, inputs),
        Op::BatchNorm(_) => elements(inputs) * if age == Age::Old { 2 } else { 4 },
        // The older version knows batch norm only; neither knows group norm.
        Op::InstanceNorm(InstanceNorm { affine, .. }) | Op::LayerNorm(LayerNorm { affine, .. }) => match age {
            Age::Old => 0,
            Age::New => elements(inputs) * if *affine { 4 } else { 2 },
        },
        Op::PRelu(_) if age == Age::New => elements(inputs),
        Op::Activation(a) => match a.function {
            Function::LeakyRelu { .. } if age == Age::Old => elements(inputs),
            Function::Softmax => {
                let channels = inputs[0].shape().channels() as u64;
                elements(inputs) / channels * (3 * channels - 1)
            }
            Function::Relu
            | Function::Relu6
            | Function::LeakyRelu { .. }
            | Function::Elu { .. }
            | Function::Gelu
            | Function::Silu
            | Function::HardSwish
            | Function::Sigmoid
            | Function::Tanh => 0,
        },
        Op::AvgPool(_) => elements(outputs),
        Op::AvgPoolTo(_) => adaptive(inputs, outputs, age),
        Op::Resize(Resize { mode, module: true, .. }) => match (mode, age) {
            (Mode::Bilinear, _) => 11 * elements(outputs),
            (Mode::Nearest, Age::Old) => 0,
            (Mode::Nearest, Age::New) => elements(outputs),
        },
        // Calls of functions and operators of Python are not seen, pools of maxima are free.
        Op::Resize(_)
        | Op::GroupNorm(_)
        | Op::PRelu(_)
        | Op::Input(_)
        | Op::MaxPool(_)
        | Op::MaxPoolWithIndex(_)
        | Op::MaxPoolTo(_)
        | Op::Padding(_)
        | Op::Crop(_)
        | Op::Slice(_)
        | Op::ChannelReduce(_)
        | Op::ChannelShuffle(_)
        | Op::PixelShuffle(_)
        | Op::Unpool(_)
        | Op::Concat(_)
        | Op::Combine(_)
        | Op::Flatten(_)
        | Op::Unflatten(_)
        | Op::Dropout(_) => 0,
    }
}

/// `(additions + 1 division) * outputs`, the additions being the size of the input over that of the output, rounded down
/// in the older version.
fn adaptive(inputs: &[TensorType], outputs: &[TensorType], age: Age) -> u64 {
    let (Some([h, w]), Some([oh, ow])) = (inputs[0].shape().spatial(), outputs[0].shape().spatial()) else { return 0 };
    match age {
        Age::Old => ((h / oh) * (w / ow) + 1) as u64 * elements(outputs),
        Age::New => elements(inputs) + elements(outputs),
    }
}

fn fvcore(op: &Op, inputs: &[TensorType], outputs: &[TensorType]) -> u64 {
    match op {
        Op::Conv(_) | Op::ConvTranspose(_) | Op::Linear(_) => op.macs(inputs, outputs),
        Op::BatchNorm(_) => 2 * elements(inputs),
        Op::GroupNorm(GroupNorm { affine, .. })
        | Op::InstanceNorm(InstanceNorm { affine, .. })
        | Op::LayerNorm(LayerNorm { affine, .. }) => elements(inputs) * if *affine { 5 } else { 4 },
        Op::Resize(resize) => match resize.mode {
            Mode::Bilinear => 4 * elements(outputs),
            Mode::Nearest => elements(outputs),
        },
        Op::AvgPoolTo(_) => elements(inputs),
        Op::Input(_)
        | Op::Activation(_)
        | Op::PRelu(_)
        | Op::MaxPool(_)
        | Op::MaxPoolWithIndex(_)
        | Op::MaxPoolTo(_)
        | Op::Padding(_)
        | Op::Crop(_)
        | Op::Slice(_)
        | Op::ChannelReduce(_)
        | Op::ChannelShuffle(_)
        | Op::PixelShuffle(_)
        | Op::Unpool(_)
        | Op::AvgPool(_)
        | Op::Concat(_)
        | Op::Combine(_)
        | Op::Flatten(_)
        | Op::Unflatten(_)
        | Op::Dropout(_) => 0,
    }
}

/// Numbers in the weights, times the output's height and width where the module is a convolution.
fn torchinfo(op: &Op, inputs: &[TensorType], outputs: &[TensorType]) -> u64 {
    let trainable = || {
        let params = op.params(inputs);
        params.iter().filter(|p| p.kind == crate::op::ParamKind::Trainable).map(|p| p.elements()).sum::<u64>()
    };
    let area = || outputs[0].shape().spatial().map_or(1, |[h, w]| (h * w) as u64);
    match op {
        Op::Conv(_) | Op::ConvTranspose(_) => trainable().saturating_mul(area()),
        Op::Linear(_) | Op::BatchNorm(_) | Op::GroupNorm(_) | Op::InstanceNorm(_) | Op::LayerNorm(_) | Op::PRelu(_) => {
            trainable()
        }
        Op::Input(_)
        | Op::Activation(_)
        | Op::MaxPool(_)
        | Op::MaxPoolWithIndex(_)
        | Op::MaxPoolTo(_)
        | Op::Padding(_)
        | Op::Crop(_)
        | Op::Slice(_)
        | Op::ChannelReduce(_)
        | Op::ChannelShuffle(_)
        | Op::PixelShuffle(_)
        | Op::Unpool(_)
        | Op::AvgPool(_)
        | Op::AvgPoolTo(_)
        | Op::Resize(_)
        | Op::Concat(_)
        | Op::Combine(_)
        | Op::Flatten(_)
        | Op::Unflatten(_)
        | Op::Dropout(_) => 0,
    }
}
