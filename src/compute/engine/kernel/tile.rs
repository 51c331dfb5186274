//! The microkernel of every convolution: a tile of pixels times blocks of output channels, held in registers while the
//! loop passes over all taps and input channels.

#[cfg(target_arch = "x86_64")]
use super::simd::{Avx2, Avx512};
use super::simd::{LANES, Portable, Simd, SimdLevel};

/// One tap of the kernel relative to a tile: offset of its first pixel in the input, and the tap's number in the packed
/// weights.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TileTap {
    pub input: isize,
    pub weight: usize,
}

/// Input channels that lie together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InputBlock {
    /// Offset in the input.
    pub input: usize,
    /// Offset of its weights, in vectors of one output block.
    pub weight: usize,
    pub channels: usize,
}

/// The operands of a tile. Offsets and strides count numbers.
pub(crate) struct Tile<'a> {
    pub input: *const f32,
    /// From one pixel of the tile to the next.
    pub pixel_stride: usize,
    /// From one channel of a block to the next.
    pub channel_stride: usize,
    /// `[block][tap][channel][Q * LANES]`
    pub weights: *const f32,
    pub taps: &'a [TileTap],
    pub blocks: &'a [InputBlock],
    pub output: *mut f32,
    pub output_pixel_stride: usize,
    pub output_block_stride: usize,
    /// Whether the sum starts from the number in the output instead of zero.
    pub accumulate: bool,
    /// Added to each pixel, `[Q * LANES]`; may be null.
    pub bias: *const f32,
    pub relu: bool,
    /// Sums and sums of squares of the results, `[2][Q * LANES]`, which the tile's are added to; may be null.
    pub sums: *mut f32,
}

type TileKernel = unsafe fn(&Tile);

/// Returns the largest width of a tile of 1, 2 or 3 blocks, so that its sums fit into the accumulators.
pub(crate) fn max_tile_width(level: SimdLevel, blocks: usize) -> usize {
    (level.accumulators() / blocks).min(14)
}

/// Maximum number of blocks of output channels in a tile, on any processor.
pub(crate) const MAX_BLOCKS: usize = 3;

/// Returns the maximum number of blocks of output channels in a tile.
pub(crate) fn max_blocks(level: SimdLevel) -> usize {
    match level {
        SimdLevel::Portable => 1,
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx2 => 1,
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx512 => MAX_BLOCKS,
    }
}

/// The sums of a tile: `T` pixels times `Q` blocks of output channels.
type Accumulators<S, const T: usize, const Q: usize> = [[<S as Simd>::V; Q]; T];

/// Computes a tile of `T` pixels, `P` numbers apart (`pixel_stride` numbers if `P` is 0), and `Q` blocks.
///
/// All steps are inlined, so that the sums stay in registers.
///
/// # Safety
/// All pixels of all taps lie in the input, weights and output are as large as the fields say, and nothing else accesses
/// the pixels that the tile writes.
#[inline(always)]
unsafe fn microkernel<S: Simd, const T: usize, const Q: usize, const P: usize>(tile: &Tile) {
    unsafe {
        let mut sums: Accumulators<S, T, Q> = [[S::splat(0.0); Q]; T];
        if tile.accumulate {
            load_output::<S, T, Q>(tile, &mut sums);
        }
        for block in tile.blocks {
            for tap in tile.taps {
                add_products::<S, T, Q, P>(tile, block, tap, &mut sums);
            }
        }
        if !tile.bias.is_null() {
            add_bias::<S, T, Q>(tile, &mut sums);
        }
        if tile.relu {
            apply_relu::<S, T, Q>(&mut sums);
        }
        store_output::<S, T, Q>(tile, &sums);
        if !tile.sums.is_null() {
            add_channel_sums::<S, T, Q>(tile, &sums);
        }
    }
}

/// Starts the sums from the output.
///
/// # Safety
/// As for [`microkernel`].
#[inline(always)]
unsafe fn load_output<S: Simd, const T: usize, const Q: usize>(tile: &Tile, sums: &mut Accumulators<S, T, Q>) {
    unsafe {
        for (t, row) in sums.iter_mut().enumerate() {
            for (q, sum) in row.iter_mut().enumerate() {
                *sum = S::load(tile.output.add(t * tile.output_pixel_stride + q * tile.output_block_stride));
            }
        }
    }
}

