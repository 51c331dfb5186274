//! Convolutions, transposed convolutions and linear layers as launches: weights in the order of a region's taps, the
//! matrix product, and the gradients.

use super::builder::{BlockStatistics, CudaBuilder, KernelCall, ReadNorm, THREADS, whole};
use super::constants::KernelConstants;
use super::conv_tile::{BLOCK_PRODUCTS, ConvTile, FULL_CARD, STAGES};
use super::map::DeviceMap;
use super::norm::{bias_gradient, folded_norm};
use super::program::{BufferPlace, DeviceBufferId};
use crate::compute::fused::{ConvKind, ConvNode, ConvRegion, FusedNode, FusedValueId};

const NORMALISED: &str = include_str!("kernels/normalised.cu");
const CONV: &[&str] = &[include_str!("kernels/tensor_core.cu"), NORMALISED, include_str!("kernels/conv.cu")];
const WEIGHTS: &[&str] = &[include_str!("kernels/conv_weights.cu")];
const WEIGHT_GRADIENT: &[&str] =
    &[include_str!("kernels/tensor_core.cu"), NORMALISED, include_str!("kernels/conv_weight_gradient.cu")];
const DEPTHWISE: &[&str] = &[include_str!("kernels/depthwise.cu")];
const DEPTHWISE_WEIGHTS: &[&str] = &[include_str!("kernels/depthwise_weights.cu")];
const DEPTHWISE_GRADIENT: &[&str] = &[include_str!("kernels/depthwise_weight_gradient.cu")];
const WEIGHT_SUMS: &[&str] = &[include_str!("kernels/weight_sums.cu")];

/// Fewest pixels of a run of a depthwise weight gradient.
const SHORTEST_RUN: usize = 64;

/// A layer's weights as rows by channels by taps: the strides of rows and of channels in PyTorch's order.
#[derive(Debug, Clone, Copy)]
struct WeightOrder {
    weight: BufferPlace,
    rows: usize,
    row_stride: usize,
    channels: usize,
    channel_stride: usize,
}

impl WeightOrder {
    /// Returns the order of a layer whose tensor is `[smaller][larger][taps]`, for results with the smaller map's
    /// channels, or else the larger map's.
    fn of(b: &mut CudaBuilder, conv: &ConvNode, smaller: usize, larger: usize, to_smaller: bool) -> Self {
        let (weight, taps) = (b.weight(conv.layer, "weight"), conv.window.taps());
        let (outer, inner) = (larger * taps, taps);
        match to_smaller {
            true => Self { weight, rows: smaller, row_stride: outer, channels: larger, channel_stride: inner },
            false => Self { weight, rows: larger, row_stride: inner, channels: smaller, channel_stride: outer },
        }
    }
}

/// What a convolution does besides the product.
#[derive(Default, Clone, Copy)]
struct ConvEpilogue {
    factors: Option<BufferPlace>,
    bias: Option<BufferPlace>,
    relu: bool,
    add: bool,
    statistics: bool,
}

/// A map that a convolution reads, and the norm that it applies to it.
#[derive(Clone, Copy)]
struct ConvInputMap {
    map: DeviceMap,
    norm: Option<ReadNorm>,
}

impl ConvInputMap {
    /// Returns an input of a node.
    fn of(b: &CudaBuilder, value: FusedValueId) -> Self {
        match b.read_norm(value) {
            Some(norm) => Self { map: norm.map, norm: Some(norm) },
            None => Self::plain(b.map(value)),
        }
    }

    fn plain(map: DeviceMap) -> Self {
        Self { map, norm: None }
    }

    fn constants(&self, constants: KernelConstants) -> KernelConstants {
        constants
            .flag("NORMALISES", self.norm.is_some())
            .flag("NORM_RELU", self.norm.is_some_and(|norm| norm.relu))
            .int("NORM_CHANNELS", self.map.channels())
    }

    fn norm_place(&self) -> Option<BufferPlace> {
        self.norm.and_then(|norm| whole(norm.buffer))
    }

    /// Returns the bytes of shared memory for the norm's numbers.
    fn norm_bytes(&self) -> usize {
        if self.norm.is_some() { self.map.stored_channels() * 8 } else { 0 }
    }
}

