//! Sliding-window inference: an image larger than the network's size is predicted tile by tile.
//!
//! Works on plain numbers; the network is a function argument. Positions and weights follow MONAI's
//! `sliding_window_inference` (mode `gaussian`, `sigma_scale` 0.125, constant padding); `docs/report.md` has the formulas.
//! nnU-Net uses the same weights but spaces its tiles evenly.

use crate::base::error::{Result, RunError};

/// Standard deviation of the Gaussian weights as a fraction of the tile's side.
const SIGMA_SHARE: f64 = 0.125;
/// Smallest weight, so that no sum of weights is 0.
const MIN_WEIGHT: f32 = 1e-3;

/// Size, overlap and batch of the tiles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SlidingWindow {
    /// Height and width of a tile.
    pub tile: [usize; 2],
    /// Fraction of a tile that its neighbour covers too, from 0 to below 1.
    pub overlap: f64,
    /// Number of tiles in a batch.
    pub batch: usize,
}

/// Network on a batch of `n` tiles: maps the values `[n, channels, tile]` to scores `[n, k, tile]`.
pub(crate) type TileForward<'a> = dyn FnMut(Vec<f32>, usize) -> Result<Vec<f32>> + 'a;

/// Returns the first pixels of the tiles along one side, in steps of `floor(tile * (1 - overlap))`. The last tile is moved
/// back so that it ends with the image. An image not longer than a tile has one tile at 0.
pub fn tile_starts(length: usize, tile: usize, overlap: f64) -> Vec<usize> {
    let step = ((tile as f64 * (1.0 - overlap)) as usize).max(1);
    let last = length.saturating_sub(tile);
    let mut starts: Vec<usize> = (0..last).step_by(step).collect();
    starts.push(last);
    starts
}

/// Returns the weight of each pixel of a tile: exp(-(y^2 / (2 sy^2) + x^2 / (2 sx^2))) with y and x from the centre and
/// s = 0.125 times the side. Weights are at least 0.001 and above 0.
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
    /// Fails for an overlap outside 0..1.
    pub fn new(tile: [usize; 2], overlap: f64, batch: usize) -> Result<SlidingWindow> {
        if !(0.0..1.0).contains(&overlap) {
            let error = RunError::new(format!("an overlap of {overlap} is not from 0 to below 1"));
            return Err(error.help("the usual share is `--overlap 0.5`"));
        }
        Ok(SlidingWindow { tile, overlap, batch: batch.max(1) })
    }

    /// Returns the upper left corners of the tiles of an image, row by row.
    pub fn corners(&self, [height, width]: [usize; 2]) -> Vec<[usize; 2]> {
        let across = tile_starts(width, self.tile[1], self.overlap);
        let down = tile_starts(height, self.tile[0], self.overlap);
        down.iter().flat_map(|&y| across.iter().map(move |&x| [y, x])).collect()
    }

    /// Returns the scores of a whole image, `[k, height, width]` from `[channels, height, width]`: the weighted mean of the
    /// tiles that cover each pixel. A side shorter than the tile is padded with 0 at both ends, and the padding is cropped.
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

    /// Calls `row` for each row of the part of a tile inside the image, with the index in the tile, the index in the image
    /// and the length.
    fn for_each_shared_row(
        &self,
        corner: [usize; 2],
        before: [usize; 2],
        size: [usize; 2],
        mut row: impl FnMut(usize, usize, usize),
    ) {
        // Along one axis: first pixel in the tile, first pixel in the image, and length.
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
