//! The gradient of a 3x3 kernel by Winograd's transforms.

use super::{POOL, SHARED_CHUNK, Tiles, transform_input};
use crate::engine::kernel::gradient::products;
use crate::engine::kernel::simd::LANES;
use crate::engine::kernel::source::Source;
use crate::engine::kernel::sweep::channels;
use crate::engine::kernel::team::{self, Place};
use crate::engine::kernel::transform::{self, POINTS, Patch, TILE, Transforms};
use crate::engine::layout::{Layout, View};

/// Gradient of the weights `[o, i, 3, 3]` from the input and the gradient of the output.
pub fn weights(source: Source, pad: [usize; 2], g: View) -> Vec<f32> {
    let x = source.view;
    assert!(x.data.len() >= x.layout.size() && g.data.len() >= g.layout.size() && x.layout.n == g.layout.n);
    assert!(x.layout.lanes == LANES && g.layout.lanes == LANES);
    let tiles = Tiles::of(g.layout);
    let (inputs, outputs) = (x.layout.blocks(), g.layout.blocks());
    let of_tile = POINTS * (x.layout.slots() + g.layout.slots()) * size_of::<f32>();
    // `[point][input block][output block][channel][lane]`
    let (rows, row) = (POINTS * inputs, outputs * LANES * LANES);
    let of_blocks = channels(x.layout);
    let mut sums = POOL.take(rows * row);
    for (at, chunk) in tiles.chunks(SHARED_CHUNK / of_tile, 1).into_iter().enumerate() {
        let vectors = chunk.len() * LANES;
        let (mut v, mut d) = (POOL.take(POINTS * inputs * vectors), POOL.take(POINTS * outputs * vectors));
        let (to_v, to_d) = (Place::new(&mut v), Place::new(&mut d));
        team::each(inputs + outputs, |block| {
            for (i, tile) in chunk.clone().enumerate() {
                let [image, y, left] = tiles.place(tile);
                match block.checked_sub(inputs) {
                    None => {
                        let first = [y as isize - pad[0] as isize, left as isize - pad[1] as isize];
                        let to = to_v.at(block * vectors + i * LANES);
                        transform_input(source, image, block, first, to, inputs * vectors);
                    }
                    Some(block) => {
                        let to = to_d.at(block * vectors + i * LANES);
                        transform_gradient(g, image, block, [y, left], to, outputs * vectors);
                    }
                }
            }
        });
        team::chunks(&mut sums, row, 1, |i, sums| {
            let (point, block) = (i / inputs, i % inputs);
            let v = &v[i * vectors..][..vectors];
            let d = &d[point * outputs * vectors..][..outputs * vectors];
            if at == 0 {
                sums.fill(0.0);
            }
            products(v, d, chunk.len(), of_blocks[block].count, sums);
        });
        POOL.give(v);
        POOL.give(d);
    }
    let found = collect(&sums, x.layout, g.layout);
    POOL.give(sums);
    found
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
    // The channels of a block follow each other.
    let mut rest: &mut [f32] = &mut all;
    let mut parts = Vec::with_capacity(outputs);
    for (at, block) in channels(g).iter().enumerate() {
        let (part, tail) = rest.split_at_mut(block.count * row);
        parts.push((at, part));
        rest = tail;
    }
    let (vectors, _) = sums.as_chunks::<LANES>();
    team::each_mut(&mut parts, |_, (out, part)| {
        let out = *out;
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
