//! The gradient of a convolution's weights: for each tap, the sum over all pixels of input times output gradient.

use super::packing::rows_of_blocks;
#[cfg(target_arch = "x86_64")]
use super::simd::{Avx2, Avx512};
use super::simd::{LANES, Portable, Simd, SimdLevel};
use super::team;
use crate::compute::engine::memory_layout::{MapLayout, MapView};
use crate::compute::fused::{ConvRegion, KernelTap};
use std::ops::Range;

/// Bytes of input and gradient rows that stay in the first-level cache while all taps read them.
const ROWS_AT_ONCE: usize = 24 << 10;
/// Number of parts that the sum over pixels is cut into where there are few channels. The cut follows the shape and not the
/// number of threads.
const TASKS: usize = 32;

/// A run of pixels: offsets of its first pixel in input and gradient, and its length.
#[derive(Clone, Copy)]
struct PixelRun {
    input: isize,
    gradient: usize,
    pixels: usize,
}

/// The operands of a microkernel: some input channels against some output blocks, over runs of pixels.
struct GradientPatch<'a> {
    input: *const f32,
    pixel_stride: usize,
    channel_stride: usize,
    gradient: *const f32,
    gradient_block_stride: usize,
    runs: &'a [PixelRun],
    /// `[channel][Q * LANES]`, which the products are added to.
    sums: *mut f32,
}

/// Adds the products of `C` input channels and `Q` output blocks over all runs to the patch's sums.
///
/// # Safety
/// All pixels of all runs lie in input and gradient; the sums hold `C * Q` vectors.
#[inline(always)]
unsafe fn microkernel<S: Simd, const C: usize, const Q: usize, const P: usize>(patch: &GradientPatch) {
    unsafe {
        let mut sums = [[S::splat(0.0); Q]; C];
        for run in patch.runs {
            add_run::<S, C, Q, P>(patch, run, &mut sums);
        }
        for (c, row) in sums.iter().enumerate() {
            for (q, sum) in row.iter().enumerate() {
                let to = patch.sums.add((c * Q + q) * LANES);
                S::store(to, S::add(S::load(to), *sum));
            }
        }
    }
}

