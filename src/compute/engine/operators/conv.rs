//! Convolutions, transposed convolutions and linear layers (convolutions of a map of one pixel).

use crate::compute::engine::kernel::conv_region::{ChannelSums, Epilogue, convolve};
use crate::compute::engine::kernel::packing::PackedWeights;
use crate::compute::engine::kernel::prologue::ConvInput;
use crate::compute::engine::kernel::weight_gradient::direct_weight_gradient;
use crate::compute::engine::kernel::winograd;
use crate::compute::engine::memory_layout::{MapLayout, MapView, MapViewMut};
use crate::compute::fused::{ConvRegion, ConvWindow};

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
