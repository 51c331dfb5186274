//! Operators that move channels: slice, channel padding, channel shuffle.

use super::operator_kernel::{BackwardArgs, ChannelPlacement, ForwardArgs, KernelProperties, OperatorKernel};
use super::{BackwardNeeds, row_loops};
use crate::compute::engine::memory_layout::{MapLayout, MapView, MapViewMut, WriteMode};
use crate::compute::fused::ChannelMapping;

impl<M: ChannelMapping> OperatorKernel for M {
    fn properties(&self) -> KernelProperties {
        KernelProperties { needs: BackwardNeeds::NOTHING, placement: ChannelPlacement::Dense, cheap: true }
    }

    fn forward(&self, ForwardArgs { inputs, .. }: ForwardArgs, output: &mut MapViewMut, _: &mut [MapViewMut]) {
        let channels = inputs[0].layout.channels();
        let source = |c| Some(self.source(c, channels)).filter(|&c| c < channels);
        let sources: Vec<_> = (0..output.layout.channels()).map(source).collect();
        copy_channels(inputs[0], output, &sources, WriteMode::Overwrite);
    }

    fn backward(&self, BackwardArgs { gradient, .. }: BackwardArgs, _: usize, into: &mut MapViewMut, write: WriteMode) {
        let channels = into.layout.channels();
        let mut sources = vec![None; channels];
        for c in 0..gradient.layout.channels() {
            if let Some(source) = sources.get_mut(self.source(c, channels)) {
                *source = Some(c);
            }
        }
        copy_channels(gradient, into, &sources, write);
    }

    fn weight_gradients(&self, _: &[MapView], _: MapView) -> Vec<(&'static str, Vec<f32>)> {
        Vec::new()
    }
}

/// Writes or adds channel `sources[c]` as channel `c`, or zeros.
fn copy_channels(from: MapView, to: &mut MapViewMut, sources: &[Option<usize>], write: WriteMode) {
    let (lanes, blocks) = (to.layout.lanes, to.layout.blocks());
    let (lanes_from, blocks_from) = (from.layout.lanes, from.layout.blocks());
    let slots = source_slots(from.layout, to.layout, sources);
    // Blocks that are copied as a whole.
    let whole_block = |block: usize| {
        let first = slots[block * lanes].filter(|slot| slot % lanes == 0 && lanes == lanes_from)?;
        let all = (0..lanes).all(|lane| slots[block * lanes + lane] == Some(first + lane));
        all.then_some(first / lanes)
    };
    let whole_blocks: Vec<Option<usize>> = (0..blocks).map(whole_block).collect();
    to.for_rows(|plane, y, row| {
        let (image, block) = (plane / blocks, plane % blocks);
        if let Some(source) = whole_blocks[block] {
            row_loops::map(row, from.row(image * blocks_from + source, y), write, |x| x);
            return;
        }
        for lane in 0..lanes {
            let numbers = row[lane..].iter_mut().step_by(lanes);
            let source = slots[block * lanes + lane].map(|slot| {
                let row = from.row(image * blocks_from + slot / lanes_from, y);
                row[slot % lanes_from..].iter().step_by(lanes_from)
            });
            match source {
                Some(source) => numbers.zip(source).for_each(|(to, &from)| write.store(to, from)),
                None if write == WriteMode::Accumulate => {}
                None => numbers.for_each(|to| *to = 0.0),
            }
        }
    });
}

/// Returns the source slot of each slot of the result.
fn source_slots(from: &MapLayout, to: &MapLayout, sources: &[Option<usize>]) -> Vec<Option<usize>> {
    let slots_from = from.slot_of_channel();
    let mut slots = vec![None; to.slots()];
    for (slot, source) in to.slot_of_channel().into_iter().zip(sources) {
        slots[slot] = source.map(|c| slots_from[c]);
    }
    slots
}
