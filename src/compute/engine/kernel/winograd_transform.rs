//! Winograd's transforms for 3x3 kernels and tiles of 4x4 outputs, one vector of channels at a time.
//!
//! F(4x4, 3x3) of Lavin and Gray 2016 ("Fast Algorithms for Convolutional Neural Networks", section 4.3): with the
//! points 0, 1, -1, 2, -2 and infinity, an output tile is `A^T [ (G g G^T) * (B^T d B) ] A`. `d` are 6x6 inputs and `*`
//! is the elementwise product, which becomes a matrix product over channels: 36 products where a direct convolution has
//! 144.

// Rows of one array are columns of the next.
#![allow(clippy::needless_range_loop)]

use super::prologue::BlockPrologue;
#[cfg(target_arch = "x86_64")]
use super::simd::{Avx2, Avx512};
use super::simd::{LANES, Portable, Simd, SimdLevel};
use super::vectorised::vectorised;

/// Outputs along an axis of a tile.
pub(super) const TILE: usize = 4;
/// Inputs along an axis of a tile.
pub(super) const PATCH: usize = 6;
/// Products of a tile for one pair of channels.
pub(super) const POINTS: usize = PATCH * PATCH;

/// Source and target of the transform of one tile and block. Offsets count numbers.
pub(super) struct TransformPatch {
    pub from: *const f32,
    pub row: usize,
    pub to: *mut f32,
    /// From one point to the next.
    pub point: usize,
}

/// The operands of the transform back to output pixels.
pub(super) struct OutputTile {
    pub from: *const f32,
    /// From one point to the next.
    pub point: usize,
    pub to: *mut f32,
    pub row: usize,
    /// Number of rows and columns that lie in the map.
    pub size: [usize; 2],
    pub accumulate: bool,
    /// One vector, or null.
    pub bias: *const f32,
    pub relu: bool,
    /// A vector of sums and one of sums of squares, which the tile's are added to, or null.
    pub sums: *mut f32,
}

/// Computes `B^T d`.
#[inline(always)]
unsafe fn input_column<S: Simd>(d: [S::V; PATCH]) -> [S::V; PATCH] {
    unsafe {
        let [two, four, five] = [2.0, 4.0, -5.0].map(|x| S::splat(x));
        let minus_four = S::splat(-4.0);
        let (a, b) = (S::fma(d[2], minus_four, d[4]), S::fma(d[1], minus_four, d[3]));
        let (c, e) = (S::sub(d[4], d[2]), S::mul(S::sub(d[3], d[1]), two));
        [
            S::fma(d[0], four, S::fma(d[2], five, d[4])),
            S::add(a, b),
            S::sub(a, b),
            S::add(c, e),
            S::sub(c, e),
            S::fma(d[1], four, S::fma(d[3], five, d[5])),
        ]
    }
}

/// Computes `A^T m`.
#[inline(always)]
unsafe fn output_column<S: Simd>(m: [S::V; PATCH]) -> [S::V; TILE] {
    unsafe {
        let [two, four, eight] = [2.0, 4.0, 8.0].map(|x| S::splat(x));
        let (s, d) = (S::add(m[1], m[2]), S::sub(m[1], m[2]));
        let (t, e) = (S::add(m[3], m[4]), S::sub(m[3], m[4]));
        [S::add(m[0], S::add(s, t)), S::fma(e, two, d), S::fma(t, four, s), S::add(m[5], S::fma(e, eight, d))]
    }
}

/// Computes `A y`.
#[inline(always)]
unsafe fn gradient_column<S: Simd>(y: [S::V; TILE]) -> [S::V; PATCH] {
    unsafe {
        let [two, four, eight] = [2.0, 4.0, 8.0].map(|x| S::splat(x));
        let (even, odd) = (S::add(y[0], y[2]), S::add(y[1], y[3]));
        let (far, wide) = (S::fma(y[2], four, y[0]), S::fma(y[3], eight, S::mul(y[1], two)));
        [y[0], S::add(even, odd), S::sub(even, odd), S::add(far, wide), S::sub(far, wide), y[3]]
    }
}

