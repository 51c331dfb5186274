//! Which pixels of an input one output pixel reads, along one axis.
//!
//! Positions are counted without borders: a window over a padded map reads pixels -1, -2, ... of it. A vector `[c]` counts
//! as a map of one pixel.

use crate::graph::ty::TensorType;

/// The taps of a kernel along one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taps {
    pub count: usize,
    pub stride: usize,
    pub dilation: usize,
    pub pad: usize,
}

/// How interpolation weighs pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Nearest,
    Bilinear,
}

impl Mode {
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
    Interpolated { mode: Mode, align_corners: bool, from: usize, to: usize },
    /// Pixels `floor(i * from / to)` to `ceil((i + 1) * from / to)`, the last not included: adaptive pooling.
    Bins { from: usize, to: usize },
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
