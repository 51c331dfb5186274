//! Interpolation, as `torch.nn.functional.interpolate`: the same source coordinates, in the same 32-bit arithmetic.

use super::BackwardNeeds;
use super::operator_kernel::{BackwardArgs, ChannelPlacement, ForwardArgs, KernelProperties, OperatorKernel};
use super::separable::{self, AxisTaps};
use crate::compute::engine::memory_layout::{MapLayout, MapView, MapViewMut, WriteMode};
use crate::graph::op::{Interpolation, Resize};

impl OperatorKernel for Resize {
    fn properties(&self) -> KernelProperties {
        KernelProperties { needs: BackwardNeeds::NOTHING, placement: ChannelPlacement::AsInput, cheap: true }
    }

    fn forward(&self, ForwardArgs { inputs, .. }: ForwardArgs, output: &mut MapViewMut, _: &mut [MapViewMut]) {
        let [down, across] = resize_taps(self, inputs[0].layout, output.layout);
        separable::resample(inputs[0], output, &down, &across, WriteMode::Overwrite);
    }

    fn backward(
        &self,
        BackwardArgs { gradient: grad, .. }: BackwardArgs,
        _: usize,
        into: &mut MapViewMut,
        write: WriteMode,
    ) {
        let [down, across] = resize_taps(self, into.layout, grad.layout).map(|taps| taps.transposed());
        separable::resample(grad, into, &down, &across, write);
    }

    fn weight_gradients(&self, _: &[MapView], _: MapView) -> Vec<(&'static str, Vec<f32>)> {
        Vec::new()
    }
}

fn resize_taps(op: &Resize, from: &MapLayout, to: &MapLayout) -> [AxisTaps; 2] {
    [(from.h, to.h), (from.w, to.w)].map(|(from, to)| {
        if from == to {
            return AxisTaps::same(from);
        }
        match op.mode {
            Interpolation::Nearest => nearest(from, to),
            Interpolation::Bilinear => bilinear(from, to, op.align_corners),
        }
    })
}

/// `min(floor(i * from / to), from - 1)` for each position `i`.
fn nearest(from: usize, to: usize) -> AxisTaps {
    let scale = from as f32 / to as f32;
    AxisTaps::new(from, to, |i| {
        let place = if to.is_multiple_of(from) { i / (to / from) } else { (i as f32 * scale) as usize };
        [(place.min(from - 1), 1.0)]
    })
}

/// `(1 - part) * x[low] + part * x[low + 1]`, clamped at the border.
fn bilinear(from: usize, to: usize, align_corners: bool) -> AxisTaps {
    let scale = match align_corners {
        true if to > 1 => (from - 1) as f32 / (to - 1) as f32,
        true => 0.0,
        false => from as f32 / to as f32,
    };
    AxisTaps::new(from, to, |i| {
        let source = if align_corners { i as f32 * scale } else { ((i as f32 + 0.5) * scale - 0.5).max(0.0) };
        let low = (source as usize).min(from - 1);
        let part = (source - low as f32).clamp(0.0, 1.0);
        // The last position and integer coordinates read one number.
        let single = low + 1 == from || part == 0.0;
        let taps = [(low, if single { 1.0 } else { 1.0 - part }), (low + 1, part)];
        taps.into_iter().take(if single { 1 } else { 2 })
    })
}
