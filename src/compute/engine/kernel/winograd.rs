//! 3x3 convolutions of stride 1 by Winograd's transforms, forward, backward and to the weights.
//!
//! Tiles are counted through all images, rows and columns, and go in chunks: the inputs of a chunk are transformed, multiplied point
//! by point with the transformed weights by the same inner loop as direct convolutions, and transformed back. A chunk is
//! small enough that what lies between the steps stays in the cache.

mod weights;

pub(crate) use weights::weights;

use super::buffer::{Buffer, Pool};
use super::conv_region::{Finish, Sums};
use super::packed::Packed;
use super::simd::{LANES, Level};
use super::source::{Source, scale};
use super::team::{self, Place};
use super::tile::{Block, Tap, Tile, kernel, widest};
use super::transform::{self, Outputs, PATCH, POINTS, Patch, TILE, Transforms};
use crate::compute::engine::memory_layout::{Layout, ViewMut};
use std::cell::RefCell;
use std::ops::Range;

/// Bytes of transformed inputs and products that a chunk may have.
const CHUNK: usize = 768 << 10;
/// Bytes of transformed weights up to which each thread has chunks of its own; above it, all threads share one chunk and
/// go over the weights once.
const OWN_CHUNKS: usize = 3 << 20;
/// Bytes of a shared chunk.
const SHARED_CHUNK: usize = 8 << 20;
/// Tasks that a map is cut into if it has the tiles. By shape and not by threads.
const TASKS: usize = 8;
/// Fewer tiles than this, and transforming the weights costs more than the products save.
const FEWEST: usize = 48;
/// Fewer channels than this, and the transforms cost more than the products save.
const CHANNELS: usize = 24;

/// Whether a 3x3 convolution of stride 1 between these maps is better done this way. Tiles reach over the edge of maps
/// whose size is no multiple of theirs; too much of that, and nothing is saved.
pub(crate) fn suits(input: &Layout, output: &Layout) -> bool {
    let full = output.h.div_ceil(TILE) * TILE * output.w.div_ceil(TILE) * TILE;
    input.lanes == LANES
        && input.channels().min(output.channels()) >= CHANNELS
        && 2 * full <= 3 * output.h * output.w
        && output.n * full / (TILE * TILE) >= FEWEST
}

/// Packs transformed weights; `weight(o, i)` is the 3x3 kernel from input channel `i` to output channel `o`.
pub(crate) fn pack(input: &Layout, output: &Layout, weight: impl Fn(usize, usize) -> [f32; 9] + Sync) -> Packed {
    Packed::filled(input, output, POINTS, |outputs, block, part| {
        let (vectors, _) = part.as_chunks_mut::<LANES>();
        let groups = outputs.len() / LANES;
        let (mut g, mut u) = ([[0.0; LANES]; 9], [[0.0; LANES]; POINTS]);
        for channel in 0..block.count {
            for (group, outputs) in outputs.as_chunks::<LANES>().0.iter().enumerate() {
                for (lane, output) in outputs.iter().enumerate() {
                    let kernel = output.map_or([0.0; 9], |output| weight(output, block.before + channel));
                    g.iter_mut().zip(kernel).for_each(|(g, k)| g[lane] = k);
                }
                transform::kernels(&g, &mut u);
                for (point, u) in u.iter().enumerate() {
                    vectors[(point * block.count + channel) * groups + group] = *u;
                }
            }
        }
    })
}

/// Tiles of an output map.
#[derive(Clone, Copy)]
struct Tiles {
    down: usize,
    across: usize,
    count: usize,
}

impl Tiles {
    fn of(layout: &Layout) -> Self {
        let (down, across) = (layout.h.div_ceil(TILE), layout.w.div_ceil(TILE));
        Self { down, across, count: layout.n * down * across }
    }

    /// Image, first row, first column.
    fn place(&self, tile: usize) -> [usize; 3] {
        let in_image = tile % (self.down * self.across);
        [tile / (self.down * self.across), in_image / self.across * TILE, in_image % self.across * TILE]
    }

    /// Chunks of at most `most` tiles, about as large as each other.
    fn chunks(&self, most: usize, least: usize) -> Vec<Range<usize>> {
        let count = self.count.div_ceil(most.max(1)).max(least.min(self.count)).max(1);
        (0..count).map(|i| self.count * i / count..self.count * (i + 1) / count).collect()
    }
}

/// Memory of shared chunks.
static POOL: Pool = Pool::new();

thread_local! {
    /// A chunk's transformed inputs and products.
    static SCRATCH: RefCell<[Buffer; 2]> = RefCell::new([Buffer::zeros(0), Buffer::zeros(0)]);
}

fn grown(buffer: &mut Buffer, len: usize) -> &mut [f32] {
    if buffer.len() < len {
        *buffer = Buffer::zeros(len);
    }
    &mut buffer[..len]
}

