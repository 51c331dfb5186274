//! Convolutions as sweeps of tiles over an output.
//!
//! Forward, backward to the input and transposed convolutions are all the same: each output pixel is a sum over taps, a
//! tap being a shift of the input and a matrix from input to output channels. What differs is which output pixels a
//! [`Sweep`] covers and where its taps point. Taps that only meet padding are left out, row by row and column by column;
//! no input is copied.

use super::packed::{Group, Packed};
use super::simd::{LANES, Level};
use super::team::{self, Place};
use super::tile::{Block, MOST_BLOCKS, Tap, Tile, kernel, widest};
use crate::compute::engine::memory_layout::{Layout, View, ViewMut};
use std::ops::Range;

/// Bytes of weights that a task goes over again and again; more than this, and it takes them in turns.
const WEIGHTS_AT_ONCE: usize = 256 << 10;
/// Bytes of all of a layer's weights that are small enough to be gone over for each part of the rows.
const ALL_WEIGHTS: usize = 1 << 20;
/// Bytes of a part's input.
const ROWS_AT_ONCE: usize = 256 << 10;
/// Tasks that a map is cut into if it has the rows. By shape and not by threads, so that sums do not depend on threads.
const TASKS: usize = 32;

/// Evenly spaced places along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lattice {
    pub first: usize,
    pub step: usize,
    pub count: usize,
}

/// A tap: output place number `i` reads input place `i * stride + shift` along each axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shift {
    pub y: isize,
    pub x: isize,
    /// Number of the tap in the packed weights.
    pub weight: usize,
}

/// Output pixels with the same taps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sweep {
    pub rows: Lattice,
    pub columns: Lattice,
    pub stride: [usize; 2],
    pub taps: Vec<Shift>,
}

impl Sweep {
    /// Columns of padding that the taps reach into, if the halo is to serve all of them.
    pub fn reach(&self, width: usize) -> usize {
        let last = (self.columns.count.max(1) - 1) * self.stride[1];
        let over = |tap: &Shift| (-tap.x).max(last as isize + tap.x - width as isize + 1).max(0);
        self.taps.iter().map(over).max().unwrap_or(0) as usize
    }

    /// Output columns for which a tap lies inside an input row of `width` pixels.
    pub fn columns_inside(&self, tap: &Shift, width: usize) -> Range<usize> {
        let stride = self.stride[1] as isize;
        let first = (-tap.x).max(0).unsigned_abs().div_ceil(self.stride[1]);
        let end =
            (width as isize - tap.x + stride - 1).div_euclid(stride).clamp(0, self.columns.count as isize) as usize;
        first.min(end)..end
    }

    /// Runs of columns with the same taps inside the input and its halo.
    fn segments(&self, input: &Layout) -> Vec<Segment> {
        let (from, to) = (-(input.halo as isize), (input.w + input.halo) as isize);
        let inside = |column: usize, tap: &Shift| {
            let x = (column * self.stride[1]) as isize + tap.x;
            from <= x && x < to
        };
        let mut segments: Vec<Segment> = Vec::new();
        for column in 0..self.columns.count {
            let taps: Vec<Shift> = self.taps.iter().filter(|tap| inside(column, tap)).copied().collect();
            match segments.last_mut() {
                Some(last) if last.taps == taps => last.end += 1,
                _ => segments.push(Segment { start: column, end: column + 1, taps }),
            }
        }
        segments
    }
}

struct Segment {
    start: usize,
    end: usize,
    taps: Vec<Shift>,
}

/// What happens to a pixel when all its taps are summed.
#[derive(Clone, Copy, Default)]
pub struct Finish<'a> {
    /// Start from what the output holds.
    pub accumulate: bool,
    /// One number per slot of the output.
    pub bias: Option<&'a [f32]>,
    pub relu: bool,
    /// Whether to sum what is written.
    pub sums: bool,
}

/// Sums and sums of squares over all pixels of all images, one of each per slot of the output.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sums {
    pub sum: Vec<f64>,
    pub square: Vec<f64>,
}

impl Sums {
    pub(super) fn zeros(slots: usize) -> Self {
        Self { sum: vec![0.0; slots], square: vec![0.0; slots] }
    }

