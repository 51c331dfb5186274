//! Padding and cropping.

use super::Needs;
use super::plain::{Form, From, Given, Placement, PlainUnit};
use super::taps::{self, Taps};
use crate::compute::engine::memory_layout::{Layout, View, ViewMut};
use crate::graph::op::{Border, Crop, Padding};

impl PlainUnit for Padding {
    fn form(&self) -> Form {
        Form { needs: Needs::NOTHING, placement: Placement::AsInput, cheap: true }
    }

    fn forward(&self, Given { inputs, .. }: Given, output: &mut ViewMut, _: &mut [ViewMut]) {
        let [down, across] = padded(self, inputs[0].layout, output.layout);
        taps::gather(inputs[0], output, &down, &across, false);
    }

    fn backward(&self, From { gradient: grad, .. }: From, _: usize, into: &mut ViewMut, add: bool) {
        let [down, across] = padded(self, into.layout, grad.layout).map(|taps| taps.transposed());
        taps::gather(grad, into, &down, &across, add);
    }

    fn weight_gradients(&self, _: &[View], _: View) -> Vec<(&'static str, Vec<f32>)> {
        Vec::new()
    }
}

fn padded(op: &Padding, from: &Layout, to: &Layout) -> [Taps; 2] {
    let [top, _, left, _] = op.sides;
    [(from.h, to.h, top), (from.w, to.w, left)]
        .map(|(from, to, before)| Taps::new(from, to, |i| source(op.mode, i, before, from).map(|place| (place, 1.0))))
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

/// Cropping. A second input only gives the size.
impl PlainUnit for Crop {
    fn form(&self) -> Form {
        Form { needs: Needs::NOTHING, placement: Placement::AsInput, cheap: true }
    }

    fn forward(&self, Given { inputs, .. }: Given, output: &mut ViewMut, _: &mut [ViewMut]) {
        let [down, across] = cut(self, inputs[0].layout, output.layout);
        taps::gather(inputs[0], output, &down, &across, false);
    }

    fn backward(&self, From { gradient: grad, .. }: From, _: usize, into: &mut ViewMut, add: bool) {
        let [down, across] = cut(self, into.layout, grad.layout).map(|taps| taps.transposed());
        taps::gather(grad, into, &down, &across, add);
    }

    fn weight_gradients(&self, _: &[View], _: View) -> Vec<(&'static str, Vec<f32>)> {
        Vec::new()
    }
}

fn cut(op: &Crop, from: &Layout, to: &Layout) -> [Taps; 2] {
    let [top, left] = op.start([from.h, from.w], [to.h, to.w]).expect("Crop::infer: the window fits");
    [(from.h, to.h, top), (from.w, to.w, left)].map(|(from, to, start)| Taps::new(from, to, |i| [(start + i, 1.0)]))
}