/// Transforms one tile of one block. Pixels outside the map are 0.
fn transform_input(source: Source, image: usize, block: usize, first: [isize; 2], to: *mut f32, point: usize) {
    let (x, before) = (source.view, source.before.map(|before| before.block(block)));
    let layout = x.layout;
    let row = layout.row();
    // What is in the halo is zero, and not what a norm makes of zeros.
    let reach = if before.is_some() { 0 } else { layout.halo as isize };
    let (h, w) = (layout.h as isize, layout.w as isize);
    let plane = (image * layout.blocks() + block) * layout.plane();
    let [y, left] = first;
    let at = |y: isize, left: isize| plane + y as usize * row + (left + layout.halo as isize) as usize * LANES;
    let Transforms { input, normed, .. } = Transforms::get();
    if y >= 0 && y + PATCH as isize <= h && left >= -reach && left + PATCH as isize <= w + reach {
        let from = at(y, left);
        let from = &x.data[from..from + (PATCH - 1) * row + PATCH * LANES];
        let patch = Patch { from: from.as_ptr(), row, to, point };
        // SAFETY: the slice holds the patch; `to` is the caller's, for 36 points.
        return unsafe {
            match &before {
                None => input(&patch),
                Some(before) => normed(&patch, before),
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
            match &before {
                None => to.copy_from_slice(from),
                Some(before) => scale(from, to, before.factor, before.summand, before.floor),
            }
        }
    }
    // SAFETY: as above, from the copy.
    unsafe { input(&Patch { from: patch.as_ptr(), row: PATCH * LANES, to, point }) }
}

/// A convolution in chunks.
struct Job<'a> {
    source: Source<'a>,
    weights: &'a Packed,
    output: &'a Layout,
    place: Place,
    finish: Finish<'a>,
    pad: [usize; 2],
    tiles: Tiles,
}

/// `pad` rows and columns of zeros lie around the input. As [`crate::compute::engine::kernel::conv_region::convolve`], with [`pack`]ed weights.
pub(crate) fn convolve(
    source: Source,
    weights: &Packed,
    pad: [usize; 2],
    output: &mut ViewMut,
    finish: Finish,
) -> Option<Sums> {
    let (x, layout) = (source.view, output.layout);
    assert!(x.data.len() >= x.layout.size() && output.data.len() >= layout.size());
    assert!(layout.lanes == LANES && x.layout.lanes == LANES && x.layout.n == layout.n);
    assert!(weights.taps == POINTS && finish.bias.is_none_or(|bias| bias.len() >= layout.slots()));
    let place = Place::new(output.data);
    let job = Job { source, weights, output: layout, place, finish, pad, tiles: Tiles::of(layout) };
    let slots = x.layout.slots() + layout.slots();
    let of_tile = POINTS * slots * size_of::<f32>();
    let parts: Vec<Sums> = if weights.bytes() <= OWN_CHUNKS {
        let chunks = job.tiles.chunks(CHUNK / of_tile, TASKS);
        team::map(chunks.len(), |i| job.own_chunk(chunks[i].clone()))
    } else {
        let chunks = job.tiles.chunks(SHARED_CHUNK / of_tile, 1);
        chunks.into_iter().map(|chunk| job.shared_chunk(chunk)).collect()
    };
    finish.sums.then(|| {
        let mut sums = Sums::zeros(layout.slots());
        parts.iter().for_each(|part| sums.add(0, part));
        sums
    })
}