pub(super) fn forward(b: &mut CudaBuilder, node: &FusedNode, conv: &ConvNode) {
    let input = ConvInputMap::of(b, node.inputs[0]);
    let x = input.map;
    let y = b.output(node.outputs[0]);
    let mut epilogue = ConvEpilogue { relu: conv.relu, ..ConvEpilogue::default() };
    epilogue.bias = b.weight_len(conv.layer, "bias").map(|_| b.weight(conv.layer, "bias"));
    if let Some(fold) = conv.fold {
        let folded = folded_norm(b, fold, y.channels(), epilogue.bias);
        (epilogue.factors, epilogue.bias) = (whole(folded.factors), whole(folded.bias));
    }
    match conv.kind {
        ConvKind::Regular => {
            epilogue.statistics = conv.before_norm;
            let order = WeightOrder::of(b, conv, y.channels(), x.channels(), true);
            b.part = b.slice_part(node.outputs[0]);
            let found = product(b, &conv.window.region(y.size()), input, y, order, epilogue);
            b.part = None;
            b.statistics[node.outputs[0]] = found;
        }
        ConvKind::Transposed => {
            let order = WeightOrder::of(b, conv, x.channels(), y.channels(), false);
            let regions = conv.window.transposed_regions(y.size());
            in_parts(b, regions, |b, region| {
                product(b, region, input, y, order, epilogue);
            });
        }
        ConvKind::Depthwise => {
            let region = conv.window.region(y.size());
            depthwise(b, conv, &region, x, y, epilogue);
        }
    }
}

pub(super) fn backward(b: &mut CudaBuilder, node: &FusedNode, conv: &ConvNode, g: DeviceMap) {
    let input = ConvInputMap::of(b, node.inputs[0]);
    let x = input.map;
    let differentiable = b.fused.values[node.inputs[0]].differentiable;
    if b.weight_len(conv.layer, "bias").is_some() && b.trains(conv.layer, "bias") {
        let to = b.weight_gradient(conv.layer, "bias");
        bias_gradient(b, g, to);
    }
    match conv.kind {
        ConvKind::Regular => {
            weight_gradient(b, conv, g, input);
            if differentiable {
                let order = WeightOrder::of(b, conv, g.channels(), x.channels(), false);
                let (into, add) = b.gradient_into(node.inputs[0]);
                let (regions, epilogue) =
                    (conv.window.transposed_regions(x.size()), ConvEpilogue { add, ..ConvEpilogue::default() });
                in_parts(b, regions, |b, region| {
                    product(b, region, ConvInputMap::plain(g), into, order, epilogue);
                });
            }
        }
        ConvKind::Transposed => {
            weight_gradient(b, conv, x, ConvInputMap::plain(g));
            if differentiable {
                let order = WeightOrder::of(b, conv, x.channels(), g.channels(), true);
                let (into, add) = b.gradient_into(node.inputs[0]);
                let region = conv.window.region(x.size());
                product(
                    b,
                    &region,
                    ConvInputMap::plain(g),
                    into,
                    order,
                    ConvEpilogue { add, ..ConvEpilogue::default() },
                );
            }
        }
        ConvKind::Depthwise => {
            depthwise_weight_gradient(b, conv, g, x);
            if differentiable {
                let (into, add) = b.gradient_into(node.inputs[0]);
                let (regions, epilogue) =
                    (conv.window.transposed_regions(x.size()), ConvEpilogue { add, ..ConvEpilogue::default() });
                in_parts(b, regions, |b, region| depthwise(b, conv, region, g, into, epilogue));
            }
        }
    }
}

/// Computes regions that share no pixel.
fn in_parts(b: &mut CudaBuilder, regions: Vec<ConvRegion>, compute: impl Fn(&mut CudaBuilder, &ConvRegion)) {
    b.part = Some(b.new_part());
    regions.iter().for_each(|region| compute(b, region));
    b.part = None;
}

fn region_constants(constants: KernelConstants, region: &ConvRegion) -> KernelConstants {
    constants
        .ints([("TAPS", region.taps.len()), ("STRIDE_Y", region.stride[0]), ("STRIDE_X", region.stride[1])])
        .table("TAP_Y", region.taps.iter().map(|tap| tap.y))
        .table("TAP_X", region.taps.iter().map(|tap| tap.x))
}

