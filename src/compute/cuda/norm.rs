//! Batch norms as launches, and sums over pixels.

use super::builder::{BlockStatistics, CudaBuilder, KernelCall, NormBuffer, ReadNorm, THREADS, whole};
use super::constants::KernelConstants;
use super::map::DeviceMap;
use super::program::{BufferPlace, BufferRole, DeviceBufferId};
use super::scalars::StepScalars;
use crate::compute::fused::{FoldedNorm, FusedNode, NormNode};
use crate::graph::op::{BatchNorm, Op};

const NORM: &str = include_str!("kernels/norm.cu");
const STATISTICS: &[&str] = &[NORM, include_str!("kernels/norm_statistics.cu")];
const RUNNING: &[&str] = &[NORM, include_str!("kernels/norm_running.cu")];
const FOLD: &[&str] = &[NORM, include_str!("kernels/norm_fold.cu")];
const APPLY: &[&str] = &[NORM, include_str!("kernels/norm_apply.cu")];
const GRADIENT: &[&str] = &[NORM, include_str!("kernels/norm_gradient.cu")];
const PIXEL_STATISTICS: &[&str] = &[include_str!("kernels/pixel_statistics.cu")];
const NORM_SUMS: &[&str] = &[NORM, NORM_TERMS, include_str!("kernels/pixel_sums.cu")];
const PLAIN_SUMS: &[&str] = &[PLAIN_TERMS, include_str!("kernels/pixel_sums.cu")];
const NORM_SUM_RUNS: &[&str] = &[NORM, NORM_FINISH, include_str!("kernels/sum_runs.cu")];
const SET_SUMS: &[&str] = &[SET_NORM, SET_TERMS, include_str!("kernels/pixel_sums.cu")];
const BOTH_SUM_RUNS: &[&str] = &[BOTH_FINISH, include_str!("kernels/sum_runs.cu")];
const SET_NORM: &str = include_str!("kernels/set_norm.cu");
const PLAIN_SUM_RUNS: &[&str] = &[PLAIN_FINISH, include_str!("kernels/sum_runs.cu")];

/// Sums of g and g * xhat, where g is zero where the ReLU was.
const NORM_TERMS: &str = "
FUNCTION void terms(const Channel& channel, const float*, int, int, float x, float g, float& first, float& second) {
  first = !RELU || x * channel.factor + channel.summand > 0.f ? g : 0.f;
  second = first * ((x - channel.mean) * channel.inverse);
}
";
/// The sum of g.
const PLAIN_TERMS: &str = "
struct Channel {};
FUNCTION Channel of_channel(const float*, int) { return Channel(); }
FUNCTION void terms(const Channel&, const float*, int, int, float, float g, float& first, float& second) { first = g; second = 0.f; }
";
/// Gradients of bias and weight; with the statistics of the batch (Ioffe and Szegedy 2015, section 3), the gradient of the
/// input is factor * (g - sum(g) / m - xhat * sum(g * xhat) / m), which is factor * g + b * x + c.
const NORM_FINISH: &str = "
FUNCTION void finish(const float* norm, int c, double s0, double s1, float* first, float* second, float* coefficients) {
  Channel channel = of_channel(norm, c);
  first[c] = (float)s0;
  second[c] = (float)s1;
  double of_x = OF_BATCH ? -(double)channel.factor * channel.inverse * s1 / PIXELS : 0.0;
  coefficients[2 * c] = (float)of_x;
  coefficients[2 * c + 1] = OF_BATCH ? (float)(-(double)channel.factor * s0 / PIXELS - of_x * channel.mean) : 0.f;
}
";
/// Sums of g and g * xhat, by the statistics of sets of numbers.
const SET_TERMS: &str = "
struct Channel {};
FUNCTION Channel of_channel(const float*, int) { return Channel(); }
FUNCTION void terms(const Channel&, const float* statistics, int m, int c, float x, float g, float& first, float& second) {
  int s = set_of(m, c);
  first = g;
  second = g * ((x - statistics[2 * s]) * statistics[2 * s + 1]);
}
";
const BOTH_FINISH: &str = "
FUNCTION void finish(const float*, int c, double s0, double s1, float* first, float* second, float*) {
  first[c] = (float)s0;
  second[c] = (float)s1;
}
";
const PLAIN_FINISH: &str = "
FUNCTION void finish(const float*, int c, double s0, double, float* first, float*, float*) { first[c] = (float)s0; }
";

