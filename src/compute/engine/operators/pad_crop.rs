//! Padding and cropping.

use super::BackwardNeeds;
use super::operator_kernel::{BackwardArgs, ChannelPlacement, ForwardArgs, KernelProperties, OperatorKernel};
use super::separable::{self, AxisTaps};
use crate::compute::engine::memory_layout::{MapLayout, MapView, MapViewMut, WriteMode};
use crate::graph::op::{Crop, Padding, PaddingMode};

impl OperatorKernel for Padding {
    fn properties(&self) -> KernelProperties {
        KernelProperties { needs: BackwardNeeds::NOTHING, placement: ChannelPlacement::AsInput, cheap: true }
    }

    fn forward(&self, ForwardArgs { inputs, .. }: ForwardArgs, output: &mut MapViewMut, _: &mut [MapViewMut]) {
        let [down, across] = padding_taps(self, inputs[0].layout, output.layout);
        separable::resample(inputs[0], output, &down, &across, WriteMode::Overwrite);
    }

    fn backward(
        &self,
        BackwardArgs { gradient: grad, .. }: BackwardArgs,
        _: usize,
        into: &mut MapViewMut,
        write: WriteMode,
    ) {
        let [down, across] = padding_taps(self, into.layout, grad.layout).map(|taps| taps.transposed());
        separable::resample(grad, into, &down, &across, write);
    }

    fn weight_gradients(&self, _: &[MapView], _: MapView) -> Vec<(&'static str, Vec<f32>)> {
        Vec::new()
    }
}

fn padding_taps(op: &Padding, from: &MapLayout, to: &MapLayout) -> [AxisTaps; 2] {
    let [top, _, left, _] = op.sides;
    [(from.h, to.h, top), (from.w, to.w, left)].map(|(from, to, before)| {
        AxisTaps::new(from, to, |i| source(op.mode, i, before, from).map(|place| (place, 1.0)))
    })
}

/// Returns the source of position `i` of an axis with `before` positions in front of `size`; `None` is a zero.
fn source(mode: PaddingMode, i: usize, before: usize, size: usize) -> Option<usize> {
    let inside = i.checked_sub(before).filter(|&i| i < size);
    match mode {
        PaddingMode::Constant => inside,
        PaddingMode::Replicate => Some(i.saturating_sub(before).min(size - 1)),
        PaddingMode::Reflect => inside.or(Some(match i.checked_sub(before) {
            Some(i) => 2 * (size - 1) - i,
            None => before - i,
        })),
    }
}

/// Cropping. A second input only determines the size.
impl OperatorKernel for Crop {
    fn properties(&self) -> KernelProperties {
        KernelProperties { needs: BackwardNeeds::NOTHING, placement: ChannelPlacement::AsInput, cheap: true }
    }

    fn forward(&self, ForwardArgs { inputs, .. }: ForwardArgs, output: &mut MapViewMut, _: &mut [MapViewMut]) {
        let [down, across] = crop_taps(self, inputs[0].layout, output.layout);
        separable::resample(inputs[0], output, &down, &across, WriteMode::Overwrite);
    }

    fn backward(
        &self,
        BackwardArgs { gradient: grad, .. }: BackwardArgs,
        _: usize,
        into: &mut MapViewMut,
        write: WriteMode,
    ) {
        let [down, across] = crop_taps(self, into.layout, grad.layout).map(|taps| taps.transposed());
        separable::resample(grad, into, &down, &across, write);
    }

    fn weight_gradients(&self, _: &[MapView], _: MapView) -> Vec<(&'static str, Vec<f32>)> {
        Vec::new()
    }
}

fn crop_taps(op: &Crop, from: &MapLayout, to: &MapLayout) -> [AxisTaps; 2] {
    let [top, left] = op.start([from.h, from.w], [to.h, to.w]).expect("Crop::infer: the window fits");
    [(from.h, to.h, top), (from.w, to.w, left)].map(|(from, to, start)| AxisTaps::new(from, to, |i| [(start + i, 1.0)]))
}
