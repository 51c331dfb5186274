//! The gradient of a 3x3 kernel by Winograd's transforms.

use super::{CHUNK, POOL, SCRATCH, SHARED_CHUNK, TASKS, Tiles, grown, transform_input};
use crate::compute::engine::kernel::buffer::Buffer;
use crate::compute::engine::kernel::gradient::products;
use crate::compute::engine::kernel::packed::{Channels, channels, rows_of_blocks};
use crate::compute::engine::kernel::simd::LANES;
use crate::compute::engine::kernel::source::Source;
use crate::compute::engine::kernel::team::{self, Place};
use crate::compute::engine::kernel::transform::{self, POINTS, Patch, TILE, Transforms};
use crate::compute::engine::memory_layout::{Layout, View};
use std::ops::Range;

/// Bytes of transformed kernels up to which each task sums its tiles by itself, and finds everything in its cache; above it, all
/// threads share the kernels, and transformed maps go through memory.
const OWN_SUMS: usize = 640 << 10;

/// What tasks have in common.
struct Job<'a> {
    source: Source<'a>,
    pad: [usize; 2],
    gradient: View<'a>,
    tiles: Tiles,
    /// Input channels of each block.
    channels: Vec<Channels>,
}

/// Gradient of the weights `[o, i, 3, 3]` from the input and the gradient of the output.
pub(crate) fn weights(source: Source, pad: [usize; 2], gradient: View) -> Vec<f32> {
    let (x, g) = (source.view, gradient);
    assert!(x.data.len() >= x.layout.size() && g.data.len() >= g.layout.size() && x.layout.n == g.layout.n);
    assert!(x.layout.lanes == LANES && g.layout.lanes == LANES);
    let job = Job { source, pad, gradient, tiles: Tiles::of(g.layout), channels: channels(x.layout) };
    let sums = if job.sums() * size_of::<f32>() <= OWN_SUMS { job.apart() } else { job.shared() };
    let found = collect(&sums, x.layout, g.layout);
    POOL.give(sums);
    found
}

