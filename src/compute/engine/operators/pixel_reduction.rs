//! Reductions over the channels of each pixel.

use super::row_loops;
use crate::compute::engine::kernel::team;
use crate::compute::engine::memory_layout::{MapLayout, MapView};

/// One value per pixel, `[n][h][w]`.
pub(super) struct PixelReduction<T> {
    size: [usize; 2],
    values: Vec<T>,
}

impl<T: Copy + Send + Sync> PixelReduction<T> {
    /// `find` gets the indices of image and row, and the row's values, which are `empty` at first.
    pub(super) fn new(layout: &MapLayout, empty: T, find: impl Fn(usize, usize, &mut [T]) + Sync) -> Self {
        let (h, w) = (layout.h, layout.w);
        let mut values = vec![empty; layout.n * h * w];
        team::for_chunks(&mut values, w, team::MIN_SHARE / layout.inner_len().max(1), |i, row| find(i / h, i % h, row));
        Self { size: [h, w], values }
    }

    pub(super) fn row(&self, image: usize, y: usize) -> &[T] {
        let [h, w] = self.size;
        &self.values[(image * h + y) * w..][..w]
    }
}

/// The channels of a map, by blocks.
pub(super) struct ChannelBlocks<'a> {
    view: MapView<'a>,
    used: Vec<usize>,
}

impl<'a> ChannelBlocks<'a> {
    pub(super) fn of(view: MapView<'a>) -> Self {
        Self { view, used: row_loops::used_lanes(view.layout) }
    }

    /// Calls `f` with the pixel's value, the slot and the number of each channel of each pixel of a row, in the order
    /// of the channels.
    pub(super) fn fold<T>(&self, image: usize, y: usize, values: &mut [T], f: impl Fn(&mut T, usize, f32)) {
        let lanes = self.view.layout.lanes;
        for (block, &used) in self.used.iter().enumerate() {
            let row = self.view.row(image * self.used.len() + block, y);
            for (value, pixel) in values.iter_mut().zip(row.chunks_exact(lanes)) {
                pixel[..used].iter().enumerate().for_each(|(lane, &x)| f(value, block * lanes + lane, x));
            }
        }
    }

    /// As [`ChannelBlocks::fold`], with the numbers of two maps of equal segments.
    pub(super) fn fold_with<T>(
        &self,
        other: MapView,
        image: usize,
        y: usize,
        values: &mut [T],
        f: impl Fn(&mut T, usize, f32, f32),
    ) {
        let lanes = self.view.layout.lanes;
        for (block, &used) in self.used.iter().enumerate() {
            let plane = image * self.used.len() + block;
            let rows = self.view.row(plane, y).chunks_exact(lanes).zip(other.row(plane, y).chunks_exact(lanes));
            for (value, (a, b)) in values.iter_mut().zip(rows) {
                let slots = (block * lanes..).zip(a[..used].iter().zip(b));
                slots.for_each(|(slot, (&a, &b))| f(value, slot, a, b));
            }
        }
    }

    /// Returns the number of channels of a plane's block, and the index of its image.
    pub(super) fn plane(&self, plane: usize) -> (usize, usize) {
        (self.used[plane % self.used.len()], plane / self.used.len())
    }
}
