//! Numbers back to where a max pool found them, zeros elsewhere. Where overlapping windows found the same number, both add up.
//!
//! The second input are the pool's indices, which may lie in other segments than the numbers.

use super::plain::{Form, From, Given, Placement, PlainUnit};
use super::{Needs, row};
use crate::compute::engine::memory_layout::{Layout, View, ViewMut};
use crate::graph::op::Unpool;

impl PlainUnit for Unpool {
    fn form(&self) -> Form {
        Form { needs: Needs::INPUTS, placement: Placement::AsInput, cheap: false }
    }

    fn forward(&self, Given { inputs, .. }: Given, output: &mut ViewMut, _: &mut [ViewMut]) {
        let (x, index) = (inputs[0], Index::new(inputs[1], inputs[0].layout));
        let (layout, used) = (output.layout, row::used(inputs[0].layout));
        let lanes = layout.lanes;
        output.planes(|plane, to| {
            let inner = layout.halo * lanes..layout.halo * lanes + layout.inner();
            to.chunks_exact_mut(layout.row()).for_each(|row| row[inner.clone()].fill(0.0));
            for y in 0..x.layout.h {
                for lane in 0..used[plane % used.len()] {
                    let numbers = x.row(plane, y)[lane..].iter().step_by(lanes);
                    for (number, place) in numbers.zip(index.row(plane, lane, y)) {
                        let at = layout.at(0, place / layout.w) + place % layout.w * lanes;
                        to[at + lane] += number;
                    }
                }
            }
        });
    }

    fn backward(&self, From { inputs, gradient: grad, .. }: From, _: usize, into: &mut ViewMut, add: bool) {
        let index = Index::new(inputs[1], into.layout);
        let (lanes, used) = (into.layout.lanes, row::used(into.layout));
        into.rows(|plane, y, to| {
            if !add {
                to.fill(0.0);
            }
            let from = grad.layout;
            for lane in 0..used[plane % used.len()] {
                let numbers = to[lane..].iter_mut().step_by(lanes);
                for (number, place) in numbers.zip(index.row(plane, lane, y)) {
                    let at = from.at(plane, place / from.w) + place % from.w * lanes;
                    *number += grad.data[at + lane];
                }
            }
        });
    }

    fn weight_gradients(&self, _: &[View], _: View) -> Vec<(&'static str, Vec<f32>)> {
        Vec::new()
    }
}

/// Indices of the channels of another map of the same dims.
struct Index<'a> {
    view: View<'a>,
    /// The index's slot for each slot of the map; unused ones are not asked for.
    slots: Vec<usize>,
    lanes: usize,
}

impl<'a> Index<'a> {
    fn new(view: View<'a>, like: &Layout) -> Self {
        let mut slots = vec![0; like.slots()];
        for (slot, own) in like.slot_of_channel().into_iter().zip(view.layout.slot_of_channel()) {
            slots[slot] = own;
        }
        Self { view, slots, lanes: like.lanes }
    }

    /// The places of one row of a channel, which is given by its plane and lane in the other map.
    fn row(&self, plane: usize, lane: usize, y: usize) -> impl Iterator<Item = usize> {
        let slots = self.slots.len();
        let (image, slot) = (plane * self.lanes / slots, plane * self.lanes % slots + lane);
        let own = self.view.layout.lanes;
        let plane = image * self.view.layout.blocks() + self.slots[slot] / own;
        self.view.row(plane, y)[self.slots[slot] % own..].iter().step_by(own).map(|&place| place as usize)
    }
}