impl Job<'_> {
    fn blocks(&self) -> [usize; 2] {
        [self.source.view.layout.blocks(), self.gradient.layout.blocks()]
    }

    /// Numbers of one point and input block: `[output block][channel][lane]`.
    fn row(&self) -> usize {
        self.gradient.layout.blocks() * LANES * LANES
    }

    /// Numbers of all sums, `[point][input block]` rows.
    fn sums(&self) -> usize {
        POINTS * self.source.view.layout.blocks() * self.row()
    }

    /// Bytes of a tile's transformed inputs and gradients.
    fn of_tile(&self) -> usize {
        POINTS * (self.source.view.layout.slots() + self.gradient.layout.slots()) * size_of::<f32>()
    }

    /// Transforms one block of a chunk: of the input, or behind those of the gradient.
    fn transform(&self, chunk: &Range<usize>, block: usize, v: Place, d: Place) {
        let [inputs, outputs] = self.blocks();
        let vectors = chunk.len() * LANES;
        for (i, tile) in chunk.clone().enumerate() {
            let [image, y, left] = self.tiles.place(tile);
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

    /// Adds a chunk's products of row `i` of the sums.
    fn multiply(&self, tiles: usize, i: usize, v: &[f32], d: &[f32], sums: &mut [f32]) {
        let [inputs, outputs] = self.blocks();
        let (point, block, vectors) = (i / inputs, i % inputs, tiles * LANES);
        let d = &d[point * outputs * vectors..][..outputs * vectors];
        products(&v[i * vectors..][..vectors], d, tiles, self.channels[block].count, sums);
    }

    /// Each task has tiles of its own, in chunks that stay in its cache, and sums of its own.
    fn apart(&self) -> Buffer {
        let [inputs, outputs] = self.blocks();
        let most = (CHUNK / self.of_tile()).max(1);
        let tasks = self.tiles.chunks(usize::MAX, TASKS);
        let mut parts: Vec<Buffer> = team::map(tasks.len(), |i| {
            let mut sums = POOL.take(self.sums());
            sums.fill(0.0);
            for first in tasks[i].clone().step_by(most) {
                let chunk = first..(first + most).min(tasks[i].end);
                let vectors = chunk.len() * LANES;
                SCRATCH.with_borrow_mut(|[v, d]| {
                    let (v, d) = (grown(v, POINTS * inputs * vectors), grown(d, POINTS * outputs * vectors));
                    let (to_v, to_d) = (Place::new(v), Place::new(d));
                    (0..inputs + outputs).for_each(|block| self.transform(&chunk, block, to_v, to_d));
                    let rows = sums.chunks_exact_mut(self.row()).enumerate();
                    rows.for_each(|(i, sums)| self.multiply(chunk.len(), i, v, d, sums));
                });
            }
            sums
        });
        let rest = parts.split_off(1);
        let mut all = parts.remove(0);
        team::chunks(&mut all, self.row(), 1, |i, sums| {
            for part in &rest {
                let part = &part[i * self.row()..][..self.row()];
                sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
            }
        });
        rest.into_iter().for_each(|part| POOL.give(part));
        all
    }

    /// All threads share each chunk, and each row of the sums is one thread's.
    fn shared(&self) -> Buffer {
        let [inputs, outputs] = self.blocks();
        let mut sums = POOL.take(self.sums());
        for (at, chunk) in self.tiles.chunks(SHARED_CHUNK / self.of_tile(), 1).into_iter().enumerate() {
            let vectors = chunk.len() * LANES;
            let (mut v, mut d) = (POOL.take(POINTS * inputs * vectors), POOL.take(POINTS * outputs * vectors));
            let (to_v, to_d) = (Place::new(&mut v), Place::new(&mut d));
            team::each(inputs + outputs, |block| self.transform(&chunk, block, to_v, to_d));
            team::chunks(&mut sums, self.row(), 1, |i, sums| {
                if at == 0 {
                    sums.fill(0.0);
                }
                self.multiply(chunk.len(), i, &v, &d, sums);
            });
            POOL.give(v);
            POOL.give(d);
        }
        sums
    }
}

/// Transforms one tile of one block of an output's gradient. Pixels outside the map are 0.
fn transform_gradient(g: View, image: usize, block: usize, [y, x]: [usize; 2], to: *mut f32, point: usize) {
    let layout = g.layout;
    let run = Transforms::get().gradient;
    let (h, w) = (TILE.min(layout.h - y), TILE.min(layout.w - x));
    let at = |dy: usize| layout.at(image * layout.blocks() + block, y + dy) + x * LANES;
    if (h, w) == (TILE, TILE) {
        let from = &g.data[at(0)..at(TILE - 1) + TILE * LANES];
        // SAFETY: the slice holds the tile; `to` is the caller's, for 36 points.
        return unsafe { run(&Patch { from: from.as_ptr(), row: layout.row(), to, point }) };
    }
    let mut tile = [0.0f32; TILE * TILE * LANES];
    for dy in 0..h {
        let count = w * LANES;
        tile[dy * TILE * LANES..][..count].copy_from_slice(&g.data[at(dy)..at(dy) + count]);
    }
    // SAFETY: as above, from the copy.
    unsafe { run(&Patch { from: tile.as_ptr(), row: TILE * LANES, to, point }) }
}

/// Transforms the sums of all points to `[o, i, 3, 3]`.
fn collect(sums: &[f32], x: &Layout, g: &Layout) -> Vec<f32> {
    let (inputs, outputs) = (x.blocks(), g.blocks());
    let (slots_in, slots_out) = (x.slot_of_channel(), g.slot_of_channel());
    let row = slots_in.len() * 9;
    let mut all = vec![0.0; slots_out.len() * row];
    let (vectors, _) = sums.as_chunks::<LANES>();
    team::each_mut(&mut rows_of_blocks(g, &mut all, row), |out, part| {
        let (mut u, mut k) = ([[0.0; LANES]; POINTS], [[0.0; LANES]; 9]);
        for (i, input) in slots_in.iter().enumerate() {
            for (point, u) in u.iter_mut().enumerate() {
                *u = vectors[((point * inputs + input / LANES) * outputs + out) * LANES + input % LANES];
            }
            transform::kernel_gradients(&u, &mut k);
            for (lane, to) in part.chunks_exact_mut(row).enumerate() {
                to[i * 9..i * 9 + 9].iter_mut().zip(&k).for_each(|(to, k)| *to = k[lane]);
            }
        }
    });
    all
}
