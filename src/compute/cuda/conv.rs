//! Convolutions, transposed convolutions and linear layers as launches: weights in the order of a region's taps, the
//! matrix product, and the gradients.

use super::builder::{BlockStatistics, CudaBuilder, KernelCall, whole};
use super::constants::KernelConstants;
use super::map::DeviceMap;
use super::norm::{bias_gradient, folded_norm};
use super::program::BufferPlace;
use crate::compute::fused::{ConvKind, ConvNode, ConvRegion, FusedNode, Unsupported};

const CONV: &[&str] = &[include_str!("kernels/tensor_core.cu"), include_str!("kernels/conv.cu")];
const WEIGHTS: &[&str] = &[include_str!("kernels/conv_weights.cu")];
const WEIGHT_GRADIENT: &[&str] =
    &[include_str!("kernels/tensor_core.cu"), include_str!("kernels/conv_weight_gradient.cu")];
const WEIGHT_SUMS: &[&str] = &[include_str!("kernels/weight_sums.cu")];

/// Products of one step of a tile.
const BLOCK_PRODUCTS: usize = 32;
/// Tiles in flight.
const STAGES: usize = 3;
/// Blocks that fill a card: two for each multiprocessor of an H100.
const FULL_CARD: usize = 264;

/// The part of the product that one block computes: rows by columns, and the grid of its warps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvTile {
    pub rows: usize,
    pub columns: usize,
    pub warps: [usize; 2],
}

impl ConvTile {
    /// All tiles; tests run each of them.
    pub const ALL: [ConvTile; 5] = [
        ConvTile { rows: 64, columns: 32, warps: [2, 2] },
        ConvTile { rows: 128, columns: 32, warps: [4, 1] },
        ConvTile { rows: 64, columns: 64, warps: [2, 2] },
        ConvTile { rows: 128, columns: 64, warps: [4, 2] },
        ConvTile { rows: 128, columns: 128, warps: [4, 2] },
    ];

    /// Chooses the largest tile that still fills a card, with as few empty columns as possible.
    fn choose(rows: usize, columns: usize) -> Self {
        let widest = columns.next_multiple_of(32);
        let fits = |tile: &&ConvTile| tile.columns <= widest && widest.next_multiple_of(tile.columns) - widest < 32;
        let blocks = |tile: &ConvTile| rows.div_ceil(tile.rows) * columns.div_ceil(tile.columns);
        let full = Self::ALL.iter().rev().filter(fits).find(|tile| blocks(tile) >= FULL_CARD);
        *full.unwrap_or(&Self::ALL[if widest.is_multiple_of(64) { 2 } else { 0 }])
    }

    pub fn threads(&self) -> usize {
        32 * self.warps[0] * self.warps[1]
    }

    fn constants(&self) -> KernelConstants {
        let [wm, wn] = self.warps;
        KernelConstants::new().ints([
            ("BM", self.rows),
            ("BN", self.columns),
            ("BK", BLOCK_PRODUCTS),
            ("WM", wm),
            ("WN", wn),
            ("STAGES", STAGES),
        ])
    }
}

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

pub fn forward(b: &mut CudaBuilder, node: &FusedNode, conv: &ConvNode) -> Result<(), Unsupported> {
    let x = b.map(node.inputs[0]);
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
            let found = product(b, &conv.window.region(y.size()), x, y, order, epilogue);
            b.statistics[node.outputs[0]] = found;
        }
        ConvKind::Transposed => {
            let order = WeightOrder::of(b, conv, x.channels(), y.channels(), false);
            for region in conv.window.transposed_regions(y.size()) {
                product(b, &region, x, y, order, epilogue);
            }
        }
        ConvKind::Depthwise => return b.no_kernel("a depthwise convolution"),
    }
    Ok(())
}

pub fn backward(b: &mut CudaBuilder, node: &FusedNode, conv: &ConvNode, g: DeviceMap) -> Result<(), Unsupported> {
    let x = b.map(node.inputs[0]);
    let differentiable = b.fused.values[node.inputs[0]].differentiable;
    if b.weight_len(conv.layer, "bias").is_some() {
        let to = b.weight_gradient(conv.layer, "bias");
        bias_gradient(b, g, to);
    }
    match conv.kind {
        ConvKind::Regular => {
            weight_gradient(b, conv, g, x);
            if differentiable {
                let order = WeightOrder::of(b, conv, g.channels(), x.channels(), false);
                let (into, add) = b.gradient_into(node.inputs[0]);
                for region in conv.window.transposed_regions(x.size()) {
                    product(b, &region, g, into, order, ConvEpilogue { add, ..ConvEpilogue::default() });
                }
            }
        }
        ConvKind::Transposed => {
            weight_gradient(b, conv, x, g);
            if differentiable {
                let order = WeightOrder::of(b, conv, x.channels(), g.channels(), true);
                let (into, add) = b.gradient_into(node.inputs[0]);
                let region = conv.window.region(x.size());
                product(b, &region, g, into, order, ConvEpilogue { add, ..ConvEpilogue::default() });
            }
        }
        ConvKind::Depthwise => return b.no_kernel("a depthwise convolution"),
    }
    Ok(())
}

