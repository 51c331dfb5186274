//! Direct convolutions: tiles of output pixels, region by region.
//!
//! Forward, backward to the input and transposed convolutions have one form: each output pixel is a sum over taps, and a
//! tap is a shift of the input with a matrix from input to output channels. They differ in the output pixels that a
//! [`ConvRegion`] covers and in the shifts of its taps. Taps that meet only padding are skipped, row by row and column by
//! column. The input is never copied.
//!
//! A task computes some groups of output channels of one image in one band of its rows: it takes the band part by part, a
//! part group by group, a group region by region, the input blocks of a region in one or several turns, a turn row by row,
//! a row segment by segment (columns with the same taps), and a segment tile by tile.

use super::packing::{OutputGroup, PackedWeights};
use super::simd::{LANES, SimdLevel};
use super::team::{self, DisjointWrites};
use super::tile::{InputBlock, MAX_BLOCKS, Tile, TileTap, max_tile_width, tile_kernel};
use crate::compute::engine::memory_layout::{MapLayout, MapView, MapViewMut};
use crate::compute::fused::{ConvRegion, KernelTap};
use std::ops::Range;

/// Bytes of weights that are read for each row. A group with more weights takes its input blocks in several turns.
const MAX_TURN_WEIGHT_BYTES: usize = 256 << 10;
/// Layers with at most this many bytes of weights read them once per part of the rows.
const MAX_REREAD_WEIGHT_BYTES: usize = 1 << 20;
/// Approximate number of bytes of a part's input.
const PART_INPUT_BYTES: usize = 256 << 10;
/// Number of tasks that a map is cut into if it has enough rows. The cut follows the shape and not the number of threads,
/// so that sums do not depend on threads.
const TASKS: usize = 32;

impl ConvRegion {
    /// Returns the width of a halo that covers all columns of padding which the taps read.
    pub fn reach(&self, width: usize) -> usize {
        let last = (self.columns.count.max(1) - 1) * self.stride[1];
        let over = |tap: &KernelTap| (-tap.x).max(last as isize + tap.x - width as isize + 1).max(0);
        self.taps.iter().map(over).max().unwrap_or(0) as usize
    }

    /// Returns the output columns for which a tap lies inside an input row of `width` pixels.
    pub fn columns_inside(&self, tap: &KernelTap, width: usize) -> Range<usize> {
        let stride = self.stride[1] as isize;
        let first = (-tap.x).max(0).unsigned_abs().div_ceil(self.stride[1]);
        let end =
            (width as isize - tap.x + stride - 1).div_euclid(stride).clamp(0, self.columns.count as isize) as usize;
        first.min(end)..end
    }

    /// Cuts the columns into runs that have the same taps inside the input and its halo.
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

/// Neighbouring columns of a region with the same taps.
struct ColumnSegment {
    start: usize,
    end: usize,
    taps: Vec<KernelTap>,
}

impl ColumnSegment {
    /// Cuts the segment into tiles of at most `max_width` columns, about as wide as each other: first column and width.
    #[inline]
    fn tiles(&self, max_width: usize) -> impl Iterator<Item = (usize, usize)> {
        let width = self.end - self.start;
        let count = width.div_ceil(max_width);
        let mut column = self.start;
        (0..count).map(move |tile| {
            let (first, width) = (column, width / count + usize::from(tile < width % count));
            column += width;
            (first, width)
        })
    }
}

/// Operations on each output pixel after the sum over its taps.
#[derive(Clone, Copy, Default)]
pub struct Epilogue<'a> {
    /// Whether the sum starts from the number in the output instead of zero.
    pub accumulate: bool,
    /// One number per slot of the output.
    pub bias: Option<&'a [f32]>,
    pub relu: bool,
    /// Whether to sum the results and their squares per channel.
    pub sums: bool,
}

/// Sums and sums of squares over all pixels of all images, one of each per slot of the output.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChannelSums {
    pub sum: Vec<f64>,
    pub square: Vec<f64>,
}

impl ChannelSums {
    pub(super) fn zeros(slots: usize) -> Self {
        Self { sum: vec![0.0; slots], square: vec![0.0; slots] }
    }

    /// Adds `other` to the slots from `first` on.
    pub(super) fn add(&mut self, first: usize, other: &Self) {
        let add = |to: &mut [f64], from: &[f64]| to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        add(&mut self.sum[first..], &other.sum);
        add(&mut self.square[first..], &other.square);
    }
}

/// Some groups of output channels of one image, in the parts of one band of its rows.
struct ConvTask {
    groups: Range<usize>,
    image: usize,
    parts: Range<usize>,
}

