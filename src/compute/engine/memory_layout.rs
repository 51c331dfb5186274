//! The layout of a map in memory.
//!
//! Channels lie in blocks of [`LANES`], with the channels of a block side by side: `[n][block][h][halo + w +
//! halo][LANES]`. A pixel of a block is one vector, the neighbours that a convolution reads are the next vectors, and
//! no operator has to transpose. The halo is a border of zeros left and right, so that small kernels can read past the
//! edge of a row without a check. Images and small results are planar, with one channel per block (`lanes = 1`), which
//! is PyTorch's NCHW if the halo is empty.
//!
//! A concatenation consists of the blocks of its operands. If an operand does not fill its last block, unused lanes
//! remain in the middle: see [`MapLayout::segments`]. Unused lanes hold finite numbers that are never part of a result.

use super::kernel::buffer::{AlignedBuffer, RowBorder};
use super::kernel::simd::LANES;
use super::kernel::team;

/// The position of each number of a map `[n, c, h, w]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MapLayout {
    pub n: usize,
    pub h: usize,
    pub w: usize,
    /// Columns of zeros on each side.
    pub halo: usize,
    /// Channels side by side: `LANES` or 1.
    pub lanes: usize,
    /// Numbers of channels without a gap between them. A gap follows each segment but the last: its last block is not
    /// full.
    pub segments: Vec<usize>,
}

impl MapLayout {
    /// Blocks of [`LANES`] channels, without a halo.
    pub fn blocked([n, c, h, w]: [usize; 4]) -> Self {
        Self { n, h, w, halo: 0, lanes: LANES, segments: vec![c] }
    }

    /// NCHW, without a halo.
    pub fn planar([n, c, h, w]: [usize; 4]) -> Self {
        Self { n, h, w, halo: 0, lanes: 1, segments: vec![c] }
    }

    pub fn with_halo(self, halo: usize) -> Self {
        Self { halo, ..self }
    }

    /// The same layout for another height and width.
    pub fn with_size(&self, [h, w]: [usize; 2]) -> Self {
        Self { h, w, ..self.clone() }
    }

    /// Joins the segments of several layouts; segments without a gap between them become one.
    pub fn join_segments(parts: &[&MapLayout]) -> Vec<usize> {
        let mut segments: Vec<usize> = Vec::new();
        for part in parts {
            for &segment in &part.segments {
                match segments.last_mut() {
                    Some(last) if last.is_multiple_of(part.lanes) => *last += segment,
                    _ => segments.push(segment),
                }
            }
        }
        segments
    }

    /// Height and width.
    pub fn size(&self) -> [usize; 2] {
        [self.h, self.w]
    }

    pub fn dims(&self) -> [usize; 4] {
        [self.n, self.channels(), self.h, self.w]
    }

    pub fn channels(&self) -> usize {
        self.segments.iter().sum()
    }

    pub fn blocks(&self) -> usize {
        self.segments.iter().map(|c| c.div_ceil(self.lanes)).sum()
    }

    /// Number of lanes of all blocks: channels and gaps.
    pub fn slots(&self) -> usize {
        self.blocks() * self.lanes
    }

    /// Returns the slot of each channel; slot `s` is lane `s % lanes` of block `s / lanes`.
    pub fn slot_of_channel(&self) -> Vec<usize> {
        let mut slots = Vec::with_capacity(self.channels());
        let mut first = 0;
        for &segment in &self.segments {
            slots.extend(first..first + segment);
            first += segment.div_ceil(self.lanes) * self.lanes;
        }
        slots
    }

    /// Spreads one number per channel to one per slot; unused slots get `empty`.
    pub fn to_slots(&self, values: &[f32], empty: f32) -> Vec<f32> {
        let mut slots = vec![empty; self.slots()];
        for (slot, value) in self.slot_of_channel().into_iter().zip(values) {
            slots[slot] = *value;
        }
        slots
    }

