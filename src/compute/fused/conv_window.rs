//! The window of a convolution, and the pixels that each of its taps reads.
//!
//! Forward passes, gradients of inputs and transposed convolutions have one form: each output pixel is a sum over taps,
//! and a tap is a shift of the input with a matrix from input to output channels. They differ in the output pixels that
//! a [`ConvRegion`] covers and in the shifts of its taps.

/// Evenly spaced positions along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StridedRange {
    pub first: usize,
    pub step: usize,
    pub count: usize,
}

/// A tap of the kernel: output position `i` of the region reads input position `i * stride + shift` along each axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KernelTap {
    pub y: isize,
    pub x: isize,
    /// Number of the tap in the packed weights.
    pub weight: usize,
}

/// Output pixels with the same taps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConvRegion {
    pub rows: StridedRange,
    pub columns: StridedRange,
    pub stride: [usize; 2],
    pub taps: Vec<KernelTap>,
}

/// A window that slides over the larger of two maps; each position is a pixel of the smaller map. A convolution reads
/// the larger map and writes the smaller one, a transposed convolution the reverse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvWindow {
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub dilation: [usize; 2],
    pub pad: [usize; 2],
}

impl ConvWindow {
    pub const POINT: Self = Self { kernel: [1, 1], stride: [1, 1], dilation: [1, 1], pad: [0, 0] };

    pub fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Returns the region of a convolution, which reads the larger map and writes every pixel of the smaller one, `[h,
    /// w]`.
    pub fn region(&self, [h, w]: [usize; 2]) -> ConvRegion {
        let shift = |axis: usize, k: usize| (k * self.dilation[axis]) as isize - self.pad[axis] as isize;
        let taps = (0..self.taps()).map(|weight| {
            let [ky, kx] = [weight / self.kernel[1], weight % self.kernel[1]];
            KernelTap { y: shift(0, ky), x: shift(1, kx), weight }
        });
        let all = |count| StridedRange { first: 0, step: 1, count };
        ConvRegion { rows: all(h), columns: all(w), stride: self.stride, taps: taps.collect() }
    }

    /// Returns the regions of a transposed convolution, which reads the smaller map and writes every pixel of the
    /// larger one, `[h, w]`. There is one region for each remainder of a pixel's position by the stride, since these
    /// pixels have the same taps.
    pub fn transposed_regions(&self, size: [usize; 2]) -> Vec<ConvRegion> {
        let phases = |axis: usize| {
            let stride = self.stride[axis];
            (0..stride.min(size[axis])).map(move |first| {
                let lattice = StridedRange { first, step: stride, count: (size[axis] - first).div_ceil(stride) };
                let taps: Vec<(usize, isize)> = (0..self.kernel[axis])
                    .filter_map(|k| {
                        let from = (first + self.pad[axis]) as isize - (k * self.dilation[axis]) as isize;
                        let stride = stride as isize;
                        (from.rem_euclid(stride) == 0).then(|| (k, from.div_euclid(stride)))
                    })
                    .collect();
                (lattice, taps)
            })
        };
        let mut regions = Vec::new();
        for (rows, down) in phases(0) {
            for (columns, across) in phases(1) {
                let pairs = down.iter().flat_map(|d| across.iter().map(move |a| (d, a)));
                let taps =
                    pairs.map(|(&(ky, y), &(kx, x))| KernelTap { y, x, weight: ky * self.kernel[1] + kx }).collect();
                regions.push(ConvRegion { rows, columns, stride: [1, 1], taps });
            }
        }
        regions
    }
}
