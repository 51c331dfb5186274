//! `x` above 0, `slope * x` below, with slopes that are learned: one for all channels or one for each.

use super::{Needs, row, sum};
use crate::compute::engine::memory_layout::{Layout, View, ViewMut};
use crate::graph::op::PRelu;

pub fn needs(_op: &PRelu) -> Needs {
    Needs::INPUTS
}

pub fn forward(_op: &PRelu, slopes: &[f32], inputs: &[View], output: &mut ViewMut) {
    let x = inputs[0];
    let slopes = Lanes::new(x.layout, slopes);
    output.rows(|plane, y, to| {
        let f = |x, slope| if x > 0.0 { x } else { x * slope };
        row::by_lane(to, x.row(plane, y), slopes.of(plane), false, f);
    });
}

#[allow(clippy::too_many_arguments, reason = "the shape of all units")]
pub fn backward(
    _op: &PRelu,
    slopes: &[f32],
    inputs: &[View],
    _output: View,
    grad: View,
    _slot: usize,
    into: &mut ViewMut,
    add: bool,
) {
    let x = inputs[0];
    let slopes = Lanes::new(x.layout, slopes);
    into.rows(|plane, y, to| {
        let f = |x, g, slope| if x > 0.0 { g } else { g * slope };
        row::two_by_lane(to, x.row(plane, y), grad.row(plane, y), slopes.of(plane), add, f);
    });
}

/// The gradient of the slopes: one, or one for each channel.
pub fn gradient(op: &PRelu, inputs: &[View], grad: View) -> Vec<f32> {
    let x = inputs[0];
    let planes = sum::planes(x.layout, 1, |plane, y, sums| {
        row::sum_two(sums, x.row(plane, y), grad.row(plane, y), |x, g| if x > 0.0 { 0.0 } else { x * g });
    });
    let channels = sum::channels(x.layout, 1, &planes, 0);
    if op.per_channel { channels } else { vec![channels.iter().map(|&g| f64::from(g)).sum::<f64>() as f32] }
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
