//! Convolutions as regions of tiles over an output.
//!
//! Forward, backward to the input and transposed convolutions are all the same: each output pixel is a sum over taps, a
//! tap being a shift of the input and a matrix from input to output channels. What differs is which output pixels a
//! [`ConvRegion`] covers and where its taps point. Taps that only meet padding are left out, row by row and column by column;
//! no input is copied.

use super::packing::{OutputGroup, PackedWeights};
use super::simd::{LANES, SimdLevel};
use super::team::{self, DisjointWrites};
use super::tile::{InputBlock, MAX_BLOCKS, Tile, TileTap, max_tile_width, tile_kernel};
use crate::compute::engine::memory_layout::{MapLayout, MapView, MapViewMut};
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
pub struct StridedRange {
    pub first: usize,
    pub step: usize,
    pub count: usize,
}

/// A tap: output place number `i` reads input place `i * stride + shift` along each axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KernelTap {
    pub y: isize,
    pub x: isize,
    /// Number of the tap in the packed weights.
    pub weight: usize,
}

/// Output pixels with the same taps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConvRegion {
    pub rows: StridedRange,
    pub columns: StridedRange,
    pub stride: [usize; 2],
    pub taps: Vec<KernelTap>,
}

impl ConvRegion {
    /// Columns of padding that the taps reach into, if the halo is to serve all of them.
    pub fn reach(&self, width: usize) -> usize {
        let last = (self.columns.count.max(1) - 1) * self.stride[1];
        let over = |tap: &KernelTap| (-tap.x).max(last as isize + tap.x - width as isize + 1).max(0);
        self.taps.iter().map(over).max().unwrap_or(0) as usize
    }

    /// Output columns for which a tap lies inside an input row of `width` pixels.
    pub fn columns_inside(&self, tap: &KernelTap, width: usize) -> Range<usize> {
        let stride = self.stride[1] as isize;
        let first = (-tap.x).max(0).unsigned_abs().div_ceil(self.stride[1]);
        let end =
            (width as isize - tap.x + stride - 1).div_euclid(stride).clamp(0, self.columns.count as isize) as usize;
        first.min(end)..end
    }

    /// Runs of columns with the same taps inside the input and its halo.
    fn segments(&self, input: &MapLayout) -> Vec<ColumnSegment> {
        let (from, to) = (-(input.halo as isize), (input.w + input.halo) as isize);
        let inside = |column: usize, tap: &KernelTap| {
            let x = (column * self.stride[1]) as isize + tap.x;
            from <= x && x < to
        };
        let mut segments: Vec<ColumnSegment> = Vec::new();
        for column in 0..self.columns.count {
            let taps: Vec<KernelTap> = self.taps.iter().filter(|tap| inside(column, tap)).copied().collect();
            match segments.last_mut() {
                Some(last) if last.taps == taps => last.end += 1,
                _ => segments.push(ColumnSegment { start: column, end: column + 1, taps }),
            }
        }
        segments
    }
}

struct ColumnSegment {
    start: usize,
    end: usize,
    taps: Vec<KernelTap>,
}

/// What happens to a pixel when all its taps are summed.
#[derive(Clone, Copy, Default)]
pub struct Epilogue<'a> {
    /// Start from what the output holds.
    pub accumulate: bool,
    /// One number per slot of the output.
    pub bias: Option<&'a [f32]>,
    pub relu: bool,
    /// Whether to sum what is written.
    pub sums: bool,
}

/// ChannelSums and sums of squares over all pixels of all images, one of each per slot of the output.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChannelSums {
    pub sum: Vec<f64>,
    pub square: Vec<f64>,
}

