//! 3x3 convolutions of stride 1 by Winograd's transforms: forward, to the input and to the weights.
//!
//! Tiles are numbered through all images, rows and columns, and processed in chunks: the inputs of a chunk are
//! transformed, multiplied point by point with the transformed weights by the microkernel of direct convolutions, and
//! transformed back. A chunk is small enough for the intermediate results to stay in the cache.

mod weight_gradient;

pub(crate) use weight_gradient::weight_gradient;

use super::buffer::{AlignedBuffer, BufferPool};
use super::conv_region::{ChannelSums, Epilogue};
use super::packing::PackedWeights;
use super::prologue::{ConvInput, scale_and_clamp};
use super::simd::{LANES, SimdLevel};
use super::team::{self, DisjointWrites};
use super::tile::{InputBlock, Tile, TileTap, max_tile_width, tile_kernel};
use super::winograd_transform::{self, OutputTile, PATCH, POINTS, TILE, TransformPatch, WinogradTransforms};
use crate::compute::engine::memory_layout::{MapLayout, MapViewMut};
use std::cell::RefCell;
use std::ops::Range;

/// Maximum bytes of a chunk's transformed inputs and products.
const CHUNK: usize = 768 << 10;
/// Bytes of transformed weights up to which each thread has chunks of its own. Above it, all threads share one chunk,
/// so that the weights are read once per chunk.
const OWN_CHUNKS: usize = 3 << 20;
/// Bytes of a shared chunk.
const SHARED_CHUNK: usize = 8 << 20;
/// Number of tasks that a map is cut into if it has enough tiles. The cut follows the shape and not the number of
/// threads.
const TASKS: usize = 8;
/// Minimum number of tiles. For fewer, transforming the weights costs more than the products save.
const MIN_TILES: usize = 48;
/// Minimum number of channels. For fewer, the transforms cost more than the products save.
const MIN_CHANNELS: usize = 24;

/// Whether a 3x3 convolution of stride 1 between these maps is faster by Winograd's transforms. Tiles cross the edge of
/// maps whose size is no multiple of theirs; if too much lies outside, nothing is saved.
pub(crate) fn is_profitable(input: &MapLayout, output: &MapLayout) -> bool {
    let full = output.h.div_ceil(TILE) * TILE * output.w.div_ceil(TILE) * TILE;
    input.lanes == LANES
        && input.channels().min(output.channels()) >= MIN_CHANNELS
        && 2 * full <= 3 * output.h * output.w
        && output.n * full / (TILE * TILE) >= MIN_TILES
}

/// Packs transformed weights; `weight(o, i)` is the 3x3 kernel from input channel `i` to output channel `o`.
pub(crate) fn pack(
    input: &MapLayout,
    output: &MapLayout,
    weight: impl Fn(usize, usize) -> [f32; 9] + Sync,
) -> PackedWeights {
    PackedWeights::pack_with(input, output, POINTS, |outputs, block, part| {
        let (vectors, _) = part.as_chunks_mut::<LANES>();
        let groups = outputs.len() / LANES;
        let (mut g, mut u) = ([[0.0; LANES]; 9], [[0.0; LANES]; POINTS]);
        for channel in 0..block.count {
            for (group, outputs) in outputs.as_chunks::<LANES>().0.iter().enumerate() {
                for (lane, output) in outputs.iter().enumerate() {
                    let kernel = output.map_or([0.0; 9], |output| weight(output, block.first_channel + channel));
                    g.iter_mut().zip(kernel).for_each(|(g, k)| g[lane] = k);
                }
                winograd_transform::transform_kernels(&g, &mut u);
                for (point, u) in u.iter().enumerate() {
                    vectors[(point * block.count + channel) * groups + group] = *u;
                }
            }
        }
    })
}

/// The tiles of an output map.
#[derive(Clone, Copy)]
struct TileGrid {
    down: usize,
    across: usize,
    count: usize,
}

impl TileGrid {
    fn of(layout: &MapLayout) -> Self {
        let (down, across) = (layout.h.div_ceil(TILE), layout.w.div_ceil(TILE));
        Self { down, across, count: layout.n * down * across }
    }

