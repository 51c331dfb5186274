//! Means over windows, sliding or adaptive. Padding counts as zeros, what lies beyond it in a last window does not count.

use super::taps::{self, Taps};
use super::{Needs, row, sum, window};
use crate::compute::engine::memory_layout::{Layout, View, ViewMut};
use crate::graph::op::{AvgPool, AvgPoolTo};

pub fn needs(_op: &AvgPool) -> Needs {
    Needs::NOTHING
}

pub fn forward(op: &AvgPool, inputs: &[View], output: &mut ViewMut) {
    let [down, across] = sliding(op, inputs[0].layout, output.layout);
    taps::gather(inputs[0], output, &down, &across, false);
}

pub fn backward(
    op: &AvgPool,
    _inputs: &[View],
    _output: View,
    grad: View,
    _slot: usize,
    into: &mut ViewMut,
    add: bool,
) {
    let [down, across] = sliding(op, into.layout, grad.layout).map(|taps| taps.transposed());
    taps::gather(grad, into, &down, &across, add);
}

fn sliding(op: &AvgPool, from: &Layout, to: &Layout) -> [Taps; 2] {
    let axis = |axis, from, to| window::means(from, &window::sliding(&op.0, axis, from, to));
    [axis(0, from.h, to.h), axis(1, from.w, to.w)]
}

/// The same to a fixed size.
pub mod to_size {
    use super::*;

    pub fn needs(_op: &AvgPoolTo) -> Needs {
        Needs::NOTHING
    }

    pub fn forward(_op: &AvgPoolTo, inputs: &[View], output: &mut ViewMut) {
        let (x, to) = (inputs[0], output.layout);
        if [to.h, to.w] == [1, 1] {
            return mean(x, output);
        }
        let [down, across] = adaptive(x.layout, to);
        taps::gather(x, output, &down, &across, false);
    }

    pub fn backward(
        _op: &AvgPoolTo,
        _inputs: &[View],
        _output: View,
        grad: View,
        _slot: usize,
        into: &mut ViewMut,
        add: bool,
    ) {
        let [down, across] = adaptive(into.layout, grad.layout).map(|taps| taps.transposed());
        taps::gather(grad, into, &down, &across, add);
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
}
