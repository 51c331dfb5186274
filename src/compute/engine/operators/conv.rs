//! Convolutions, transposed convolutions and linear layers (convolutions of a map of one pixel).

use crate::compute::engine::kernel::conv_region::{
    ChannelSums, ConvRegion, Epilogue, KernelTap, StridedRange, convolve,
};
use crate::compute::engine::kernel::packing::PackedWeights;
use crate::compute::engine::kernel::prologue::ConvInput;
use crate::compute::engine::kernel::weight_gradient::direct_weight_gradient;
use crate::compute::engine::kernel::winograd;
use crate::compute::engine::memory_layout::{MapLayout, MapView, MapViewMut};

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

/// A layer's weights in PyTorch's order `[a, b, kh, kw]`: `a` are the smaller map's channels, `b` the larger map's.
#[derive(Clone, Copy)]
pub struct ConvKernel<'a> {
    pub window: ConvWindow,
    pub weight: &'a [f32],
}

/// Packed weights: tap by tap, or transformed.
pub enum ConvWeights {
    Direct(PackedWeights),
    Winograd { packed: PackedWeights, pad: [usize; 2] },
}

impl ConvWindow {
    /// Whether a norm on the larger map can be fused into the convolution, forward and for the gradient of the weights.
    pub fn can_fuse_input_norm(&self, larger: &MapLayout, smaller: &MapLayout) -> bool {
        self.winograd_padding(larger, smaller).is_some()
    }

    /// Returns the padding of the input if Winograd's transforms compute this 3x3 window, else `None`.
    fn winograd_padding(&self, larger: &MapLayout, smaller: &MapLayout) -> Option<[usize; 2]> {
        (self.is_plain_3x3() && winograd::is_profitable(larger, smaller)).then_some(self.pad)
    }

    /// As [`ConvWindow::winograd_padding`], for a transposed convolution: it reads with the kernel rotated by 180 degrees.
    fn winograd_padding_transposed(&self, smaller: &MapLayout, larger: &MapLayout) -> Option<[usize; 2]> {
        if !self.is_plain_3x3() || !winograd::is_profitable(smaller, larger) {
            return None;
        }
        Some([2usize.checked_sub(self.pad[0])?, 2usize.checked_sub(self.pad[1])?])
    }

    fn is_plain_3x3(&self) -> bool {
        self.kernel == [3, 3] && self.stride == [1, 1] && self.dilation == [1, 1]
    }
}

impl ConvKernel<'_> {
    /// Packs the weights of a convolution; `scale` is one factor per channel of the smaller map, or empty.
    pub fn pack(&self, larger: &MapLayout, smaller: &MapLayout, scale: &[f32]) -> ConvWeights {
        let (taps, b) = (self.window.taps(), larger.channels());
        let weight =
            |o: usize, i: usize, t: usize| self.weight[(o * b + i) * taps + t] * scale.get(o).copied().unwrap_or(1.0);
        match self.window.winograd_padding(larger, smaller) {
            Some(pad) => {
                let kernel = |o, i| std::array::from_fn(|t| weight(o, i, t));
                ConvWeights::Winograd { packed: winograd::pack(larger, smaller, kernel), pad }
            }
            None => ConvWeights::Direct(PackedWeights::new(larger, smaller, taps, weight)),
        }
    }

    /// Packs the weights of a transposed convolution; `scale` is one factor per channel of the larger map, or empty.
    pub fn pack_transposed(&self, smaller: &MapLayout, larger: &MapLayout, scale: &[f32]) -> ConvWeights {
        let (taps, b) = (self.window.taps(), larger.channels());
        let weight =
            |o: usize, i: usize, t: usize| self.weight[(i * b + o) * taps + t] * scale.get(o).copied().unwrap_or(1.0);
        match self.window.winograd_padding_transposed(smaller, larger) {
            Some(pad) => {
                let kernel = |o, i| std::array::from_fn(|t| weight(o, i, 8 - t));
                ConvWeights::Winograd { packed: winograd::pack(smaller, larger, kernel), pad }
            }
            None => ConvWeights::Direct(PackedWeights::new(smaller, larger, taps, weight)),
        }
    }
}

/// Computes a convolution. A direct convolution accepts no prologue: see [`ConvWindow::can_fuse_input_norm`].
pub fn correlate<'a>(
    window: &ConvWindow,
    weights: &ConvWeights,
    larger: impl Into<ConvInput<'a>>,
    smaller: &mut MapViewMut,
    epilogue: Epilogue,
) -> Option<ChannelSums> {
    let larger = larger.into();
    match weights {
        ConvWeights::Direct(packed) => {
            assert!(larger.prologue.is_none());
            let size = [smaller.layout.h, smaller.layout.w];
            convolve(&[window.region(size)], larger.view, packed, smaller, epilogue)
        }
        ConvWeights::Winograd { packed, pad } => winograd::convolve(larger, packed, *pad, smaller, epilogue),
    }
}

/// Computes a transposed convolution.
pub fn correlate_transposed(
    window: &ConvWindow,
    weights: &ConvWeights,
    smaller: MapView,
    larger: &mut MapViewMut,
    epilogue: Epilogue,
) -> Option<ChannelSums> {
    match weights {
        ConvWeights::Direct(packed) => {
            let size = [larger.layout.h, larger.layout.w];
            convolve(&window.transposed_regions(size), smaller, packed, larger, epilogue)
        }
        ConvWeights::Winograd { packed, pad } => winograd::convolve(smaller.into(), packed, *pad, larger, epilogue),
    }
}

/// Returns the gradient of the weights `[a, b, kh, kw]` from both maps, one of which is a gradient.
pub fn weight_gradient<'a>(window: &ConvWindow, larger: impl Into<ConvInput<'a>>, smaller: MapView) -> Vec<f32> {
    let larger = larger.into();
    match window.winograd_padding(larger.view.layout, smaller.layout) {
        Some(pad) => winograd::weight_gradient(larger, pad, smaller),
        None => {
            assert!(larger.prologue.is_none());
            let region = window.region([smaller.layout.h, smaller.layout.w]);
            direct_weight_gradient(&region, window.taps(), larger.view, smaller)
        }
    }
}

/// Maximum width of a halo. For a wider reach, rows are cut where the taps change.
const MAX_HALO: usize = 3;

/// Returns the halo that lets the regions read past the edge of rows of `width` pixels, or 0 if it would be too wide.
pub fn halo(regions: &[ConvRegion], width: usize) -> usize {
    let reach = regions.iter().map(|region| region.reach(width)).max().unwrap_or(0);
    if reach <= MAX_HALO { reach } else { 0 }
}
