//! Distances between the surfaces of two masks in three dimensions: HD95 and ASSD as in [`surface`](super::surface), with six
//! neighbours and a spacing along each axis.
//!
//! Only the box around both masks is held, as one 32-bit number a voxel, and only where a surface lies is the distance
//! computed along the third axis. The time is linear in the number of voxels of the box.

use super::distance::LowerEnvelope;
use super::surface::SurfaceDistances;
use super::volume_pair::VolumePair;
use crate::text::config::case_rules::IGNORED_CLASS;
use rayon::prelude::*;

/// The part of a volume around two masks, in voxels: slices, rows, columns.
#[derive(Clone, Copy)]
struct VoxelBox {
    start: [usize; 3],
    size: [usize; 3],
}

/// Computes the distances between prediction and truth of one class.
///
/// The surface of a mask consists of its voxels with one of their six neighbours outside the mask or the volume. Directed
/// distances run from the centre of each surface voxel of one mask to the nearest one of the other. HD95 is the larger of the 95th
/// percentiles (linear interpolation) of the two directions, ASSD the mean of all distances of both directions.
pub(super) fn volume_surface_distances(pair: &VolumePair<'_>, class: u8) -> SurfaceDistances {
    let truth = |i: usize| pair.truth[i] == class;
    // What the truth leaves open belongs to neither mask.
    let pred = |i: usize| pair.pred[i] == class && pair.truth[i] != IGNORED_CLASS;
    let (in_pred, in_truth) = (box_of(pair.size, &pred), box_of(pair.size, &truth));
    let (Some(a), Some(b)) = (in_pred, in_truth) else {
        let sides = [0, 1, 2].map(|axis| pair.size[axis] as f64 * pair.spacing[axis]);
        let diagonal = sides.iter().map(|side| side * side).sum::<f64>().sqrt();
        return match (in_pred, in_truth) {
            (None, None) => SurfaceDistances::Neither { diagonal },
            _ => SurfaceDistances::One { diagonal },
        };
    };
    let both = a.joined(b);
    let (a, b) = (both.surface(pair.size, &pred), both.surface(pair.size, &truth));
    let there = directed_distances(&a, &b, both.size, pair.spacing);
    let back = directed_distances(&b, &a, both.size, pair.spacing);
    SurfaceDistances::of_directed(&there, &back)
}

/// Returns the smallest box that holds all voxels of a mask; `None` for an empty mask.
fn box_of([slices, height, width]: [usize; 3], mask: &(impl Fn(usize) -> bool + Sync)) -> Option<VoxelBox> {
    // Lowest and highest row and column of each slice.
    let of_slice = |z: usize| {
        let mut found: Option<[[usize; 2]; 2]> = None;
        for y in 0..height {
            let row = (z * height + y) * width;
            let Some(first) = (0..width).find(|x| mask(row + x)) else { continue };
            let last = (0..width).rev().find(|x| mask(row + x)).unwrap_or(first);
            let [_, [low, high]] = found.unwrap_or([[y, y], [first, last]]);
            found = Some([[found.map_or(y, |f| f[0][0]), y], [low.min(first), high.max(last)]]);
        }
        found.map(|[rows, columns]| VoxelBox {
            start: [z, rows[0], columns[0]],
            size: [1, rows[1] + 1 - rows[0], columns[1] + 1 - columns[0]],
        })
    };
    (0..slices).into_par_iter().filter_map(of_slice).reduce_with(VoxelBox::joined)
}

impl VoxelBox {
    /// Returns the smallest box around both.
    fn joined(self, other: VoxelBox) -> VoxelBox {
        let start = [0, 1, 2].map(|a| self.start[a].min(other.start[a]));
        let end = |a: usize| (self.start[a] + self.size[a]).max(other.start[a] + other.size[a]);
        VoxelBox { start, size: [0, 1, 2].map(|a| end(a) - start[a]) }
    }