    /// Adds those of the slots from `first` on.
    pub(super) fn add(&mut self, first: usize, part: &Self) {
        let add = |to: &mut [f64], from: &[f64]| to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        add(&mut self.sum[first..], &part.sum);
        add(&mut self.square[first..], &part.square);
    }
}

/// One share of the work: some groups of one image, and some of the parts that its rows are cut into.
struct Task {
    groups: Range<usize>,
    image: usize,
    parts: Range<usize>,
}

/// All that tasks have in common.
struct Job<'a> {
    sweeps: Vec<(&'a Sweep, Vec<Segment>)>,
    input: View<'a>,
    weights: &'a Packed,
    /// Input channels as tiles read them.
    blocks: Vec<Block>,
    output: &'a Layout,
    place: Place,
    finish: Finish<'a>,
    /// Parts that the rows of each sweep are cut into.
    parts: usize,
}

/// Runs all sweeps. Outputs that no sweep covers stay as they are; no two sweeps may cover the same.
pub(crate) fn convolve(
    sweeps: &[Sweep],
    input: View,
    weights: &Packed,
    output: &mut ViewMut,
    finish: Finish,
) -> Option<Sums> {
    let layout = output.layout;
    assert!(input.data.len() >= input.layout.size() && output.data.len() >= layout.size());
    assert!(layout.lanes == LANES && input.layout.n == layout.n);
    assert!(finish.bias.is_none_or(|bias| bias.len() >= layout.slots()));
    for sweep in sweeps {
        for (lattice, size) in [(sweep.rows, layout.h), (sweep.columns, layout.w)] {
            assert!(lattice.count == 0 || lattice.first + (lattice.count - 1) * lattice.step < size);
        }
        assert!(sweep.taps.iter().all(|tap| tap.weight < weights.taps));
    }
    let (tasks, parts) = tasks(sweeps, input.layout, weights, layout.n);
    let blocks = (weights.blocks.iter())
        .map(|b| Block { input: b.block * input.layout.plane(), weight: b.before * weights.taps, channels: b.count })
        .collect();
    let sweeps = sweeps.iter().map(|sweep| (sweep, sweep.segments(input.layout))).collect();
    let job = Job { sweeps, input, weights, blocks, output: layout, place: Place::new(output.data), finish, parts };
    if !finish.sums {
        team::each(tasks.len(), |i| drop(job.run(&tasks[i])));
        return None;
    }
    let parts: Vec<Sums> = team::map(tasks.len(), |i| job.run(&tasks[i]));
    let mut sums = Sums::zeros(layout.slots());
    for (task, part) in tasks.iter().zip(&parts) {
        sums.add(weights.groups[task.groups.start].first * LANES, part);
    }
    Some(sums)
}

/// Shares of the work, and parts that rows are cut into: a part's input is small enough for all groups to find it in the
/// second cache, if their weights are.
fn tasks(sweeps: &[Sweep], from: &Layout, weights: &Packed, images: usize) -> (Vec<Task>, usize) {
    let groups = weights.groups.len();
    let rows = sweeps.iter().map(|sweep| sweep.rows.count).max().unwrap_or(0).max(1);
    let bands = TASKS.div_ceil(images.max(1)).min(rows);
    let share = groups.div_ceil(TASKS.div_ceil((images * bands).max(1)).min(groups).max(1)).max(1);
    let stride = sweeps.iter().map(|sweep| sweep.stride[0]).max().unwrap_or(1);
    let band = rows.div_ceil(bands);
    let bytes = band * stride * from.blocks() * from.row() * size_of::<f32>();
    let pieces = if weights.bytes() <= ALL_WEIGHTS { bytes.div_ceil(ROWS_AT_ONCE).clamp(1, band) } else { 1 };
    let mut tasks = Vec::new();
    for first in (0..groups).step_by(share) {
        let groups = first..(first + share).min(groups);
        for image in 0..images {
            let parts = (0..bands).map(|band| band * pieces..(band + 1) * pieces);
            tasks.extend(parts.map(|parts| Task { groups: groups.clone(), image, parts }));
        }
    }
    (tasks, bands * pieces)
}