/// Adds the products of one run. The caller keeps the sums in registers.
///
/// # Safety
/// As for [`microkernel`].
#[inline(always)]
unsafe fn add_run<S: Simd, const C: usize, const Q: usize, const P: usize>(
    patch: &GradientPatch,
    run: &PixelRun,
    sums: &mut [[S::V; Q]; C],
) {
    unsafe {
        let pixel = if P == 0 { patch.pixel_stride } else { P };
        let mut x = patch.input.offset(run.input);
        let mut g = patch.gradient.add(run.gradient);
        for _ in 0..run.pixels {
            let gradients: [S::V; Q] = std::array::from_fn(|q| S::load(g.add(q * patch.gradient_block_stride)));
            for (c, row) in sums.iter_mut().enumerate() {
                let x = S::splat(*x.add(c * patch.channel_stride));
                for (sum, gradient) in row.iter_mut().zip(gradients) {
                    *sum = S::fma(x, gradient, *sum);
                }
            }
            x = x.add(pixel);
            g = g.add(LANES);
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
                    _ => unreachable!("`kernel_sizes` lists these numbers of channels"),
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

/// Returns how many output blocks a microkernel takes, and the numbers of input channels that microkernels exist for,
/// largest first.
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

/// Cuts `channels` into numbers of channels that microkernels exist for: first channel and number of each.
fn channel_cuts(sizes: &[usize], channels: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let size = *sizes.iter().find(|&&size| size <= channels - done)?;
        done += size;
        Some((done - size, size))
    })
}

/// One share of the work: some output blocks, the input channels of one block, some rows of the batch.
struct GradientTask {
    outputs: Range<usize>,
    inputs: InputSlice,
    /// Rows, counted through all images.
    rows: Range<usize>,
}

/// Input channels of one block.
#[derive(Clone, Copy)]
struct InputSlice {
    block: usize,
    channels: usize,
    /// Number of the first of these channels in the input.
    first_channel: usize,
}

/// Returns the gradient of the weights `[o, i, taps]` of the convolution with this forward region, in that order.
///
/// `region` covers every output pixel, as forward regions do.
pub(crate) fn direct_weight_gradient(region: &ConvRegion, taps: usize, input: MapView, gradient: MapView) -> Vec<f32> {
    let (from, of) = (input.layout, gradient.layout);
    assert!(input.data.len() >= from.buffer_len() && gradient.data.len() >= of.buffer_len() && of.lanes == LANES);
    assert!(from.n == of.n && region.rows.count == of.h && region.columns.count == of.w);
    let operands = Operands { region, taps, input, gradient };
    let tasks = tasks(from, of);
    let parts: Vec<Vec<f32>> = team::map(tasks.len(), |i| operands.task_gradient(&tasks[i]));
    let mut all = vec![0.0; of.channels() * from.channels() * taps];
    let row = from.channels() * taps;
    team::for_each_mut(&mut rows_of_blocks(of, &mut all, row), |block, all| {
        for (task, part) in tasks.iter().zip(&parts).filter(|(task, _)| task.outputs.contains(&block)) {
            let lane = (block - task.outputs.start) * LANES;
            for (o, row) in all.chunks_exact_mut(row).enumerate() {
                task.add_to_row(part, lane + o, taps, row);
            }
        }
    });
    all
}

impl GradientTask {
    /// Adds the part of one output channel, which is lane `lane` of the task's blocks, to its row `[i, taps]`.
    fn add_to_row(&self, part: &[f32], lane: usize, taps: usize, row: &mut [f32]) {
        let (lanes, inputs) = (self.outputs.len() * LANES, self.inputs);
        let row = &mut row[inputs.first_channel * taps..][..inputs.channels * taps];
        for (c, to) in row.chunks_exact_mut(taps).enumerate() {
            let from = part[c * lanes + lane..].iter().step_by(inputs.channels * lanes);
            to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        }
    }
}

fn tasks(from: &MapLayout, of: &MapLayout) -> Vec<GradientTask> {
    let blocks = of.blocks();
    let (most, _) = kernel_sizes(SimdLevel::get(), blocks);
    let mut slices = Vec::new();
    let (mut block, mut first_channel) = (0, 0);
    for &segment in &from.segments {
        // Planar channels lie a plane apart; a task takes up to LANES of them.
        for first in (0..segment).step_by(LANES) {
            let channels = LANES.min(segment - first);
            slices.push(InputSlice { block, channels, first_channel });
            block += if from.lanes == 1 { channels } else { 1 };
            first_channel += channels;
        }
    }
    let rows = of.n * of.h;
    let pairs = slices.len() * blocks.div_ceil(most);
    let band = rows.div_ceil(TASKS.div_ceil(pairs.max(1))).max(1);
    let mut tasks = Vec::new();
    for output in (0..blocks).step_by(most) {
        let outputs = output..(output + most).min(blocks);
        for &inputs in &slices {
            let bands = (0..rows).step_by(band).map(|first| first..(first + band).min(rows));
            tasks.extend(bands.map(|rows| GradientTask { outputs: outputs.clone(), inputs, rows }));
        }
    }
    tasks
}

/// The operands that all tasks share.
struct Operands<'a> {
    region: &'a ConvRegion,
    taps: usize,
    input: MapView<'a>,
    gradient: MapView<'a>,
}

