//! The gradient of a convolution's weights: for each tap, input times output gradient, summed over all pixels.

use super::conv_region::ConvRegion;
use super::packing::rows_of_blocks;
#[cfg(target_arch = "x86_64")]
use super::simd::{Avx2, Avx512};
use super::simd::{LANES, Portable, Simd, SimdLevel};
use super::team;
use crate::compute::engine::memory_layout::{MapLayout, MapView};

/// Bytes of input and gradient rows that stay in the first cache while all taps go over them.
const ROWS_AT_ONCE: usize = 24 << 10;
/// Parts that the sum over pixels is cut into where there are few channels. By shape and not by threads.
const TASKS: usize = 32;

/// One run of pixels: offsets of its first in input and gradient, and its length.
#[derive(Clone, Copy)]
struct PixelRun {
    input: isize,
    gradient: usize,
    pixels: usize,
}

/// Some input channels against some output blocks, over runs of pixels.
struct GradientPatch<'a> {
    input: *const f32,
    pixel: usize,
    channel: usize,
    gradient: *const f32,
    gradient_block: usize,
    runs: &'a [PixelRun],
    /// `[channel][Q * LANES]`, added to.
    sums: *mut f32,
}

/// # Safety
/// All pixels of all runs lie in input and gradient; the sums hold `C * Q` vectors.
#[inline(always)]
unsafe fn microkernel<S: Simd, const C: usize, const Q: usize, const P: usize>(patch: &GradientPatch) {
    unsafe {
        let pixel = if P == 0 { patch.pixel } else { P };
        let mut sums = [[S::splat(0.0); Q]; C];
        for run in patch.runs {
            let mut x = patch.input.offset(run.input);
            let mut g = patch.gradient.add(run.gradient);
            for _ in 0..run.pixels {
                let gradients: [S::V; Q] = std::array::from_fn(|q| S::load(g.add(q * patch.gradient_block)));
                for (c, row) in sums.iter_mut().enumerate() {
                    let x = S::splat(*x.add(c * patch.channel));
                    for (sum, gradient) in row.iter_mut().zip(gradients) {
                        *sum = S::fma(x, gradient, *sum);
                    }
                }
                x = x.add(pixel);
                g = g.add(LANES);
            }
        }
        for (c, row) in sums.iter().enumerate() {
            for (q, sum) in row.iter().enumerate() {
                let to = patch.sums.add((c * Q + q) * LANES);
                S::store(to, S::add(S::load(to), *sum));
            }
        }
    }
}

type GradientKernel = unsafe fn(&GradientPatch);