impl ChannelSums {
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
struct ConvTask {
    groups: Range<usize>,
    image: usize,
    parts: Range<usize>,
}

/// All that tasks have in common.
struct DirectConv<'a> {
    regions: Vec<(&'a ConvRegion, Vec<ColumnSegment>)>,
    input: MapView<'a>,
    weights: &'a PackedWeights,
    /// Input channels as tiles read them.
    blocks: Vec<InputBlock>,
    output: &'a MapLayout,
    place: DisjointWrites,
    epilogue: Epilogue<'a>,
    /// Parts that the rows of each region are cut into.
    parts: usize,
}

/// Runs all regions. Outputs that no region covers stay as they are; no two regions may cover the same.
pub(crate) fn convolve(
    regions: &[ConvRegion],
    input: MapView,
    weights: &PackedWeights,
    output: &mut MapViewMut,
    epilogue: Epilogue,
) -> Option<ChannelSums> {
    let layout = output.layout;
    assert!(input.data.len() >= input.layout.buffer_len() && output.data.len() >= layout.buffer_len());
    assert!(layout.lanes == LANES && input.layout.n == layout.n);
    assert!(epilogue.bias.is_none_or(|bias| bias.len() >= layout.slots()));
    for region in regions {
        for (lattice, size) in [(region.rows, layout.h), (region.columns, layout.w)] {
            assert!(lattice.count == 0 || lattice.first + (lattice.count - 1) * lattice.step < size);
        }
        assert!(region.taps.iter().all(|tap| tap.weight < weights.taps));
    }
    let (tasks, parts) = tasks(regions, input.layout, weights, layout.n);
    let blocks = (weights.blocks.iter())
        .map(|b| InputBlock {
            input: b.block * input.layout.plane_len(),
            weight: b.first_channel * weights.taps,
            channels: b.count,
        })
        .collect();
    let regions = regions.iter().map(|region| (region, region.segments(input.layout))).collect();
    let job = DirectConv {
        regions,
        input,
        weights,
        blocks,
        output: layout,
        place: DisjointWrites::new(output.data),
        epilogue,
        parts,
    };
    if !epilogue.sums {
        team::for_each(tasks.len(), |i| drop(job.run(&tasks[i])));
        return None;
    }
    let parts: Vec<ChannelSums> = team::map(tasks.len(), |i| job.run(&tasks[i]));
    let mut sums = ChannelSums::zeros(layout.slots());
    for (task, part) in tasks.iter().zip(&parts) {
        sums.add(weights.groups[task.groups.start].first * LANES, part);
    }
    Some(sums)
}

/// Shares of the work, and parts that rows are cut into: a part's input is small enough for all groups to find it in the
/// second cache, if their weights are.
fn tasks(regions: &[ConvRegion], from: &MapLayout, weights: &PackedWeights, images: usize) -> (Vec<ConvTask>, usize) {
    let groups = weights.groups.len();
    let rows = regions.iter().map(|region| region.rows.count).max().unwrap_or(0).max(1);
    let bands = TASKS.div_ceil(images.max(1)).min(rows);
    let share = groups.div_ceil(TASKS.div_ceil((images * bands).max(1)).min(groups).max(1)).max(1);
    let stride = regions.iter().map(|region| region.stride[0]).max().unwrap_or(1);
    let band = rows.div_ceil(bands);
    let bytes = band * stride * from.blocks() * from.row_len() * size_of::<f32>();
    let pieces = if weights.bytes() <= ALL_WEIGHTS { bytes.div_ceil(ROWS_AT_ONCE).clamp(1, band) } else { 1 };
    let mut tasks = Vec::new();
    for first in (0..groups).step_by(share) {
        let groups = first..(first + share).min(groups);
        for image in 0..images {
            let parts = (0..bands).map(|band| band * pieces..(band + 1) * pieces);
            tasks.extend(parts.map(|parts| ConvTask { groups: groups.clone(), image, parts }));
        }
    }
    (tasks, bands * pieces)
}

impl DirectConv<'_> {
    fn run(&self, task: &ConvTask) -> ChannelSums {
        let groups = &self.weights.groups[task.groups.clone()];
        let lanes = groups.iter().map(|group| group.blocks).sum::<usize>() * LANES;
        let mut sums = ChannelSums::zeros(if self.epilogue.sums { lanes } else { 0 });
        for part in task.parts.clone() {
            for group in groups {
                for (region, segments) in &self.regions {
                    let count = region.rows.count;
                    let rows = count * part / self.parts..count * (part + 1) / self.parts;
                    let before = (group.first - groups[0].first) * LANES;
                    self.rows(group, task.image, region, segments, rows, (&mut sums, before));
                }
            }
        }
        sums
    }

    /// Some rows of one region, for one group. ChannelSums are added to those from slot `before` on.
    fn rows(
        &self,
        group: &OutputGroup,
        image: usize,
        region: &ConvRegion,
        segments: &[ColumnSegment],
        rows: Range<usize>,
        (sums, before): (&mut ChannelSums, usize),
    ) {
        let level = SimdLevel::get();
        let Self { weights, output, epilogue, .. } = *self;
        let lanes = group.blocks * LANES;
        let from = self.input.layout;
        let (pixel, channel) = (from.lanes * region.stride[1], if from.lanes == 1 { from.plane_len() } else { 1 });
        let at_once = (WEIGHTS_AT_ONCE / (weights.taps.max(1) * LANES * lanes * size_of::<f32>())).max(1);
        let turns = self.blocks.len().div_ceil(at_once);
        let mut row_sums = [0.0f32; 2 * MAX_BLOCKS * LANES];
        let mut taps = Vec::new();
        for (turn, blocks) in self.blocks.chunks(at_once).enumerate() {
            let last = turn + 1 == turns;
            for row in rows.clone() {
                let y = region.rows.first + row * region.rows.step;
                for segment in segments {
                    taps.clear();
                    for tap in &segment.taps {
                        let y = (row * region.stride[0]) as isize + tap.y;
                        if 0 <= y && y < from.h as isize {
                            let offset = y * from.row_len() as isize + tap.x * from.lanes as isize;
                            taps.push(TileTap { input: offset, weight: tap.weight });
                        }
                    }
                    let width = segment.end - segment.start;
                    let tiles = width.div_ceil(max_tile_width(level, group.blocks));
                    let mut column = segment.start;
                    for tile in 0..tiles {
                        let count = width / tiles + usize::from(tile < width % tiles);
                        let x = region.columns.first + column * region.columns.step;
                        let first = image * from.image_len() + (from.halo + column * region.stride[1]) * from.lanes;
                        let to = output.row_start(image * output.blocks() + group.first, y) + x * LANES;
                        // SAFETY: `segments` holds only taps whose columns lie in the input's rows and halo, `taps` only
                        // those whose rows do; `convolve` checked input, output, bias and weights against their layouts.
                        unsafe {
                            tile_kernel(level, count, group.blocks, pixel)(&Tile {
                                input: self.input.data.as_ptr().add(first),
                                pixel,
                                channel,
                                weights: weights.data.as_ptr().add(group.at),
                                taps: &taps,
                                blocks,
                                output: self.place.at(to),
                                output_pixel: region.columns.step * LANES,
                                output_block: output.plane_len(),
                                accumulate: epilogue.accumulate || turn > 0,
                                bias: match epilogue.bias {
                                    Some(bias) if last => bias[group.first * LANES..].as_ptr(),
                                    Some(_) | None => std::ptr::null(),
                                },
                                relu: epilogue.relu && last,
                                sums: if epilogue.sums && last { row_sums.as_mut_ptr() } else { std::ptr::null_mut() },
                            });
                        }
                        column += count;
                    }
                }
                if epilogue.sums && last {
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
