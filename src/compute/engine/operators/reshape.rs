//! Flatten, unflatten and reshape: the same numbers with other dims. A vector is a map of one pixel.

use super::BackwardNeeds;
use super::operator_kernel::{BackwardArgs, ChannelPlacement, ForwardArgs, KernelProperties, OperatorKernel};
use crate::compute::engine::memory_layout::{MapView, MapViewMut, WriteMode};

/// The kernel of flatten, unflatten and reshape.
pub(super) struct ReshapeKernel;

impl OperatorKernel for ReshapeKernel {
    fn properties(&self) -> KernelProperties {
        KernelProperties { needs: BackwardNeeds::NOTHING, placement: ChannelPlacement::Dense, cheap: true }
    }

    fn forward(&self, ForwardArgs { inputs, .. }: ForwardArgs, output: &mut MapViewMut, _: &mut [MapViewMut]) {
        copy_in_order(inputs[0], output, WriteMode::Overwrite);
    }

    fn backward(&self, BackwardArgs { gradient, .. }: BackwardArgs, _: usize, into: &mut MapViewMut, write: WriteMode) {
        copy_in_order(gradient, into, write);
    }

    fn weight_gradients(&self, _: &[MapView], _: MapView) -> Vec<(&'static str, Vec<f32>)> {
        Vec::new()
    }
}

/// Copies numbers in the order of images, channels, rows and columns.
fn copy_in_order(from: MapView, to: &mut MapViewMut, write: WriteMode) {
    let (layout, slots_from) = (to.layout, from.layout.slot_of_channel());
    let (lanes, blocks, lanes_from, blocks_from) =
        (layout.lanes, layout.blocks(), from.layout.lanes, from.layout.blocks());
    let mut channels = vec![None; layout.slots()];
    for (channel, slot) in layout.slot_of_channel().into_iter().enumerate() {
        channels[slot] = Some(channel);
    }
    let (h_from, w_from) = (from.layout.h, from.layout.w);
    to.for_rows(|plane, y, row| {
        let (image, block) = (plane / blocks, plane % blocks);
        for lane in 0..lanes {
            let numbers = row[lane..].iter_mut().step_by(lanes);
            let Some(channel) = channels[block * lanes + lane] else {
                numbers.for_each(|to| *to = 0.0);
                continue;
            };
            let first = (channel * layout.h + y) * layout.w;
            let (mut line, mut x) = (first / w_from, first % w_from);
            for to in numbers {
                let slot = slots_from[line / h_from];
                let at = from.layout.row_start(image * blocks_from + slot / lanes_from, line % h_from);
                let value = from.data[at + x * lanes_from + slot % lanes_from];
                write.store(to, value);
                x += 1;
                if x == w_from {
                    (line, x) = (line + 1, 0);
                }
            }
        }
    });
}
