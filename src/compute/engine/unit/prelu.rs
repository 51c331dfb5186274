//! `x` above 0, `slope * x` below, with slopes that are learned: one for all channels or one for each.

use super::plain::{Form, From, Given, Placement, PlainUnit};
use super::{Needs, row, sum};
use crate::compute::engine::memory_layout::{Layout, View, ViewMut};
use crate::compute::engine::weights::LayerWeights;
use crate::graph::op::PRelu;

impl PlainUnit for PRelu {
    fn form(&self) -> Form {
        Form { needs: Needs::INPUTS, placement: Placement::AsInput, cheap: true }
    }

    fn forward(&self, Given { inputs, layer, .. }: Given, output: &mut ViewMut, _: &mut [ViewMut]) {
        let x = inputs[0];
        let slopes = Lanes::new(x.layout, slopes(layer));
        output.rows(|plane, y, to| {
            let f = |x, slope| if x > 0.0 { x } else { x * slope };
            row::by_lane(to, x.row(plane, y), slopes.of(plane), false, f);
        });
    }

    fn backward(&self, From { inputs, gradient, layer, .. }: From, _: usize, into: &mut ViewMut, add: bool) {
        let x = inputs[0];
        let slopes = Lanes::new(x.layout, slopes(layer));
        into.rows(|plane, y, to| {
            let f = |x, g, slope| if x > 0.0 { g } else { g * slope };
            row::two_by_lane(to, x.row(plane, y), gradient.row(plane, y), slopes.of(plane), add, f);
        });
    }

    /// One, or one for each channel.
    fn weight_gradients(&self, inputs: &[View], gradient: View) -> Vec<(&'static str, Vec<f32>)> {
        let x = inputs[0];
        let planes = sum::planes(x.layout, 1, |plane, y, sums| {
            row::sum_two(sums, x.row(plane, y), gradient.row(plane, y), |x, g| if x > 0.0 { 0.0 } else { x * g });
        });
        let channels = sum::channels(x.layout, 1, &planes, 0);
        let all = || vec![channels.iter().map(|&g| f64::from(g)).sum::<f64>() as f32];
        vec![("weight", if self.per_channel { channels } else { all() })]
    }
}

fn slopes(layer: Option<&LayerWeights>) -> &[f32] {
    &layer.expect("plan: `prelu` has a layer").weight
}

/// One number per channel, or one for all, at the lanes of each block.
pub(crate) struct Lanes {
    lanes: usize,
    slots: Vec<f32>,
}

impl Lanes {
    pub(crate) fn new(layout: &Layout, values: &[f32]) -> Self {
        let slots = match values {
            &[value] => vec![value; layout.slots()],
            _ => layout.spread(values, 0.0),
        };
        Self { lanes: layout.lanes, slots }
    }

    pub(crate) fn of(&self, plane: usize) -> &[f32] {
        let blocks = self.slots.len() / self.lanes;
        &self.slots[plane % blocks * self.lanes..][..self.lanes]
    }
}
