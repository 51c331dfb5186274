//! The pixels of an input that one output pixel reads, along one axis.
//!
//! Positions ignore borders: a window over a padded map reads pixels -1, -2, ... of it. A vector `[c]` counts as a map of
//! one pixel.

use crate::graph::ty::TensorType;

/// The taps of a kernel along one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KernelTaps {
    /// Number of taps.
    pub count: usize,
    /// Input pixels from one window to the next; for a transposed convolution, output pixels from one input pixel's taps
    /// to the next's.
    pub stride: usize,
    /// Pixels from one tap to the next.
    pub dilation: usize,
    /// Padding before the first pixel; for a transposed convolution, output pixels cropped there.
    pub pad: usize,
}

/// Interpolation modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interpolation {
    /// Takes the nearest pixel, as `mode = "nearest"` of PyTorch.
    Nearest,
    /// Weighs up to four neighbouring pixels by their distance, as `mode = "bilinear"` of PyTorch.
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

/// The pixels of one input that output pixel `i` reads along one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadPattern {
    /// None: only the size of the input is used.
    Nothing,
    /// Pixel `i`.
    Same,
    /// Pixel `i + by`.
    Shift(i64),
    /// Pixels `i * stride - pad + t * dilation`, for each tap `t`.
    Window(KernelTaps),
    /// Every pixel `j` for which a tap `t` exists with `i = j * stride - pad + t * dilation`.
    Transposed(KernelTaps),
    /// The one or two pixels that are interpolated, at PyTorch's positions.
    Interpolated {
        /// The interpolation mode.
        mode: Interpolation,
        /// Whether the centres of the outermost pixels coincide.
        align_corners: bool,
        /// Pixels of the input along the axis.
        from: usize,
        /// Pixels of the output along the axis.
        to: usize,
    },
    /// Pixels `floor(i * from / to)..ceil((i + 1) * from / to)`: adaptive pooling.
    Bins {
        /// Pixels of the input along the axis.
        from: usize,
        /// Pixels of the output along the axis.
        to: usize,
    },
    /// The pooled pixels whose window covers `i`, in the pool that produced the indices.
    Unpooled,
    /// Every pixel of the axis.
    All,
    /// Pixel `i`, and every pixel through a mean and a standard deviation.
    SameAndAll,
}

impl ReadPattern {
    /// Returns the pattern of broadcasting: pixel by pixel for equal sizes, else the whole axis, since one size is 1.
    pub fn same_or_all(from: usize, to: usize) -> Self {
        if from == to { ReadPattern::Same } else { ReadPattern::All }
    }

    /// Returns the pattern of interpolation from `from` to `to` pixels, which is the identity for equal sizes.
    pub fn interpolated(mode: Interpolation, align_corners: bool, from: usize, to: usize) -> Self {
        if from == to { ReadPattern::Same } else { ReadPattern::Interpolated { mode, align_corners, from, to } }
    }

    /// Returns the pattern of adaptive pooling; pooling to one pixel reads the whole axis.
    pub fn bins(from: usize, to: usize) -> Self {
        match to {
            _ if from == to => ReadPattern::Same,
            1 => ReadPattern::All,
            _ => ReadPattern::Bins { from, to },
        }
    }

    /// Returns the pattern of a norm with statistics over the map.
    pub fn normalised(pixels: usize) -> Self {
        if pixels == 1 { ReadPattern::Same } else { ReadPattern::SameAndAll }
    }
}

/// Returns height and width in pixels; `[1, 1]` for a vector.
pub fn map_size(ty: &TensorType) -> [usize; 2] {
    ty.shape().spatial().unwrap_or([1, 1])
}

/// Applies `reads` to the input and output pixels of both axes.
pub(super) fn per_axis(
    input: &TensorType,
    output: &TensorType,
    reads: impl Fn(usize, usize) -> ReadPattern,
) -> [ReadPattern; 2] {
    let (from, to) = (map_size(input), map_size(output));
    [0, 1].map(|i| reads(from[i], to[i]))
}