/// Transforms 6x6 input pixels. With `NORMED`, it first applies the prologue to them, with the same rounding as a norm
/// whose output is stored.
///
/// # Safety
/// 6x6 pixels can be read and 36 points written.
#[inline(always)]
unsafe fn transform_input<S: Simd, const NORMED: bool>(patch: &TransformPatch, prologue: &BlockPrologue) {
    unsafe {
        let (factor, summand) = (S::load(prologue.factor.as_ptr()), S::load(prologue.summand.as_ptr()));
        let floor = S::splat(prologue.floor);
        let mut columns = [[S::splat(0.0); PATCH]; PATCH];
        for (x, column) in columns.iter_mut().enumerate() {
            // Loops instead of closures: a closure is compiled without the processor's features and would be called for
            // each number.
            for (y, to) in column.iter_mut().enumerate() {
                *to = S::load(patch.from.add(y * patch.row + x * LANES));
                if NORMED {
                    // This order keeps a NaN.
                    *to = S::max(floor, S::add(S::mul(*to, factor), summand));
                }
            }
            *column = input_column::<S>(*column);
        }
        for y in 0..PATCH {
            let row = input_column::<S>(std::array::from_fn(|x| columns[x][y]));
            for (x, v) in row.into_iter().enumerate() {
                S::store(patch.to.add((y * PATCH + x) * patch.point), v);
            }
        }
    }
}

/// Transforms 4x4 pixels of an output's gradient.
///
/// # Safety
/// 4x4 pixels can be read and 36 points written.
#[inline(always)]
unsafe fn transform_gradient<S: Simd>(patch: &TransformPatch) {
    unsafe {
        let mut columns = [[S::splat(0.0); PATCH]; TILE];
        for (x, column) in columns.iter_mut().enumerate() {
            *column = gradient_column::<S>(std::array::from_fn(|y| S::load(patch.from.add(y * patch.row + x * LANES))));
        }
        for y in 0..PATCH {
            let row = gradient_column::<S>(std::array::from_fn(|x| columns[x][y]));
            for (x, v) in row.into_iter().enumerate() {
                S::store(patch.to.add((y * PATCH + x) * patch.point), v);
            }
        }
    }
}

/// Transforms 36 points to output pixels and applies the epilogue.
///
/// # Safety
/// 36 points can be read and `size` pixels written.
#[inline(always)]
unsafe fn transform_output<S: Simd>(tile: &OutputTile) {
    unsafe {
        let mut rows = [[S::splat(0.0); TILE]; PATCH];
        for (x, column) in rows.iter_mut().enumerate() {
            *column = output_column::<S>(std::array::from_fn(|y| S::load(tile.from.add((y * PATCH + x) * tile.point))));
        }
        let bias = if tile.bias.is_null() { S::splat(0.0) } else { S::load(tile.bias) };
        let zero = S::splat(0.0);
        let (mut sum, mut square) = (zero, zero);
        for y in 0..tile.size[0] {
            let row = output_column::<S>(std::array::from_fn(|x| rows[x][y]));
            for (x, v) in row.into_iter().enumerate().take(tile.size[1]) {
                let to = tile.to.add(y * tile.row + x * LANES);
                let mut v = S::add(v, bias);
                if tile.accumulate {
                    v = S::add(v, S::load(to));
                }
                if tile.relu {
                    v = S::max(zero, v);
                }
                sum = S::add(sum, v);
                square = S::fma(v, v, square);
                S::store(to, v);
            }
        }
        if !tile.sums.is_null() {
            S::store(tile.sums, S::add(S::load(tile.sums), sum));
            let squares = tile.sums.add(LANES);
            S::store(squares, S::add(S::load(squares), square));
        }
    }
}