/// Numbers of a channel, as `norm.cu` has them.
const NORM_NUMBERS: usize = 4;
/// Threads that merge what blocks found of one channel.
const MERGE_THREADS: usize = 128;
/// Runs of pixels that a map is cut into, if it has enough: the cut follows the shape alone.
const RUNS: usize = 512;
/// Fewest pixels of a run.
const SHORTEST_RUN: usize = 64;

/// Factors for a convolution's weights, and its bias.
pub(super) struct FoldedBuffers {
    pub factors: DeviceBufferId,
    pub bias: DeviceBufferId,
}

fn running(b: &mut CudaBuilder, layer: usize, epsilon: f64, channels: usize) -> DeviceBufferId {
    let buffer = b.temporary(channels * NORM_NUMBERS);
    let constants = KernelConstants::new().int("C", channels).number("EPSILON", epsilon);
    let tensors = ["running_mean", "running_var", "weight", "bias"].map(|name| Some(b.weight(layer, name)));
    let arguments = tensors.into_iter().chain([whole(buffer)]).collect();
    b.launch(KernelCall::of_items("norm_running", RUNNING, constants, channels), arguments);
    buffer
}

/// Splits a norm with running statistics into what is folded into the convolution before it.
pub(super) fn folded_norm(
    b: &mut CudaBuilder,
    fold: FoldedNorm,
    channels: usize,
    conv_bias: Option<BufferPlace>,
) -> FoldedBuffers {
    let norm = running(b, fold.layer, fold.epsilon, channels);
    let folded = FoldedBuffers { factors: b.temporary(channels), bias: b.temporary(channels) };
    let constants = KernelConstants::new().int("C", channels).flag("BIAS", conv_bias.is_some());
    let arguments = vec![whole(norm), conv_bias, whole(folded.factors), whole(folded.bias)];
    b.launch(KernelCall::of_items("norm_fold", FOLD, constants, channels), arguments);
    folded
}

pub(super) fn forward(b: &mut CudaBuilder, at: usize, node: &FusedNode, op: &NormNode) {
    let x = b.map(node.inputs[0]);
    let of_batch = b.is_training() && !b.options.frozen.contains(&op.layer);
    let buffer = match of_batch {
        true => {
            let found = b.statistics[node.inputs[0]];
            let found = found.unwrap_or_else(|| pixel_statistics(b, x));
            merge(b, x, op, found)
        }
        false => running(b, op.layer, op.epsilon, x.channels()),
    };
    b.norms[at] = Some(NormBuffer { buffer, of_batch });
    if b.leave_to_readers(node.outputs[0], ReadNorm { map: x, buffer, relu: op.relu }) {
        return;
    }
    let y = b.output(node.outputs[0]);
    let constants = map_constants(x).int("YP", y.pitch).flag("RELU", op.relu);
    let count = x.pixels() * (x.stored_channels() / 4);
    let call = KernelCall::of_items("norm_apply", APPLY, constants, count);
    b.part = b.slice_part(node.outputs[0]);
    b.launch(call, vec![x.place(), whole(buffer), y.place()]);
    b.part = None;
}

