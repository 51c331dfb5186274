//! Which pixels of an input one output pixel reads, along one axis.
//!
//! Positions are counted without borders: a window over a padded map reads pixels -1, -2, ... of it. A vector `[c]` counts
//! as a map of one pixel.

use crate::graph::ty::TensorType;

/// The taps of a kernel along one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taps {
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
pub enum Mode {
    /// The nearest pixel alone, as `mode = "nearest"` of PyTorch.
    Nearest,
    /// The up to four pixels around, weighed by their distance, as `mode = "bilinear"` of PyTorch.
    Bilinear,
}

impl Mode {
    /// Returns the word of the language: `nearest` or `bilinear`.
    pub fn text(self) -> &'static str {
        match self {
            Mode::Nearest => "nearest",
            Mode::Bilinear => "bilinear",
        }
    }
}

/// What output pixel `i` reads of one input along one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// No number of it: only its size counts.
    Nothing,
    /// Pixel `i`.
    Same,
    /// Pixel `i + by`.
    Shift(i64),
    /// Pixels `i * stride - pad + t * dilation`, for each tap `t`.
    Window(Taps),
    /// Each pixel `j` that has a tap `t` with `i = j * stride - pad + t * dilation`.
    Transposed(Taps),
    /// The one or two pixels that interpolation of `from` pixels to `to` weighs, as PyTorch places them.
    Interpolated {
        /// How they are weighed.
        mode: Mode,
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

impl Reads {
    /// Pixel by pixel where the sizes are equal; else one size is 1, and all of the input is read.
    pub fn same_or_all(from: usize, to: usize) -> Self {
        if from == to { Reads::Same } else { Reads::All }
    }

    /// Interpolation of `from` pixels to `to`, which changes nothing where the two are equal.
    pub fn interpolated(mode: Mode, align_corners: bool, from: usize, to: usize) -> Self {
        if from == to { Reads::Same } else { Reads::Interpolated { mode, align_corners, from, to } }
    }

    /// Adaptive pooling to one pixel reads everything.
    pub fn bins(from: usize, to: usize) -> Self {
        match to {
            _ if from == to => Reads::Same,
            1 => Reads::All,
            _ => Reads::Bins { from, to },
        }
    }

    /// A norm whose mean runs over the map.
    pub fn normalised(pixels: usize) -> Self {
        if pixels == 1 { Reads::Same } else { Reads::SameAndAll }
    }
}

/// Height and width.
pub fn pixels(ty: &TensorType) -> [usize; 2] {
    ty.shape().spatial().unwrap_or([1, 1])
}

/// The same question on both axes, about the pixels of an input and of the output.
pub(super) fn on_axes(input: &TensorType, output: &TensorType, reads: impl Fn(usize, usize) -> Reads) -> [Reads; 2] {
    let (from, to) = (pixels(input), pixels(output));
    [0, 1].map(|i| reads(from[i], to[i]))
}
