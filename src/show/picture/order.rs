//! The order of the cells in each row, with few crossings.
//!
//! Sweeps down and up that put each cell at the mean place of what it is joined to (Sugiyama, Tagawa, Toda 1981), and swaps
//! of neighbours where that takes crossings away (Gansner, Koutsofios, North, Vo 1993); the best order of all sweeps is
//! kept. Columns stand first: a cell never leaves its own. The same cells and nets give the same order.

use super::cell::{Cell, Kind, Net};

const SWEEPS: usize = 16;

/// A lane that crosses a lane bends both for good; anything else crosses in one gap.
const LANES: u64 = 4;

struct Ordering<'a> {
    cells: &'a [Cell],
    /// Neighbours of each cell in the row above, and in the row below.
    above: Vec<Vec<usize>>,
    below: Vec<Vec<usize>>,
    rows: Vec<Vec<usize>>,
    /// Of each cell in its row.
    place: Vec<usize>,
}

pub(super) fn order(cells: &[Cell], nets: &[Net]) -> Vec<Vec<usize>> {
    let count = cells.iter().map(|c| c.row + 1).max().unwrap_or(0);
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut above = vec![Vec::new(); cells.len()];
    let mut below = vec![Vec::new(); cells.len()];
    for hop in nets.iter().flat_map(|n| &n.hops) {
        above[hop.to].push(hop.from);
        below[hop.from].push(hop.to);
    }
    // Depth first from above, so that what belongs together starts together.
    let mut seen = vec![false; cells.len()];
    for start in 0..cells.len() {
        let mut pending = vec![start];
        while let Some(at) = pending.pop() {
            if !std::mem::replace(&mut seen[at], true) {
                rows[cells[at].row].push(at);
                pending.extend(below[at].iter().rev());
            }
        }
    }
    rows.iter_mut().for_each(|row| row.sort_by_key(|&c| cells[c].column));
    let mut state = Ordering { cells, above, below, rows, place: vec![0; cells.len()] };
    (0..count).for_each(|row| state.number(row));
    let mut best = (state.crossings(), state.rows.clone());
    for sweep in 0..SWEEPS {
        if best.0 == 0 {
            break;
        }
        if sweep % 2 == 0 {
            (1..count).for_each(|row| state.sort(row, true));
        } else {
            (0..count.saturating_sub(1)).rev().for_each(|row| state.sort(row, false));
        }
        (0..count).for_each(|row| state.swap(row));
        let crossings = state.crossings();
        if crossings < best.0 {
            best = (crossings, state.rows.clone());
        }
    }
    best.1
}

impl Ordering<'_> {
    fn number(&mut self, row: usize) {
        for (place, &cell) in self.rows[row].iter().enumerate() {
            self.place[cell] = place;
        }
    }

    /// By the mean place in the row above or below; a cell that is joined to nothing there stays where it is.
    fn sort(&mut self, row: usize, down: bool) {
        let near = if down { &self.above } else { &self.below };
        let mean = |cell: usize| match &near[cell][..] {
            [] => self.place[cell] as f64,
            list => list.iter().map(|&c| self.place[c] as f64).sum::<f64>() / list.len() as f64,
        };
        let mut keyed: Vec<(usize, f64, usize)> =
            self.rows[row].iter().map(|&c| (self.cells[c].column, mean(c), c)).collect();
        keyed.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        self.rows[row] = keyed.into_iter().map(|(_, _, c)| c).collect();
        self.number(row);
    }

    fn is_lane(&self, cell: usize) -> bool {
        matches!(self.cells[cell].kind, Kind::Lane(_))
    }

    fn weight(&self, a: usize, b: usize, c: usize, d: usize) -> u64 {
        if [a, b, c, d].into_iter().all(|cell| self.is_lane(cell)) { LANES } else { 1 }
    }

    /// Crossings between the lines of two cells of a row if `left` stands left of `right`.
    fn between(&self, left: usize, right: usize) -> u64 {
        let mut sum = 0;
        for near in [&self.above, &self.below] {
            for &a in &near[left] {
                for &b in &near[right] {
                    if self.place[a] > self.place[b] {
                        sum += self.weight(left, right, a, b);
                    }
                }
            }
        }
        sum
    }

    fn swap(&mut self, row: usize) {
        for _ in 0..self.rows[row].len() {
            let mut better = false;
            for i in 1..self.rows[row].len() {
                let (left, right) = (self.rows[row][i - 1], self.rows[row][i]);
                if self.cells[left].column == self.cells[right].column
                    && self.between(right, left) < self.between(left, right)
                {
                    self.rows[row].swap(i - 1, i);
                    self.place.swap(left, right);
                    better = true;
                }
            }
            if !better {
                break;
            }
        }
    }

    fn crossings(&self) -> u64 {
        let mut sum = 0;
        for row in &self.rows {
            let mut lines: Vec<(usize, usize, usize, usize)> = row
                .iter()
                .flat_map(|&c| self.below[c].iter().map(move |&d| (c, d)))
                .map(|(c, d)| (self.place[c], self.place[d], c, d))
                .collect();
            lines.sort_unstable();
            for (i, a) in lines.iter().enumerate() {
                for b in &lines[i + 1..] {
                    if a.0 < b.0 && a.1 > b.1 {
                        sum += self.weight(a.2, b.2, a.3, b.3);
                    }
                }
            }
        }
        sum
    }
}
