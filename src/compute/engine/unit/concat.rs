//! Maps one after the other along the channels: their blocks, since the result has the inputs' segments joined
//! ([`Layout::join`](crate::compute::engine::memory_layout::Layout::join)) and their lanes.

use super::plain::{Form, From, Given, Placement, PlainUnit};
use super::{Needs, row};
use crate::compute::engine::memory_layout::{View, ViewMut};
use crate::graph::op::Concat;

impl PlainUnit for Concat {
    fn form(&self) -> Form {
        Form { needs: Needs::NOTHING, placement: Placement::Joined, cheap: true }
    }

    fn forward(&self, Given { inputs, .. }: Given, output: &mut ViewMut, _: &mut [ViewMut]) {
        let blocks_of = |(i, view): (usize, &View)| (0..view.layout.blocks()).map(move |block| (i, block));
        let sources: Vec<(usize, usize)> = inputs.iter().enumerate().flat_map(blocks_of).collect();
        output.rows(|plane, y, to| {
            let (image, (input, block)) = (plane / sources.len(), sources[plane % sources.len()]);
            let from = inputs[input];
            to.copy_from_slice(from.row(image * from.layout.blocks() + block, y));
        });
    }

    fn backward(&self, From { inputs, gradient: grad, .. }: From, slot: usize, into: &mut ViewMut, add: bool) {
        let first: usize = inputs[..slot].iter().map(|view| view.layout.blocks()).sum();
        let (all, blocks) = (grad.layout.blocks(), into.layout.blocks());
        into.rows(|plane, y, to| {
            let from = grad.row(plane / blocks * all + first + plane % blocks, y);
            if add { row::one(to, from, true, |g| g) } else { to.copy_from_slice(from) }
        });
    }

    fn weight_gradients(&self, _: &[View], _: View) -> Vec<(&'static str, Vec<f32>)> {
        Vec::new()
    }
}
