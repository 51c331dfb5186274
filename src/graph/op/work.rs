//! The arithmetic of an operator, as far as tools that count operations tell kinds of it apart.

use crate::graph::ty::TensorType;

/// What an operator computes with its numbers. Counting conventions are rules over these kinds, so that an operator says
/// once what it does and a convention says once what it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Moves, compares or joins numbers, or is a function of each: no tool counts it.
    Uncounted,
    Convolution {
        kernel: [usize; 2],
        groups: usize,
        bias: bool,
    },
    TransposedConvolution {
        out: usize,
        kernel: [usize; 2],
        groups: usize,
        bias: bool,
    },
    /// A fully connected layer over a vector.
    Linear {
        out: usize,
    },
    BatchNorm,
    GroupNorm {
        affine: bool,
    },
    /// Over the map of a channel, or over the channels of a pixel: no tool tells the two apart.
    Norm {
        affine: bool,
    },
    /// `slope * x` below 0, with a given slope.
    FixedSlope,
    /// The same with a slope that is trained.
    LearnedSlope,
    Softmax,
    AveragePool,
    AdaptiveAveragePool,
    /// Interpolation by the nearest pixel; `module` where PyTorch has a module for it and not only a call.
    Nearest {
        module: bool,
    },
    Bilinear {
        module: bool,
    },
}

/// A number of operations: exact, or a formula in the image's size.
pub trait Amount: Clone {
    fn of(n: u64) -> Self;
    fn plus(&self, other: &Self) -> Self;
    fn minus(&self, other: &Self) -> Self;
    fn times(&self, other: &Self) -> Self;
    /// Rounded down.
    fn over(&self, other: &Self) -> Self;
}

/// The dims of a tensor.
pub type Dims<N> = Vec<N>;

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
pub fn dims(types: &[TensorType]) -> Vec<Dims<u64>> {
    types.iter().map(|t| t.shape().dims().iter().map(|&d| d as u64).collect()).collect()
}

/// The product of some dims.
pub fn product<N: Amount>(dims: &[N]) -> N {
    dims.iter().fold(N::of(1), |n, d| n.times(d))
}

/// Multiplications of a convolution. Of a transposed one some tools count the same, which is too much by the stride on each
/// axis.
pub fn convolution<N: Amount>(kernel: [usize; 2], groups: usize, inputs: &[Dims<N>], outputs: &[Dims<N>]) -> N {
    product(&outputs[0]).times(&taps(&inputs[0][0], kernel, groups))
}

/// Weights of one channel on the other side.
fn taps<N: Amount>(channels: &N, [kh, kw]: [usize; 2], groups: usize) -> N {
    channels.over(&N::of(groups as u64)).times(&N::of(kh as u64)).times(&N::of(kw as u64))
}

impl Work {
    /// Multiplications of convolutions and linear layers for one image, bias not counted.
    pub fn multiplications<N: Amount>(self, inputs: &[Dims<N>], outputs: &[Dims<N>]) -> N {
        match self {
            Work::Convolution { kernel, groups, .. } => convolution(kernel, groups, inputs, outputs),
            Work::TransposedConvolution { out, kernel, groups, .. } => {
                product(&inputs[0]).times(&taps(&N::of(out as u64), kernel, groups))
            }
            Work::Linear { out } => inputs[0][0].times(&N::of(out as u64)),
            Work::Uncounted
            | Work::BatchNorm
            | Work::GroupNorm { .. }
            | Work::Norm { .. }
            | Work::FixedSlope
            | Work::LearnedSlope
            | Work::Softmax
            | Work::AveragePool
            | Work::AdaptiveAveragePool
            | Work::Nearest { .. }
            | Work::Bilinear { .. } => N::of(0),
        }
    }
}
