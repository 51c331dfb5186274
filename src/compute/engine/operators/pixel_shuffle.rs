//! Pixel shuffle: channel `(c * f + i) * f + j` at `(y, x)` becomes channel `c` at `(y * f + i, x * f + j)`.

use super::BackwardNeeds;
use super::operator_kernel::{BackwardArgs, ChannelPlacement, ForwardArgs, KernelProperties, OperatorKernel};
use crate::compute::engine::memory_layout::{MapLayout, MapView, MapViewMut, WriteMode};
use crate::graph::op::PixelShuffle;

impl OperatorKernel for PixelShuffle {
    fn properties(&self) -> KernelProperties {
        KernelProperties { needs: BackwardNeeds::NOTHING, placement: ChannelPlacement::Dense, cheap: true }
    }

    fn forward(&self, ForwardArgs { inputs, .. }: ForwardArgs, output: &mut MapViewMut, _: &mut [MapViewMut]) {
        let (x, f) = (inputs[0], self.factor);
        let (places, own) = (ChannelPlace::all(x.layout), ChannelPlace::slots(output.layout));
        let lanes = output.layout.lanes;
        output.for_rows(|plane, y, to| {
            for (lane, channel, image) in own.of(plane) {
                let Some(channel) = channel else {
                    to[lane..].iter_mut().step_by(lanes).for_each(|to| *to = 0.0);
                    continue;
                };
                for j in 0..f {
                    let source = places[(channel * f + y % f) * f + j].row(x, image, y / f);
                    let pixels = to[j * lanes + lane..].iter_mut().step_by(f * lanes);
                    pixels.zip(source).for_each(|(to, &from)| *to = from);
                }
            }
        });
    }

    fn backward(
        &self,
        BackwardArgs { gradient: grad, .. }: BackwardArgs,
        _: usize,
        into: &mut MapViewMut,
        write: WriteMode,
    ) {
        let f = self.factor;
        let (places, own) = (ChannelPlace::all(grad.layout), ChannelPlace::slots(into.layout));
        let lanes = into.layout.lanes;
        into.for_rows(|plane, y, to| {
            for (lane, channel, image) in own.of(plane) {
                let numbers = to[lane..].iter_mut().step_by(lanes);
                let Some(channel) = channel else {
                    numbers.for_each(|to| *to = 0.0);
                    continue;
                };
                let (c, i, j) = (channel / (f * f), channel / f % f, channel % f);
                let source = places[c].row(grad, image, y * f + i).skip(j).step_by(f);
                numbers.zip(source).for_each(|(to, &from)| write.store(to, from));
            }
        });
    }

    fn weight_gradients(&self, _: &[MapView], _: MapView) -> Vec<(&'static str, Vec<f32>)> {
        Vec::new()
    }
}

/// The block and lane of a channel.
#[derive(Clone, Copy)]
struct ChannelPlace {
    block: usize,
    lane: usize,
}

impl ChannelPlace {
    fn all(layout: &MapLayout) -> Vec<Self> {
        let of = |slot| Self { block: slot / layout.lanes, lane: slot % layout.lanes };
        layout.slot_of_channel().into_iter().map(of).collect()
    }

    /// Returns the channel's numbers of one row.
    fn row<'a>(self, view: MapView<'a>, image: usize, y: usize) -> impl Iterator<Item = &'a f32> {
        let row = view.row(image * view.layout.blocks() + self.block, y);
        row[self.lane..].iter().step_by(view.layout.lanes)
    }

    fn slots(layout: &MapLayout) -> SlotChannels {
        let mut channels = vec![None; layout.slots()];
        for (channel, slot) in layout.slot_of_channel().into_iter().enumerate() {
            channels[slot] = Some(channel);
        }
        SlotChannels { channels, lanes: layout.lanes }
    }
}

/// The channel of each slot.
struct SlotChannels {
    channels: Vec<Option<usize>>,
    lanes: usize,
}

impl SlotChannels {
    /// Returns the lanes of a plane with their channels, and the index of the image.
    fn of(&self, plane: usize) -> impl Iterator<Item = (usize, Option<usize>, usize)> {
        let blocks = self.channels.len() / self.lanes;
        let channels = &self.channels[plane % blocks * self.lanes..][..self.lanes];
        channels.iter().enumerate().map(move |(lane, channel)| (lane, *channel, plane / blocks))
    }
}
