//! The gradient of a 3x3 kernel by Winograd's transforms.

use super::{CHUNK, POOL, SCRATCH, SHARED_CHUNK, TASKS, TileGrid, scratch_of_len, transform_input};
use crate::compute::engine::kernel::buffer::AlignedBuffer;
use crate::compute::engine::kernel::packing::{InputChannels, channel_blocks, rows_of_blocks};
use crate::compute::engine::kernel::prologue::ConvInput;
use crate::compute::engine::kernel::simd::LANES;
use crate::compute::engine::kernel::team::{self, DisjointWrites};
use crate::compute::engine::kernel::weight_gradient::add_products;
use crate::compute::engine::kernel::winograd_transform::{self, POINTS, TILE, TransformPatch, WinogradTransforms};
use crate::compute::engine::memory_layout::{MapLayout, MapView};
use std::ops::Range;

/// Bytes of transformed kernels up to which each task sums its tiles into sums of its own, which stay in its cache.
/// Above it, all threads share the sums, and transformed maps go through memory.
const OWN_SUMS: usize = 640 << 10;

/// The operands that all tasks share.
struct WinogradGradient<'a> {
    source: ConvInput<'a>,
    pad: [usize; 2],
    gradient: MapView<'a>,
    tiles: TileGrid,
    /// Input channels of each block.
    channels: Vec<InputChannels>,
}

/// Returns the gradient of the weights `[o, i, 3, 3]` from the input and the gradient of the output.
pub(crate) fn weight_gradient(source: ConvInput, pad: [usize; 2], gradient: MapView) -> Vec<f32> {
    let (x, g) = (source.view, gradient);
    assert!(x.data.len() >= x.layout.buffer_len() && g.data.len() >= g.layout.buffer_len() && x.layout.n == g.layout.n);
    assert!(x.layout.lanes == LANES && g.layout.lanes == LANES);
    let conv =
        WinogradGradient { source, pad, gradient, tiles: TileGrid::of(g.layout), channels: channel_blocks(x.layout) };
    let sums = if conv.sums_len() * size_of::<f32>() <= OWN_SUMS { conv.sum_per_task() } else { conv.sum_shared() };
    let gradient = transform_sums(&sums, x.layout, g.layout);
    POOL.release(sums);
    gradient
}

impl WinogradGradient<'_> {
    fn blocks(&self) -> [usize; 2] {
        [self.source.view.layout.blocks(), self.gradient.layout.blocks()]
    }

    /// Numbers of one point and input block: `[output block][channel][lane]`.
    fn sums_row(&self) -> usize {
        self.gradient.layout.blocks() * LANES * LANES
    }

    /// Numbers of all sums: `[point][input block]` rows.
    fn sums_len(&self) -> usize {
        POINTS * self.source.view.layout.blocks() * self.sums_row()
    }

    /// Bytes of a tile's transformed inputs and gradients.
    fn tile_bytes(&self) -> usize {
        POINTS * (self.source.view.layout.slots() + self.gradient.layout.slots()) * size_of::<f32>()
    }

    /// Transforms one block of a chunk. Blocks of the gradient are numbered after those of the input.
    fn transform(&self, chunk: &Range<usize>, block: usize, v: DisjointWrites, d: DisjointWrites) {
        let [inputs, outputs] = self.blocks();
        let vectors = chunk.len() * LANES;
        for (i, tile) in chunk.clone().enumerate() {
            let [image, y, left] = self.tiles.origin(tile);
            match block.checked_sub(inputs) {
                None => {
                    let first = [y as isize - self.pad[0] as isize, left as isize - self.pad[1] as isize];
                    let to = v.at(block * vectors + i * LANES);
                    transform_input(self.source, image, block, first, to, inputs * vectors);
                }
                Some(block) => {
                    let to = d.at(block * vectors + i * LANES);
                    transform_gradient(self.gradient, image, block, [y, left], to, outputs * vectors);
                }
            }
        }
    }

    /// Adds a chunk's products to row `i` of the sums.
    fn multiply(&self, tiles: usize, i: usize, v: &[f32], d: &[f32], sums: &mut [f32]) {
        let [inputs, outputs] = self.blocks();
        let (point, block, vectors) = (i / inputs, i % inputs, tiles * LANES);
        let d = &d[point * outputs * vectors..][..outputs * vectors];
        add_products(&v[i * vectors..][..vectors], d, tiles, self.channels[block].count, sums);
    }

    /// Gives each task its own tiles, in chunks that stay in its cache, and its own sums.
    fn sum_per_task(&self) -> AlignedBuffer {
        let [inputs, outputs] = self.blocks();
        let most = (CHUNK / self.tile_bytes()).max(1);
        let tasks = self.tiles.chunks(usize::MAX, TASKS);
        let mut parts: Vec<AlignedBuffer> = team::map(tasks.len(), |i| {
            let mut sums = POOL.acquire(self.sums_len());
            sums.fill(0.0);
            for first in tasks[i].clone().step_by(most) {
                let chunk = first..(first + most).min(tasks[i].end);
                let vectors = chunk.len() * LANES;
                SCRATCH.with_borrow_mut(|[v, d]| {
                    let (v, d) =
                        (scratch_of_len(v, POINTS * inputs * vectors), scratch_of_len(d, POINTS * outputs * vectors));
                    let (to_v, to_d) = (DisjointWrites::new(v), DisjointWrites::new(d));
                    (0..inputs + outputs).for_each(|block| self.transform(&chunk, block, to_v, to_d));
                    let rows = sums.chunks_exact_mut(self.sums_row()).enumerate();
                    rows.for_each(|(i, sums)| self.multiply(chunk.len(), i, v, d, sums));
                });
            }
            sums
        });
        let rest = parts.split_off(1);
        let mut all = parts.remove(0);
        team::for_chunks(&mut all, self.sums_row(), 1, |i, sums| {
            for part in &rest {
                let part = &part[i * self.sums_row()..][..self.sums_row()];
                sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
            }
        });
        rest.into_iter().for_each(|part| POOL.release(part));
        all
    }

    /// Shares each chunk among all threads; each row of the sums belongs to one thread.
    fn sum_shared(&self) -> AlignedBuffer {
        let [inputs, outputs] = self.blocks();
        let mut sums = POOL.acquire(self.sums_len());
        for (at, chunk) in self.tiles.chunks(SHARED_CHUNK / self.tile_bytes(), 1).into_iter().enumerate() {
            let vectors = chunk.len() * LANES;
            let (mut v, mut d) = (POOL.acquire(POINTS * inputs * vectors), POOL.acquire(POINTS * outputs * vectors));
            let (to_v, to_d) = (DisjointWrites::new(&mut v), DisjointWrites::new(&mut d));
            team::for_each(inputs + outputs, |block| self.transform(&chunk, block, to_v, to_d));
            team::for_chunks(&mut sums, self.sums_row(), 1, |i, sums| {
                if at == 0 {
                    sums.fill(0.0);
                }
                self.multiply(chunk.len(), i, &v, &d, sums);
            });
            POOL.release(v);
            POOL.release(d);
        }
        sums
    }
}

