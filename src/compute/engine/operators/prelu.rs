//! Parametric ReLU: `x` above 0, `slope * x` below, with one learned slope for all channels or one per channel.

use super::operator_kernel::{BackwardArgs, ChannelPlacement, ForwardArgs, KernelProperties, OperatorKernel};
use super::{BackwardNeeds, plane_sums, row_loops};
use crate::compute::engine::memory_layout::{MapLayout, MapView, MapViewMut, WriteMode};
use crate::compute::engine::weights::LayerWeights;
use crate::graph::op::PRelu;

impl OperatorKernel for PRelu {
    fn properties(&self) -> KernelProperties {
        KernelProperties { needs: BackwardNeeds::INPUTS, placement: ChannelPlacement::AsInput, cheap: true }
    }

    fn forward(&self, ForwardArgs { inputs, layer, .. }: ForwardArgs, output: &mut MapViewMut, _: &mut [MapViewMut]) {
        let x = inputs[0];
        let slopes = LaneSlopes::new(x.layout, slopes(layer));
        output.for_rows(|plane, y, to| {
            let f = |x, slope| if x > 0.0 { x } else { x * slope };
            row_loops::map_by_lane(to, x.row(plane, y), slopes.of(plane), WriteMode::Overwrite, f);
        });
    }

    fn backward(
        &self,
        BackwardArgs { inputs, gradient, layer, .. }: BackwardArgs,
        _: usize,
        into: &mut MapViewMut,
        write: WriteMode,
    ) {
        let x = inputs[0];
        let slopes = LaneSlopes::new(x.layout, slopes(layer));
        into.for_rows(|plane, y, to| {
            let f = |x, g, slope| if x > 0.0 { g } else { g * slope };
            row_loops::zip_by_lane(to, x.row(plane, y), gradient.row(plane, y), slopes.of(plane), write, f);
        });
    }

    /// Returns one gradient, or one per channel.
    fn weight_gradients(&self, inputs: &[MapView], gradient: MapView) -> Vec<(&'static str, Vec<f32>)> {
        let x = inputs[0];
        let planes = plane_sums::plane_sums(x.layout, 1, |plane, y, sums| {
            row_loops::sum_zip(sums, x.row(plane, y), gradient.row(plane, y), |x, g| if x > 0.0 { 0.0 } else { x * g });
        });
        let channels = plane_sums::channel_sums(x.layout, 1, &planes, 0);
        let all = || vec![channels.iter().map(|&g| f64::from(g)).sum::<f64>() as f32];
        vec![("weight", if self.per_channel { channels } else { all() })]
    }
}

fn slopes(layer: Option<&LayerWeights>) -> &[f32] {
    &layer.expect("plan: `prelu` has a layer").weight
}

/// One number per channel, or one for all, spread to the lanes of each block.
pub(crate) struct LaneSlopes {
    lanes: usize,
    slots: Vec<f32>,
}

impl LaneSlopes {
    pub(crate) fn new(layout: &MapLayout, values: &[f32]) -> Self {
        let slots = match values {
            &[value] => vec![value; layout.slots()],
            _ => layout.to_slots(values, 0.0),
        };
        Self { lanes: layout.lanes, slots }
    }

    pub(crate) fn of(&self, plane: usize) -> &[f32] {
        let blocks = self.slots.len() / self.lanes;
        &self.slots[plane % blocks * self.lanes..][..self.lanes]
    }
}