impl Job<'_> {
    /// All steps on this thread.
    fn own_chunk(&self, chunk: Range<usize>) -> Sums {
        let (inputs, outputs) = (self.source.view.layout.blocks(), self.output.blocks());
        let vectors = chunk.len() * LANES;
        SCRATCH.with_borrow_mut(|[v, m]| {
            let (v, m) = (grown(v, POINTS * inputs * vectors), grown(m, POINTS * outputs * vectors));
            for block in 0..inputs {
                self.transform(&chunk, block, Place::new(v));
            }
            for point in 0..POINTS {
                for group in 0..self.weights.groups.len() {
                    self.multiply(point, group, v, Place::new(m), chunk.len());
                }
            }
            let mut sums = self.no_sums();
            for block in 0..outputs {
                self.finish(&chunk, block, m, &mut sums);
            }
            sums
        })
    }

    /// Each step on all threads.
    fn shared_chunk(&self, chunk: Range<usize>) -> Sums {
        let (inputs, outputs) = (self.source.view.layout.blocks(), self.output.blocks());
        let vectors = chunk.len() * LANES;
        let (mut v, mut m) = (POOL.take(POINTS * inputs * vectors), POOL.take(POINTS * outputs * vectors));
        let place = Place::new(&mut v);
        team::each(inputs, |block| self.transform(&chunk, block, place));
        let place = Place::new(&mut m);
        let groups = self.weights.groups.len();
        team::each(POINTS * groups, |i| self.multiply(i / groups, i % groups, &v, place, chunk.len()));
        let parts: Vec<Sums> = team::map(outputs, |block| {
            let mut sums = self.no_sums();
            self.finish(&chunk, block, &m, &mut sums);
            sums
        });
        let mut sums = self.no_sums();
        parts.iter().for_each(|part| sums.add(0, part));
        POOL.give(v);
        POOL.give(m);
        sums
    }

    fn no_sums(&self) -> Sums {
        Sums::zeros(if self.finish.sums { self.output.slots() } else { 0 })
    }

    /// `[point][block][tile][lane]` of one block.
    fn transform(&self, chunk: &Range<usize>, block: usize, to: Place) {
        let blocks = self.source.view.layout.blocks();
        let vectors = chunk.len() * LANES;
        for (i, tile) in chunk.clone().enumerate() {
            let [image, y, x] = self.tiles.place(tile);
            let first = [y as isize - self.pad[0] as isize, x as isize - self.pad[1] as isize];
            transform_input(self.source, image, block, first, to.at(block * vectors + i * LANES), blocks * vectors);
        }
    }

    /// One point's product for one group of output blocks.
    fn multiply(&self, point: usize, group: usize, v: &[f32], m: Place, tiles: usize) {
        let (level, weights) = (Level::get(), self.weights);
        let group = &weights.groups[group];
        let (inputs, outputs) = (self.source.view.layout.blocks(), self.output.blocks());
        let vectors = tiles * LANES;
        let blocks: Vec<Block> = (weights.blocks.iter())
            .map(|b| Block { input: b.block * vectors, weight: b.before * POINTS, channels: b.count })
            .collect();
        let taps = [Tap { input: 0, weight: point }];
        let v = &v[point * inputs * vectors..][..inputs * vectors];
        let count = tiles.div_ceil(widest(level, group.blocks));
        for i in 0..count {
            let (first, end) = (tiles * i / count, tiles * (i + 1) / count);
            // SAFETY: `v` holds `tiles` vectors for each input block and `m` for each output block of each point; the
            // weights were packed for these layouts. No other call writes this point and group.
            unsafe {
                kernel(level, end - first, group.blocks, LANES)(&Tile {
                    input: v.as_ptr().add(first * LANES),
                    pixel: LANES,
                    channel: 1,
                    weights: weights.data.as_ptr().add(group.at),
                    taps: &taps,
                    blocks: &blocks,
                    output: m.at((point * outputs + group.first) * vectors + first * LANES),
                    output_pixel: LANES,
                    output_block: vectors,
                    accumulate: false,
                    bias: std::ptr::null(),
                    relu: false,
                    sums: std::ptr::null_mut(),
                });
            }
        }
    }

    /// Transforms the products of one block back and writes them.
    fn finish(&self, chunk: &Range<usize>, block: usize, m: &[f32], sums: &mut Sums) {
        let (output, vectors) = (self.output, chunk.len() * LANES);
        let blocks = output.blocks();
        let run = Transforms::get().output;
        let mut of_tiles = [0.0f32; 2 * LANES];
        for (i, tile) in chunk.clone().enumerate() {
            let [image, y, x] = self.tiles.place(tile);
            let from = &m[block * vectors + i * LANES..];
            assert!(from.len() >= (POINTS - 1) * blocks * vectors + LANES);
            let bias = self.finish.bias.map_or(std::ptr::null(), |bias| bias[block * LANES..].as_ptr());
            // SAFETY: the slice reaches to the last point; the tile's pixels, as many as exist, are in the output, and
            // no other call writes this tile of this block.
            unsafe {
                run(&Outputs {
                    from: from.as_ptr(),
                    point: blocks * vectors,
                    to: self.place.at(output.at(image * blocks + block, y) + x * LANES),
                    row: output.row(),
                    size: [TILE.min(output.h - y), TILE.min(output.w - x)],
                    accumulate: self.finish.accumulate,
                    bias,
                    relu: self.finish.relu,
                    sums: if self.finish.sums { of_tiles.as_mut_ptr() } else { std::ptr::null_mut() },
                });
            }
            // A few hundred numbers at most in 32 bits, the rest in 64.
            if self.finish.sums && (i % 16 == 15 || i + 1 == chunk.len()) {
                let (sum, square) = of_tiles.split_at_mut(LANES);
                for (to, from) in [(&mut sums.sum, sum), (&mut sums.square, square)] {
                    for (to, from) in to[block * LANES..].iter_mut().zip(from) {
                        *to += f64::from(std::mem::take(from));
                    }
                }
            }
        }
    }
}
