//! The arithmetic of an operator, as far as tools that count operations tell kinds of it apart.

use crate::graph::ty::TensorType;

/// What an operator computes with its numbers. Counting conventions are rules over these kinds, so that an operator says
/// once what it does and a convention says once what it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkKind {
    /// Moves, compares or joins numbers, or is a function of each: no tool counts it.
    Uncounted,
    /// A convolution of a map.
    Convolution {
        /// Height and width of the kernel in taps.
        kernel: [usize; 2],
        /// Groups of channels that are convolved apart.
        groups: usize,
        /// Whether a bias is added.
        bias: bool,
    },
    /// A transposed convolution of a map.
    TransposedConvolution {
        /// Channels of the output.
        out: usize,
        /// Height and width of the kernel in taps.
        kernel: [usize; 2],
        /// Groups of channels that are convolved apart.
        groups: usize,
        /// Whether a bias is added.
        bias: bool,
    },
    /// A fully connected layer over a vector.
    Linear {
        /// Numbers of the output.
        out: usize,
    },
    /// Batch normalisation, with a factor and a summand per channel.
    BatchNorm,
    /// Normalisation over groups of channels and the map.
    GroupNorm {
        /// Whether a factor and a summand per channel follow.
        affine: bool,
    },
    /// Over the map of a channel, or over the channels of a pixel: no tool tells the two apart.
    Norm {
        /// Whether a factor and a summand per channel follow.
        affine: bool,
    },
    /// `slope * x` below 0, with a given slope.
    FixedSlope,
    /// The same with a slope that is trained.
    LearnedSlope,
    /// Softmax over channels.
    Softmax,
    /// Average pooling by a sliding window.
    AveragePool,
    /// Average pooling to a fixed size.
    AdaptiveAveragePool,
    /// Interpolation by the nearest pixel; `module` where PyTorch has a module for it and not only a call.
    Nearest {
        /// Whether it is a module in PyTorch (`up`) and not a functional call (`resize`).
        module: bool,
    },
    /// Bilinear interpolation.
    Bilinear {
        /// Whether it is a module in PyTorch (`up`) and not a functional call (`resize`).
        module: bool,
    },
}

/// A number of operations: exact, or a formula in the image's size.
pub trait Amount: Clone {
    /// Makes the amount of an exact number.
    fn of(n: u64) -> Self;
    /// Adds.
    fn plus(&self, other: &Self) -> Self;
    /// Subtracts; exact numbers do not go below 0.
    fn minus(&self, other: &Self) -> Self;
    /// Multiplies.
    fn times(&self, other: &Self) -> Self;
    /// Rounded down.
    fn over(&self, other: &Self) -> Self;
}

/// The dims of a tensor.
pub type TensorDims<N> = Vec<N>;

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

/// The dims of tensors in numbers.
pub fn tensor_dims(types: &[TensorType]) -> Vec<TensorDims<u64>> {
    types.iter().map(|t| t.shape().dims().iter().map(|&d| d as u64).collect()).collect()
}

/// The product of some dims.
pub fn product<N: Amount>(dims: &[N]) -> N {
    dims.iter().fold(N::of(1), |n, d| n.times(d))
}

/// Multiplications of a convolution. Of a transposed one some tools count the same, which is too much by the stride on each
/// axis.
pub fn conv_multiplications<N: Amount>(
    kernel: [usize; 2],
    groups: usize,
    inputs: &[TensorDims<N>],
    outputs: &[TensorDims<N>],
) -> N {
    product(&outputs[0]).times(&taps(&inputs[0][0], kernel, groups))
}

/// Weights of one channel on the other side.
fn taps<N: Amount>(channels: &N, [kh, kw]: [usize; 2], groups: usize) -> N {
    channels.over(&N::of(groups as u64)).times(&N::of(kh as u64)).times(&N::of(kw as u64))
}

impl WorkKind {
    /// Multiplications of convolutions and linear layers for one image, bias not counted.
    pub fn multiplications<N: Amount>(self, inputs: &[TensorDims<N>], outputs: &[TensorDims<N>]) -> N {
        match self {
            WorkKind::Convolution { kernel, groups, .. } => conv_multiplications(kernel, groups, inputs, outputs),
            WorkKind::TransposedConvolution { out, kernel, groups, .. } => {
                product(&inputs[0]).times(&taps(&N::of(out as u64), kernel, groups))
            }
            WorkKind::Linear { out } => inputs[0][0].times(&N::of(out as u64)),
            WorkKind::Uncounted
            | WorkKind::BatchNorm
            | WorkKind::GroupNorm { .. }
            | WorkKind::Norm { .. }
            | WorkKind::FixedSlope
            | WorkKind::LearnedSlope
            | WorkKind::Softmax
            | WorkKind::AveragePool
            | WorkKind::AdaptiveAveragePool
            | WorkKind::Nearest { .. }
            | WorkKind::Bilinear { .. } => N::of(0),
        }
    }
}
