//! Counting conventions by name: what each tool counts as one operation.
//!
//! The rules follow the tools' sources, and tests compare them with their output. `docs/counting.md` documents what each
//! counts and where it is known to be wrong. All counts are for one image, in evaluation mode.

use crate::graph::op::work::{Amount, TensorDims, conv_multiplications, product, tensor_dims};
use crate::graph::op::{Op, ParamKind, WorkKind};
use crate::graph::ty::TensorType;
use std::fmt;
use std::str::FromStr;

/// A rule for which operations count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Convention {
    /// Multiplications of convolutions and linear layers; bias, norms, pools and interpolation are free.
    #[default]
    Conv,
    /// thop 0.0.31 (January 2020 to October 2021), which was used for the table of the NPNet paper.
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

    /// Returns the name on the command line, in claims and in reports, for example `thop-0.1`.
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

    /// Counts the operations of one node.
    pub fn count(self, op: &Op, inputs: &[TensorType], outputs: &[TensorType]) -> u64 {
        match self {
            Convention::Conv => op.macs(inputs, outputs),
            Convention::FlopCounter => op.macs(inputs, outputs).saturating_mul(2),
            Convention::Thop | Convention::Thop01 | Convention::Fvcore | Convention::Torchinfo => {
                let params = op.params(inputs);
                let trainable = params.iter().filter(|p| p.kind == ParamKind::Trainable).map(|p| p.elements()).sum();
                self.amount(op.work(), &tensor_dims(inputs), &tensor_dims(outputs), &trainable)
            }
        }
    }

    /// Counts in numbers or formulas; `trainable` is the number of parameters of the node.
    pub(super) fn amount<N: Amount>(
        self,
        work: WorkKind,
        inputs: &[TensorDims<N>],
        outputs: &[TensorDims<N>],
        trainable: &N,
    ) -> N {
        match self {
            Convention::Conv => work.multiplications(inputs, outputs),
            Convention::FlopCounter => work.multiplications(inputs, outputs).times(&N::of(2)),
            Convention::Thop => thop(work, inputs, outputs, ThopVersion::V0_0_31),
            Convention::Thop01 => thop(work, inputs, outputs, ThopVersion::V0_1_1),
            Convention::Fvcore => fvcore(work, inputs, outputs),
            Convention::Torchinfo => torchinfo(work, outputs, trainable),
        }
    }

    /// Checks whether the tool's parameter total includes this operator: thop omits modules that it has no rule for.
    pub fn counts_params(self, op: &Op) -> bool {
        let work = op.work();
        match self {
            Convention::Thop => {
                !matches!(work, WorkKind::LearnedSlope | WorkKind::GroupNorm { .. } | WorkKind::Norm { .. })
            }
            Convention::Thop01 => !matches!(work, WorkKind::GroupNorm { .. }),
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

fn element_count<N: Amount>(tensors: &[TensorDims<N>]) -> N {
    product(&tensors[0])
}

fn per_element<N: Amount>(n: u64, tensors: &[TensorDims<N>]) -> N {
    N::of(n).times(&element_count(tensors))
}

/// Versions of thop that count differently.
#[derive(Clone, Copy, PartialEq)]
enum ThopVersion {
    /// thop 0.0.31.
    V0_0_31,
    /// thop 0.1.1.
    V0_1_1,
}

/// Counts as thop does: function calls and Python operators are not seen, max pools are free.
fn thop<N: Amount>(work: WorkKind, inputs: &[TensorDims<N>], outputs: &[TensorDims<N>], version: ThopVersion) -> N {
    let free = N::of(0);
    match work {
        // A transposed convolution is counted as an ordinary one.
        WorkKind::Convolution { kernel, groups, bias }
        | WorkKind::TransposedConvolution { kernel, groups, bias, .. } => {
            let bias = if bias && version == ThopVersion::V0_0_31 { element_count(outputs) } else { free };
            conv_multiplications(kernel, groups, inputs, outputs).plus(&bias)
        }
        WorkKind::Linear { .. } => work.multiplications(inputs, outputs),
        WorkKind::BatchNorm => per_element(if version == ThopVersion::V0_0_31 { 2 } else { 4 }, inputs),
        // The older version has a rule for batch norm only; neither has one for group norm.
        WorkKind::Norm { affine } if version == ThopVersion::V0_1_1 => per_element(if affine { 4 } else { 2 }, inputs),
        WorkKind::LearnedSlope if version == ThopVersion::V0_1_1 => element_count(inputs),
        WorkKind::FixedSlope if version == ThopVersion::V0_0_31 => element_count(inputs),
        // Exponentials, additions (one fewer) and divisions of each pixel's channels.
        WorkKind::Softmax => per_element(3, inputs).minus(&product(&inputs[0][1..])),
        WorkKind::AveragePool => element_count(outputs),
        WorkKind::AdaptiveAveragePool => adaptive_pool(inputs, outputs, version),
        WorkKind::Bilinear { module: true } => per_element(11, outputs),
        WorkKind::Nearest { module: true } if version == ThopVersion::V0_1_1 => element_count(outputs),
        WorkKind::Uncounted
        | WorkKind::GroupNorm { .. }
        | WorkKind::Norm { .. }
        | WorkKind::FixedSlope
        | WorkKind::LearnedSlope
        | WorkKind::Nearest { .. }
        | WorkKind::Bilinear { .. } => free,
    }
}

/// Counts an adaptive pool: `(additions + 1 division) * outputs`. The additions are the input size over the output size,
/// rounded down in the older version.
fn adaptive_pool<N: Amount>(inputs: &[TensorDims<N>], outputs: &[TensorDims<N>], version: ThopVersion) -> N {
    let ([_, h, w], [_, oh, ow]) = (&inputs[0][..], &outputs[0][..]) else { return N::of(0) };
    match version {
        ThopVersion::V0_0_31 => h.over(oh).times(&w.over(ow)).plus(&N::of(1)).times(&element_count(outputs)),
        ThopVersion::V0_1_1 => element_count(inputs).plus(&element_count(outputs)),
    }
}

fn fvcore<N: Amount>(work: WorkKind, inputs: &[TensorDims<N>], outputs: &[TensorDims<N>]) -> N {
    match work {
        WorkKind::Convolution { .. } | WorkKind::TransposedConvolution { .. } | WorkKind::Linear { .. } => {
            work.multiplications(inputs, outputs)
        }
        WorkKind::BatchNorm => per_element(2, inputs),
        WorkKind::GroupNorm { affine } | WorkKind::Norm { affine } => per_element(if affine { 5 } else { 4 }, inputs),
        WorkKind::Bilinear { .. } => per_element(4, outputs),
        WorkKind::Nearest { .. } => element_count(outputs),
        WorkKind::AdaptiveAveragePool => element_count(inputs),
        WorkKind::Uncounted
        | WorkKind::FixedSlope
        | WorkKind::LearnedSlope
        | WorkKind::Softmax
        | WorkKind::AveragePool => N::of(0),
    }
}

/// Counts as torchinfo does: the number of weights, times height and width of the output for convolutions.
fn torchinfo<N: Amount>(work: WorkKind, outputs: &[TensorDims<N>], trainable: &N) -> N {
    match work {
        WorkKind::Convolution { .. } | WorkKind::TransposedConvolution { .. } => {
            trainable.times(&product(&outputs[0][1..]))
        }
        WorkKind::Linear { .. }
        | WorkKind::BatchNorm
        | WorkKind::GroupNorm { .. }
        | WorkKind::Norm { .. }
        | WorkKind::LearnedSlope => trainable.clone(),
        WorkKind::Uncounted
        | WorkKind::FixedSlope
        | WorkKind::Softmax
        | WorkKind::AveragePool
        | WorkKind::AdaptiveAveragePool
        | WorkKind::Nearest { .. }
        | WorkKind::Bilinear { .. } => N::of(0),
    }
}
