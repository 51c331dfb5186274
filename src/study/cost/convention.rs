//! Counting rules by name: what each tool of the field counts as one operation.
//!
//! The rules were read from the tools' sources and are held to their output by tests. `docs/counting.md` says what each
//! counts and where it is known to be wrong. All counts are for one image, in evaluation mode.

use crate::graph::op::work::{Amount, Dims, convolution, dims, product};
use crate::graph::op::{Op, ParamKind, Work};
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
    /// Every convention, in the order of tables and messages.
    pub const ALL: [Convention; 6] = [
        Convention::Conv,
        Convention::Thop,
        Convention::Thop01,
        Convention::Fvcore,
        Convention::Torchinfo,
        Convention::FlopCounter,
    ];

    /// Name on the command line, in claims and in reports, for example `thop-0.1`.
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
            Convention::Thop | Convention::Thop01 | Convention::Fvcore | Convention::Torchinfo => {
                let params = op.params(inputs);
                let trainable = params.iter().filter(|p| p.kind == ParamKind::Trainable).map(|p| p.elements()).sum();
                self.amount(op.work(), &dims(inputs), &dims(outputs), &trainable)
            }
        }
    }

    /// The same in numbers or formulas; `trainable` is how many parameters the node has.
    pub(super) fn amount<N: Amount>(self, work: Work, inputs: &[Dims<N>], outputs: &[Dims<N>], trainable: &N) -> N {
        match self {
            Convention::Conv => work.multiplications(inputs, outputs),
            Convention::FlopCounter => work.multiplications(inputs, outputs).times(&N::of(2)),
            Convention::Thop => thop(work, inputs, outputs, Age::Old),
            Convention::Thop01 => thop(work, inputs, outputs, Age::New),
            Convention::Fvcore => fvcore(work, inputs, outputs),
            Convention::Torchinfo => torchinfo(work, outputs, trainable),
        }
    }

    /// Whether the tool's parameter total holds the parameters of this operator: thop leaves out modules that it has no
    /// rule for.
    pub fn counts_params(self, op: &Op) -> bool {
        let work = op.work();
        match self {
            Convention::Thop => !matches!(work, Work::LearnedSlope | Work::GroupNorm { .. } | Work::Norm { .. }),
            Convention::Thop01 => !matches!(work, Work::GroupNorm { .. }),
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

fn elements<N: Amount>(tensors: &[Dims<N>]) -> N {
    product(&tensors[0])
}

fn per<N: Amount>(n: u64, tensors: &[Dims<N>]) -> N {
    N::of(n).times(&elements(tensors))
}

#[derive(Clone, Copy, PartialEq)]
enum Age {
    /// 0.0.31
    Old,
    /// 0.1.1
    New,
}

/// Calls of functions and operators of Python are not seen, pools of maxima are free.
fn thop<N: Amount>(work: Work, inputs: &[Dims<N>], outputs: &[Dims<N>], age: Age) -> N {
    let free = N::of(0);
    match work {
        // A transposed convolution is taken for an ordinary one.
        Work::Convolution { kernel, groups, bias } | Work::TransposedConvolution { kernel, groups, bias, .. } => {
            let bias = if bias && age == Age::Old { elements(outputs) } else { free };
            convolution(kernel, groups, inputs, outputs).plus(&bias)
        }
        Work::Linear { .. } => work.multiplications(inputs, outputs),
        Work::BatchNorm => per(if age == Age::Old { 2 } else { 4 }, inputs),
        // The older version knows batch norm only; neither knows group norm.
        Work::Norm { affine } if age == Age::New => per(if affine { 4 } else { 2 }, inputs),
        Work::LearnedSlope if age == Age::New => elements(inputs),
        Work::FixedSlope if age == Age::Old => elements(inputs),
        // Exponentials, additions (one fewer) and divisions of each pixel's channels.
        Work::Softmax => per(3, inputs).minus(&product(&inputs[0][1..])),
        Work::AveragePool => elements(outputs),
        Work::AdaptiveAveragePool => adaptive(inputs, outputs, age),
        Work::Bilinear { module: true } => per(11, outputs),
        Work::Nearest { module: true } if age == Age::New => elements(outputs),
        Work::Uncounted
        | Work::GroupNorm { .. }
        | Work::Norm { .. }
        | Work::FixedSlope
        | Work::LearnedSlope
        | Work::Nearest { .. }
        | Work::Bilinear { .. } => free,
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

fn fvcore<N: Amount>(work: Work, inputs: &[Dims<N>], outputs: &[Dims<N>]) -> N {
    match work {
        Work::Convolution { .. } | Work::TransposedConvolution { .. } | Work::Linear { .. } => {
            work.multiplications(inputs, outputs)
        }
        Work::BatchNorm => per(2, inputs),
        Work::GroupNorm { affine } | Work::Norm { affine } => per(if affine { 5 } else { 4 }, inputs),
        Work::Bilinear { .. } => per(4, outputs),
        Work::Nearest { .. } => elements(outputs),
        Work::AdaptiveAveragePool => elements(inputs),
        Work::Uncounted | Work::FixedSlope | Work::LearnedSlope | Work::Softmax | Work::AveragePool => N::of(0),
    }
}

/// Numbers in the weights, times the output's height and width where the module is a convolution.
fn torchinfo<N: Amount>(work: Work, outputs: &[Dims<N>], trainable: &N) -> N {
    match work {
        Work::Convolution { .. } | Work::TransposedConvolution { .. } => trainable.times(&product(&outputs[0][1..])),
        Work::Linear { .. } | Work::BatchNorm | Work::GroupNorm { .. } | Work::Norm { .. } | Work::LearnedSlope => {
            trainable.clone()
        }
        Work::Uncounted
        | Work::FixedSlope
        | Work::Softmax
        | Work::AveragePool
        | Work::AdaptiveAveragePool
        | Work::Nearest { .. }
        | Work::Bilinear { .. } => N::of(0),
    }
}