/// The operands that all tasks of a convolution share.
struct DirectConv<'a> {
    regions: Vec<(&'a ConvRegion, Vec<ColumnSegment>)>,
    input: MapView<'a>,
    weights: &'a PackedWeights,
    /// Input channels as tiles read them.
    blocks: Vec<InputBlock>,
    output: &'a MapLayout,
    writes: DisjointWrites,
    epilogue: Epilogue<'a>,
    /// Number of parts that the rows of each region are cut into.
    part_count: usize,
}

/// Computes all regions of an output. Pixels outside all regions keep their numbers; regions must not overlap.
///
/// Returns the sums of the results if the epilogue asks for them.
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
        for (range, size) in [(region.rows, layout.h), (region.columns, layout.w)] {
            assert!(range.count == 0 || range.first + (range.count - 1) * range.step < size);
        }
        assert!(region.taps.iter().all(|tap| tap.weight < weights.taps));
    }
    let (tasks, part_count) = cut_into_tasks(regions, input.layout, weights, layout.n);
    let plane = input.layout.plane_len();
    let blocks = (weights.blocks.iter())
        .map(|b| InputBlock { input: b.block * plane, weight: b.first_channel * weights.taps, channels: b.count })
        .collect();
    let regions = regions.iter().map(|region| (region, region.segments(input.layout))).collect();
    let writes = DisjointWrites::new(output.data);
    let conv = DirectConv { regions, input, weights, blocks, output: layout, writes, epilogue, part_count };
    if !epilogue.sums {
        team::for_each(tasks.len(), |i| drop(conv.run(&tasks[i])));
        return None;
    }
    let task_sums: Vec<ChannelSums> = team::map(tasks.len(), |i| conv.run(&tasks[i]));
    let mut sums = ChannelSums::zeros(layout.slots());
    for (task, of_task) in tasks.iter().zip(&task_sums) {
        sums.add(weights.groups[task.groups.start].first * LANES, of_task);
    }
    Some(sums)
}

/// Cuts the work into tasks. Returns them with the number of parts that rows are cut into: a part's input is small enough
/// to stay in the second-level cache for all groups, if their weights are small as well.
fn cut_into_tasks(
    regions: &[ConvRegion],
    from: &MapLayout,
    weights: &PackedWeights,
    images: usize,
) -> (Vec<ConvTask>, usize) {
    let groups = weights.groups.len();
    let rows = regions.iter().map(|region| region.rows.count).max().unwrap_or(0).max(1);
    let bands = TASKS.div_ceil(images.max(1)).min(rows);
    let groups_per_task = groups.div_ceil(TASKS.div_ceil((images * bands).max(1)).min(groups).max(1)).max(1);
    let stride = regions.iter().map(|region| region.stride[0]).max().unwrap_or(1);
    let rows_per_band = rows.div_ceil(bands);
    let bytes_per_band = rows_per_band * stride * from.blocks() * from.row_len() * size_of::<f32>();
    let parts_per_band = if weights.bytes() <= MAX_REREAD_WEIGHT_BYTES {
        bytes_per_band.div_ceil(PART_INPUT_BYTES).clamp(1, rows_per_band)
    } else {
        1
    };
    let mut tasks = Vec::new();
    for first in (0..groups).step_by(groups_per_task) {
        let groups = first..(first + groups_per_task).min(groups);
        for image in 0..images {
            let parts = (0..bands).map(|band| band * parts_per_band..(band + 1) * parts_per_band);
            tasks.extend(parts.map(|parts| ConvTask { groups: groups.clone(), image, parts }));
        }
    }
    (tasks, bands * parts_per_band)
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
                    let rows = count * part / self.part_count..count * (part + 1) / self.part_count;
                    let first_slot = (group.first - groups[0].first) * LANES;
                    RegionScanner::new(self, group, task.image, region, segments).scan(rows, &mut sums, first_slot);
                }
            }
        }
        sums
    }
}

/// Visits the tiles of a region for one group of output channels of one image.
struct RegionScanner<'a> {
    conv: &'a DirectConv<'a>,
    group: &'a OutputGroup,
    image: usize,
    region: &'a ConvRegion,
    segments: &'a [ColumnSegment],
    level: SimdLevel,
    /// Numbers from one pixel of a tile to the next, and from one channel of a block to the next, in the input.
    input_strides: [usize; 2],
    /// Taps of the current row and segment.
    taps: Vec<TileTap>,
    /// Sums and sums of squares of the current row, `[2][blocks * LANES]`.
    row_sums: [f32; 2 * MAX_BLOCKS * LANES],
}

/// The input blocks that are summed before the scanner returns to the first row.
struct Turn<'a> {
    blocks: &'a [InputBlock],
    /// Whether the output already holds the sums over earlier blocks.
    accumulate: bool,
    /// Whether the sums are complete after this turn.
    last: bool,
}