fn output_constants(constants: KernelConstants, region: &ConvRegion, x: DeviceMap, y: DeviceMap) -> KernelConstants {
    region_constants(constants, region)
        .ints([("N", y.dims[0]), ("P", region.rows.count), ("Q", region.columns.count)])
        .ints([("FIRST_Y", region.rows.first), ("STEP_Y", region.rows.step)])
        .ints([("FIRST_X", region.columns.first), ("STEP_X", region.columns.step)])
        .ints([("H", x.dims[2]), ("W", x.dims[3]), ("XP", x.pitch)])
        .ints([("HO", y.dims[2]), ("WO", y.dims[3]), ("YP", y.pitch)])
}

/// Computes the pixels of a region of `y`, each channel by itself.
fn depthwise(
    b: &mut CudaBuilder,
    conv: &ConvNode,
    region: &ConvRegion,
    x: DeviceMap,
    y: DeviceMap,
    epilogue: ConvEpilogue,
) {
    let (stored, taps) = (y.stored_channels(), region.taps.len());
    let weight = b.weight(conv.layer, "weight");
    let packed = b.temporary((taps * stored).max(4));
    if taps > 0 {
        let constants = KernelConstants::new()
            .ints([("TAPS", taps), ("TAPS_ALL", conv.window.taps()), ("C", y.channels()), ("C4", stored)])
            .flag("FACTORS", epilogue.factors.is_some())
            .table("TAP_WEIGHT", region.taps.iter().map(|tap| tap.weight as isize));
        let call = KernelCall::of_items("depthwise_weights", DEPTHWISE_WEIGHTS, constants, taps * stored);
        b.launch(call, vec![Some(weight), epilogue.factors, whole(packed)]);
    }
    let constants = output_constants(KernelConstants::new(), region, x, y)
        .ints([("C", y.channels()), ("C4", stored)])
        .flag("BIAS", epilogue.bias.is_some())
        .flag("RELU", epilogue.relu)
        .flag("ADD", epilogue.add);
    let count = y.dims[0] * region.rows.count * region.columns.count * (stored / 4);
    let call = KernelCall::of_items("depthwise", DEPTHWISE, constants, count);
    b.launch(call, vec![x.place(), whole(packed), epilogue.bias, y.place()]);
}

fn depthwise_weight_gradient(b: &mut CudaBuilder, conv: &ConvNode, smaller: DeviceMap, larger: DeviceMap) {
    if !b.trains(conv.layer, "weight") {
        return;
    }
    let region = conv.window.region(smaller.size());
    let (taps, stored, pixels) = (region.taps.len(), smaller.stored_channels(), smaller.pixels());
    let run = pixels.div_ceil(FULL_CARD).max(SHORTEST_RUN);
    let runs = pixels.div_ceil(run);
    let part = b.temporary(runs * taps * stored);
    let constants = region_constants(KernelConstants::new(), &region)
        .ints([("N", smaller.dims[0]), ("P", smaller.dims[2]), ("Q", smaller.dims[3]), ("SP", smaller.pitch)])
        .ints([("H", larger.dims[2]), ("W", larger.dims[3]), ("XP", larger.pitch)])
        .ints([("C4", stored), ("RUN", run)]);
    let call = KernelCall {
        name: "depthwise_weight_gradient",
        sources: DEPTHWISE_GRADIENT,
        constants,
        threads: THREADS,
        shared_bytes: THREADS * 4,
        has_barriers: true,
        grid: [runs, stored.div_ceil(32) * taps],
    };
    b.launch(call, vec![smaller.place(), larger.place(), whole(part)]);
    sum_splits(b, conv, part, runs, [1, smaller.channels(), taps], stored);
}

