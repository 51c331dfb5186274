//! Counting rules by name: what each tool of the field counts as one operation.
//!
//! The rules were read from the tools' sources and are held to their output by tests. `docs/counting.md` says what each
//! counts and where it is known to be wrong. All counts are for one image, in evaluation mode.

use crate::graph::op::{
    Conv, ConvTranspose, Function, GroupNorm, InstanceNorm, LayerNorm, Linear, Mode, Op, ParamKind, Resize,
};
use crate::graph::ty::TensorType;
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
        let dims = |types: &[TensorType]| -> Vec<Dims<u64>> {
            types.iter().map(|t| t.shape().dims().iter().map(|&d| d as u64).collect()).collect()
        };
        match self {
            Convention::Conv => op.macs(inputs, outputs),
            Convention::FlopCounter => op.macs(inputs, outputs).saturating_mul(2),
            Convention::Thop | Convention::Thop01 | Convention::Fvcore | Convention::Torchinfo => {
                let params = op.params(inputs);
                let trainable = params.iter().filter(|p| p.kind == ParamKind::Trainable).map(|p| p.elements()).sum();
                self.amount(op, &dims(inputs), &dims(outputs), &trainable)
            }
        }
    }

    /// The same in numbers or formulas; `trainable` is how many parameters the node has.
    pub(super) fn amount<N: Amount>(self, op: &Op, inputs: &[Dims<N>], outputs: &[Dims<N>], trainable: &N) -> N {
        match self {
            Convention::Conv => multiplications(op, inputs, outputs),
            Convention::FlopCounter => multiplications(op, inputs, outputs).times(&N::of(2)),
            Convention::Thop => thop(op, inputs, outputs, Age::Old),
            Convention::Thop01 => thop(op, inputs, outputs, Age::New),
            Convention::Fvcore => fvcore(op, inputs, outputs),
            Convention::Torchinfo => torchinfo(op, outputs, trainable),
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

/// A number of operations: exact, or a formula in the image's size.
pub(super) trait Amount: Clone {
    fn of(n: u64) -> Self;
    fn plus(&self, other: &Self) -> Self;
    fn minus(&self, other: &Self) -> Self;
    fn times(&self, other: &Self) -> Self;
    /// Rounded down.
    fn over(&self, other: &Self) -> Self;
}

/// The dims of a tensor.
pub(super) type Dims<N> = Vec<N>;

/// Saturates; the checker refuses graphs that large.
impl Amount for u64 {
    fn of(n: u64) -> Self {
        n
    }

    fn plus(&self, other: &Self) -> Self {
        self.saturating_add(*other)
    }

    fn minus(&self, other: &Self) -> Self {
        self.saturating_sub(*other)
    }

    fn times(&self, other: &Self) -> Self {
        self.saturating_mul(*other)
    }

    fn over(&self, other: &Self) -> Self {
        self / (*other).max(1)
    }
}

fn elements<N: Amount>(tensors: &[Dims<N>]) -> N {
    product(&tensors[0])
}

fn product<N: Amount>(dims: &[N]) -> N {
    dims.iter().fold(N::of(1), |n, d| n.times(d))
}

fn per<N: Amount>(n: u64, tensors: &[Dims<N>]) -> N {
    N::of(n).times(&elements(tensors))
}

/// Weights of one output channel.
fn kernel<N: Amount>(channels: &N, groups: usize, [kh, kw]: [usize; 2]) -> N {
    channels.over(&N::of(groups as u64)).times(&N::of(kh as u64)).times(&N::of(kw as u64))
}

/// Multiplications of a convolution, as all tools have it. Of a transposed one some count the same, which is too much by
/// the stride on each axis.
fn conv<N: Amount>(groups: usize, taps: [usize; 2], inputs: &[Dims<N>], outputs: &[Dims<N>]) -> N {
    elements(outputs).times(&kernel(&inputs[0][0], groups, taps))
}

fn linear<N: Amount>(linear: &Linear, inputs: &[Dims<N>]) -> N {
    inputs[0][0].times(&N::of(linear.out as u64))
}

/// Convention `conv`; [`Op::macs`] in formulas.
fn multiplications<N: Amount>(op: &Op, inputs: &[Dims<N>], outputs: &[Dims<N>]) -> N {
    match op {
        Op::Conv(layer) => conv(layer.groups, layer.kernel, inputs, outputs),
        Op::ConvTranspose(layer) => {
            elements(inputs).times(&kernel(&N::of(layer.out as u64), layer.groups, layer.kernel))
        }
        Op::Linear(layer) => linear(layer, inputs),
        Op::Input(_)
        | Op::BatchNorm(_)
        | Op::GroupNorm(_)
        | Op::InstanceNorm(_)
        | Op::LayerNorm(_)
        | Op::Activation(_)
        | Op::PRelu(_)
        | Op::MaxPool(_)
        | Op::MaxPoolWithIndex(_)
        | Op::MaxPoolTo(_)
        | Op::Padding(_)
        | Op::Crop(_)
        | Op::Slice(_)
        | Op::ChannelPad(_)
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
        | Op::Reshape(_)
        | Op::Dropout(_) => N::of(0),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Age {
    /// 0.0.31
    Old,
    /// 0.1.1
    New,
}

fn thop<N: Amount>(op: &Op, inputs: &[Dims<N>], outputs: &[Dims<N>], age: Age) -> N {
    let bias = |has: bool| if has && age == Age::Old { elements(outputs) } else { N::of(0) };
    let free = N::of(0);
    match op {
        Op::Conv(Conv { groups, kernel, bias: has, .. })
        | Op::ConvTranspose(ConvTranspose { groups, kernel, bias: has, .. }) => {
            conv(*groups, *kernel, inputs, outputs).plus(&bias(*has))
        }
        Op::Linear(layer) => linear(layer, inputs),
        Op::BatchNorm(_) => per(if age == Age::Old { 2 } else { 4 }, inputs),
        // The older version knows batch norm only; neither knows group norm.
        Op::InstanceNorm(InstanceNorm { affine, .. }) | Op::LayerNorm(LayerNorm { affine, .. }) => match age {
            Age::Old => free,
            Age::New => per(if *affine { 4 } else { 2 }, inputs),
        },
        Op::PRelu(_) if age == Age::New => elements(inputs),
        Op::Activation(a) => match a.function {
            Function::LeakyRelu { .. } if age == Age::Old => elements(inputs),
            Function::Softmax => {
                // Exponentials, additions (one fewer) and divisions of each pixel's channels.
                per(3, inputs).minus(&product(&inputs[0][1..]))
            }
            Function::Relu
            | Function::Relu6
            | Function::LeakyRelu { .. }
            | Function::Elu { .. }
            | Function::Gelu
            | Function::Silu
            | Function::HardSwish
            | Function::HardSigmoid
            | Function::Sigmoid
            | Function::Tanh => free,
        },
        Op::AvgPool(_) => elements(outputs),
        Op::AvgPoolTo(_) => adaptive(inputs, outputs, age),
        Op::Resize(Resize { mode, module: true, .. }) => match (mode, age) {
            (Mode::Bilinear, _) => per(11, outputs),
            (Mode::Nearest, Age::Old) => free,
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
        | Op::ChannelPad(_)
        | Op::ChannelReduce(_)
        | Op::ChannelShuffle(_)
        | Op::PixelShuffle(_)
        | Op::Unpool(_)
        | Op::Concat(_)
        | Op::Combine(_)
        | Op::Flatten(_)
        | Op::Unflatten(_)
        | Op::Reshape(_)
        | Op::Dropout(_) => free,
    }
}

/// `(additions + 1 division) * outputs`, the additions being the size of the input over that of the output, rounded down
/// in the older version.
fn adaptive<N: Amount>(inputs: &[Dims<N>], outputs: &[Dims<N>], age: Age) -> N {
    let ([_, h, w], [_, oh, ow]) = (&inputs[0][..], &outputs[0][..]) else { return N::of(0) };
    match age {
        Age::Old => h.over(oh).times(&w.over(ow)).plus(&N::of(1)).times(&elements(outputs)),
        Age::New => elements(inputs).plus(&elements(outputs)),
    }
}

fn fvcore<N: Amount>(op: &Op, inputs: &[Dims<N>], outputs: &[Dims<N>]) -> N {
    match op {
        Op::Conv(_) | Op::ConvTranspose(_) | Op::Linear(_) => multiplications(op, inputs, outputs),
        Op::BatchNorm(_) => per(2, inputs),
        Op::GroupNorm(GroupNorm { affine, .. })
        | Op::InstanceNorm(InstanceNorm { affine, .. })
        | Op::LayerNorm(LayerNorm { affine, .. }) => per(if *affine { 5 } else { 4 }, inputs),
        Op::Resize(resize) => match resize.mode {
            Mode::Bilinear => per(4, outputs),
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
        | Op::ChannelPad(_)
        | Op::ChannelReduce(_)
        | Op::ChannelShuffle(_)
        | Op::PixelShuffle(_)
        | Op::Unpool(_)
        | Op::AvgPool(_)
        | Op::Concat(_)
        | Op::Combine(_)
        | Op::Flatten(_)
        | Op::Unflatten(_)
        | Op::Reshape(_)
        | Op::Dropout(_) => N::of(0),
    }
}

/// Numbers in the weights, times the output's height and width where the module is a convolution.
fn torchinfo<N: Amount>(op: &Op, outputs: &[Dims<N>], trainable: &N) -> N {
    match op {
        Op::Conv(_) | Op::ConvTranspose(_) => trainable.times(&product(&outputs[0][1..])),
        Op::Linear(_) | Op::BatchNorm(_) | Op::GroupNorm(_) | Op::InstanceNorm(_) | Op::LayerNorm(_) | Op::PRelu(_) => {
            trainable.clone()
        }
        Op::Input(_)
        | Op::Activation(_)
        | Op::MaxPool(_)
        | Op::MaxPoolWithIndex(_)
        | Op::MaxPoolTo(_)
        | Op::Padding(_)
        | Op::Crop(_)
        | Op::Slice(_)
        | Op::ChannelPad(_)
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
        | Op::Reshape(_)
        | Op::Dropout(_) => N::of(0),
    }
}