impl Operands<'_> {
    /// Returns the part of one task, `[tap][channel][lanes]`.
    fn task_gradient(&self, task: &GradientTask) -> Vec<f32> {
        let (from, of) = (self.input.layout, self.gradient.layout);
        let lanes = task.outputs.len() * LANES;
        let mut sums = vec![0.0f32; self.taps * task.inputs.channels * lanes];
        let width = (self.region.stride[1] * from.lanes.max(task.inputs.channels) + lanes) * of.w * size_of::<f32>();
        let at_once = (ROWS_AT_ONCE / width.max(1)).max(1);
        let mut runs = Vec::new();
        for first in task.rows.clone().step_by(at_once) {
            let rows = first..(first + at_once).min(task.rows.end);
            for tap in &self.region.taps {
                self.find_runs(task, tap, rows.clone(), &mut runs);
                if !runs.is_empty() {
                    self.add_tap(task, tap, &runs, &mut sums);
                }
            }
        }
        sums
    }

    /// Finds the pixels of some rows for which a tap lies in the input.
    fn find_runs(&self, task: &GradientTask, tap: &KernelTap, rows: Range<usize>, runs: &mut Vec<PixelRun>) {
        let (from, of, stride) = (self.input.layout, self.gradient.layout, self.region.stride);
        let columns = self.region.columns_inside(tap, from.w);
        runs.clear();
        if columns.is_empty() {
            return;
        }
        let x = (from.halo as isize + (columns.start * stride[1]) as isize + tap.x) * from.lanes as isize;
        for row in rows {
            let (image, y) = (row / of.h, row % of.h);
            let from_y = (y * stride[0]) as isize + tap.y;
            if from_y < 0 || from_y >= from.h as isize {
                continue;
            }
            let plane = (image * from.blocks() + task.inputs.block) * from.plane_len();
            let first = plane + from_y as usize * from.row_len();
            let gradient = of.row_start(image * of.blocks() + task.outputs.start, y) + columns.start * LANES;
            runs.push(PixelRun { input: first as isize + x, gradient, pixels: columns.len() });
        }
    }

    /// Adds the products of one tap over some runs.
    fn add_tap(&self, task: &GradientTask, tap: &KernelTap, runs: &[PixelRun], sums: &mut [f32]) {
        let level = SimdLevel::get();
        let (from, of, blocks) = (self.input.layout, self.gradient.layout, task.outputs.len());
        let lanes = blocks * LANES;
        let pixel_stride = from.lanes * self.region.stride[1];
        let channel_stride = if from.lanes == 1 { from.plane_len() } else { 1 };
        let (_, sizes) = kernel_sizes(level, blocks);
        for (first, count) in channel_cuts(sizes, task.inputs.channels) {
            let to = (tap.weight * task.inputs.channels + first) * lanes;
            // SAFETY: `find_runs` returns only pixels inside the input, `direct_weight_gradient` checked both maps against
            // their layouts, and `sums` has a vector for each channel and block of each tap.
            unsafe {
                kernel(level, count, blocks, pixel_stride)(&GradientPatch {
                    input: self.input.data.as_ptr().add(first * channel_stride),
                    pixel_stride,
                    channel_stride,
                    gradient: self.gradient.data.as_ptr(),
                    gradient_block_stride: of.plane_len(),
                    runs,
                    sums: sums[to..to + count * lanes].as_mut_ptr(),
                });
            }
        }
    }
}

/// Adds the products of input vectors and gradient vectors to `sums`, `[output block][channel][lane]`. `x` holds one vector
/// for each of `count` positions, `g` one for each output block and position; the first `channels` lanes of `x` are used.
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
        for (channel, size) in channel_cuts(sizes, channels) {
            // SAFETY: asserted above; `scratch` has a vector for each channel and block.
            unsafe {
                kernel(level, size, blocks, LANES)(&GradientPatch {
                    input: x.as_ptr().add(channel),
                    pixel_stride: LANES,
                    channel_stride: 1,
                    gradient: g.as_ptr(),
                    gradient_block_stride: count * LANES,
                    runs: &run,
                    sums: scratch[channel * blocks * LANES..].as_mut_ptr(),
                });
            }
        }
        // `[channel][block][lane]` to `[block][channel][lane]`
        for (i, row) in scratch.as_chunks::<LANES>().0.iter().enumerate() {
            let to = ((first + i % blocks) * LANES + i / blocks) * LANES;
            sums[to..to + LANES].iter_mut().zip(row).for_each(|(to, from)| *to += from);
        }
    }
}
