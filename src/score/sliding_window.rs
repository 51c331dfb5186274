//! Sliding windows: an image larger than the network's size, tile by tile.
//!
//! Plain numbers: the network is a function that is handed in. Positions and weights are those of MONAI's
//! `sliding_window_inference` (mode `gaussian`, `sigma_scale` 0.125, constant padding); `docs/report.md` has the formulas.
//! nnU-Net has the same weights and spreads its tiles evenly instead.

use crate::base::error::{Result, RunError};

/// Standard deviation of the weights as a share of the tile's side.
const SIGMA_SHARE: f64 = 0.125;
/// Least weight, so that no pixel is divided by 0.
const MIN_WEIGHT: f32 = 1e-3;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SlidingWindow {
    /// Height and width of a tile.
    pub tile: [usize; 2],
    /// Share of a tile that its neighbour covers too, from 0 to below 1.
    pub overlap: f64,
    /// Tiles that go through the network at once.
    pub batch: usize,
}

/// Scores of a batch of tiles: the values of `n` inputs (`n` x channels x tile), to `n` x `k` x tile.
pub(crate) type TileForward<'a> = dyn FnMut(Vec<f32>, usize) -> Result<Vec<f32>> + 'a;

/// First pixels of the tiles along one side: steps of `floor(tile * (1 - overlap))`, the last one moved back to end with
/// the image. One tile at 0 where the image is not longer than a tile.
pub fn tile_starts(length: usize, tile: usize, overlap: f64) -> Vec<usize> {
    let step = ((tile as f64 * (1.0 - overlap)) as usize).max(1);
    let last = length.saturating_sub(tile);
    let mut starts: Vec<usize> = (0..last).step_by(step).collect();
    starts.push(last);
    starts
}

/// Weight of each pixel of a tile: exp(-(y^2 / (2 sy^2) + x^2 / (2 sx^2))) with y and x from the centre and
/// s = 0.125 times the side, not below the larger of 0.001 and the least of them.
pub fn gaussian_weights([height, width]: [usize; 2]) -> Vec<f32> {
    let line = |n: usize| -> Vec<f32> {
        let sigma = (SIGMA_SHARE * n as f64) as f32;
        let centre = (n as f32 - 1.0) / 2.0;
        (0..n).map(|i| (-(i as f32 - centre).powi(2) / (2.0 * sigma * sigma)).exp()).collect()
    };
    let (down, across) = (line(height), line(width));
    let map: Vec<f32> = down.iter().flat_map(|a| across.iter().map(move |b| a * b)).collect();
    let least = map.iter().copied().fold(f32::INFINITY, f32::min).max(MIN_WEIGHT);
    map.into_iter().map(|w| w.max(least)).collect()
}

impl SlidingWindow {
    /// Refuses an overlap outside 0..1.
    pub fn new(tile: [usize; 2], overlap: f64, batch: usize) -> Result<SlidingWindow> {
        if !(0.0..1.0).contains(&overlap) {
            let error = RunError::new(format!("an overlap of {overlap} is not from 0 to below 1"));
            return Err(error.help("the usual share is `--overlap 0.5`"));
        }
        Ok(SlidingWindow { tile, overlap, batch: batch.max(1) })
    }

    /// Upper left corners of the tiles of an image, row by row.
    pub fn corners(&self, [height, width]: [usize; 2]) -> Vec<[usize; 2]> {
        let across = tile_starts(width, self.tile[1], self.overlap);
        let down = tile_starts(height, self.tile[0], self.overlap);
        down.iter().flat_map(|&y| across.iter().map(move |&x| [y, x])).collect()
    }

    /// Scores of a whole image (`channels` x height x width to `k` x height x width): the weighted mean of the tiles that
    /// cover a pixel. A side shorter than the tile is padded with 0 on both ends and cut again.
    pub fn slide(
        &self,
        image: &[f32],
        channels: usize,
        size: [usize; 2],
        k: usize,
        forward: &mut TileForward<'_>,
    ) -> Result<Vec<f32>> {
        let padded = [0, 1].map(|a| size[a].max(self.tile[a]));
        let before = [0, 1].map(|a| (padded[a] - size[a]) / 2);
        let area = self.tile[0] * self.tile[1];
        let weights = gaussian_weights(self.tile);
        let mut sum = vec![0f32; k * size[0] * size[1]];
        let mut total = vec![0f32; size[0] * size[1]];
        for corners in self.corners(padded).chunks(self.batch) {
            let mut tiles = vec![0f32; corners.len() * channels * area];
            for (corner, tile) in corners.iter().zip(tiles.chunks_exact_mut(channels * area)) {
                for (plane, source) in tile.chunks_exact_mut(area).zip(image.chunks_exact(size[0] * size[1])) {
                    self.for_each_shared_row(*corner, before, size, |at, from, n| {
                        plane[at..at + n].copy_from_slice(&source[from..from + n]);
                    });
                }
            }
            let scores = forward(tiles, corners.len())?;
            if scores.len() != corners.len() * k * area {
                return Err(RunError::new(format!(
                    "a tile of {} x {} pixels gave {} scores and not {k} a pixel",
                    self.tile[1],
                    self.tile[0],
                    scores.len() / corners.len()
                )));
            }
            for (corner, scores) in corners.iter().zip(scores.chunks_exact(k * area)) {
                for (sum, plane) in sum.chunks_exact_mut(size[0] * size[1]).zip(scores.chunks_exact(area)) {
                    self.for_each_shared_row(*corner, before, size, |at, to, n| {
                        let parts = sum[to..to + n].iter_mut().zip(&plane[at..at + n]).zip(&weights[at..at + n]);
                        parts.for_each(|((sum, score), weight)| *sum += score * weight);
                    });
                }
                self.for_each_shared_row(*corner, before, size, |at, to, n| {
                    total[to..to + n].iter_mut().zip(&weights[at..at + n]).for_each(|(t, w)| *t += w);
                });
            }
        }
        for plane in sum.chunks_exact_mut(size[0] * size[1]) {
            plane.iter_mut().zip(&total).for_each(|(sum, total)| *sum /= total);
        }
        Ok(sum)
    }

    /// The part of a tile that lies on the image, row by row: index in the tile, index in the image, length.
    fn for_each_shared_row(
        &self,
        corner: [usize; 2],
        before: [usize; 2],
        size: [usize; 2],
        mut row: impl FnMut(usize, usize, usize),
    ) {
        // Along one axis: first pixel in the tile, first in the image, and how many.
        let part = |a: usize| {
            let skipped = before[a].saturating_sub(corner[a]);
            let from = corner[a] + skipped - before[a];
            (skipped, from, (self.tile[a] - skipped).min(size[a].saturating_sub(from)))
        };
        let ((ty, y, rows), (tx, x, n)) = (part(0), part(1));
        for i in 0..rows {
            row((ty + i) * self.tile[1] + tx, (y + i) * size[1] + x, n);
        }
    }
}
