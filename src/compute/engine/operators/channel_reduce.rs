//! The mean and the maximum over the channels of each pixel, as a map of one channel.

use super::BackwardNeeds;
use super::operator_kernel::{BackwardArgs, ChannelPlacement, ForwardArgs, KernelProperties, OperatorKernel};
use super::pixel_reduction::{ChannelBlocks, PixelReduction};
use crate::compute::engine::memory_layout::{MapView, MapViewMut, WriteMode};
use crate::graph::op::{ChannelReduce, Reduction};

impl OperatorKernel for ChannelReduce {
    fn properties(&self) -> KernelProperties {
        let needs = match self.function {
            Reduction::Mean => BackwardNeeds::NOTHING,
            Reduction::Max => BackwardNeeds::INPUTS,
        };
        KernelProperties { needs, placement: ChannelPlacement::Dense, cheap: false }
    }

    fn forward(&self, ForwardArgs { inputs, .. }: ForwardArgs, output: &mut MapViewMut, _: &mut [MapViewMut]) {
        let x = inputs[0];
        let pixels = match self.function {
            Reduction::Mean => {
                let (channels, count) = (ChannelBlocks::of(x), x.layout.channels() as f32);
                PixelReduction::new(x.layout, (0.0, 0), |image, y, values| {
                    channels.fold(image, y, values, |(sum, _), _, x| *sum += x);
                    values.iter_mut().for_each(|(sum, _)| *sum /= count);
                })
            }
            Reduction::Max => largest(x),
        };
        let lanes = output.layout.lanes;
        output.for_rows(|image, y, to| {
            for (to, &(value, _)) in to.chunks_exact_mut(lanes).zip(pixels.row(image, y)) {
                to.fill(0.0);
                to[0] = value;
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
        match self.function {
            Reduction::Mean => mean_backward(grad, into, write),
            Reduction::Max => max_backward(inputs[0], grad, into, write),
        }
    }

    fn weight_gradients(&self, _: &[MapView], _: MapView) -> Vec<(&'static str, Vec<f32>)> {
        Vec::new()
    }
}

/// Spreads the gradient of the mean evenly over the channels.
fn mean_backward(grad: MapView, into: &mut MapViewMut, write: WriteMode) {
    let (lanes, blocks, lanes_grad) = (into.layout.lanes, into.layout.blocks(), grad.layout.lanes);
    let part = 1.0 / into.layout.channels() as f32;
    into.for_rows(|plane, y, to| {
        let g = grad.row(plane / blocks, y).iter().step_by(lanes_grad);
        for (to, g) in to.chunks_exact_mut(lanes).zip(g) {
            let g = g * part;
            to.iter_mut().for_each(|to| write.store(to, g));
        }
    });
}

/// Gives the gradient of the maximum to the first channel that attains it.
fn max_backward(x: MapView, grad: MapView, into: &mut MapViewMut, write: WriteMode) {
    let (lanes, blocks, lanes_grad) = (into.layout.lanes, into.layout.blocks(), grad.layout.lanes);
    let maxima = largest(x);
    into.for_rows(|plane, y, to| {
        if write == WriteMode::Overwrite {
            to.fill(0.0);
        }
        let (image, first) = (plane / blocks, plane % blocks * lanes);
        let g = grad.row(image, y).iter().step_by(lanes_grad);
        for ((to, g), &(_, slot)) in to.chunks_exact_mut(lanes).zip(g).zip(maxima.row(image, y)) {
            if let Some(to) = slot.checked_sub(first).and_then(|lane| to.get_mut(lane)) {
                *to += g;
            }
        }
    });
}

/// Returns each pixel's maximum and the slot of the first channel that attains it. A NaN counts as the largest.
fn largest(x: MapView) -> PixelReduction<(f32, usize)> {
    let channels = ChannelBlocks::of(x);
    PixelReduction::new(x.layout, (f32::NEG_INFINITY, 0), |image, y, values| {
        channels.fold(image, y, values, |(max, at), slot, x| {
            if x > *max || x.is_nan() {
                (*max, *at) = (x, slot);
            }
        });
    })
}
