//! The inner loop of every convolution: a tile of pixels times blocks of output channels, held in registers while all
//! taps and input channels go by.

#[cfg(target_arch = "x86_64")]
use super::simd::{Avx2, Avx512};
use super::simd::{LANES, Portable, Simd, SimdLevel};

/// One tap of the kernel as seen from a tile: offset of its first pixel in the input, and the tap's number in the packed
/// weights.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TileTap {
    pub input: isize,
    pub weight: usize,
}

/// Channels that lie with_team in the input.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InputBlock {
    /// Offset in the input.
    pub input: usize,
    /// Offset of its weights, in vectors of one output block.
    pub weight: usize,
    pub channels: usize,
}

/// A tile's operands. Offsets count numbers.
pub(crate) struct Tile<'a> {
    pub input: *const f32,
    /// From one pixel of the tile to the next.
    pub pixel: usize,
    /// From one channel of a block to the next.
    pub channel: usize,
    /// `[block][tap][channel][Q * LANES]`
    pub weights: *const f32,
    pub taps: &'a [TileTap],
    pub blocks: &'a [InputBlock],
    pub output: *mut f32,
    pub output_pixel: usize,
    pub output_block: usize,
    /// Start from what the output holds instead of from zero.
    pub accumulate: bool,
    /// Added to each pixel, `[Q * LANES]`; may be null.
    pub bias: *const f32,
    pub relu: bool,
    /// ChannelSums and sums of squares of what is written, `[2][Q * LANES]`, added to; may be null.
    pub sums: *mut f32,
}

type TileKernel = unsafe fn(&Tile);

/// Widest tile for `Q = 1, 2, 3` blocks; `T * Q` stays within the accumulators.
pub(crate) fn max_tile_width(level: SimdLevel, blocks: usize) -> usize {
    (level.accumulators() / blocks).min(14)
}

/// Most blocks of output channels in a tile, on any processor.
pub(crate) const MAX_BLOCKS: usize = 3;

/// Most blocks of output channels in a tile.
pub(crate) fn max_blocks(level: SimdLevel) -> usize {
    match level {
        SimdLevel::Portable => 1,
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx2 => 1,
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx512 => MAX_BLOCKS,
    }
}

/// # Safety
/// All pixels of all taps lie in the input, weights and output are as large as the fields say, and nobody else uses what
/// is written.
#[inline(always)]
unsafe fn microkernel<S: Simd, const T: usize, const Q: usize, const P: usize>(tile: &Tile) {
    unsafe {
        let pixel = if P == 0 { tile.pixel } else { P };
        let mut sums = [[S::splat(0.0); Q]; T];
        if tile.accumulate {
            for (t, row) in sums.iter_mut().enumerate() {
                for (q, sum) in row.iter_mut().enumerate() {
                    *sum = S::load(tile.output.add(t * tile.output_pixel + q * tile.output_block));
                }
            }
        }
        for block in tile.blocks {
            let x = tile.input.add(block.input);
            let w = tile.weights.add(block.weight * Q * LANES);
            for tap in tile.taps {
                let mut x = x.offset(tap.input);
                let mut w = w.add(tap.weight * block.channels * Q * LANES);
                for _ in 0..block.channels {
                    let weights: [S::V; Q] = std::array::from_fn(|q| S::load(w.add(q * LANES)));
                    for (t, row) in sums.iter_mut().enumerate() {
                        let x = S::splat(*x.add(t * pixel));
                        for (sum, weight) in row.iter_mut().zip(weights) {
                            *sum = S::fma(x, weight, *sum);
                        }
                    }
                    w = w.add(Q * LANES);
                    x = x.add(tile.channel);
                }
            }
        }
        if !tile.bias.is_null() {
            let bias: [S::V; Q] = std::array::from_fn(|q| S::load(tile.bias.add(q * LANES)));
            for row in &mut sums {
                for (sum, bias) in row.iter_mut().zip(bias) {
                    *sum = S::add(*sum, bias);
                }
            }
        }
        if tile.relu {
            let zero = S::splat(0.0);
            for row in &mut sums {
                for sum in row {
                    // In this order a NaN stays one: the second operand is what `maxps` gives for unordered numbers.
                    *sum = S::max(zero, *sum);
                }
            }
        }
        for (t, row) in sums.iter().enumerate() {
            for (q, sum) in row.iter().enumerate() {
                S::store(tile.output.add(t * tile.output_pixel + q * tile.output_block), *sum);
            }
        }
        if !tile.sums.is_null() {
            for q in 0..Q {
                let mut sum = S::load(tile.sums.add(q * LANES));
                let mut square = S::load(tile.sums.add((Q + q) * LANES));
                for row in &sums {
                    sum = S::add(sum, row[q]);
                    square = S::fma(row[q], row[q], square);
                }
                S::store(tile.sums.add(q * LANES), sum);
                S::store(tile.sums.add((Q + q) * LANES), square);
            }
        }
    }
}

macro_rules! kernels {
    ($module:ident, $simd:ty, $(#[$feature:meta])* [$($q:literal: $($t:literal)*;)*]) => {
        mod $module {
            use super::*;
            $(#[$feature])*
            unsafe fn tile<const T: usize, const Q: usize, const P: usize>(tile: &Tile) {
                unsafe { microkernel::<$simd, T, Q, P>(tile) }
            }
            fn of<const P: usize>(t: usize, q: usize) -> TileKernel {
                match (q, t) {
                    $($(($q, $t) => tile::<$t, $q, P>,)*)*
                    _ => unreachable!("a tile is at most `max_tile_width` pixels and `max_blocks` blocks"),
                }
            }
            pub(super) fn kernel(t: usize, q: usize, pixel: usize) -> TileKernel {
                match pixel {
                    16 => of::<16>(t, q),
                    32 => of::<32>(t, q),
                    _ => of::<0>(t, q),
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
kernels!(avx512, Avx512, #[target_feature(enable = "avx512f,avx2,fma")]
    [1: 1 2 3 4 5 6 7 8 9 10 11 12 13 14; 2: 1 2 3 4 5 6 7 8 9 10 11 12 13 14; 3: 1 2 3 4 5 6 7 8 9;]);
#[cfg(target_arch = "x86_64")]
kernels!(avx2, Avx2, #[target_feature(enable = "avx2,fma")] [1: 1 2 3 4 5 6;]);
kernels!(portable, Portable, [1: 1 2 3 4;]);

/// The kernel for tiles of `t` pixels, `pixel` numbers apart, and `q` blocks.
pub(crate) fn tile_kernel(level: SimdLevel, t: usize, q: usize, pixel: usize) -> unsafe fn(&Tile) {
    match level {
        SimdLevel::Portable => portable::kernel(t, q, pixel),
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx2 => avx2::kernel(t, q, pixel),
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx512 => avx512::kernel(t, q, pixel),
    }
}
