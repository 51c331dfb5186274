//! Interpolation, as `torch.nn.functional.interpolate`: the same source coordinates, in the same 32-bit arithmetic.

use super::BackwardNeeds;
use super::operator_kernel::{BackwardArgs, ChannelPlacement, ForwardArgs, KernelProperties, OperatorKernel};
use super::separable;
use crate::compute::engine::memory_layout::{MapView, MapViewMut, WriteMode};
use crate::compute::fused::separable::resize_taps;
use crate::graph::op::Resize;

impl OperatorKernel for Resize {
    fn properties(&self) -> KernelProperties {
        KernelProperties { needs: BackwardNeeds::NOTHING, placement: ChannelPlacement::AsInput, cheap: true }
    }

    fn forward(&self, ForwardArgs { inputs, .. }: ForwardArgs, output: &mut MapViewMut, _: &mut [MapViewMut]) {
        let [down, across] = resize_taps(self, inputs[0].layout.size(), output.layout.size());
        separable::resample(inputs[0], output, &down, &across, WriteMode::Overwrite);
    }

    fn backward(
        &self,
        BackwardArgs { gradient: grad, .. }: BackwardArgs,
        _: usize,
        into: &mut MapViewMut,
        write: WriteMode,
    ) {
        let [down, across] = resize_taps(self, into.layout.size(), grad.layout.size()).map(|taps| taps.transposed());
        separable::resample(grad, into, &down, &across, write);
    }

    fn weight_gradients(&self, _: &[MapView], _: MapView) -> Vec<(&'static str, Vec<f32>)> {
        Vec::new()
    }
}
