//! Which pixels of an input one output pixel reads, along one axis.
//!
//! Positions are counted without borders: a window over a padded map reads pixels -1, -2, ... of it. A vector `[c]` counts
//! as a map of one pixel.

use crate::graph::ty::TensorType;

/// The taps of a kernel along one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KernelTaps {
    /// Number of taps.
    pub count: usize,
    /// Pixels from one window to the next; of a transposed convolution, from the taps of one input pixel to those of
    /// the next.
    pub stride: usize,
    /// Pixels from one tap to the next.
    pub dilation: usize,
    /// Pixels of padding before the first one; of a transposed convolution, output pixels cut off there.
    pub pad: usize,
}

/// How interpolation weighs pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interpolation {
    /// The nearest pixel alone, as `mode = "nearest"` of PyTorch.
    Nearest,
    /// The up to four pixels around, weighed by their distance, as `mode = "bilinear"` of PyTorch.
    Bilinear,
}

impl Interpolation {
    /// Returns the word of the language: `nearest` or `bilinear`.
    pub fn text(self) -> &'static str {
        match self {
            Interpolation::Nearest => "nearest",
            Interpolation::Bilinear => "bilinear",
        }
    }
}

/// What output pixel `i` reads of one input along one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadPattern {
    /// No number of it: only its size counts.
    Nothing,
    /// Pixel `i`.
    Same,
    /// Pixel `i + by`.
    Shift(i64),
    /// Pixels `i * stride - pad + t * dilation`, for each tap `t`.
    Window(KernelTaps),
    /// Each pixel `j` that has a tap `t` with `i = j * stride - pad + t * dilation`.
    Transposed(KernelTaps),
    /// The one or two pixels that interpolation of `from` pixels to `to` weighs, as PyTorch places them.
    Interpolated {
        /// How they are weighed.
        mode: Interpolation,
        /// Whether the centres of the outermost pixels coincide.
        align_corners: bool,
        /// Pixels of the input along the axis.
        from: usize,
        /// Pixels of the output along the axis.
        to: usize,
    },
    /// Pixels `floor(i * from / to)` to `ceil((i + 1) * from / to)`, the last not included: adaptive pooling.
    Bins {
        /// Pixels of the input along the axis.
        from: usize,
        /// Pixels of the output along the axis.
        to: usize,
    },
    /// The pooled pixels whose window covers `i`, in the pool that made the indices.
    Unpooled,
    /// Every pixel of the axis.
    All,
    /// Pixel `i`, and every pixel through a mean and a deviation.
    SameAndAll,
}

impl ReadPattern {
    /// Pixel by pixel where the sizes are equal; else one size is 1, and all of the input is read.
    pub fn same_or_all(from: usize, to: usize) -> Self {
        if from == to { ReadPattern::Same } else { ReadPattern::All }
    }

    /// Interpolation of `from` pixels to `to`, which changes nothing where the two are equal.
    pub fn interpolated(mode: Interpolation, align_corners: bool, from: usize, to: usize) -> Self {
        if from == to { ReadPattern::Same } else { ReadPattern::Interpolated { mode, align_corners, from, to } }
    }

    /// Adaptive pooling to one pixel reads everything.
    pub fn bins(from: usize, to: usize) -> Self {
        match to {
            _ if from == to => ReadPattern::Same,
            1 => ReadPattern::All,
            _ => ReadPattern::Bins { from, to },
        }
    }

    /// A norm whose mean runs over the map.
    pub fn normalised(pixels: usize) -> Self {
        if pixels == 1 { ReadPattern::Same } else { ReadPattern::SameAndAll }
    }
}

/// Height and width.
pub fn map_size(ty: &TensorType) -> [usize; 2] {
    ty.shape().spatial().unwrap_or([1, 1])
}

/// The same question on both axes, about the pixels of an input and of the output.
pub(super) fn per_axis(
    input: &TensorType,
    output: &TensorType,
    reads: impl Fn(usize, usize) -> ReadPattern,
) -> [ReadPattern; 2] {
    let (from, to) = (map_size(input), map_size(output));
    [0, 1].map(|i| reads(from[i], to[i]))
}
