//! Convolutions, transposed convolutions and linear layers (convolutions of a map of one pixel).

use crate::compute::engine::kernel::conv_region::{
    ChannelSums, ConvRegion, Epilogue, KernelTap, StridedRange, convolve,
};
use crate::compute::engine::kernel::packing::PackedWeights;
use crate::compute::engine::kernel::prologue::ConvInput;
use crate::compute::engine::kernel::weight_gradient::direct_weight_gradient;
use crate::compute::engine::kernel::winograd;
use crate::compute::engine::memory_layout::{MapLayout, MapView, MapViewMut};

/// A window that slides over the larger of two maps and names a pixel of the smaller: a convolution reads the larger and
/// writes the smaller, a transposed one the other way round.
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

    /// Reads the larger map, writes every pixel of the smaller, which is `[h, w]`.
    pub fn region(&self, [h, w]: [usize; 2]) -> ConvRegion {
        let shift = |axis: usize, k: usize| (k * self.dilation[axis]) as isize - self.pad[axis] as isize;
        let taps = (0..self.taps()).map(|weight| {
            let [ky, kx] = [weight / self.kernel[1], weight % self.kernel[1]];
            KernelTap { y: shift(0, ky), x: shift(1, kx), weight }
        });
        let all = |count| StridedRange { first: 0, step: 1, count };
        ConvRegion { rows: all(h), columns: all(w), stride: self.stride, taps: taps.collect() }
    }

    /// Reads the smaller map, writes every pixel of the larger, which is `[h, w]`: one region for each remainder of a
    /// pixel's place by the stride, since these meet the same taps.
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

/// A layer's weights, numbers in PyTorch's order `[a, b, kh, kw]`: `a` are the smaller map's channels, `b` the larger's.
#[derive(Clone, Copy)]
pub struct ConvKernel<'a> {
    pub window: ConvWindow,
    pub weight: &'a [f32],
}

/// ConvWeights as they are read: tap by tap, or transformed.
pub enum ConvWeights {
    Direct(PackedWeights),
    Winograd { packed: PackedWeights, pad: [usize; 2] },
}

impl ConvWindow {
    /// Whether a norm on the larger map may be done as that is read, forward and to the weights.
    pub fn can_fuse_input_norm(&self, larger: &MapLayout, smaller: &MapLayout) -> bool {
        self.winograd(larger, smaller, false).is_some()
    }

    /// Zeros around what is read when this 3x3 window goes the way by Winograd's transforms; nothing if it cannot.
    fn winograd(&self, from: &MapLayout, to: &MapLayout, spread: bool) -> Option<[usize; 2]> {
        let plain = self.kernel == [3, 3] && self.stride == [1, 1] && self.dilation == [1, 1];
        if !plain || !winograd::is_profitable(from, to) {
            return None;
        }
        // The way back reads with the kernel turned around.
        match spread {
            false => Some(self.pad),
            true => Some([2usize.checked_sub(self.pad[0])?, 2usize.checked_sub(self.pad[1])?]),
        }
    }
}

impl ConvKernel<'_> {
    /// To read the larger map; `scale` is one factor per channel of the smaller, or nothing.
    pub fn pack(&self, larger: &MapLayout, smaller: &MapLayout, scale: &[f32]) -> ConvWeights {
        let (taps, b) = (self.window.taps(), larger.channels());
        let weight =
            |o: usize, i: usize, t: usize| self.weight[(o * b + i) * taps + t] * scale.get(o).copied().unwrap_or(1.0);
        match self.window.winograd(larger, smaller, false) {
            Some(pad) => {
                let kernel = |o, i| std::array::from_fn(|t| weight(o, i, t));
                ConvWeights::Winograd { packed: winograd::pack(larger, smaller, kernel), pad }
            }
            None => ConvWeights::Direct(PackedWeights::new(larger, smaller, taps, weight)),
        }
    }

    /// To read the smaller map; `scale` is one factor per channel of the larger, or nothing.
    pub fn pack_transposed(&self, smaller: &MapLayout, larger: &MapLayout, scale: &[f32]) -> ConvWeights {
        let (taps, b) = (self.window.taps(), larger.channels());
        let weight =
            |o: usize, i: usize, t: usize| self.weight[(i * b + o) * taps + t] * scale.get(o).copied().unwrap_or(1.0);
        match self.window.winograd(smaller, larger, true) {
            Some(pad) => {
                let kernel = |o, i| std::array::from_fn(|t| weight(o, i, 8 - t));
                ConvWeights::Winograd { packed: winograd::pack(smaller, larger, kernel), pad }
            }
            None => ConvWeights::Direct(PackedWeights::new(smaller, larger, taps, weight)),
        }
    }
}

/// A direct convolution reads no source that something is done to first: [`ConvWindow::can_fuse_input_norm`].
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

/// Gradient of the weights `[a, b, kh, kw]` from both maps, one of which is a gradient.
pub fn weight_gradient<'a>(window: &ConvWindow, larger: impl Into<ConvInput<'a>>, smaller: MapView) -> Vec<f32> {
    let larger = larger.into();
    match window.winograd(larger.view.layout, smaller.layout, false) {
        Some(pad) => winograd::weight_gradient(larger, pad, smaller),
        None => {
            assert!(larger.prologue.is_none());
            let region = window.region([smaller.layout.h, smaller.layout.w]);
            direct_weight_gradient(&region, window.taps(), larger.view, smaller)
        }
    }
}

/// Columns of halo worth having: more than this, and rows are cut where the taps change instead.
const HALO: usize = 3;

/// The halo that lets the regions read past the edge of rows of `width` pixels, or none if it would be wide.
pub fn halo(regions: &[ConvRegion], width: usize) -> usize {
    let reach = regions.iter().map(|region| region.reach(width)).max().unwrap_or(0);
    if reach <= HALO { reach } else { 0 }
}
