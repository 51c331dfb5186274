//! The input of a convolution: read directly, or through a fused batch norm whose output is not stored.

use super::simd::LANES;
use super::vectorised::vectorised;
use crate::compute::engine::memory_layout::MapView;

/// The fused norm: `max(x * factor + summand, 0)` with `relu`, else without the maximum. Padding pads the result of the
/// norm.
#[derive(Clone, Copy)]
pub struct Prologue<'a> {
    /// One number per slot, as for `summand`.
    pub factor: &'a [f32],
    pub summand: &'a [f32],
    pub relu: bool,
}

/// The prologue of one block of channels.
#[derive(Clone, Copy)]
pub struct BlockPrologue<'a> {
    pub factor: &'a [f32; LANES],
    pub summand: &'a [f32; LANES],
    /// Lower bound of the result.
    pub floor: f32,
}

impl BlockPrologue<'_> {
    /// The identity.
    pub const NONE: Self = Self { factor: &[1.0; LANES], summand: &[0.0; LANES], floor: f32::NEG_INFINITY };
}

impl<'a> Prologue<'a> {
    pub fn block(&self, block: usize) -> BlockPrologue<'a> {
        let lanes = |values: &'a [f32]| values[block * LANES..].first_chunk().expect("one number per slot");
        let floor = if self.relu { 0.0 } else { f32::NEG_INFINITY };
        BlockPrologue { factor: lanes(self.factor), summand: lanes(self.summand), floor }
    }
}

/// The input of a convolution and the prologue of its numbers.
#[derive(Clone, Copy)]
pub struct ConvInput<'a> {
    pub view: MapView<'a>,
    pub prologue: Option<Prologue<'a>>,
}

impl<'a> From<MapView<'a>> for ConvInput<'a> {
    fn from(view: MapView<'a>) -> Self {
        Self { view, prologue: None }
    }
}

vectorised! {
    /// Writes `max(x * factor + summand, floor)` for whole vectors.
    pub(crate) fn scale_and_clamp(x: &[f32], y: &mut [f32], factor: &[f32; LANES], summand: &[f32; LANES], floor: f32) {
        for (x, y) in x.as_chunks::<LANES>().0.iter().zip(y.as_chunks_mut::<LANES>().0) {
            for i in 0..LANES {
                let scaled = x[i] * factor[i] + summand[i];
                // This comparison keeps a NaN.
                y[i] = if scaled < floor { floor } else { scaled };
            }
        }
    }
}