macro_rules! kernels {
    ($module:ident, $simd:ty, $(#[$feature:meta])*) => {
        mod $module {
            use super::*;
            $(#[$feature])*
            pub(super) unsafe fn input(patch: &TransformPatch) {
                unsafe { transform_input::<$simd, false>(patch, &BlockPrologue::NONE) }
            }
            $(#[$feature])*
            pub(super) unsafe fn input_with_prologue(patch: &TransformPatch, prologue: &BlockPrologue) {
                unsafe { transform_input::<$simd, true>(patch, prologue) }
            }
            $(#[$feature])*
            pub(super) unsafe fn gradient(patch: &TransformPatch) {
                unsafe { transform_gradient::<$simd>(patch) }
            }
            $(#[$feature])*
            pub(super) unsafe fn output(tile: &OutputTile) {
                unsafe { transform_output::<$simd>(tile) }
            }
            pub(super) const ALL: WinogradTransforms = WinogradTransforms { input, input_with_prologue, gradient, output };
        }
    };
}

#[cfg(target_arch = "x86_64")]
kernels!(avx512, Avx512, #[target_feature(enable = "avx512f,avx2,fma")]);
#[cfg(target_arch = "x86_64")]
kernels!(avx2, Avx2, #[target_feature(enable = "avx2,fma")]);
kernels!(portable, Portable,);

/// The transforms for this processor.
#[derive(Clone, Copy)]
pub(super) struct WinogradTransforms {
    pub input: unsafe fn(&TransformPatch),
    /// With a prologue on the input.
    pub input_with_prologue: unsafe fn(&TransformPatch, &BlockPrologue),
    pub gradient: unsafe fn(&TransformPatch),
    pub output: unsafe fn(&OutputTile),
}

impl WinogradTransforms {
    pub(super) fn get() -> Self {
        match SimdLevel::get() {
            SimdLevel::Portable => portable::ALL,
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx2 => avx2::ALL,
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx512 => avx512::ALL,
        }
    }
}

/// Computes `G g` for one column of 3, lane by lane.
#[inline(always)]
fn transform_kernel_column(g: [&[f32; LANES]; 3]) -> [[f32; LANES]; PATCH] {
    let mut u = [[0.0; LANES]; PATCH];
    for i in 0..LANES {
        let (a, b, c) = (g[0][i], g[1][i], g[2][i]);
        let (even, odd) = ((a + c) * (-1.0 / 6.0), b * (1.0 / 6.0));
        let (far, near) = (a * (1.0 / 24.0) + c * (1.0 / 6.0), b * (1.0 / 12.0));
        u[0][i] = a * 0.25;
        u[1][i] = even - odd;
        u[2][i] = even + odd;
        u[3][i] = far + near;
        u[4][i] = far - near;
        u[5][i] = c;
    }
    u
}

/// Computes `G^T u` for one column of 6, lane by lane.
#[inline(always)]
fn transform_gradient_column(u: [&[f32; LANES]; PATCH]) -> [[f32; LANES]; 3] {
    let mut g = [[0.0; LANES]; 3];
    for i in 0..LANES {
        let (s, d) = (u[1][i] + u[2][i], u[2][i] - u[1][i]);
        let (t, e) = (u[3][i] + u[4][i], u[3][i] - u[4][i]);
        g[0][i] = u[0][i] * 0.25 - s * (1.0 / 6.0) + t * (1.0 / 24.0);
        g[1][i] = d * (1.0 / 6.0) + e * (1.0 / 12.0);
        g[2][i] = (t - s) * (1.0 / 6.0) + u[5][i];
    }
    g
}

vectorised! {
    /// Computes `G g G^T` of a 3x3 kernel in each lane, with `G` of the same paper.
    pub(super) fn transform_kernels(g: &[[f32; LANES]; 9], u: &mut [[f32; LANES]; POINTS]) {
        let columns: [_; 3] = std::array::from_fn(|x| transform_kernel_column([&g[x], &g[3 + x], &g[6 + x]]));
        for y in 0..PATCH {
            let row = transform_kernel_column([&columns[0][y], &columns[1][y], &columns[2][y]]);
            u[y * PATCH..(y + 1) * PATCH].copy_from_slice(&row);
        }
    }
}

vectorised! {
    /// Computes `G^T u G` in each lane: the gradient of a 3x3 kernel from that of its transform.
    pub(super) fn transform_kernel_gradients(u: &[[f32; LANES]; POINTS], g: &mut [[f32; LANES]; 9]) {
        let columns: [_; PATCH] = std::array::from_fn(|x| transform_gradient_column(std::array::from_fn(|y| &u[y * PATCH + x])));
        for y in 0..3 {
            let row = transform_gradient_column(std::array::from_fn(|x| &columns[x][y]));
            g[y * 3..(y + 1) * 3].copy_from_slice(&row);
        }
    }
}