    /// Returns image, first row and first column of a tile.
    fn origin(&self, tile: usize) -> [usize; 3] {
        let in_image = tile % (self.down * self.across);
        [tile / (self.down * self.across), in_image / self.across * TILE, in_image % self.across * TILE]
    }

    /// Cuts the tiles into at least `least` chunks of at most `most` tiles, of nearly equal size.
    fn chunks(&self, most: usize, least: usize) -> Vec<Range<usize>> {
        let count = self.count.div_ceil(most.max(1)).max(least.min(self.count)).max(1);
        (0..count).map(|i| self.count * i / count..self.count * (i + 1) / count).collect()
    }
}

/// Memory of shared chunks.
static POOL: BufferPool = BufferPool::new();

thread_local! {
    /// A chunk's transformed inputs and products.
    static SCRATCH: RefCell<[AlignedBuffer; 2]> = RefCell::new([AlignedBuffer::zeros(0), AlignedBuffer::zeros(0)]);
}

/// Returns `len` numbers of a buffer with arbitrary contents, and grows it if necessary.
fn scratch_of_len(buffer: &mut AlignedBuffer, len: usize) -> &mut [f32] {
    if buffer.len() < len {
        *buffer = AlignedBuffer::zeros(len);
    }
    &mut buffer[..len]
}

/// Transforms one tile of one block. Pixels outside the map are 0.
fn transform_input(source: ConvInput, image: usize, block: usize, first: [isize; 2], to: *mut f32, point: usize) {
    let (x, prologue) = (source.view, source.prologue.map(|prologue| prologue.block(block)));
    let layout = x.layout;
    let row = layout.row_len();
    // The halo holds zeros, which are not the prologue's results for zeros.
    let reach = if prologue.is_some() { 0 } else { layout.halo as isize };
    let (h, w) = (layout.h as isize, layout.w as isize);
    let plane = (image * layout.blocks() + block) * layout.plane_len();
    let [y, left] = first;
    let at = |y: isize, left: isize| plane + y as usize * row + (left + layout.halo as isize) as usize * LANES;
    let WinogradTransforms { input, input_with_prologue, .. } = WinogradTransforms::get();
    if y >= 0 && y + PATCH as isize <= h && left >= -reach && left + PATCH as isize <= w + reach {
        let from = at(y, left);
        let from = &x.data[from..from + (PATCH - 1) * row + PATCH * LANES];
        let patch = TransformPatch { from: from.as_ptr(), row, to, point };
        // SAFETY: the slice holds the patch; the caller's `to` holds 36 points.
        return unsafe {
            match &prologue {
                None => input(&patch),
                Some(prologue) => input_with_prologue(&patch, prologue),
            }
        };
    }
    let mut patch = [0.0f32; POINTS * LANES];
    for dy in 0..PATCH as isize {
        let y = y + dy;
        if y < 0 || y >= h {
            continue;
        }
        let (start, end) = ((-left).clamp(0, PATCH as isize), (w - left).clamp(0, PATCH as isize));
        if start < end {
            let from = at(y, left + start);
            let count = (end - start) as usize * LANES;
            let to = (dy as usize * PATCH + start as usize) * LANES;
            let (from, to) = (&x.data[from..from + count], &mut patch[to..to + count]);
            match &prologue {
                None => to.copy_from_slice(from),
                Some(prologue) => scale_and_clamp(from, to, prologue.factor, prologue.summand, prologue.floor),
            }
        }
    }
    // SAFETY: as above, from the copy.
    unsafe { input(&TransformPatch { from: patch.as_ptr(), row: PATCH * LANES, to, point }) }
}

/// The operands of a convolution in chunks.
struct WinogradConv<'a> {
    source: ConvInput<'a>,
    weights: &'a PackedWeights,
    output: &'a MapLayout,
    writes: DisjointWrites,
    epilogue: Epilogue<'a>,
    pad: [usize; 2],
    tiles: TileGrid,
}

