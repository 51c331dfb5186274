//! Convolution weights in the order in which tiles read them.

use super::buffer::{AlignedBuffer, BufferPool};
use super::simd::{LANES, SimdLevel};
use super::team;
use super::tile::max_blocks;
use crate::compute::engine::memory_layout::MapLayout;

/// Weights in the order in which tiles read them: for each group of output blocks `[block][tap][channel][lanes]`.
pub struct PackedWeights {
    pub(super) data: AlignedBuffer,
    pub(super) groups: Vec<OutputGroup>,
    pub(super) blocks: Vec<InputChannels>,
    pub(super) taps: usize,
}

/// A pool for packed weights, since training packs them again in every step.
static POOL: BufferPool = BufferPool::new();

impl Drop for PackedWeights {
    fn drop(&mut self) {
        POOL.release(std::mem::replace(&mut self.data, AlignedBuffer::zeros(0)));
    }
}

/// A panel: output blocks that are computed together.
pub(super) struct OutputGroup {
    pub first: usize,
    pub blocks: usize,
    pub at: usize,
}

/// Input channels that lie together.
pub(super) struct InputChannels {
    pub block: usize,
    pub count: usize,
    /// Number of the first of these channels in the input.
    pub first_channel: usize,
}

/// Returns the input channels of each block; planar channels are one block.
pub(super) fn channel_blocks(layout: &MapLayout) -> Vec<InputChannels> {
    if layout.lanes == 1 {
        return vec![InputChannels { block: 0, count: layout.channels(), first_channel: 0 }];
    }
    let (mut all, mut block, mut first_channel) = (Vec::new(), 0, 0);
    for &segment in &layout.segments {
        for first in (0..segment).step_by(LANES) {
            let count = LANES.min(segment - first);
            all.push(InputChannels { block, count, first_channel });
            block += 1;
            first_channel += count;
        }
    }
    all
}

/// Cuts `all`, `row` numbers for each channel, into the rows of each block. Channels of a block are neighbours.
pub(super) fn rows_of_blocks<'a>(layout: &MapLayout, all: &'a mut [f32], row: usize) -> Vec<&'a mut [f32]> {
    let mut rest = all;
    let mut rows = Vec::with_capacity(layout.blocks());
    for block in channel_blocks(layout) {
        let (of_block, tail) = rest.split_at_mut(block.count * row);
        rows.push(of_block);
        rest = tail;
    }
    rows
}

/// Cuts `blocks` output blocks into groups that are as even as possible.
fn group_sizes(blocks: usize) -> Vec<usize> {
    let most = max_blocks(SimdLevel::get());
    match (most, blocks) {
        (3.., 0) => vec![],
        // Pairs have the widest tiles, so that only a remainder becomes a group of three.
        (3.., n) if n.is_multiple_of(2) => vec![2; n / 2],
        (3.., 1) => vec![1],
        (3.., n) => [vec![2; (n - 3) / 2], vec![3]].concat(),
        (_, n) => vec![1; n],
    }
}

impl PackedWeights {
    pub fn bytes(&self) -> usize {
        self.data.len() * size_of::<f32>()
    }

    /// Packs the weights of a convolution; `weight(o, i, t)` is that of output channel `o`, input channel `i` and tap
    /// `t`.
    pub fn new(
        input: &MapLayout,
        output: &MapLayout,
        taps: usize,
        weight: impl Fn(usize, usize, usize) -> f32 + Sync,
    ) -> Self {
        Self::pack_with(input, output, taps, |outputs, block, part| {
            let (lanes, count) = (outputs.len(), block.count);
            // The loops follow the order of the kernels in memory. The part that is written is small enough for any
            // order.
            for (lane, output) in outputs.iter().enumerate() {
                for input in 0..count {
                    for (tap, to) in part[input * lanes + lane..].iter_mut().step_by(count * lanes).enumerate() {
                        *to = output.map_or(0.0, |output| weight(output, block.first_channel + input, tap));
                    }
                }
            }
        })
    }

    /// Packs weights that `fill` writes. It receives the output channel of each lane of a group, some input channels,
    /// and memory for their weights `[tap][channel][lanes]`, all of which it must write.
    pub(super) fn pack_with(
        input: &MapLayout,
        output: &MapLayout,
        taps: usize,
        fill: impl Fn(&[Option<usize>], &InputChannels, &mut [f32]) + Sync,
    ) -> Self {
        let blocks = channel_blocks(input);
        let inputs = input.channels();
        let mut of_slot = vec![None; output.slots()];
        for (channel, slot) in output.slot_of_channel().into_iter().enumerate() {
            of_slot[slot] = Some(channel);
        }
        of_slot.resize(of_slot.len().next_multiple_of(LANES), None);
        let (mut groups_of, mut first, mut at) = (Vec::new(), 0, 0);
        for blocks in group_sizes(of_slot.len() / LANES) {
            groups_of.push(OutputGroup { first, blocks, at });
            first += blocks;
            at += taps * inputs * blocks * LANES;
        }
        let mut data = POOL.acquire(at);
        let mut rest: &mut [f32] = &mut data;
        let mut parts = Vec::with_capacity(groups_of.len() * blocks.len());
        for group in &groups_of {
            for block in &blocks {
                let (part, tail) = rest.split_at_mut(taps * block.count * group.blocks * LANES);
                parts.push((&of_slot[group.first * LANES..][..group.blocks * LANES], block, part));
                rest = tail;
            }
        }
        team::for_each_mut(&mut parts, |_, (outputs, block, part)| fill(outputs, block, part));
        Self { data, groups: groups_of, blocks, taps }
    }
}
