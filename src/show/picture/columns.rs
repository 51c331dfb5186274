//! Where the columns of a level stand: side by side, pushed together row by row. `page/place.js` does the same.

use super::align::{Extent, align, gap};
use super::cell::Kind;
use super::level::Level;

/// From the head of a column to that of the next, at least.
const STEP: f64 = 36.0;
/// Between the columns of a row.
const APART: f64 = 22.0;
/// A column that could stand farther left by this much, in some of its rows, bends.
const BEND: f64 = 90.0;

/// Axes of the cells: each column by itself, then pushed against those before it as far as their rows let it.
pub(super) fn columns(level: &Level, extents: &[Extent]) -> Vec<f64> {
    let hops: Vec<[usize; 2]> = level.nets.iter().flat_map(|n| &n.hops).map(|h| [h.from, h.to]).collect();
    let count = level.cells.iter().map(|c| c.column + 1).max().unwrap_or(0);
    let mut x = vec![0.0; extents.len()];
    // The rightmost cell so far of each row.
    let mut edge: Vec<Option<usize>> = vec![None; level.rows.len()];
    let mut before: Option<f64> = None;
    for column in 0..count {
        let inside = |&&c: &&usize| level.cells[c].column == column;
        let rows: Vec<Vec<usize>> = level.rows.iter().map(|row| row.iter().filter(inside).copied().collect()).collect();
        let axes = align(&rows, &hops, extents);
        let least = before.map_or(0.0, |b| b + STEP - head(level, &rows, &axes));
        let mut offsets: Vec<Option<[f64; 2]>> = vec![None; rows.len()];
        for (i, row) in rows.iter().enumerate() {
            let Some(&first) = row.first() else { continue };
            let left = extents[first].left - axes[first];
            let offset = edge[i].map_or(least, |last| {
                let between = gap(&extents[last], &extents[first]).min(APART);
                least.max(x[last] + extents[last].right + between + left)
            });
            // How far a part by itself reaches to the left.
            let parts = row.iter().filter(|&&c| !extents[c].lane);
            offsets[i] = Some([offset, parts.map(|&c| extents[c].left).fold(0.0, f64::max)]);
        }
        // Lanes stay straight.
        let mut tied = vec![false; rows.len()];
        for &[a, b] in &hops {
            let both = level.cells[a].column == column && level.cells[b].column == column;
            if both && (extents[a].lane || extents[b].lane) {
                tied[level.cells[a].row] = true;
            }
        }
        let offsets = levelled(&offsets, &tied);
        for (i, row) in rows.iter().enumerate() {
            row.iter().for_each(|&c| x[c] = axes[c] + offsets[i]);
            edge[i] = row.last().copied().or(edge[i]);
        }
        before = Some(head(level, &rows, &x));
    }
    x
}

/// Axis of the uppermost part of a column, or of its uppermost cell where it has no parts.
fn head(level: &Level, rows: &[Vec<usize>], x: &[f64]) -> f64 {
    let mut cells = rows.iter().flatten().copied();
    let part = cells.clone().find(|&c| matches!(level.cells[c].kind, Kind::Item(_)));
    part.or(cells.next()).map_or(0.0, |c| x[c])
}

/// Rows of a column share an offset where a lane ties a row to the next, and where it is not their own width that makes
/// one stand farther to the right. `offsets` are where each row could stand, with how far it reaches to the left.
fn levelled(offsets: &[Option<[f64; 2]>], tied: &[bool]) -> Vec<f64> {
    // Runs of rows: first, last, offset, reach.
    let mut runs: Vec<(usize, usize, f64, f64)> = Vec::new();
    for (i, offset) in offsets.iter().enumerate() {
        let Some([offset, left]) = *offset else { continue };
        match runs.last_mut() {
            Some(run) if i > 0 && run.1 == i - 1 && tied[i - 1] => {
                *run = (run.0, i, run.2.max(offset), run.3.max(left))
            }
            _ => runs.push((i, i, offset, left)),
        }
    }
    let mut i = 1;
    while i < runs.len() {
        let (a, b) = (runs[i - 1], runs[i]);
        if (b.2 - a.2).abs().min((b.3 - a.3).abs()) < BEND {
            runs[i - 1] = (a.0, b.1, a.2.max(b.2), a.3.max(b.3));
            runs.remove(i);
            i = i.saturating_sub(1).max(1);
        } else {
            i += 1;
        }
    }
    let mut all = vec![0.0; offsets.len()];
    for (first, last, offset, _) in runs {
        all[first..=last].fill(offset);
    }
    all
}