/// Convolves an input with `pad` rows and columns of zeros around it. As
/// [`crate::compute::engine::kernel::conv_region::convolve`], with weights of [`pack`].
pub(crate) fn convolve(
    source: ConvInput,
    weights: &PackedWeights,
    pad: [usize; 2],
    output: &mut MapViewMut,
    epilogue: Epilogue,
) -> Option<ChannelSums> {
    let (x, layout) = (source.view, output.layout);
    assert!(x.data.len() >= x.layout.buffer_len() && output.data.len() >= layout.buffer_len());
    assert!(layout.lanes == LANES && x.layout.lanes == LANES && x.layout.n == layout.n);
    assert!(weights.taps == POINTS && epilogue.bias.is_none_or(|bias| bias.len() >= layout.slots()));
    let writes = DisjointWrites::new(output.data);
    let conv = WinogradConv { source, weights, output: layout, writes, epilogue, pad, tiles: TileGrid::of(layout) };
    let slots = x.layout.slots() + layout.slots();
    let tile_bytes = POINTS * slots * size_of::<f32>();
    let parts: Vec<ChannelSums> = if weights.bytes() <= OWN_CHUNKS {
        let chunks = conv.tiles.chunks(CHUNK / tile_bytes, TASKS);
        team::map(chunks.len(), |i| conv.own_chunk(chunks[i].clone()))
    } else {
        let chunks = conv.tiles.chunks(SHARED_CHUNK / tile_bytes, 1);
        chunks.into_iter().map(|chunk| conv.shared_chunk(chunk)).collect()
    };
    epilogue.sums.then(|| {
        let mut sums = ChannelSums::zeros(layout.slots());
        parts.iter().for_each(|part| sums.add(0, part));
        sums
    })
}