pub(super) fn backward(b: &mut CudaBuilder, at: usize, node: &FusedNode, op: &NormNode, g: DeviceMap) {
    let x = b.map(node.inputs[0]);
    let norm = b.norms[at].expect("the forward pass ran this norm");
    let coefficients = b.temporary(2 * x.channels());
    let (bias, weight) = (b.weight_gradient(op.layer, "bias"), b.weight_gradient(op.layer, "weight"));
    let constants = KernelConstants::new().ints([("XP", x.pitch), ("C", x.channels())]).flag("RELU", op.relu);
    let (part, runs) = pixel_sums(b, NORM_SUMS, constants, Some(x), g, whole(norm.buffer));
    let constants = KernelConstants::new()
        .ints([("RUNS", runs), ("C", x.channels()), ("C4", x.stored_channels()), ("PIXELS", x.pixels())])
        .flag("OF_BATCH", norm.of_batch);
    let call = merging("sum_runs", NORM_SUM_RUNS, constants, x.channels(), 2);
    let arguments = vec![whole(part), whole(norm.buffer), Some(bias), Some(weight), whole(coefficients)];
    b.launch(call, arguments);
    if b.fused.values[node.inputs[0]].differentiable {
        let (into, add) = b.gradient_into(node.inputs[0]);
        let constants =
            map_constants(x).ints([("GP", g.pitch), ("TP", into.pitch)]).flag("RELU", op.relu).flag("ADD", add);
        let count = x.pixels() * (x.stored_channels() / 4);
        let call = KernelCall::of_items("norm_gradient", GRADIENT, constants, count);
        let arguments = vec![x.place(), g.place(), whole(norm.buffer), whole(coefficients), into.place()];
        b.launch(call, arguments);
    }
}

/// Sums a gradient over its pixels.
pub(super) fn bias_gradient(b: &mut CudaBuilder, g: DeviceMap, to: BufferPlace) {
    let constants = KernelConstants::new().int("XP", 0);
    let (part, runs) = pixel_sums(b, PLAIN_SUMS, constants, None, g, None);
    let constants = KernelConstants::new().ints([("RUNS", runs), ("C", g.channels()), ("C4", g.stored_channels())]);
    let call = merging("sum_runs", PLAIN_SUM_RUNS, constants, g.channels(), 2);
    b.launch(call, vec![whole(part), None, Some(to), None, None]);
}

fn map_constants(x: DeviceMap) -> KernelConstants {
    KernelConstants::new().ints([
        ("PIXELS", x.pixels()),
        ("C", x.channels()),
        ("C4", x.stored_channels()),
        ("XP", x.pitch),
    ])
}

/// A kernel with a block for each channel, whose threads merge `numbers` 64-bit numbers each.
fn merging(
    name: &'static str,
    sources: &'static [&'static str],
    constants: KernelConstants,
    channels: usize,
    numbers: usize,
) -> KernelCall {
    KernelCall {
        name,
        sources,
        constants,
        threads: MERGE_THREADS,
        shared_bytes: numbers * MERGE_THREADS * 8,
        has_barriers: true,
        grid: [channels, 1],
    }
}

/// Pixels of a run.
fn run_length(pixels: usize) -> usize {
    pixels.div_ceil(RUNS).max(SHORTEST_RUN)
}

/// Takes the statistics of a map, run by run.
fn pixel_statistics(b: &mut CudaBuilder, x: DeviceMap) -> BlockStatistics {
    let run = run_length(x.pixels());
    let blocks = x.pixels().div_ceil(run);
    let buffer = b.temporary(blocks * x.stored_channels() * 2);
    let call = KernelCall {
        name: "pixel_statistics",
        sources: PIXEL_STATISTICS,
        constants: map_constants(x).int("RUN", run),
        threads: THREADS,
        shared_bytes: THREADS * 4,
        has_barriers: true,
        grid: [blocks, x.stored_channels().div_ceil(32)],
    };
    b.launch(call, vec![x.place(), whole(buffer)]);
    BlockStatistics { buffer, blocks, block_pixels: run }
}