fn region_constants(constants: KernelConstants, region: &ConvRegion) -> KernelConstants {
    constants
        .ints([("TAPS", region.taps.len()), ("STRIDE_Y", region.stride[0]), ("STRIDE_X", region.stride[1])])
        .table("TAP_Y", region.taps.iter().map(|tap| tap.y))
        .table("TAP_X", region.taps.iter().map(|tap| tap.x))
}

/// Computes the pixels of a region of `y` from `x`.
fn product(
    b: &mut CudaBuilder,
    region: &ConvRegion,
    x: DeviceMap,
    y: DeviceMap,
    order: WeightOrder,
    epilogue: ConvEpilogue,
) -> Option<BlockStatistics> {
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
    let tile = ConvTile::choose(rows, order.rows);
    let blocks = rows.div_ceil(tile.rows);
    let statistics = epilogue.statistics.then(|| BlockStatistics {
        buffer: b.temporary(blocks * y.stored_channels() * 2),
        blocks,
        block_pixels: tile.rows,
    });
    let constants = region_constants(tile.constants(), region)
        .ints([("N", n), ("P", region.rows.count), ("Q", region.columns.count)])
        .ints([("FIRST_Y", region.rows.first), ("STEP_Y", region.rows.step)])
        .ints([("FIRST_X", region.columns.first), ("STEP_X", region.columns.step)])
        .ints([("H", x.dims[2]), ("W", x.dims[3]), ("C4", stored), ("XP", x.pitch)])
        .ints([("HO", y.dims[2]), ("WO", y.dims[3]), ("K", order.rows), ("K4", y.stored_channels()), ("YP", y.pitch)])
        .int("PASSES", b.precision.passes())
        .flag("BIAS", epilogue.bias.is_some())
        .flag("RELU", epilogue.relu)
        .flag("ADD", epilogue.add)
        .flag("STATISTICS", epilogue.statistics);
    let call = KernelCall {
        name: "conv",
        sources: CONV,
        constants,
        threads: tile.threads(),
        shared_bytes: STAGES * (tile.rows + tile.columns) * BLOCK_PRODUCTS * 4,
        has_barriers: true,
        grid: [blocks, order.rows.div_ceil(tile.columns)],
    };
    let arguments = vec![
        x.place(),
        whole(packed),
        epilogue.bias,
        y.place(),
        statistics.and_then(|statistics| whole(statistics.buffer)),
    ];
    b.launch(call, arguments);
    statistics
}

/// Computes the gradient of a layer's weights from its maps, one of which is a gradient.
fn weight_gradient(b: &mut CudaBuilder, conv: &ConvNode, smaller: DeviceMap, larger: DeviceMap) {
    let region = conv.window.region(smaller.size());
    let (taps, stored) = (region.taps.len(), larger.stored_channels());
    let (rows, columns, pixels) = (smaller.channels(), taps * stored, smaller.pixels());
    // Wide tiles read the smaller map fewer times; its channels are the rows.
    let tile = match rows {
        0..=32 => ConvTile { rows: 32, columns: 128, warps: [1, 4] },
        33..=64 => ConvTile { rows: 64, columns: 64, warps: [2, 2] },
        _ => ConvTile { rows: 128, columns: 64, warps: [4, 2] },
    };
    let tiles = rows.div_ceil(tile.rows) * columns.div_ceil(tile.columns);
    // As many runs of pixels as fill the card, each of some steps.
    let splits = FULL_CARD.div_ceil(tiles).min(pixels.div_ceil(8 * BLOCK_PRODUCTS)).max(1);
    let run = pixels.div_ceil(splits).next_multiple_of(BLOCK_PRODUCTS);
    let splits = pixels.div_ceil(run);
    let part = b.temporary(splits * rows * columns);
    let constants = region_constants(tile.constants(), &region)
        .ints([("N", smaller.dims[0]), ("P", smaller.dims[2]), ("Q", smaller.dims[3])])
        .ints([("K", smaller.channels()), ("SP", smaller.pitch), ("RUN", run)])
        .ints([("H", larger.dims[2]), ("W", larger.dims[3]), ("C4", stored), ("XP", larger.pitch)])
        .int("PASSES", b.precision.passes());
    let call = KernelCall {
        name: "conv_weight_gradient",
        sources: WEIGHT_GRADIENT,
        constants,
        threads: tile.threads(),
        shared_bytes: STAGES * BLOCK_PRODUCTS * (tile.rows + 8 + tile.columns + 8) * 4,
        has_barriers: true,
        grid: [tiles, splits],
    };
    b.launch(call, vec![smaller.place(), larger.place(), whole(part)]);
    let constants = KernelConstants::new().ints([
        ("A", rows),
        ("B", larger.channels()),
        ("TAPS", taps),
        ("C4", stored),
        ("SPLITS", splits),
    ]);
    let count = rows * larger.channels() * taps;
    let to = b.weight_gradient(conv.layer, "weight");
    b.launch(KernelCall::of_items("weight_sums", WEIGHT_SUMS, constants, count), vec![whole(part), Some(to)]);
}