/// Adds the products of one tap with the channels of one input block.
///
/// # Safety
/// As for [`microkernel`].
#[inline(always)]
unsafe fn add_products<S: Simd, const T: usize, const Q: usize, const P: usize>(
    tile: &Tile,
    block: &InputBlock,
    tap: &TileTap,
    sums: &mut Accumulators<S, T, Q>,
) {
    unsafe {
        let pixel = if P == 0 { tile.pixel_stride } else { P };
        let mut x = tile.input.add(block.input).offset(tap.input);
        let mut w = tile.weights.add(block.weight * Q * LANES).add(tap.weight * block.channels * Q * LANES);
        for _ in 0..block.channels {
            let weights: [S::V; Q] = std::array::from_fn(|q| S::load(w.add(q * LANES)));
            for (t, row) in sums.iter_mut().enumerate() {
                let x = S::splat(*x.add(t * pixel));
                for (sum, weight) in row.iter_mut().zip(weights) {
                    *sum = S::fma(x, weight, *sum);
                }
            }
            w = w.add(Q * LANES);
            x = x.add(tile.channel_stride);
        }
    }
}

/// # Safety
/// As for [`microkernel`]; the bias is not null.
#[inline(always)]
unsafe fn add_bias<S: Simd, const T: usize, const Q: usize>(tile: &Tile, sums: &mut Accumulators<S, T, Q>) {
    unsafe {
        let bias: [S::V; Q] = std::array::from_fn(|q| S::load(tile.bias.add(q * LANES)));
        for row in sums {
            for (sum, bias) in row.iter_mut().zip(bias) {
                *sum = S::add(*sum, bias);
            }
        }
    }
}

/// # Safety
/// The processor has the features of `S`.
#[inline(always)]
unsafe fn apply_relu<S: Simd, const T: usize, const Q: usize>(sums: &mut Accumulators<S, T, Q>) {
    unsafe {
        let zero = S::splat(0.0);
        for row in sums {
            for sum in row {
                // This order keeps a NaN: `maxps` returns its second operand if one of the two is a NaN.
                *sum = S::max(zero, *sum);
            }
        }
    }
}

/// # Safety
/// As for [`microkernel`].
#[inline(always)]
unsafe fn store_output<S: Simd, const T: usize, const Q: usize>(tile: &Tile, sums: &Accumulators<S, T, Q>) {
    unsafe {
        for (t, row) in sums.iter().enumerate() {
            for (q, sum) in row.iter().enumerate() {
                S::store(tile.output.add(t * tile.output_pixel_stride + q * tile.output_block_stride), *sum);
            }
        }
    }
}

/// Adds the results and their squares to the sums per channel.
///
/// # Safety
/// As for [`microkernel`]; the channel sums are not null.
#[inline(always)]
unsafe fn add_channel_sums<S: Simd, const T: usize, const Q: usize>(tile: &Tile, sums: &Accumulators<S, T, Q>) {
    unsafe {
        for q in 0..Q {
            let mut sum = S::load(tile.sums.add(q * LANES));
            let mut square = S::load(tile.sums.add((Q + q) * LANES));
            for row in sums {
                sum = S::add(sum, row[q]);
                square = S::fma(row[q], row[q], square);
            }
            S::store(tile.sums.add(q * LANES), sum);
            S::store(tile.sums.add((Q + q) * LANES), square);
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
                    _ => unreachable!("a tile has at most `max_tile_width` pixels and `max_blocks` blocks"),
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

/// Returns the kernel for tiles of `t` pixels, `pixel` numbers apart, and `q` blocks.
pub(crate) fn tile_kernel(level: SimdLevel, t: usize, q: usize, pixel: usize) -> unsafe fn(&Tile) {
    match level {
        SimdLevel::Portable => portable::kernel(t, q, pixel),
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx2 => avx2::kernel(t, q, pixel),
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx512 => avx512::kernel(t, q, pixel),
    }
}
