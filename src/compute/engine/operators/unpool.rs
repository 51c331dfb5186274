//! Unpooling: writes numbers at the positions where a max pool found them, and zeros elsewhere. If overlapping windows
//! found the same number, both add up.
//!
//! The second input contains the pool's indices, which may have other segments than the numbers.

use super::operator_kernel::{BackwardArgs, ChannelPlacement, ForwardArgs, KernelProperties, OperatorKernel};
use super::{BackwardNeeds, row_loops};
use crate::compute::engine::memory_layout::{MapLayout, MapView, MapViewMut, WriteMode};
use crate::graph::op::Unpool;

impl OperatorKernel for Unpool {
    fn properties(&self) -> KernelProperties {
        KernelProperties { needs: BackwardNeeds::INPUTS, placement: ChannelPlacement::AsInput, cheap: false }
    }

    fn forward(&self, ForwardArgs { inputs, .. }: ForwardArgs, output: &mut MapViewMut, _: &mut [MapViewMut]) {
        let (x, index) = (inputs[0], PoolIndex::new(inputs[1], inputs[0].layout));
        let (layout, used) = (output.layout, row_loops::used_lanes(inputs[0].layout));
        let lanes = layout.lanes;
        output.for_planes(|plane, to| {
            let inner = layout.halo * lanes..layout.halo * lanes + layout.inner_len();
            to.chunks_exact_mut(layout.row_len()).for_each(|row| row[inner.clone()].fill(0.0));
            for y in 0..x.layout.h {
                for lane in 0..used[plane % used.len()] {
                    let numbers = x.row(plane, y)[lane..].iter().step_by(lanes);
                    for (number, place) in numbers.zip(index.row(plane, lane, y)) {
                        let at = layout.row_start(0, place / layout.w) + place % layout.w * lanes;
                        to[at + lane] += number;
                    }
                }
            }
        });
    }

    fn backward(
        &self,
        BackwardArgs { inputs, gradient: grad, .. }: BackwardArgs,
        _: usize,
        into: &mut MapViewMut,
        write: WriteMode,
    ) {
        let index = PoolIndex::new(inputs[1], into.layout);
        let (lanes, used) = (into.layout.lanes, row_loops::used_lanes(into.layout));
        into.for_rows(|plane, y, to| {
            if write == WriteMode::Overwrite {
                to.fill(0.0);
            }
            let from = grad.layout;
            for lane in 0..used[plane % used.len()] {
                let numbers = to[lane..].iter_mut().step_by(lanes);
                for (number, place) in numbers.zip(index.row(plane, lane, y)) {
                    let at = from.row_start(plane, place / from.w) + place % from.w * lanes;
                    *number += grad.data[at + lane];
                }
            }
        });
    }

    fn weight_gradients(&self, _: &[MapView], _: MapView) -> Vec<(&'static str, Vec<f32>)> {
        Vec::new()
    }
}

/// The indices for the channels of another map of the same dims.
struct PoolIndex<'a> {
    view: MapView<'a>,
    /// The index's slot for each slot of the map; those of unused slots are not read.
    slots: Vec<usize>,
    lanes: usize,
}

impl<'a> PoolIndex<'a> {
    fn new(view: MapView<'a>, like: &MapLayout) -> Self {
        let mut slots = vec![0; like.slots()];
        for (slot, own) in like.slot_of_channel().into_iter().zip(view.layout.slot_of_channel()) {
            slots[slot] = own;
        }
        Self { view, slots, lanes: like.lanes }
    }

    /// Returns the positions of one row of a channel, which is given by its plane and lane in the other map.
    fn row(&self, plane: usize, lane: usize, y: usize) -> impl Iterator<Item = usize> {
        let slots = self.slots.len();
        let (image, slot) = (plane * self.lanes / slots, plane * self.lanes % slots + lane);
        let own = self.view.layout.lanes;
        let plane = image * self.view.layout.blocks() + self.slots[slot] / own;
        self.view.row(plane, y)[self.slots[slot] % own..].iter().step_by(own).map(|&place| place as usize)
    }
}
