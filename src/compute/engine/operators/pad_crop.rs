//! Padding and cropping.

use super::BackwardNeeds;
use super::operator_kernel::{BackwardArgs, ChannelPlacement, ForwardArgs, KernelProperties, OperatorKernel};
use super::separable;
use crate::compute::engine::memory_layout::{MapView, MapViewMut, WriteMode};
use crate::compute::fused::separable::{crop_taps, padding_taps};
use crate::graph::op::{Crop, Padding};

impl OperatorKernel for Padding {
    fn properties(&self) -> KernelProperties {
        KernelProperties { needs: BackwardNeeds::NOTHING, placement: ChannelPlacement::AsInput, cheap: true }
    }

    fn forward(&self, ForwardArgs { inputs, .. }: ForwardArgs, output: &mut MapViewMut, _: &mut [MapViewMut]) {
        let [down, across] = padding_taps(self, inputs[0].layout.size(), output.layout.size());
        separable::resample(inputs[0], output, &down, &across, WriteMode::Overwrite);
    }

    fn backward(
        &self,
        BackwardArgs { gradient: grad, .. }: BackwardArgs,
        _: usize,
        into: &mut MapViewMut,
        write: WriteMode,
    ) {
        let [down, across] = padding_taps(self, into.layout.size(), grad.layout.size()).map(|taps| taps.transposed());
        separable::resample(grad, into, &down, &across, write);
    }

    fn weight_gradients(&self, _: &[MapView], _: MapView) -> Vec<(&'static str, Vec<f32>)> {
        Vec::new()
    }
}

/// Cropping. A second input only determines the size.
impl OperatorKernel for Crop {
    fn properties(&self) -> KernelProperties {
        KernelProperties { needs: BackwardNeeds::NOTHING, placement: ChannelPlacement::AsInput, cheap: true }
    }

    fn forward(&self, ForwardArgs { inputs, .. }: ForwardArgs, output: &mut MapViewMut, _: &mut [MapViewMut]) {
        let [down, across] = crop_taps(self, inputs[0].layout.size(), output.layout.size());
        separable::resample(inputs[0], output, &down, &across, WriteMode::Overwrite);
    }

    fn backward(
        &self,
        BackwardArgs { gradient: grad, .. }: BackwardArgs,
        _: usize,
        into: &mut MapViewMut,
        write: WriteMode,
    ) {
        let [down, across] = crop_taps(self, into.layout.size(), grad.layout.size()).map(|taps| taps.transposed());
        separable::resample(grad, into, &down, &across, write);
    }

    fn weight_gradients(&self, _: &[MapView], _: MapView) -> Vec<(&'static str, Vec<f32>)> {
        Vec::new()
    }
}