impl<'a> RegionScanner<'a> {
    fn new(
        conv: &'a DirectConv<'a>,
        group: &'a OutputGroup,
        image: usize,
        region: &'a ConvRegion,
        segments: &'a [ColumnSegment],
    ) -> Self {
        let from = conv.input.layout;
        let channel = if from.lanes == 1 { from.plane_len() } else { 1 };
        Self {
            conv,
            group,
            image,
            region,
            segments,
            level: SimdLevel::get(),
            input_strides: [from.lanes * region.stride[1], channel],
            taps: Vec::new(),
            row_sums: [0.0; 2 * MAX_BLOCKS * LANES],
        }
    }

    /// Computes some rows of the region. The sums of the results are added to `sums` from `first_slot` on.
    fn scan(mut self, rows: Range<usize>, sums: &mut ChannelSums, first_slot: usize) {
        let Self { conv, group, .. } = self;
        let bytes_per_block = conv.weights.taps.max(1) * LANES * group.blocks * LANES * size_of::<f32>();
        let blocks_per_turn = (MAX_TURN_WEIGHT_BYTES / bytes_per_block).max(1);
        let turns = conv.blocks.len().div_ceil(blocks_per_turn);
        for (turn, blocks) in conv.blocks.chunks(blocks_per_turn).enumerate() {
            let last = turn + 1 == turns;
            let turn = Turn { blocks, accumulate: conv.epilogue.accumulate || turn > 0, last };
            for row in rows.clone() {
                self.scan_row(row, &turn);
                if conv.epilogue.sums && last {
                    self.move_row_sums(sums, first_slot);
                }
            }
        }
    }

    #[inline]
    fn scan_row(&mut self, row: usize, turn: &Turn) {
        let segments = self.segments;
        let max_width = max_tile_width(self.level, self.group.blocks);
        for segment in segments {
            self.find_taps(row, segment);
            for (column, width) in segment.tiles(max_width) {
                self.run_tile(row, column, width, turn);
            }
        }
    }

    /// Finds the taps of a segment whose row lies in the input.
    #[inline]
    fn find_taps(&mut self, row: usize, segment: &ColumnSegment) {
        let from = self.conv.input.layout;
        self.taps.clear();
        for tap in &segment.taps {
            let y = (row * self.region.stride[0]) as isize + tap.y;
            if 0 <= y && y < from.h as isize {
                let input = y * from.row_len() as isize + tap.x * from.lanes as isize;
                self.taps.push(TileTap { input, weight: tap.weight });
            }
        }
    }

    /// Computes `width` pixels of a row from `column` on.
    #[inline]
    fn run_tile(&mut self, row: usize, column: usize, width: usize, turn: &Turn) {
        let Self { conv, group, image, region, input_strides: [pixel_stride, channel_stride], .. } = *self;
        let DirectConv { weights, output, epilogue, .. } = *conv;
        let from = conv.input.layout;
        let y = region.rows.first + row * region.rows.step;
        let x = region.columns.first + column * region.columns.step;
        let first = image * from.image_len() + (from.halo + column * region.stride[1]) * from.lanes;
        let to = output.row_start(image * output.blocks() + group.first, y) + x * LANES;
        let bias = match epilogue.bias {
            Some(bias) if turn.last => bias[group.first * LANES..].as_ptr(),
            Some(_) | None => std::ptr::null(),
        };
        let sums = if epilogue.sums && turn.last { self.row_sums.as_mut_ptr() } else { std::ptr::null_mut() };
        // SAFETY: `segments` holds only taps whose columns lie in the input's rows and halo, `taps` only those whose rows
        // lie in the input; `convolve` checked input, output, bias and weights against their layouts.
        unsafe {
            tile_kernel(self.level, width, group.blocks, pixel_stride)(&Tile {
                input: conv.input.data.as_ptr().add(first),
                pixel_stride,
                channel_stride,
                weights: weights.data.as_ptr().add(group.at),
                taps: &self.taps,
                blocks: turn.blocks,
                output: conv.writes.at(to),
                output_pixel_stride: region.columns.step * LANES,
                output_block_stride: output.plane_len(),
                accumulate: turn.accumulate,
                bias,
                relu: epilogue.relu && turn.last,
                sums,
            });
        }
    }

    /// Adds the sums of a row to the totals: at most one row is summed in 32 bits, rows are summed in 64.
    fn move_row_sums(&mut self, sums: &mut ChannelSums, first_slot: usize) {
        let lanes = self.group.blocks * LANES;
        for (i, row_sum) in self.row_sums[..2 * lanes].iter_mut().enumerate() {
            let totals = if i < lanes { &mut sums.sum } else { &mut sums.square };
            totals[first_slot + i % lanes] += f64::from(std::mem::take(row_sum));
        }
    }
}