/// Transforms one tile of one block of an output's gradient. Pixels outside the map are 0.
fn transform_gradient(g: MapView, image: usize, block: usize, [y, x]: [usize; 2], to: *mut f32, point: usize) {
    let layout = g.layout;
    let run = WinogradTransforms::get().gradient;
    let (h, w) = (TILE.min(layout.h - y), TILE.min(layout.w - x));
    let at = |dy: usize| layout.row_start(image * layout.blocks() + block, y + dy) + x * LANES;
    if (h, w) == (TILE, TILE) {
        let from = &g.data[at(0)..at(TILE - 1) + TILE * LANES];
        // SAFETY: the slice holds the tile; the caller's `to` holds 36 points.
        return unsafe { run(&TransformPatch { from: from.as_ptr(), row: layout.row_len(), to, point }) };
    }
    let mut tile = [0.0f32; TILE * TILE * LANES];
    for dy in 0..h {
        let count = w * LANES;
        tile[dy * TILE * LANES..][..count].copy_from_slice(&g.data[at(dy)..at(dy) + count]);
    }
    // SAFETY: as above, from the copy.
    unsafe { run(&TransformPatch { from: tile.as_ptr(), row: TILE * LANES, to, point }) }
}

/// Transforms the sums of all points to `[o, i, 3, 3]`.
fn transform_sums(sums: &[f32], x: &MapLayout, g: &MapLayout) -> Vec<f32> {
    let (inputs, outputs) = (x.blocks(), g.blocks());
    let (slots_in, slots_out) = (x.slot_of_channel(), g.slot_of_channel());
    let row = slots_in.len() * 9;
    let mut all = vec![0.0; slots_out.len() * row];
    let (vectors, _) = sums.as_chunks::<LANES>();
    team::for_each_mut(&mut rows_of_blocks(g, &mut all, row), |out, part| {
        let (mut u, mut k) = ([[0.0; LANES]; POINTS], [[0.0; LANES]; 9]);
        for (i, input) in slots_in.iter().enumerate() {
            for (point, u) in u.iter_mut().enumerate() {
                *u = vectors[((point * inputs + input / LANES) * outputs + out) * LANES + input % LANES];
            }
            winograd_transform::transform_kernel_gradients(&u, &mut k);
            for (lane, to) in part.chunks_exact_mut(row).enumerate() {
                to[i * 9..i * 9 + 9].iter_mut().zip(&k).for_each(|(to, k)| *to = k[lane]);
            }
        }
    });
    all
}
