//! Tiles of matrix products.

use super::constants::KernelConstants;

/// Products of one step of a tile.
pub(super) const BLOCK_PRODUCTS: usize = 32;
/// Tiles in flight.
pub(super) const STAGES: usize = 3;
/// Blocks that fill a card: two for each multiprocessor of an H100.
pub(super) const FULL_CARD: usize = 264;

/// The part of the product that one block computes: rows by columns, and the grid of its warps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConvTile {
    pub rows: usize,
    pub columns: usize,
    pub warps: [usize; 2],
}

impl ConvTile {
    /// All tiles; tests run each of them.
    pub const ALL: [ConvTile; 5] = [
        ConvTile { rows: 64, columns: 32, warps: [2, 2] },
        ConvTile { rows: 128, columns: 32, warps: [4, 1] },
        ConvTile { rows: 64, columns: 64, warps: [2, 2] },
        ConvTile { rows: 128, columns: 64, warps: [4, 2] },
        ConvTile { rows: 128, columns: 128, warps: [4, 2] },
    ];

    /// All tiles of gradients of weights.
    pub const GRADIENTS: [ConvTile; 3] = [
        ConvTile { rows: 32, columns: 128, warps: [1, 4] },
        ConvTile { rows: 64, columns: 64, warps: [2, 2] },
        ConvTile { rows: 128, columns: 64, warps: [4, 2] },
    ];

    /// Chooses the largest tile that still fills a card, with as few empty columns as possible.
    pub fn choose(rows: usize, columns: usize) -> Self {
        let widest = columns.next_multiple_of(32);
        let fits = |tile: &&ConvTile| tile.columns <= widest && widest.next_multiple_of(tile.columns) - widest < 32;
        let blocks = |tile: &ConvTile| rows.div_ceil(tile.rows) * columns.div_ceil(tile.columns);
        let full = Self::ALL.iter().rev().filter(fits).find(|tile| blocks(tile) >= FULL_CARD);
        *full.unwrap_or(&Self::ALL[if widest.is_multiple_of(64) { 2 } else { 0 }])
    }

    pub fn threads(&self) -> usize {
        32 * self.warps[0] * self.warps[1]
    }

    /// Chooses the tile of a gradient of weights. Wide tiles read the smaller map, whose channels are the rows, fewer times.
    pub fn choose_gradient(rows: usize) -> Self {
        match rows {
            0..=32 => Self::GRADIENTS[0],
            33..=64 => Self::GRADIENTS[1],
            _ => Self::GRADIENTS[2],
        }
    }

    pub fn constants(&self) -> KernelConstants {
        let [wm, wn] = self.warps;
        KernelConstants::new().ints([
            ("BM", self.rows),
            ("BN", self.columns),
            ("BK", BLOCK_PRODUCTS),
            ("WM", wm),
            ("WN", wn),
            ("STAGES", STAGES),
        ])
    }
}
