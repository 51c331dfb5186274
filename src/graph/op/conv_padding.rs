//! Zero padding of convolutions.

/// Zero padding of a convolution, on both sides of each axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConvPadding {
    /// `dilation * (k - 1) / 2`, for odd kernels: the output is `ceil(size / stride)`.
    Same,
    /// Rows and columns of zeros on each side, `[vertical, horizontal]`.
    Explicit([usize; 2]),
}

impl ConvPadding {
    /// Returns the rows and columns of zeros on each side, for a kernel of this size and dilation.
    pub fn amount(self, kernel: [usize; 2], dilation: [usize; 2]) -> [usize; 2] {
        match self {
            ConvPadding::Same => [0, 1].map(|i| dilation[i] * (kernel[i] - 1) / 2),
            ConvPadding::Explicit(pad) => pad,
        }
    }
}
