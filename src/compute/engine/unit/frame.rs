//! Padding and cropping.

use super::taps::{self, Taps};
use super::{Needs, nothing_flows};
use crate::compute::engine::memory_layout::{Layout, View, ViewMut};
use crate::graph::op::{Border, Crop, Padding};

/// Padding.
pub(crate) mod padding {
    use super::*;

    pub(crate) fn needs(_op: &Padding) -> Needs {
        Needs::NOTHING
    }

    pub(crate) fn forward(op: &Padding, inputs: &[View], output: &mut ViewMut) {
        let [down, across] = axes(op, inputs[0].layout, output.layout);
        taps::gather(inputs[0], output, &down, &across, false);
    }

    pub(crate) fn backward(
        op: &Padding,
        _inputs: &[View],
        _output: View,
        grad: View,
        _slot: usize,
        into: &mut ViewMut,
        add: bool,
    ) {
        let [down, across] = axes(op, into.layout, grad.layout).map(|taps| taps.transposed());
        taps::gather(grad, into, &down, &across, add);
    }

    fn axes(op: &Padding, from: &Layout, to: &Layout) -> [Taps; 2] {
        let [top, _, left, _] = op.sides;
        [(from.h, to.h, top), (from.w, to.w, left)].map(|(from, to, before)| {
            Taps::new(from, to, |i| source(op.mode, i, before, from).map(|place| (place, 1.0)))
        })
    }

    /// What stands at position `i` of an axis with `before` positions in front of `size`.
    fn source(mode: Border, i: usize, before: usize, size: usize) -> Option<usize> {
        let inside = i.checked_sub(before).filter(|&i| i < size);
        match mode {
            Border::Constant => inside,
            Border::Replicate => Some(i.saturating_sub(before).min(size - 1)),
            Border::Reflect => inside.or(Some(match i.checked_sub(before) {
                Some(i) => 2 * (size - 1) - i,
                None => before - i,
            })),
        }
    }
}

/// Cropping. A second input only gives the size.
pub(crate) mod crop {
    use super::*;

    pub(crate) fn needs(_op: &Crop) -> Needs {
        Needs::NOTHING
    }

    pub(crate) fn forward(op: &Crop, inputs: &[View], output: &mut ViewMut) {
        let [down, across] = axes(op, inputs[0].layout, output.layout);
        taps::gather(inputs[0], output, &down, &across, false);
    }

    pub(crate) fn backward(
        op: &Crop,
        _inputs: &[View],
        _output: View,
        grad: View,
        slot: usize,
        into: &mut ViewMut,
        add: bool,
    ) {
        if slot > 0 {
            return nothing_flows(into, add);
        }
        let [down, across] = axes(op, into.layout, grad.layout).map(|taps| taps.transposed());
        taps::gather(grad, into, &down, &across, add);
    }

    fn axes(op: &Crop, from: &Layout, to: &Layout) -> [Taps; 2] {
        let [top, left] = op.start([from.h, from.w], [to.h, to.w]).expect("Crop::infer: the window fits");
        [(from.h, to.h, top), (from.w, to.w, left)].map(|(from, to, start)| Taps::new(from, to, |i| [(start + i, 1.0)]))
    }
}
