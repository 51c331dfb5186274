//! Means over windows, sliding or adaptive. Padding counts as zeros, what lies beyond it in a last window does not count.

use super::plain::{Form, From, Given, Placement, PlainUnit};
use super::taps::{self, Taps};
use super::{Needs, row, sum, window};
use crate::compute::engine::memory_layout::{Layout, View, ViewMut};
use crate::graph::op::{AvgPool, AvgPoolTo};

impl PlainUnit for AvgPool {
    fn form(&self) -> Form {
        Form { needs: Needs::NOTHING, placement: Placement::AsInput, cheap: false }
    }

    fn forward(&self, Given { inputs, .. }: Given, output: &mut ViewMut, _: &mut [ViewMut]) {
        let [down, across] = sliding(self, inputs[0].layout, output.layout);
        taps::gather(inputs[0], output, &down, &across, false);
    }

    fn backward(&self, From { gradient: grad, .. }: From, _: usize, into: &mut ViewMut, add: bool) {
        let [down, across] = sliding(self, into.layout, grad.layout).map(|taps| taps.transposed());
        taps::gather(grad, into, &down, &across, add);
    }

    fn weight_gradients(&self, _: &[View], _: View) -> Vec<(&'static str, Vec<f32>)> {
        Vec::new()
    }
}

fn sliding(op: &AvgPool, from: &Layout, to: &Layout) -> [Taps; 2] {
    let axis = |axis, from, to| window::means(from, &window::sliding(&op.0, axis, from, to));
    [axis(0, from.h, to.h), axis(1, from.w, to.w)]
}

/// The same to a fixed size.
impl PlainUnit for AvgPoolTo {
    fn form(&self) -> Form {
        Form { needs: Needs::NOTHING, placement: Placement::AsInput, cheap: false }
    }

    fn forward(&self, Given { inputs, .. }: Given, output: &mut ViewMut, _: &mut [ViewMut]) {
        let (x, to) = (inputs[0], output.layout);
        if [to.h, to.w] == [1, 1] {
            return mean(x, output);
        }
        let [down, across] = adaptive(x.layout, to);
        taps::gather(x, output, &down, &across, false);
    }

    fn backward(&self, From { gradient: grad, .. }: From, _: usize, into: &mut ViewMut, add: bool) {
        let [down, across] = adaptive(into.layout, grad.layout).map(|taps| taps.transposed());
        taps::gather(grad, into, &down, &across, add);
    }

    fn weight_gradients(&self, _: &[View], _: View) -> Vec<(&'static str, Vec<f32>)> {
        Vec::new()
    }
}

fn adaptive(from: &Layout, to: &Layout) -> [Taps; 2] {
    let axis = |from, to| window::means(from, &window::adaptive(from, to));
    [axis(from.h, to.h), axis(from.w, to.w)]
}

/// Over the whole map.
fn mean(x: View, output: &mut ViewMut) {
    let (lanes, count) = (x.layout.lanes, (x.layout.h * x.layout.w) as f64);
    let sums = sum::planes(x.layout, 1, |plane, y, sums| row::sum_one(sums, x.row(plane, y)));
    output.rows(|plane, _, to| {
        let sums = &sums[plane * lanes..];
        to.iter_mut().zip(sums).for_each(|(to, sum)| *to = (sum / count) as f32);
    });
}