/// Merges the statistics of blocks to the norm's numbers.
fn merge(b: &mut CudaBuilder, x: DeviceMap, op: &NormNode, found: BlockStatistics) -> DeviceBufferId {
    let channels = x.channels();
    let norm = b.temporary(channels * NORM_NUMBERS);
    let batch = b.named(BufferRole::BatchStatistics { layer: op.layer }, 2 * channels);
    // A training step moves the running statistics, by their momentum and with the unbiased variance.
    let running = b.training.as_ref().and_then(|training| Some((training.running(op.layer)?, training.scalars)));
    let Op::BatchNorm(BatchNorm { momentum, .. }) = b.plan.layers[op.layer].op else {
        unreachable!("the layer of a norm is a batch norm")
    };
    let unbiased = x.pixels() as f64 / (x.pixels() as f64 - 1.0).max(1.0);
    let constants = KernelConstants::new()
        .ints([("BLOCKS", found.blocks), ("BLOCK_PIXELS", found.block_pixels), ("PIXELS", x.pixels())])
        .ints([("C", channels), ("C4", x.stored_channels())])
        .ints([("TO_VARIANCE", running.as_ref().map_or(0, |(places, _)| places.to_variance))])
        .flag("RUNNING", running.is_some())
        .number("KEEP", 1.0 - momentum)
        .number("OF_MEAN", momentum)
        .number("OF_VARIANCE", momentum * unbiased)
        .number("EPSILON", op.epsilon);
    let constants = StepScalars::positions(constants);
    let tensors = ["weight", "bias"].map(|name| Some(b.weight(op.layer, name)));
    let mut arguments = vec![whole(found.buffer), tensors[0], tensors[1], whole(norm), Some(batch)];
    arguments.extend(match running {
        Some((places, scalars)) => [Some(scalars), Some(places.running), Some(places.pending)],
        None => [None; 3],
    });
    b.launch(merging("norm_statistics", STATISTICS, constants, channels, 3), arguments);
    norm
}

/// Sums the gradients of weight and bias of a norm over sets of numbers. `constants` are those of the sets, `found` the
/// statistics of each.
pub(super) fn set_weight_gradients(
    b: &mut CudaBuilder,
    constants: KernelConstants,
    layer: usize,
    (x, found): (DeviceMap, DeviceBufferId),
    g: DeviceMap,
) {
    let (part, runs) = pixel_sums(b, SET_SUMS, constants, Some(x), g, whole(found));
    let constants = KernelConstants::new().ints([("RUNS", runs), ("C", x.channels()), ("C4", x.stored_channels())]);
    let [weight, bias] = ["weight", "bias"].map(|name| Some(b.weight_gradient(layer, name)));
    let call = merging("sum_runs", BOTH_SUM_RUNS, constants, x.channels(), 2);
    b.launch(call, vec![whole(part), None, bias, weight, None]);
}

/// Sums over pixels, run by run; returns the sums and the number of runs. `constants` are those of the terms.
fn pixel_sums(
    b: &mut CudaBuilder,
    sources: &'static [&'static str],
    constants: KernelConstants,
    x: Option<DeviceMap>,
    g: DeviceMap,
    norm: Option<BufferPlace>,
) -> (DeviceBufferId, usize) {
    let run = run_length(g.pixels());
    let runs = g.pixels().div_ceil(run);
    let part = b.temporary(runs * g.stored_channels() * 2);
    let constants = constants.ints([("ALL_PIXELS", g.pixels()), ("SUMMED", g.stored_channels()), ("GP", g.pitch)]);
    let constants = constants.int("RUN", run).flag("READS_X", x.is_some()).int("CHANNELS", g.channels());
    let call = KernelCall {
        name: "pixel_sums",
        sources,
        constants,
        threads: THREADS,
        shared_bytes: 2 * THREADS * 4,
        has_barriers: true,
        grid: [runs, g.stored_channels().div_ceil(32)],
    };
    b.launch(call, vec![x.and_then(|x| x.place()), g.place(), norm, whole(part)]);
    (part, runs)
}