    /// Returns the surface of a mask inside the box, which holds the whole mask: outside the box is outside the mask.
    fn surface(self, of: [usize; 3], mask: &(impl Fn(usize) -> bool + Sync)) -> Vec<bool> {
        let [depth, height, width] = self.size;
        let inside = |z: usize, y: usize, x: usize| {
            let [sz, sy, sx] = self.start;
            mask(((z + sz) * of[1] + y + sy) * of[2] + x + sx)
        };
        let mut surface = vec![false; depth * height * width];
        surface.par_chunks_mut(height * width).enumerate().for_each(|(z, slice)| {
            for (i, on_surface) in slice.iter_mut().enumerate() {
                let (y, x) = (i / width, i % width);
                let inner = || {
                    let within = z > 0 && z + 1 < depth && y > 0 && y + 1 < height && x > 0 && x + 1 < width;
                    within
                        && inside(z - 1, y, x)
                        && inside(z + 1, y, x)
                        && inside(z, y - 1, x)
                        && inside(z, y + 1, x)
                        && inside(z, y, x - 1)
                        && inside(z, y, x + 1)
                };
                *on_surface = inside(z, y, x) && !inner();
            }
        });
        surface
    }
}

/// Returns the sorted distances from each voxel of `from` to the nearest voxel of `to`, by a distance transform in each slice
/// and the lower envelope across slices.
fn directed_distances(from: &[bool], to: &[bool], size: [usize; 3], spacing: [f64; 3]) -> Vec<f64> {
    let [depth, height, width] = size;
    let area = height * width;
    let mut in_slice = vec![f32::INFINITY; to.len()];
    in_slice
        .par_chunks_mut(area)
        .zip(to.par_chunks(area))
        .filter(|(_, to)| to.contains(&true))
        .for_each(|(squared, to)| slice_distances(to, width, [spacing[1], spacing[2]], squared));
    let of_row = |y: usize| {
        let (mut envelope, mut line, mut found) = (LowerEnvelope::default(), vec![0.0; depth], Vec::new());
        for x in 0..width {
            let at = |z: usize| z * area + y * width + x;
            if !(0..depth).any(|z| from[at(z)]) {
                continue;
            }
            line.iter_mut().enumerate().for_each(|(z, value)| *value = f64::from(in_slice[at(z)]));
            envelope.transform_row(&mut line, spacing[0]);
            found.extend((0..depth).filter(|&z| from[at(z)]).map(|z| line[z].sqrt()));
        }
        found
    };
    let mut found: Vec<f64> = (0..height).into_par_iter().flat_map_iter(of_row).collect();
    found.par_sort_unstable_by(f64::total_cmp);
    found
}

/// Writes the squared distance of each pixel of a slice to the nearest set pixel of the slice, which has one. Rows are read in
/// their order in memory, from the first to the last and back.
fn slice_distances(set: &[bool], width: usize, spacing: [f64; 2], squared: &mut [f32]) {
    // Number of rows since the last set pixel of each column.
    let mut since = vec![f32::INFINITY; width];
    let count = |since: &mut [f32], set: &[bool]| {
        since.iter_mut().zip(set).for_each(|(since, &set)| *since = if set { 0.0 } else { *since + 1.0 });
    };
    for (row, set) in squared.chunks_exact_mut(width).zip(set.chunks_exact(width)) {
        count(&mut since, set);
        row.copy_from_slice(&since);
    }
    since.fill(f32::INFINITY);
    let (mut envelope, mut line) = (LowerEnvelope::default(), vec![0.0; width]);
    for (row, set) in squared.chunks_exact_mut(width).zip(set.chunks_exact(width)).rev() {
        count(&mut since, set);
        for ((value, rows), up) in line.iter_mut().zip(row.iter()).zip(&since) {
            *value = (f64::from(rows.min(*up)) * spacing[0]).powi(2);
        }
        envelope.transform_row(&mut line, spacing[1]);
        row.iter_mut().zip(&line).for_each(|(to, &value)| *to = value as f32);
    }
}
