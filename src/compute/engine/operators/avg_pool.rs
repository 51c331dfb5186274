//! Means over windows, sliding or adaptive. Padding counts as zeros; positions of a last window beyond the padding do
//! not count.

use super::operator_kernel::{BackwardArgs, ChannelPlacement, ForwardArgs, KernelProperties, OperatorKernel};
use super::separable;
use super::{BackwardNeeds, plane_sums, row_loops};
use crate::compute::engine::memory_layout::{MapView, MapViewMut, WriteMode};
use crate::compute::fused::separable::{adaptive_taps, sliding_taps};
use crate::graph::op::{AvgPool, AvgPoolTo};

impl OperatorKernel for AvgPool {
    fn properties(&self) -> KernelProperties {
        KernelProperties { needs: BackwardNeeds::NOTHING, placement: ChannelPlacement::AsInput, cheap: false }
    }

    fn forward(&self, ForwardArgs { inputs, .. }: ForwardArgs, output: &mut MapViewMut, _: &mut [MapViewMut]) {
        let [down, across] = sliding_taps(self, inputs[0].layout.size(), output.layout.size());
        separable::resample(inputs[0], output, &down, &across, WriteMode::Overwrite);
    }

    fn backward(
        &self,
        BackwardArgs { gradient: grad, .. }: BackwardArgs,
        _: usize,
        into: &mut MapViewMut,
        write: WriteMode,
    ) {
        let [down, across] = sliding_taps(self, into.layout.size(), grad.layout.size()).map(|taps| taps.transposed());
        separable::resample(grad, into, &down, &across, write);
    }

    fn weight_gradients(&self, _: &[MapView], _: MapView) -> Vec<(&'static str, Vec<f32>)> {
        Vec::new()
    }
}

/// Adaptive pooling to a fixed size.
impl OperatorKernel for AvgPoolTo {
    fn properties(&self) -> KernelProperties {
        KernelProperties { needs: BackwardNeeds::NOTHING, placement: ChannelPlacement::AsInput, cheap: false }
    }

    fn forward(&self, ForwardArgs { inputs, .. }: ForwardArgs, output: &mut MapViewMut, _: &mut [MapViewMut]) {
        let (x, to) = (inputs[0], output.layout);
        if [to.h, to.w] == [1, 1] {
            return mean_over_map(x, output);
        }
        let [down, across] = adaptive_taps(x.layout.size(), to.size());
        separable::resample(x, output, &down, &across, WriteMode::Overwrite);
    }

    fn backward(
        &self,
        BackwardArgs { gradient: grad, .. }: BackwardArgs,
        _: usize,
        into: &mut MapViewMut,
        write: WriteMode,
    ) {
        let [down, across] = adaptive_taps(into.layout.size(), grad.layout.size()).map(|taps| taps.transposed());
        separable::resample(grad, into, &down, &across, write);
    }

    fn weight_gradients(&self, _: &[MapView], _: MapView) -> Vec<(&'static str, Vec<f32>)> {
        Vec::new()
    }
}

/// Computes the mean over the whole map.
fn mean_over_map(x: MapView, output: &mut MapViewMut) {
    let (lanes, count) = (x.layout.lanes, (x.layout.h * x.layout.w) as f64);
    let sums = plane_sums::plane_sums(x.layout, 1, |plane, y, sums| row_loops::sum(sums, x.row(plane, y)));
    output.for_rows(|plane, _, to| {
        let sums = &sums[plane * lanes..];
        to.iter_mut().zip(sums).for_each(|(to, sum)| *to = (sum / count) as f32);
    });
}