    /// Numbers in a row, halo included.
    pub fn row_len(&self) -> usize {
        (self.w + 2 * self.halo) * self.lanes
    }

    /// Numbers in one block of one image.
    pub fn plane_len(&self) -> usize {
        self.h * self.row_len()
    }

    pub fn image_len(&self) -> usize {
        self.blocks() * self.plane_len()
    }

    /// Numbers of the whole map, halo and gaps included.
    pub fn buffer_len(&self) -> usize {
        self.n * self.image_len()
    }

    /// The halos.
    pub fn border(&self) -> RowBorder {
        RowBorder { row: self.row_len(), zeros: self.halo * self.lanes, len: self.buffer_len() }
    }

    /// Offset of a row's first number after its halo. Planes are numbered through blocks and then images: `image *
    /// blocks + block`.
    pub fn row_start(&self, plane: usize, y: usize) -> usize {
        plane * self.plane_len() + y * self.row_len() + self.halo * self.lanes
    }

    /// Numbers of a row without its halos.
    pub fn inner_len(&self) -> usize {
        self.w * self.lanes
    }
}

/// A map to read.
#[derive(Clone, Copy)]
pub struct MapView<'a> {
    pub layout: &'a MapLayout,
    pub data: &'a [f32],
}

impl<'a> MapView<'a> {
    pub fn new(layout: &'a MapLayout, data: &'a [f32]) -> Self {
        debug_assert!(data.len() >= layout.buffer_len());
        Self { layout, data }
    }

    /// Returns the numbers in NCHW order.
    pub fn to_nchw(&self) -> Vec<f32> {
        let planar = MapLayout::planar(self.layout.dims());
        let mut values = vec![0.0; planar.buffer_len()];
        relayout(*self, &mut MapViewMut::new(&planar, &mut values));
        values
    }

    /// Returns a row without its halo, `w * lanes` numbers.
    pub fn row(&self, plane: usize, y: usize) -> &'a [f32] {
        let at = self.layout.row_start(plane, y);
        &self.data[at..at + self.layout.inner_len()]
    }
}

/// Whether results replace the numbers of a map or are added to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteMode {
    Overwrite,
    Accumulate,
}

impl WriteMode {
    /// The first writer of a map overwrites it, all others add to it.
    pub fn after(written: bool) -> Self {
        if written { WriteMode::Accumulate } else { WriteMode::Overwrite }
    }

    /// Returns the number that a result is added to.
    #[inline(always)]
    pub fn old(self, number: f32) -> f32 {
        match self {
            WriteMode::Overwrite => 0.0,
            WriteMode::Accumulate => number,
        }
    }

    /// Writes a result or adds it to the number.
    #[inline(always)]
    pub fn store(self, to: &mut f32, result: f32) {
        *to = match self {
            WriteMode::Overwrite => result,
            WriteMode::Accumulate => *to + result,
        };
    }
}

/// A map to write. Its halos are zero and are not written.
pub struct MapViewMut<'a> {
    pub layout: &'a MapLayout,
    pub data: &'a mut [f32],
}

impl<'a> MapViewMut<'a> {
    pub fn new(layout: &'a MapLayout, data: &'a mut [f32]) -> Self {
        debug_assert!(data.len() >= layout.buffer_len());
        Self { layout, data }
    }

