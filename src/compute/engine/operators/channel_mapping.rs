//! Channels in other places: slices, channels of zeros, shuffles.

use super::operator_kernel::{BackwardArgs, ChannelPlacement, ForwardArgs, KernelProperties, OperatorKernel};
use super::{BackwardNeeds, row_loops};
use crate::compute::engine::memory_layout::{MapView, MapViewMut, WriteMode};
use crate::graph::op::{ChannelPad, ChannelShuffle, Slice};

/// Each channel of the output is one of the input or zeros.
trait ChannelMapping {
    /// The input's channel behind channel `c` of the output, if the input has it.
    fn source(&self, c: usize, channels: usize) -> usize;
}

impl ChannelMapping for Slice {
    fn source(&self, c: usize, _: usize) -> usize {
        self.from + c
    }
}

impl ChannelMapping for ChannelPad {
    fn source(&self, c: usize, _: usize) -> usize {
        c
    }
}

impl ChannelMapping for ChannelShuffle {
    fn source(&self, c: usize, channels: usize) -> usize {
        c % self.groups * (channels / self.groups) + c / self.groups
    }
}

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

/// Channel `c` of the result is channel `sources[c]`, or zeros.
fn copy_channels(from: MapView, to: &mut MapViewMut, sources: &[Option<usize>], write: WriteMode) {
    let slots_from = from.layout.slot_of_channel();
    let (lanes, lanes_from) = (to.layout.lanes, from.layout.lanes);
    let (blocks, blocks_from) = (to.layout.blocks(), from.layout.blocks());
    let mut slots = vec![None; to.layout.slots()];
    for (slot, source) in to.layout.slot_of_channel().into_iter().zip(sources) {
        slots[slot] = source.map(|c| slots_from[c]);
    }
    // Blocks that move as a whole.
    let whole = |block: usize| {
        let first = slots[block * lanes].filter(|slot| slot % lanes == 0 && lanes == lanes_from)?;
        let all = (0..lanes).all(|lane| slots[block * lanes + lane] == Some(first + lane));
        all.then_some(first / lanes)
    };
    let whole: Vec<Option<usize>> = (0..blocks).map(whole).collect();
    to.for_rows(|plane, y, row| {
        let (image, block) = (plane / blocks, plane % blocks);
        if let Some(source) = whole[block] {
            row_loops::map(row, from.row(image * blocks_from + source, y), write, |x| x);
            return;
        }
        for lane in 0..lanes {
            let numbers = row[lane..].iter_mut().step_by(lanes);
            match slots[block * lanes + lane] {
                Some(slot) => {
                    let source = &from.row(image * blocks_from + slot / lanes_from, y)[slot % lanes_from..];
                    let pairs = numbers.zip(source.iter().step_by(lanes_from));
                    pairs.for_each(|(to, &from)| write.store(to, from));
                }
                None if write == WriteMode::Accumulate => {}
                None => numbers.for_each(|to| *to = 0.0),
            }
        }
    });
}