/// Computes the pixels of a region of `y` from `x`.
fn product(
    b: &mut CudaBuilder,
    region: &ConvRegion,
    input: ConvInputMap,
    y: DeviceMap,
    order: WeightOrder,
    epilogue: ConvEpilogue,
) -> Option<BlockStatistics> {
    let x = input.map;
    let stored = DeviceMap::stored(order.channels);
    let count = order.rows * region.taps.len() * stored;
    let packed = b.temporary(count.max(4));
    if count > 0 {
        let constants = KernelConstants::new()
            .ints([("ROWS", order.rows), ("TAPS", region.taps.len()), ("C", order.channels), ("C4", stored)])
            .ints([("ROW_STRIDE", order.row_stride), ("CHANNEL_STRIDE", order.channel_stride)])
            .flag("FACTORS", epilogue.factors.is_some())
            .table("TAP_WEIGHT", region.taps.iter().map(|tap| tap.weight as isize));
        let call = KernelCall::of_items("conv_weights", WEIGHTS, constants, count);
        b.launch(call, vec![Some(order.weight), epilogue.factors, whole(packed)]);
    }
    let [n, ..] = y.dims;
    let rows = n * region.rows.count * region.columns.count;
    let tile = b.options.tile.unwrap_or_else(|| ConvTile::choose(rows, order.rows));
    let blocks = rows.div_ceil(tile.rows);
    let statistics = epilogue.statistics.then(|| BlockStatistics {
        buffer: b.temporary(blocks * y.stored_channels() * 2),
        blocks,
        block_pixels: tile.rows,
    });
    let constants = output_constants(input.constants(tile.constants()), region, x, y)
        .ints([("C4", stored), ("K", order.rows), ("K4", y.stored_channels())])
        .int("PASSES", b.options.precision.passes())
        .flag("BIAS", epilogue.bias.is_some())
        .flag("RELU", epilogue.relu)
        .flag("ADD", epilogue.add)
        .flag("STATISTICS", epilogue.statistics);
    let call = KernelCall {
        name: "conv",
        sources: CONV,
        constants,
        threads: tile.threads(),
        shared_bytes: STAGES * (tile.rows + tile.columns) * BLOCK_PRODUCTS * 4 + input.norm_bytes(),
        has_barriers: true,
        grid: [blocks, order.rows.div_ceil(tile.columns)],
    };
    let arguments = vec![
        x.place(),
        whole(packed),
        epilogue.bias,
        y.place(),
        statistics.and_then(|statistics| whole(statistics.buffer)),
        input.norm_place(),
    ];
    b.launch(call, arguments);
    statistics
}

/// Computes the gradient of a layer's weights from its maps, one of which is a gradient.
fn weight_gradient(b: &mut CudaBuilder, conv: &ConvNode, smaller: DeviceMap, input: ConvInputMap) {
    if !b.trains(conv.layer, "weight") {
        return;
    }
    let larger = input.map;
    let region = conv.window.region(smaller.size());
    let (taps, stored) = (region.taps.len(), larger.stored_channels());
    let (rows, columns, pixels) = (smaller.channels(), taps * stored, smaller.pixels());
    let tile = b.options.gradient_tile.unwrap_or_else(|| ConvTile::choose_gradient(rows));
    let tiles = rows.div_ceil(tile.rows) * columns.div_ceil(tile.columns);
    // As many runs of pixels as fill the card, each of some steps.
    let splits = FULL_CARD.div_ceil(tiles).min(pixels.div_ceil(8 * BLOCK_PRODUCTS)).max(1);
    let run = pixels.div_ceil(splits).next_multiple_of(BLOCK_PRODUCTS);
    let splits = pixels.div_ceil(run);
    let part = b.temporary(splits * rows * columns);
    let constants = region_constants(input.constants(tile.constants()), &region)
        .ints([("N", smaller.dims[0]), ("P", smaller.dims[2]), ("Q", smaller.dims[3])])
        .ints([("K", smaller.channels()), ("SP", smaller.pitch), ("RUN", run)])
        .ints([("H", larger.dims[2]), ("W", larger.dims[3]), ("C4", stored), ("XP", larger.pitch)])
        .int("PASSES", b.options.precision.passes());
    let call = KernelCall {
        name: "conv_weight_gradient",
        sources: WEIGHT_GRADIENT,
        constants,
        threads: tile.threads(),
        shared_bytes: STAGES * BLOCK_PRODUCTS * (tile.rows + 8 + tile.columns + 8) * 4,
        has_barriers: true,
        grid: [tiles, splits],
    };
    b.launch(call, vec![smaller.place(), larger.place(), whole(part), input.norm_place()]);
    sum_splits(b, conv, part, splits, [rows, larger.channels(), taps], stored);
}

/// Adds the partial sums `[splits][a][taps][stored]` of a weight gradient, as `[a][b][taps]`.
fn sum_splits(
    b: &mut CudaBuilder,
    conv: &ConvNode,
    part: DeviceBufferId,
    splits: usize,
    [outer, inner, taps]: [usize; 3],
    stored: usize,
) {
    let constants =
        KernelConstants::new().ints([("A", outer), ("B", inner), ("TAPS", taps), ("C4", stored), ("SPLITS", splits)]);
    let to = b.weight_gradient(conv.layer, "weight");
    let call = KernelCall::of_items("weight_sums", WEIGHT_SUMS, constants, outer * inner * taps);
    b.launch(call, vec![whole(part), Some(to)]);
}
