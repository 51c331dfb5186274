//! Kinds of arithmetic, as tools that count operations distinguish them.

use crate::graph::ty::TensorType;

/// The kind of arithmetic of an operator. Counting conventions are rules over these kinds, so that neither operators nor
/// conventions list each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkKind {
    /// Data movement, comparison or an elementwise function, which no tool counts.
    Uncounted,
    /// A convolution of a map.
    Convolution {
        /// Height and width of the kernel in taps.
        kernel: [usize; 2],
        /// Number of channel groups that are convolved separately.
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
        /// Number of channel groups that are convolved separately.
        groups: usize,
        /// Whether a bias is added.
        bias: bool,
    },
    /// A fully connected layer over a vector.
    Linear {
        /// Features of the output.
        out: usize,
    },
    /// Batch normalisation with a scale and a shift per channel.
    BatchNorm,
    /// Normalisation over groups of channels and the map.
    GroupNorm {
        /// Whether a scale and a shift per channel follow.
        affine: bool,
    },
    /// Instance or layer normalisation, which no tool distinguishes.
    Norm {
        /// Whether a scale and a shift per channel follow.
        affine: bool,
    },
    /// `slope * x` below 0, with a given slope.
    FixedSlope,
    /// `slope * x` below 0, with a trained slope.
    LearnedSlope,
    /// Softmax over channels.
    Softmax,
    /// Average pooling by a sliding window.
    AveragePool,
    /// Average pooling to a fixed size.
    AdaptiveAveragePool,
    /// Nearest-neighbour interpolation.
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
    /// Returns the amount of an exact number.
    fn of(n: u64) -> Self;
    /// Adds `other`.
    fn plus(&self, other: &Self) -> Self;
    /// Subtracts `other`; exact numbers do not go below 0.
    fn minus(&self, other: &Self) -> Self;
    /// Multiplies by `other`.
    fn times(&self, other: &Self) -> Self;
    /// Divides by `other` and rounds down.
    fn over(&self, other: &Self) -> Self;
}

/// The dims of a tensor.
pub type TensorDims<N> = Vec<N>;

/// Exact amounts saturate; the checker refuses graphs that large.
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

/// Returns the dims of tensors as numbers.
pub fn tensor_dims(types: &[TensorType]) -> Vec<TensorDims<u64>> {
    types.iter().map(|t| t.shape().dims().iter().map(|&d| d as u64).collect()).collect()
}

/// Multiplies dims.
pub fn product<N: Amount>(dims: &[N]) -> N {
    dims.iter().fold(N::of(1), |n, d| n.times(d))
}

/// Counts the multiplications of a convolution. Some tools use this for a transposed convolution too, which overcounts by
/// the stride along each axis.
pub fn conv_multiplications<N: Amount>(
    kernel: [usize; 2],
    groups: usize,
    inputs: &[TensorDims<N>],
    outputs: &[TensorDims<N>],
) -> N {
    product(&outputs[0]).times(&taps(&inputs[0][0], kernel, groups))
}

/// Counts the weights that connect one channel to the `channels` of the other side.
fn taps<N: Amount>(channels: &N, [kh, kw]: [usize; 2], groups: usize) -> N {
    channels.over(&N::of(groups as u64)).times(&N::of(kh as u64)).times(&N::of(kw as u64))
}

impl WorkKind {
    /// Counts the multiplications of convolutions and linear layers for one image, without biases.
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