impl WinogradConv<'_> {
    /// Runs all steps of a chunk on this thread.
    fn own_chunk(&self, chunk: Range<usize>) -> ChannelSums {
        let (inputs, outputs) = (self.source.view.layout.blocks(), self.output.blocks());
        let vectors = chunk.len() * LANES;
        SCRATCH.with_borrow_mut(|[v, m]| {
            let (v, m) = (scratch_of_len(v, POINTS * inputs * vectors), scratch_of_len(m, POINTS * outputs * vectors));
            for block in 0..inputs {
                self.transform(&chunk, block, DisjointWrites::new(v));
            }
            for point in 0..POINTS {
                for group in 0..self.weights.groups.len() {
                    self.multiply(point, group, v, DisjointWrites::new(m), chunk.len());
                }
            }
            let mut sums = self.no_sums();
            for block in 0..outputs {
                self.finish_block(&chunk, block, m, &mut sums);
            }
            sums
        })
    }

    /// Runs each step of a chunk on all threads.
    fn shared_chunk(&self, chunk: Range<usize>) -> ChannelSums {
        let (inputs, outputs) = (self.source.view.layout.blocks(), self.output.blocks());
        let vectors = chunk.len() * LANES;
        let (mut v, mut m) = (POOL.acquire(POINTS * inputs * vectors), POOL.acquire(POINTS * outputs * vectors));
        let place = DisjointWrites::new(&mut v);
        team::for_each(inputs, |block| self.transform(&chunk, block, place));
        let place = DisjointWrites::new(&mut m);
        let groups = self.weights.groups.len();
        team::for_each(POINTS * groups, |i| self.multiply(i / groups, i % groups, &v, place, chunk.len()));
        let parts: Vec<ChannelSums> = team::map(outputs, |block| {
            let mut sums = self.no_sums();
            self.finish_block(&chunk, block, &m, &mut sums);
            sums
        });
        let mut sums = self.no_sums();
        parts.iter().for_each(|part| sums.add(0, part));
        POOL.release(v);
        POOL.release(m);
        sums
    }

    fn no_sums(&self) -> ChannelSums {
        ChannelSums::zeros(if self.epilogue.sums { self.output.slots() } else { 0 })
    }

    /// Transforms one block of the input to `[point][block][tile][lane]`.
    fn transform(&self, chunk: &Range<usize>, block: usize, to: DisjointWrites) {
        let blocks = self.source.view.layout.blocks();
        let vectors = chunk.len() * LANES;
        for (i, tile) in chunk.clone().enumerate() {
            let [image, y, x] = self.tiles.origin(tile);
            let first = [y as isize - self.pad[0] as isize, x as isize - self.pad[1] as isize];
            transform_input(self.source, image, block, first, to.at(block * vectors + i * LANES), blocks * vectors);
        }
    }

    /// Computes one point's product for one group of output blocks.
    fn multiply(&self, point: usize, group: usize, v: &[f32], m: DisjointWrites, tiles: usize) {
        let (level, weights) = (SimdLevel::get(), self.weights);
        let group = &weights.groups[group];
        let (inputs, outputs) = (self.source.view.layout.blocks(), self.output.blocks());
        let vectors = tiles * LANES;
        let blocks: Vec<InputBlock> = (weights.blocks.iter())
            .map(|b| InputBlock { input: b.block * vectors, weight: b.first_channel * POINTS, channels: b.count })
            .collect();
        let taps = [TileTap { input: 0, weight: point }];
        let v = &v[point * inputs * vectors..][..inputs * vectors];
        let count = tiles.div_ceil(max_tile_width(level, group.blocks));
        for i in 0..count {
            let (first, end) = (tiles * i / count, tiles * (i + 1) / count);
            // SAFETY: `v` holds `tiles` vectors for each input block and `m` for each output block of each point; the
            // weights were packed for these layouts. No other call writes this point and group.
            unsafe {
                tile_kernel(level, end - first, group.blocks, LANES)(&Tile {
                    input: v.as_ptr().add(first * LANES),
                    pixel_stride: LANES,
                    channel_stride: 1,
                    weights: weights.data.as_ptr().add(group.at),
                    taps: &taps,
                    blocks: &blocks,
                    output: m.at((point * outputs + group.first) * vectors + first * LANES),
                    output_pixel_stride: LANES,
                    output_block_stride: vectors,
                    accumulate: false,
                    bias: std::ptr::null(),
                    relu: false,
                    sums: std::ptr::null_mut(),
                });
            }
        }
    }

    /// Transforms the products of one block back, applies the epilogue and writes the pixels.
    fn finish_block(&self, chunk: &Range<usize>, block: usize, m: &[f32], sums: &mut ChannelSums) {
        let (output, vectors) = (self.output, chunk.len() * LANES);
        let blocks = output.blocks();
        let run = WinogradTransforms::get().output;
        let mut tile_sums = [0.0f32; 2 * LANES];
        for (i, tile) in chunk.clone().enumerate() {
            let [image, y, x] = self.tiles.origin(tile);
            let from = &m[block * vectors + i * LANES..];
            assert!(from.len() >= (POINTS - 1) * blocks * vectors + LANES);
            let bias = self.epilogue.bias.map_or(std::ptr::null(), |bias| bias[block * LANES..].as_ptr());
            // SAFETY: the slice contains the last point; the tile's existing pixels are in the output, and no other
            // call writes this tile of this block.
            unsafe {
                run(&OutputTile {
                    from: from.as_ptr(),
                    point: blocks * vectors,
                    to: self.writes.at(output.row_start(image * blocks + block, y) + x * LANES),
                    row: output.row_len(),
                    size: [TILE.min(output.h - y), TILE.min(output.w - x)],
                    accumulate: self.epilogue.accumulate,
                    bias,
                    relu: self.epilogue.relu,
                    sums: if self.epilogue.sums { tile_sums.as_mut_ptr() } else { std::ptr::null_mut() },
                });
            }
            // At most a few hundred numbers are summed in 32 bits, the rest in 64.
            if self.epilogue.sums && (i % 16 == 15 || i + 1 == chunk.len()) {
                let (sum, square) = tile_sums.split_at_mut(LANES);
                for (to, from) in [(&mut sums.sum, sum), (&mut sums.square, square)] {
                    for (to, from) in to[block * LANES..].iter_mut().zip(from) {
                        *to += f64::from(std::mem::take(from));
                    }
                }
            }
        }
    }
}
