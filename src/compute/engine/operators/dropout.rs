//! Dropout: zeroes numbers at random and scales the others by `1 / (1 - p)`. Without a seed, in inference, it copies.
//!
//! A hash of the seed and of the number's position in NCHW order decides whether it is kept, so that the result does
//! not depend on the layout and the gradient needs no mask.

use super::operator_kernel::{BackwardArgs, ChannelPlacement, ForwardArgs, KernelProperties, OperatorKernel};
use super::{BackwardNeeds, Seed, row_loops};
use crate::base::hash::{GOLDEN_STEP, splitmix64_finish};
use crate::compute::engine::kernel::simd::LANES;
use crate::compute::engine::kernel::vectorised::vectorised;
use crate::compute::engine::memory_layout::{MapLayout, MapView, MapViewMut, WriteMode};
use crate::graph::op::Dropout;

impl OperatorKernel for Dropout {
    fn properties(&self) -> KernelProperties {
        KernelProperties { needs: BackwardNeeds::NOTHING, placement: ChannelPlacement::AsInput, cheap: true }
    }

    fn forward(&self, ForwardArgs { inputs, seed, .. }: ForwardArgs, output: &mut MapViewMut, _: &mut [MapViewMut]) {
        apply_dropout(self, seed, inputs[0], output, WriteMode::Overwrite);
    }

    fn backward(
        &self,
        BackwardArgs { gradient: grad, seed, .. }: BackwardArgs,
        _: usize,
        into: &mut MapViewMut,
        write: WriteMode,
    ) {
        apply_dropout(self, seed, grad, into, write);
    }

    fn weight_gradients(&self, _: &[MapView], _: MapView) -> Vec<(&'static str, Vec<f32>)> {
        Vec::new()
    }
}

fn apply_dropout(op: &Dropout, seed: Option<Seed>, from: MapView, to: &mut MapViewMut, write: WriteMode) {
    let Some(seed) = seed else {
        to.for_rows(|plane, y, to| row_loops::map(to, from.row(plane, y), write, |x| x));
        return;
    };
    let keys = DropoutKeys::new(seed, to.layout);
    // The probability `p` as a share of 2^32.
    let below = (op.p * 4_294_967_296.0) as u32;
    let scale = (1.0 / (1.0 - op.p)) as f32;
    to.for_rows(|plane, y, to| {
        let source = from.row(plane, y);
        if keys.layout.lanes == 1 {
            drop_row::<1>(to, source, keys.of(plane, y), below, scale, write);
        } else {
            drop_blocks(to, source, keys.of(plane, y), below, scale, write);
        }
    });
}

vectorised! {
    fn drop_blocks(to: &mut [f32], from: &[f32], keys: [[u32; LANES]; 2], below: u32, scale: f32, write: WriteMode) {
        drop_row::<LANES>(to, from, keys, below, scale, write);
    }
}

#[inline(always)]
fn drop_row<const L: usize>(
    to: &mut [f32],
    from: &[f32],
    [a, b]: [[u32; L]; 2],
    below: u32,
    scale: f32,
    write: WriteMode,
) {
    let pixels = to.as_chunks_mut::<L>().0.iter_mut().zip(from.as_chunks::<L>().0);
    for (x, (to, from)) in (0u32..).zip(pixels) {
        let place = x.wrapping_mul(0x9E37_79B9);
        for lane in 0..L {
            let stays = (murmur3_finish(a[lane].wrapping_add(place)) ^ b[lane]) >= below;
            let value = if stays { from[lane] * scale } else { 0.0 };
            write.store(&mut to[lane], value);
        }
    }
}

/// 64 random bits for each row of each channel.
struct DropoutKeys<'a> {
    seed: Seed,
    layout: &'a MapLayout,
    /// The channel of each slot; unused lanes have an arbitrary channel.
    channels: Vec<usize>,
}

impl<'a> DropoutKeys<'a> {
    fn new(seed: Seed, layout: &'a MapLayout) -> Self {
        let mut channels = vec![0; layout.slots()];
        for (channel, slot) in layout.slot_of_channel().into_iter().enumerate() {
            channels[slot] = channel;
        }
        Self { seed, layout, channels }
    }

    /// Returns the keys of the channels of a plane's row: lower and upper halves.
    fn of<const L: usize>(&self, plane: usize, y: usize) -> [[u32; L]; 2] {
        let keys: [u64; L] = std::array::from_fn(|lane| {
            let slot = plane * L + lane;
            let (image, channel) = (slot / self.channels.len(), self.channels[slot % self.channels.len()]);
            let row = (image * self.layout.channels() + channel) * self.layout.h + y;
            splitmix64_finish(self.seed.wrapping_add((row as u64).wrapping_mul(GOLDEN_STEP)))
        });
        [keys.map(|key| key as u32), keys.map(|key| (key >> 32) as u32)]
    }
}

/// The finaliser of MurmurHash3 (Appleby), 32 bits.
#[inline(always)]
fn murmur3_finish(z: u32) -> u32 {
    let z = (z ^ (z >> 16)).wrapping_mul(0x85EB_CA6B);
    let z = (z ^ (z >> 13)).wrapping_mul(0xC2B2_AE35);
    z ^ (z >> 16)
}
