//! Sliding-window inference: an image larger than the network's size is predicted tile by tile.
//!
//! Works on plain numbers; the network is a function argument. Positions and weights follow MONAI's
//! `sliding_window_inference` (mode `gaussian`, `sigma_scale` 0.125, constant padding); `docs/report.md` has the formulas.
//! nnU-Net uses the same weights but spaces its tiles evenly.

use crate::base::count::counted;
use crate::base::error::Result;
use crate::base::problem::problem;

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
/// s = 0.125 times the side. Weights are at least 0.001.
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
            return Err(
                problem!(E0503, "the overlap is {overlap}, but must be at least 0 and below 1"; help: "the default is `--overlap 0.5`"),
            );
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
        let placement = TilePlacement { tile: self.tile, before: [0, 1].map(|a| (padded[a] - size[a]) / 2), size };
        let area = self.tile[0] * self.tile[1];
        let mut blend = TileBlend::new(placement, k);
        for corners in self.corners(padded).chunks(self.batch) {
            let mut tiles = vec![0f32; corners.len() * channels * area];
            for (corner, tile) in corners.iter().zip(tiles.chunks_exact_mut(channels * area)) {
                placement.copy_tile(*corner, image, tile);
            }
            let scores = forward(tiles, corners.len())?;
            if scores.len() != corners.len() * k * area {
                let [height, width] = self.tile;
                let found = scores.len() / corners.len();
                return Err(problem!(
                    E0799,
                    "a tile of {width} x {height} pixels gave {} and not {k} a pixel",
                    counted(found, "score")
                ));
            }
            for (corner, scores) in corners.iter().zip(scores.chunks_exact(k * area)) {
                blend.add_tile(*corner, scores);
            }
        }
        Ok(blend.mean())
    }
}

/// Position of tiles on an image with padding at both ends.
#[derive(Clone, Copy)]
struct TilePlacement {
    /// Height and width of a tile.
    tile: [usize; 2],
    /// Padding above and to the left of the image.
    before: [usize; 2],
    /// Height and width of the image.
    size: [usize; 2],
}

impl TilePlacement {
    /// Copies the part of an image that a tile covers, `[channels, height, width]`, into the tile.
    fn copy_tile(self, corner: [usize; 2], image: &[f32], tile: &mut [f32]) {
        let planes = tile.chunks_exact_mut(self.tile[0] * self.tile[1]);
        for (plane, source) in planes.zip(image.chunks_exact(self.size[0] * self.size[1])) {
            self.for_each_shared_row(corner, |at, from, n| plane[at..at + n].copy_from_slice(&source[from..from + n]));
        }
    }

    /// Calls `row` for each row of the part of a tile inside the image, with the index in the tile, the index in the image
    /// and the length.
    fn for_each_shared_row(self, corner: [usize; 2], mut row: impl FnMut(usize, usize, usize)) {
        let TilePlacement { tile, before, size } = self;
        // Along one axis: first pixel in the tile, first pixel in the image, and length.
        let part = |a: usize| {
            let skipped = before[a].saturating_sub(corner[a]);
            let from = corner[a] + skipped - before[a];
            (skipped, from, (tile[a] - skipped).min(size[a].saturating_sub(from)))
        };
        let ((ty, y, rows), (tx, x, n)) = (part(0), part(1));
        for i in 0..rows {
            row((ty + i) * tile[1] + tx, (y + i) * size[1] + x, n);
        }
    }
}

/// Weighted mean of the scores of overlapping tiles.
struct TileBlend {
    placement: TilePlacement,
    /// Weight of each pixel of a tile.
    weights: Vec<f32>,
    /// Weighted sum of the scores, `[k, height, width]`.
    sum: Vec<f32>,
    /// Sum of the weights, `[height, width]`.
    total: Vec<f32>,
}

impl TileBlend {
    fn new(placement: TilePlacement, k: usize) -> TileBlend {
        let area = placement.size[0] * placement.size[1];
        TileBlend {
            placement,
            weights: gaussian_weights(placement.tile),
            sum: vec![0.0; k * area],
            total: vec![0.0; area],
        }
    }

    /// Adds the scores of a tile, `[k, tile]`.
    fn add_tile(&mut self, corner: [usize; 2], scores: &[f32]) {
        let TileBlend { placement, weights, sum, total } = self;
        for (sum, plane) in sum.chunks_exact_mut(total.len()).zip(scores.chunks_exact(weights.len())) {
            placement.for_each_shared_row(corner, |at, to, n| {
                let parts = sum[to..to + n].iter_mut().zip(&plane[at..at + n]).zip(&weights[at..at + n]);
                parts.for_each(|((sum, score), weight)| *sum += score * weight);
            });
        }
        placement.for_each_shared_row(corner, |at, to, n| {
            total[to..to + n].iter_mut().zip(&weights[at..at + n]).for_each(|(t, w)| *t += w);
        });
    }

    /// Returns the weighted mean.
    fn mean(mut self) -> Vec<f32> {
        for plane in self.sum.chunks_exact_mut(self.total.len()) {
            plane.iter_mut().zip(&self.total).for_each(|(sum, total)| *sum /= total);
        }
        self.sum
    }
}
