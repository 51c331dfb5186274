//! Max pooling, its index, and unpooling.

use crate::compute::cuda::builder::{CudaBuilder, KernelCall};
use crate::compute::cuda::constants::KernelConstants;
use crate::compute::cuda::map::DeviceMap;
use crate::compute::fused::pool_bins::{self, PoolBin};
use crate::compute::fused::{FusedNode, FusedOp, FusedValueId, Unsupported};
use crate::graph::op::{Op, PoolWindow};

const FORWARD: &[&str] = &[include_str!("../kernels/max_pool.cu"), include_str!("../kernels/max_pool_forward.cu")];
const BACKWARD: &[&str] = &[include_str!("../kernels/max_pool.cu"), include_str!("../kernels/max_pool_backward.cu")];
const UNPOOL: &[&str] = &[include_str!("../kernels/unpool.cu")];
const UNPOOL_BACKWARD: &[&str] = &[include_str!("../kernels/unpool_backward.cu")];

/// The rows and columns of each window.
pub(super) struct Bins {
    axes: [Vec<PoolBin>; 2],
}

impl Bins {
    pub(super) fn sliding(b: &CudaBuilder, node: &FusedNode, window: &PoolWindow) -> Self {
        Self::of(b, node, |axis, from, to| pool_bins::sliding(window, axis, from, to))
    }

    pub(super) fn adaptive(b: &CudaBuilder, node: &FusedNode) -> Self {
        Self::of(b, node, |_, from, to| pool_bins::adaptive(from, to))
    }

    fn of(b: &CudaBuilder, node: &FusedNode, bins: impl Fn(usize, usize, usize) -> Vec<PoolBin>) -> Self {
        let dims = |value: FusedValueId| b.fused.values[value].dims;
        let (from, to) = (dims(node.inputs[0]), dims(node.outputs[0]));
        Self { axes: [bins(0, from[2], to[2]), bins(1, from[3], to[3])] }
    }

    /// Tables of each window's first and one past its last position.
    fn edges(&self, mut constants: KernelConstants) -> KernelConstants {
        for (name, bins) in ["DOWN", "ACROSS"].into_iter().zip(&self.axes) {
            constants = constants
                .table(&format!("{name}_START"), bins.iter().map(|bin| bin.start as isize))
                .table(&format!("{name}_END"), bins.iter().map(|bin| bin.end as isize));
        }
        constants
    }

    /// Tables of the windows that read each position of `size`: the first and one past the last.
    fn readers(&self, size: [usize; 2], mut constants: KernelConstants) -> KernelConstants {
        for ((name, bins), size) in ["READ_DOWN", "READ_ACROSS"].into_iter().zip(&self.axes).zip(size) {
            let readers = (0..size).flat_map(|at| {
                let reads = |bin: &PoolBin| (bin.start..bin.end).contains(&at);
                let first = bins.iter().position(reads).unwrap_or(0);
                let end = bins.iter().rposition(reads).map_or(0, |last| last + 1);
                [first as isize, end as isize]
            });
            constants = constants.table(name, readers.collect::<Vec<_>>());
        }
        constants
    }
}

fn window_constants(window: DeviceMap, map: DeviceMap) -> KernelConstants {
    KernelConstants::new().ints([("N", window.dims[0]), ("P", window.dims[2]), ("Q", window.dims[3])]).ints([
        ("H", map.dims[2]),
        ("W", map.dims[3]),
        ("C4", map.stored_channels()),
    ])
}

pub(super) fn forward(b: &mut CudaBuilder, node: &FusedNode, bins: &Bins) {
    let x = b.map(node.inputs[0]);
    let y = b.output(node.outputs[0]);
    let index = node.outputs.get(1).map(|&value| b.output(value));
    let constants = bins
        .edges(window_constants(y, x))
        .ints([("XP", x.pitch), ("YP", y.pitch), ("IP", index.map_or(0, |index| index.pitch))])
        .flag("INDEX", index.is_some());
    let call = KernelCall::of_items("max_pool", FORWARD, constants, y.pixels() * y.stored_channels());
    b.launch(call, vec![x.place(), y.place(), index.and_then(|index| index.place())]);
}

pub(super) fn backward(b: &mut CudaBuilder, node: &FusedNode, bins: &Bins, g: DeviceMap) {
    if !b.fused.values[node.inputs[0]].differentiable {
        return;
    }
    let x = b.map(node.inputs[0]);
    let (into, add) = b.gradient_into(node.inputs[0]);
    let constants = bins
        .readers(x.size(), bins.edges(window_constants(g, x)))
        .ints([("XP", x.pitch), ("GP", g.pitch), ("TP", into.pitch)])
        .flag("ADD", add);
    let call = KernelCall::of_items("max_pool_gradient", BACKWARD, constants, x.pixels() * x.stored_channels());
    b.launch(call, vec![x.place(), g.place(), into.place()]);
}

/// Returns the windows of the pool that wrote an index.
fn pool_of_index(b: &CudaBuilder, index: FusedValueId) -> Result<Bins, Unsupported> {
    let node = &b.fused.nodes[b.fused.values[index].producer];
    if let FusedOp::Operator { op: Op::MaxPoolWithIndex(op), .. } = &node.op {
        return Ok(Bins::sliding(b, node, &op.0));
    }
    b.no_kernel("an index that no pool wrote")
}

pub(super) fn unpool(b: &mut CudaBuilder, node: &FusedNode) -> Result<(), Unsupported> {
    let bins = pool_of_index(b, node.inputs[1])?;
    let [x, index] = [0, 1].map(|slot| b.map(node.inputs[slot]));
    let y = b.output(node.outputs[0]);
    let constants =
        bins.readers(y.size(), window_constants(x, y)).ints([("XP", x.pitch), ("IP", index.pitch), ("TP", y.pitch)]);
    let call = KernelCall::of_items("unpool", UNPOOL, constants, y.pixels() * y.stored_channels());
    b.launch(call, vec![x.place(), index.place(), y.place()]);
    Ok(())
}

pub(super) fn unpool_backward(b: &mut CudaBuilder, node: &FusedNode, g: DeviceMap) {
    if !b.fused.values[node.inputs[0]].differentiable {
        return;
    }
    let index = b.map(node.inputs[1]);
    let (into, add) = b.gradient_into(node.inputs[0]);
    let constants = window_constants(into, g)
        .ints([("AREA", g.area()), ("GP", g.pitch), ("IP", index.pitch), ("TP", into.pitch)])
        .flag("ADD", add);
    let count = into.pixels() * into.stored_channels();
    let call = KernelCall::of_items("unpool_gradient", UNPOOL_BACKWARD, constants, count);
    b.launch(call, vec![g.place(), index.place(), into.place()]);
}
