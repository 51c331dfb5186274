//! Resizing, average pooling, padding and cropping: weighted sums over rows and columns.

use crate::compute::cuda::builder::{CudaBuilder, KernelCall};
use crate::compute::cuda::constants::KernelConstants;
use crate::compute::cuda::map::DeviceMap;
use crate::compute::fused::{AxisTaps, FusedNode};

const AXIS_TAPS: &[&str] = &[include_str!("../kernels/axis_taps.cu")];

/// `taps` gives the taps down and across of an output size from an input size.
pub(super) fn forward(b: &mut CudaBuilder, node: &FusedNode, taps: impl Fn([usize; 2], [usize; 2]) -> [AxisTaps; 2]) {
    let x = b.map(node.inputs[0]);
    let y = b.output(node.outputs[0]);
    resample(b, x, y, &taps(x.size(), y.size()), false);
}

pub(super) fn backward(
    b: &mut CudaBuilder,
    node: &FusedNode,
    g: DeviceMap,
    taps: impl Fn([usize; 2], [usize; 2]) -> [AxisTaps; 2],
) {
    if !b.fused.values[node.inputs[0]].differentiable {
        return;
    }
    let (into, add) = b.gradient_into(node.inputs[0]);
    let taps = taps(into.size(), g.size()).map(|taps| taps.transposed());
    resample(b, g, into, &taps, add);
}

fn resample(b: &mut CudaBuilder, x: DeviceMap, y: DeviceMap, [down, across]: &[AxisTaps; 2], add: bool) {
    let [n, _, h, w] = x.dims;
    let mut constants = KernelConstants::new()
        .ints([("N", n), ("H", h), ("W", w), ("XP", x.pitch), ("C4", y.stored_channels())])
        .ints([("HO", y.dims[2]), ("WO", y.dims[3]), ("YP", y.pitch)])
        .flag("ADD", add);
    for (axis, taps) in [("DOWN", down), ("ACROSS", across)] {
        let integers = |values: &[usize]| values.iter().map(|&value| value as isize).collect::<Vec<_>>();
        constants = constants
            .table(&format!("{axis}_START"), integers(&taps.starts))
            .table(&format!("{axis}_PLACE"), integers(&taps.places))
            .weights(&format!("{axis}_WEIGHT"), &taps.weights);
    }
    let count = y.pixels() * (y.stored_channels() / 4);
    b.launch(KernelCall::of_items("axis_taps", AXIS_TAPS, constants, count), vec![x.place(), y.place()]);
}