macro_rules! kernels {
    ($module:ident, $simd:ty, $(#[$feature:meta])* [$($q:literal: $($c:literal)*;)*]) => {
        mod $module {
            use super::*;
            $(#[$feature])*
            unsafe fn patch<const C: usize, const Q: usize, const P: usize>(patch: &GradientPatch) {
                unsafe { microkernel::<$simd, C, Q, P>(patch) }
            }
            fn of<const P: usize>(c: usize, q: usize) -> GradientKernel {
                match (q, c) {
                    $($(($q, $c) => patch::<$c, $q, P>,)*)*
                    _ => unreachable!("`kernel_sizes` gives these numbers of channels"),
                }
            }
            pub(super) fn kernel(c: usize, q: usize, pixel: usize) -> GradientKernel {
                match pixel {
                    16 => of::<16>(c, q),
                    32 => of::<32>(c, q),
                    _ => of::<0>(c, q),
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
kernels!(avx512, Avx512, #[target_feature(enable = "avx512f,avx2,fma")] [1: 1 2 3 4 8 16; 2: 1 2 3 4 8; 3: 1 2 3 4 8;]);
#[cfg(target_arch = "x86_64")]
kernels!(avx2, Avx2, #[target_feature(enable = "avx2,fma")] [1: 1 2 3 4;]);
kernels!(portable, Portable, [1: 1 2 3 4;]);

fn kernel(level: SimdLevel, c: usize, q: usize, pixel: usize) -> GradientKernel {
    match level {
        SimdLevel::Portable => portable::kernel(c, q, pixel),
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx2 => avx2::kernel(c, q, pixel),
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx512 => avx512::kernel(c, q, pixel),
    }
}

/// Output blocks at once, and numbers of input channels that kernels are made for, largest first.
fn kernel_sizes(level: SimdLevel, blocks: usize) -> (usize, &'static [usize]) {
    match level {
        SimdLevel::Portable => (1, &[4, 3, 2, 1]),
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx2 => (1, &[4, 3, 2, 1]),
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx512 => match blocks {
            1 => (1, &[16, 8, 4, 3, 2, 1]),
            n if n.is_multiple_of(3) => (3, &[8, 4, 3, 2, 1]),
            _ => (2, &[8, 4, 3, 2, 1]),
        },
    }
}

/// One share: some output blocks, the input channels of one block, some rows of the batch.
struct GradientTask {
    outputs: std::ops::Range<usize>,
    /// Block of the input, its channels, and how many channels come before them.
    block: usize,
    channels: usize,
    before: usize,
    /// Counted through all images.
    rows: std::ops::Range<usize>,
}

/// Gradient of the weights `[o, i, taps]` of the convolution whose forward region this is, in that order.
///
/// `region` covers every output pixel, as forward regions do.
pub(crate) fn direct_weight_gradient(region: &ConvRegion, taps: usize, input: MapView, gradient: MapView) -> Vec<f32> {
    let (from, of) = (input.layout, gradient.layout);
    assert!(input.data.len() >= from.buffer_len() && gradient.data.len() >= of.buffer_len() && of.lanes == LANES);
    assert!(from.n == of.n && region.rows.count == of.h && region.columns.count == of.w);
    let tasks = tasks(from, of);
    let parts: Vec<Vec<f32>> = team::map(tasks.len(), |i| task_gradient(&tasks[i], region, taps, input, gradient));
    let mut all = vec![0.0; of.channels() * from.channels() * taps];
    let row = from.channels() * taps;
    team::for_each_mut(&mut rows_of_blocks(of, &mut all, row), |block, all| {
        for (task, part) in tasks.iter().zip(&parts).filter(|(task, _)| task.outputs.contains(&block)) {
            let lanes = task.outputs.len() * LANES;
            let first = (block - task.outputs.start) * LANES;
            for (o, row) in all.chunks_exact_mut(row).enumerate() {
                for (c, to) in row[task.before * taps..][..task.channels * taps].chunks_exact_mut(taps).enumerate() {
                    let from = part[c * lanes + first + o..].iter().step_by(task.channels * lanes);
                    to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
                }
            }
        }
    });
    all
}

fn tasks(from: &MapLayout, of: &MapLayout) -> Vec<GradientTask> {
    let blocks = of.blocks();
    let (most, _) = kernel_sizes(SimdLevel::get(), blocks);
    let mut inputs = Vec::new();
    let (mut block, mut before) = (0, 0);
    for &segment in &from.segments {
        // Planar channels lie a plane apart: one row of patches takes up to LANES of them.
        for first in (0..segment).step_by(LANES) {
            let channels = LANES.min(segment - first);
            inputs.push((block, channels, before));
            block += if from.lanes == 1 { channels } else { 1 };
            before += channels;
        }
    }
    let rows = of.n * of.h;
    let pairs = inputs.len() * blocks.div_ceil(most);
    let band = rows.div_ceil(TASKS.div_ceil(pairs.max(1))).max(1);
    let mut tasks = Vec::new();
    for output in (0..blocks).step_by(most) {
        let outputs = output..(output + most).min(blocks);
        for &(block, channels, before) in &inputs {
            for first in (0..rows).step_by(band) {
                let rows = first..(first + band).min(rows);
                tasks.push(GradientTask { outputs: outputs.clone(), block, channels, before, rows });
            }
        }
    }
    tasks
}

/// `[tap][channel][lanes]` of one task.
fn task_gradient(task: &GradientTask, region: &ConvRegion, taps: usize, input: MapView, gradient: MapView) -> Vec<f32> {
    let level = SimdLevel::get();
    let (from, of) = (input.layout, gradient.layout);
    let blocks = task.outputs.len();
    let lanes = blocks * LANES;
    let (pixel, channel) = (from.lanes * region.stride[1], if from.lanes == 1 { from.plane_len() } else { 1 });
    let (_, sizes) = kernel_sizes(level, blocks);
    let mut sums = vec![0.0f32; taps * task.channels * lanes];
    let width = (region.stride[1] * from.lanes.max(task.channels) + lanes) * of.w * size_of::<f32>();
    let at_once = (ROWS_AT_ONCE / width.max(1)).max(1);
    let mut runs = Vec::new();
    let rows: Vec<usize> = task.rows.clone().collect();
    for rows in rows.chunks(at_once) {
        for tap in &region.taps {
            let columns = region.columns_inside(tap, from.w);
            runs.clear();
            for row in rows {
                let (image, y) = (row / of.h, row % of.h);
                let from_y = (y * region.stride[0]) as isize + tap.y;
                if from_y < 0 || from_y >= from.h as isize || columns.is_empty() {
                    continue;
                }
                let first = (image * from.blocks() + task.block) * from.plane_len() + from_y as usize * from.row_len();
                let x =
                    (from.halo as isize + (columns.start * region.stride[1]) as isize + tap.x) * from.lanes as isize;
                let gradient = of.row_start(image * of.blocks() + task.outputs.start, y) + columns.start * LANES;
                runs.push(PixelRun { input: first as isize + x, gradient, pixels: columns.len() });
            }
            if runs.is_empty() {
                continue;
            }
            let mut done = 0;
            while done < task.channels {
                let rest = task.channels - done;
                let count = *sizes.iter().find(|&&size| size <= rest).expect("the list ends in 1");
                let to = (tap.weight * task.channels + done) * lanes;
                // SAFETY: `columns` and the test above keep all pixels inside the input, `weights` checked both maps
                // against their layouts, and `sums` has a vector for each channel and block of each tap.
                unsafe {
                    kernel(level, count, blocks, pixel)(&GradientPatch {
                        input: input.data.as_ptr().add(done * channel),
                        pixel,
                        channel,
                        gradient: gradient.data.as_ptr(),
                        gradient_block: of.plane_len(),
                        runs: &runs,
                        sums: sums[to..to + count * lanes].as_mut_ptr(),
                    });
                }
                done += count;
            }
        }
    }
    sums
}

/// Adds to `sums`, `[output block][channel][lane]`, the products of input vectors and gradient vectors: `x` holds one vector
/// for each of `count` places, `g` one for each output block and place; `channels` of `x` count.
pub(super) fn add_products(x: &[f32], g: &[f32], count: usize, channels: usize, sums: &mut [f32]) {
    let level = SimdLevel::get();
    let blocks = g.len() / (count * LANES).max(1);
    assert!(x.len() >= count * LANES && sums.len() >= blocks * LANES * LANES && channels <= LANES);
    let (most, _) = kernel_sizes(level, blocks);
    let mut scratch = [0.0f32; 3 * LANES * LANES];
    for first in (0..blocks).step_by(most) {
        let blocks = most.min(blocks - first);
        let (_, sizes) = kernel_sizes(level, blocks);
        let scratch = &mut scratch[..blocks * LANES * LANES];
        scratch.fill(0.0);
        let run = [PixelRun { input: 0, gradient: first * count * LANES, pixels: count }];
        let mut done = 0;
        while done < channels {
            let size = *sizes.iter().find(|&&size| size <= channels - done).expect("the list ends in 1");
            // SAFETY: asserted above; `scratch` has a vector for each channel and block.
            unsafe {
                kernel(level, size, blocks, LANES)(&GradientPatch {
                    input: x.as_ptr().add(done),
                    pixel: LANES,
                    channel: 1,
                    gradient: g.as_ptr(),
                    gradient_block: count * LANES,
                    runs: &run,
                    sums: scratch[done * blocks * LANES..].as_mut_ptr(),
                });
            }
            done += size;
        }
        // `[channel][block][lane]` to `[block][channel][lane]`
        for (i, row) in scratch.as_chunks::<LANES>().0.iter().enumerate() {
            let to = ((first + i % blocks) * LANES + i / blocks) * LANES;
            sums[to..to + LANES].iter_mut().zip(row).for_each(|(to, from)| *to += from);
        }
    }
}
