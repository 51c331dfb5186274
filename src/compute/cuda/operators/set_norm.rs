//! Group, instance and layer normalisation.

use crate::compute::cuda::builder::{CudaBuilder, KernelCall, THREADS, whole};
use crate::compute::cuda::constants::KernelConstants;
use crate::compute::cuda::map::DeviceMap;
use crate::compute::cuda::norm::set_weight_gradients;
use crate::compute::cuda::program::{BufferPlace, DeviceBufferId};
use crate::compute::fused::FusedNode;

const SUMS: &[&str] = &[SET_NORM, STATISTICS_TERM, include_str!("../kernels/set_sums.cu")];
const FLOW: &[&str] = &[SET_NORM, FLOW_TERM, include_str!("../kernels/set_sums.cu")];
const APPLY: &[&str] = &[SET_NORM, include_str!("../kernels/set_apply.cu")];
const GRADIENT: &[&str] = &[SET_NORM, include_str!("../kernels/set_gradient.cu")];
const SET_NORM: &str = include_str!("../kernels/set_norm.cu");

/// Mean, then squared deviations from it.
const STATISTICS_TERM: &str = "
FUNCTION double term(int pass, float x, float, double mean) { return pass == 0 ? x : (x - mean) * (x - mean); }
";
/// The gradient, then its product with the deviation.
const FLOW_TERM: &str = "
FUNCTION double term(int pass, float x, float g, double mean) { return pass == 0 ? g : g * (x - mean); }
";

/// Threads that share a set of many numbers.
const TEAM: usize = 128;
/// More numbers than this are many.
const SMALL_SET: usize = 512;

/// The numbers that are normalised together.
#[derive(Debug, Clone, Copy)]
pub(super) struct SetNorm {
    /// Sets of channels.
    pub groups: usize,
    /// Whether each pixel is normalised by itself, rather than the map of an image.
    pub by_pixel: bool,
    pub epsilon: f64,
}

impl SetNorm {
    fn pixels(&self, x: DeviceMap) -> usize {
        if self.by_pixel { 1 } else { x.area() }
    }

    fn sets(&self, x: DeviceMap) -> usize {
        x.pixels() / self.pixels(x) * self.groups
    }

    fn constants(&self, x: DeviceMap, affine: bool) -> KernelConstants {
        KernelConstants::new()
            .ints([("PIXELS", x.pixels()), ("C", x.channels()), ("C4", x.stored_channels()), ("XP", x.pitch)])
            .ints([("SETS", self.sets(x)), ("GROUPS", self.groups)])
            .ints([("SET_PIXELS", self.pixels(x)), ("SET_CHANNELS", x.channels() / self.groups)])
            .flag("AFFINE", affine)
            .number("EPSILON", self.epsilon)
    }
}

/// Weight and bias of the layer, if it has any.
fn affine(b: &mut CudaBuilder, layer: Option<usize>) -> [Option<BufferPlace>; 2] {
    match layer {
        Some(layer) => ["weight", "bias"].map(|name| Some(b.weight(layer, name))),
        None => [None; 2],
    }
}

/// Launches a kernel that finds two numbers of each set.
fn sums(
    b: &mut CudaBuilder,
    sources: &'static [&'static str],
    set: SetNorm,
    x: DeviceMap,
    g: Option<(DeviceMap, DeviceBufferId)>,
    weight: Option<BufferPlace>,
) -> DeviceBufferId {
    let to = b.temporary(2 * set.sets(x));
    let large = set.pixels(x) * (x.channels() / set.groups) > SMALL_SET;
    let (team, threads) = if large { (TEAM, TEAM) } else { (1, THREADS) };
    let constants = set
        .constants(x, weight.is_some())
        .ints([("TEAM", team), ("GP", g.map_or(0, |(g, _)| g.pitch))])
        .flag("GRADIENT", g.is_some());
    let call = KernelCall {
        name: "set_sums",
        sources,
        constants,
        threads,
        shared_bytes: threads * 8,
        has_barriers: large,
        grid: [set.sets(x).div_ceil(threads / team), 1],
    };
    let arguments =
        vec![x.place(), g.and_then(|(g, _)| g.place()), weight, g.and_then(|(_, found)| whole(found)), whole(to)];
    b.launch(call, arguments);
    to
}

pub(super) fn forward(b: &mut CudaBuilder, node: &FusedNode, set: SetNorm, layer: Option<usize>) {
    let x = b.map(node.inputs[0]);
    let [weight, bias] = affine(b, layer);
    let found = sums(b, SUMS, set, x, None, None);
    let y = b.output(node.outputs[0]);
    let constants = set.constants(x, weight.is_some()).int("YP", y.pitch);
    let call = KernelCall::of_items("set_apply", APPLY, constants, x.pixels() * x.stored_channels());
    b.launch(call, vec![x.place(), weight, bias, whole(found), y.place()]);
}

pub(super) fn backward(b: &mut CudaBuilder, node: &FusedNode, set: SetNorm, layer: Option<usize>, g: DeviceMap) {
    let x = b.map(node.inputs[0]);
    let [weight, _] = affine(b, layer);
    // Found again rather than kept: it is a few numbers, and the map is read anyway.
    let found = sums(b, SUMS, set, x, None, None);
    if let Some(layer) = layer {
        let constants = set.constants(x, false);
        set_weight_gradients(b, constants, layer, (x, found), g);
    }
    if !b.fused.values[node.inputs[0]].differentiable {
        return;
    }
    let flow = sums(b, FLOW, set, x, Some((g, found)), weight);
    let (into, add) = b.gradient_into(node.inputs[0]);
    let constants = set.constants(x, weight.is_some()).ints([("GP", g.pitch), ("TP", into.pitch)]).flag("ADD", add);
    let call = KernelCall::of_items("set_gradient", GRADIENT, constants, x.pixels() * x.stored_channels());
    b.launch(call, vec![x.place(), g.place(), weight, whole(found), whole(flow), into.place()]);
}