    pub fn view(&self) -> MapView<'_> {
        MapView { layout: self.layout, data: self.data }
    }

    pub fn row(&mut self, plane: usize, y: usize) -> &mut [f32] {
        let at = self.layout.row_start(plane, y);
        &mut self.data[at..at + self.layout.inner_len()]
    }

    /// Calls `f` on all threads with the plane and index of each row, and the row without its halos.
    pub fn for_rows(&mut self, f: impl Fn(usize, usize, &mut [f32]) + Sync) {
        self.for_rows_with(|| (), |(), plane, y, row| f(plane, y, row));
    }

    /// As [`MapViewMut::for_rows`], with a value of `scratch`, whose contents are arbitrary at the start of a row.
    pub fn for_rows_with<S>(
        &mut self,
        scratch: impl Fn() -> S + Sync,
        f: impl Fn(&mut S, usize, usize, &mut [f32]) + Sync,
    ) {
        let layout = self.layout;
        let (h, halo, inner) = (layout.h.max(1), layout.halo * layout.lanes, layout.inner_len());
        let (data, least) = (&mut self.data[..layout.buffer_len()], team::MIN_SHARE / layout.row_len().max(1));
        team::for_chunks_with(data, layout.row_len(), least, scratch, |scratch, i, row| {
            f(scratch, i / h, i % h, &mut row[halo..halo + inner]);
        });
    }

    /// Calls `f` on all threads with the index of each plane and the plane, halos included.
    pub fn for_planes(&mut self, f: impl Fn(usize, &mut [f32]) + Sync) {
        let layout = self.layout;
        team::for_chunks(&mut self.data[..layout.buffer_len()], layout.plane_len(), 1, f);
    }
}

/// Copies the numbers to another layout of the same dims. Gaps become 0.
pub(crate) fn relayout(from: MapView, to: &mut MapViewMut) {
    if from.layout.lanes == to.layout.lanes && from.layout.segments == to.layout.segments {
        to.for_rows(|plane, y, row| row.copy_from_slice(from.row(plane, y)));
        return;
    }
    let (slots_from, lanes_from, blocks_from) =
        (from.layout.slot_of_channel(), from.layout.lanes, from.layout.blocks());
    let (lanes, blocks) = (to.layout.lanes, to.layout.blocks());
    let mut source = vec![None; to.layout.slots()];
    for (slot, slot_from) in to.layout.slot_of_channel().into_iter().zip(slots_from) {
        source[slot] = Some(slot_from);
    }
    to.for_rows(|plane, y, row| {
        let (image, block) = (plane / blocks, plane % blocks);
        for lane in 0..lanes {
            match source[block * lanes + lane] {
                Some(slot) => {
                    let values = from.row(image * blocks_from + slot / lanes_from, y);
                    let values = values[slot % lanes_from..].iter().step_by(lanes_from);
                    row[lane..].iter_mut().step_by(lanes).zip(values).for_each(|(to, from)| *to = *from);
                }
                None => row[lane..].iter_mut().step_by(lanes).for_each(|x| *x = 0.0),
            }
        }
    });
}

/// Copies the numbers to another layout of the same dims, or adds them to what the map holds.
pub(crate) fn relayout_into(from: MapView, to: &mut MapViewMut, write: WriteMode) {
    if write == WriteMode::Overwrite {
        return relayout(from, to);
    }
    let mut converted = AlignedBuffer::zeros(to.layout.buffer_len());
    relayout(from, &mut MapViewMut::new(to.layout, &mut converted));
    to.data.iter_mut().zip(converted.iter()).for_each(|(to, from)| *to += from);
}

/// A map with its numbers.
#[derive(Debug)]
pub struct FeatureMap {
    pub layout: MapLayout,
    pub data: AlignedBuffer,
}

impl FeatureMap {
    /// Zeros.
    pub fn zeros(layout: MapLayout) -> Self {
        let data = AlignedBuffer::zeros(layout.buffer_len());
        Self { layout, data }
    }

    /// From NCHW numbers.
    pub fn from_nchw(layout: MapLayout, values: &[f32]) -> Self {
        let mut map = Self::zeros(layout);
        let planar = MapLayout::planar(map.layout.dims());
        relayout(MapView::new(&planar, values), &mut map.view_mut());
        map
    }

    pub fn to_nchw(&self) -> Vec<f32> {
        self.view().to_nchw()
    }

    pub fn view(&self) -> MapView<'_> {
        MapView::new(&self.layout, &self.data)
    }

    pub fn view_mut(&mut self) -> MapViewMut<'_> {
        MapViewMut::new(&self.layout, &mut self.data)
    }
}
