//! Concatenation along the channels. It copies whole blocks, since the result has the lanes of the inputs and their
//! segments joined ([`MapLayout::join_segments`](crate::compute::engine::memory_layout::MapLayout::join_segments)).

use super::operator_kernel::{BackwardArgs, ChannelPlacement, ForwardArgs, KernelProperties, OperatorKernel};
use super::{BackwardNeeds, row_loops};
use crate::compute::engine::memory_layout::{MapView, MapViewMut, WriteMode};
use crate::graph::op::Concat;

impl OperatorKernel for Concat {
    fn properties(&self) -> KernelProperties {
        KernelProperties { needs: BackwardNeeds::NOTHING, placement: ChannelPlacement::Joined, cheap: true }
    }

    fn forward(&self, ForwardArgs { inputs, .. }: ForwardArgs, output: &mut MapViewMut, _: &mut [MapViewMut]) {
        let blocks_of = |(i, view): (usize, &MapView)| (0..view.layout.blocks()).map(move |block| (i, block));
        let sources: Vec<(usize, usize)> = inputs.iter().enumerate().flat_map(blocks_of).collect();
        output.for_rows(|plane, y, to| {
            let (image, (input, block)) = (plane / sources.len(), sources[plane % sources.len()]);
            let from = inputs[input];
            to.copy_from_slice(from.row(image * from.layout.blocks() + block, y));
        });
    }

    fn backward(
        &self,
        BackwardArgs { inputs, gradient: grad, .. }: BackwardArgs,
        slot: usize,
        into: &mut MapViewMut,
        write: WriteMode,
    ) {
        let first: usize = inputs[..slot].iter().map(|view| view.layout.blocks()).sum();
        let (all, blocks) = (grad.layout.blocks(), into.layout.blocks());
        into.for_rows(|plane, y, to| {
            let from = grad.row(plane / blocks * all + first + plane % blocks, y);
            if write == WriteMode::Accumulate {
                row_loops::map(to, from, WriteMode::Accumulate, |g| g)
            } else {
                to.copy_from_slice(from)
            }
        });
    }

    fn weight_gradients(&self, _: &[MapView], _: MapView) -> Vec<(&'static str, Vec<f32>)> {
        Vec::new()
    }
}
