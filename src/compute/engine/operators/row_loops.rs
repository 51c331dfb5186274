//! Loops over the numbers of a row, compiled for each instruction set, and the number of channels of each block.

use crate::compute::engine::kernel::simd::LANES;
use crate::compute::engine::kernel::vectorised::vectorised;
use crate::compute::engine::memory_layout::{MapLayout, WriteMode};

vectorised! {
    /// Computes `to = f(a)`, or `to += f(a)`.
    pub(super) fn map(to: &mut [f32], a: &[f32], write: WriteMode, f: impl Fn(f32) -> f32) {
        if write == WriteMode::Accumulate {
            to.iter_mut().zip(a).for_each(|(to, &a)| *to += f(a));
        } else {
            to.iter_mut().zip(a).for_each(|(to, &a)| *to = f(a));
        }
    }
}

vectorised! {
    /// Computes `to = f(a, b)`, or `to += f(a, b)`.
    pub(super) fn zip(to: &mut [f32], a: &[f32], b: &[f32], write: WriteMode, f: impl Fn(f32, f32) -> f32) {
        if write == WriteMode::Accumulate {
            to.iter_mut().zip(a).zip(b).for_each(|((to, &a), &b)| *to += f(a, b));
        } else {
            to.iter_mut().zip(a).zip(b).for_each(|((to, &a), &b)| *to = f(a, b));
        }
    }
}

vectorised! {
    /// Computes `to = f(a, v)`, or `to += f(a, v)`, with one `v` per lane for all pixels.
    pub(super) fn map_by_lane(to: &mut [f32], a: &[f32], v: &[f32], write: WriteMode, f: impl Fn(f32, f32) -> f32) {
        match (v, write) {
            (&[v], _) => map(to, a, write, |a| f(a, v)),
            (_, WriteMode::Overwrite) => for_lanes(to, a, v, |to, a, v| *to = f(a, v)),
            (_, WriteMode::Accumulate) => for_lanes(to, a, v, |to, a, v| *to += f(a, v)),
        }
    }
}

/// Calls `f` for each lane of each pixel.
#[inline(always)]
fn for_lanes(to: &mut [f32], a: &[f32], v: &[f32], f: impl Fn(&mut f32, f32, f32)) {
    let v: &[f32; LANES] = v.try_into().expect("MapLayout: a block has LANES lanes or 1");
    for (to, a) in to.as_chunks_mut::<LANES>().0.iter_mut().zip(a.as_chunks::<LANES>().0) {
        for lane in 0..LANES {
            f(&mut to[lane], a[lane], v[lane]);
        }
    }
}

vectorised! {
    /// Computes `to = f(a, b, v)`, or `to += f(a, b, v)`, with one `v` per lane for all pixels.
    pub(super) fn zip_by_lane(
        to: &mut [f32], a: &[f32], b: &[f32], v: &[f32], write: WriteMode, f: impl Fn(f32, f32, f32) -> f32,
    ) {
        match v {
            &[v] => zip(to, a, b, write, |a, b| f(a, b, v)),
            _ => {
                let v: &[f32; LANES] = v.try_into().expect("MapLayout: a block has LANES lanes or 1");
                let pixels = to.as_chunks_mut().0.iter_mut().zip(a.as_chunks().0).zip(b.as_chunks().0);
                pixels.for_each(|((to, a), b): ((&mut [f32; LANES], &[f32; LANES]), &[f32; LANES])| {
                    for lane in 0..LANES {
                        to[lane] = write.old(to[lane]) + f(a[lane], b[lane], v[lane]);
                    }
                });
            }
        }
    }
}

/// Returns the number of channels of each block. They are its first lanes; the remaining lanes are unused.
pub(super) fn used_lanes(layout: &MapLayout) -> Vec<usize> {
    let of_segment = |&c: &usize| (0..c).step_by(layout.lanes).map(move |first| layout.lanes.min(c - first));
    layout.segments.iter().flat_map(of_segment).collect()
}

/// Zeros the unused lanes of a row.
pub(super) fn clear_gaps(row: &mut [f32], lanes: usize, used: usize) {
    if used < lanes {
        row.chunks_exact_mut(lanes).for_each(|pixel| pixel[used..].fill(0.0));
    }
}

vectorised! {
    /// Adds `f(a, b)` of all pixels to the sum of their lane.
    pub(super) fn sum_zip(sums: &mut [f32], a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) {
        match sums {
            [sum] => a.iter().zip(b).for_each(|(&a, &b)| *sum += f(a, b)),
            _ => {
                let sums: &mut [f32; LANES] = sums.try_into().expect("MapLayout: a block has LANES lanes or 1");
                let mut all = *sums;
                for (a, b) in a.as_chunks::<LANES>().0.iter().zip(b.as_chunks::<LANES>().0) {
                    for lane in 0..LANES {
                        all[lane] += f(a[lane], b[lane]);
                    }
                }
                *sums = all;
            }
        }
    }
}

vectorised! {
    /// Adds all pixels to the sum of their lane.
    pub(super) fn sum(sums: &mut [f32], a: &[f32]) {
        sum_zip(sums, a, a, |a, _| a);
    }
}