impl Job<'_> {
    fn run(&self, task: &Task) -> Sums {
        let groups = &self.weights.groups[task.groups.clone()];
        let lanes = groups.iter().map(|group| group.blocks).sum::<usize>() * LANES;
        let mut sums = Sums::zeros(if self.finish.sums { lanes } else { 0 });
        for part in task.parts.clone() {
            for group in groups {
                for (sweep, segments) in &self.sweeps {
                    let count = sweep.rows.count;
                    let rows = count * part / self.parts..count * (part + 1) / self.parts;
                    let before = (group.first - groups[0].first) * LANES;
                    self.rows(group, task.image, sweep, segments, rows, (&mut sums, before));
                }
            }
        }
        sums
    }

    /// Some rows of one sweep, for one group. Sums are added to those from slot `before` on.
    fn rows(
        &self,
        group: &Group,
        image: usize,
        sweep: &Sweep,
        segments: &[Segment],
        rows: Range<usize>,
        (sums, before): (&mut Sums, usize),
    ) {
        let level = Level::get();
        let Self { weights, output, finish, .. } = *self;
        let lanes = group.blocks * LANES;
        let from = self.input.layout;
        let (pixel, channel) = (from.lanes * sweep.stride[1], if from.lanes == 1 { from.plane() } else { 1 });
        let at_once = (WEIGHTS_AT_ONCE / (weights.taps.max(1) * LANES * lanes * size_of::<f32>())).max(1);
        let turns = self.blocks.len().div_ceil(at_once);
        let mut row_sums = [0.0f32; 2 * MOST_BLOCKS * LANES];
        let mut taps = Vec::new();
        for (turn, blocks) in self.blocks.chunks(at_once).enumerate() {
            let last = turn + 1 == turns;
            for row in rows.clone() {
                let y = sweep.rows.first + row * sweep.rows.step;
                for segment in segments {
                    taps.clear();
                    for tap in &segment.taps {
                        let y = (row * sweep.stride[0]) as isize + tap.y;
                        if 0 <= y && y < from.h as isize {
                            let offset = y * from.row() as isize + tap.x * from.lanes as isize;
                            taps.push(Tap { input: offset, weight: tap.weight });
                        }
                    }
                    let width = segment.end - segment.start;
                    let tiles = width.div_ceil(widest(level, group.blocks));
                    let mut column = segment.start;
                    for tile in 0..tiles {
                        let count = width / tiles + usize::from(tile < width % tiles);
                        let x = sweep.columns.first + column * sweep.columns.step;
                        let first = image * from.image() + (from.halo + column * sweep.stride[1]) * from.lanes;
                        let to = output.at(image * output.blocks() + group.first, y) + x * LANES;
                        // SAFETY: `segments` holds only taps whose columns lie in the input's rows and halo, `taps` only
                        // those whose rows do; `convolve` checked input, output, bias and weights against their layouts.
                        unsafe {
                            kernel(level, count, group.blocks, pixel)(&Tile {
                                input: self.input.data.as_ptr().add(first),
                                pixel,
                                channel,
                                weights: weights.data.as_ptr().add(group.at),
                                taps: &taps,
                                blocks,
                                output: self.place.at(to),
                                output_pixel: sweep.columns.step * LANES,
                                output_block: output.plane(),
                                accumulate: finish.accumulate || turn > 0,
                                bias: match finish.bias {
                                    Some(bias) if last => bias[group.first * LANES..].as_ptr(),
                                    Some(_) | None => std::ptr::null(),
                                },
                                relu: finish.relu && last,
                                sums: if finish.sums && last { row_sums.as_mut_ptr() } else { std::ptr::null_mut() },
                            });
                        }
                        column += count;
                    }
                }
                if finish.sums && last {
                    // A row at most in 32 bits, the rest in 64.
                    for (i, x) in row_sums[..2 * lanes].iter_mut().enumerate() {
                        let all = if i < lanes { &mut sums.sum } else { &mut sums.square };
                        all[before + i % lanes] += f64::from(std::mem::take(x));
                    }
                }
            }
        }
    }
}
