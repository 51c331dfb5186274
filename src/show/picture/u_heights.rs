//! Which lanes of a U are level, and the order in which heights follow from each other.

use super::u_plan::{Flow, HeightStep, Lane, LanePair, PlannedPart, ULine, UWay};
use std::collections::HashMap;

/// The order in which heights are computed.
pub(super) struct HeightOrder<'a> {
    pub parts: &'a [PlannedPart],
    pub columns: &'a [Vec<usize>],
    pub ties: Vec<LanePair>,
    pub below: Vec<LanePair>,
}

impl HeightOrder<'_> {
    /// Ties the two lanes of lines that can run level, from the encoder to the decoder. A tie that contradicts the others is left out.
    pub(super) fn add_pairs(&mut self, lines: &[ULine]) {
        for line in lines {
            let [from, to] = line.edge;
            let (a, b) = (&self.parts[from], &self.parts[to]);
            if a.row != b.row || a.column == b.column || !matches!(line.way, UWay::Channel(_)) {
                continue;
            }
            let pair = LanePair { from, from_lane: Lane::Exit(line.port), to, to_lane: Lane::Entry(line.input) };
            let levels = a.column < b.column
                && b.flow == Flow::Up
                && (a.flow == Flow::Down || a.column == 1 && self.columns.len() == 3);
            let list: fn(&mut Self) -> &mut Vec<LanePair> = if levels { |s| &mut s.ties } else { |s| &mut s.below };
            if levels || a.column > b.column {
                list(self).push(pair);
                if self.steps().is_none() {
                    list(self).pop();
                }
            }
        }
    }

    /// Returns the steps of the pass that computes heights, or `None` where ties contradict each other.
    pub(super) fn steps(&self) -> Option<Vec<HeightStep>> {
        let n = self.parts.len();
        let rows = self.parts.iter().map(|part| part.row + 1).max().unwrap_or(0);
        // Parts that are tied have one group; rows are groups of their own, behind them.
        let mut group: Vec<usize> = (0..n).collect();
        for tie in &self.ties {
            let (keep, gone) = (group[tie.from], group[tie.to]);
            if keep == gone {
                return None;
            }
            group.iter_mut().filter(|g| **g == gone).for_each(|g| *g = keep);
        }
        let mut next: HashMap<usize, Vec<usize>> = HashMap::new();
        let mut waits = vec![0usize; n + rows];
        let mut after = |a: usize, b: usize| {
            next.entry(a).or_default().push(b);
            waits[b] += 1;
        };
        for stack in self.columns {
            stack.windows(2).for_each(|pair| after(group[pair[0]], group[pair[1]]));
        }
        self.below.iter().for_each(|pair| after(group[pair.to], group[pair.from]));
        for (k, part) in self.parts.iter().enumerate() {
            after(n + part.row, group[k]);
            if part.row + 1 < rows {
                after(group[k], n + part.row + 1);
            }
        }
        (1..rows).for_each(|row| after(n + row - 1, n + row));
        let mut ready: Vec<usize> =
            (0..n + rows).rev().filter(|&g| waits[g] == 0 && (g >= n || group[g] == g)).collect();
        let mut steps = Vec::new();
        while let Some(at) = ready.pop() {
            steps.push(match at.checked_sub(n) {
                Some(row) => HeightStep::Row(row),
                None => HeightStep::Parts((0..n).filter(|&k| group[k] == at).collect()),
            });
            for &b in next.get(&at).into_iter().flatten() {
                waits[b] -= 1;
                if waits[b] == 0 {
                    ready.push(b);
                }
            }
        }
        let parts: usize =
            steps.iter().map(|step| if let HeightStep::Parts(list) = step { list.len() } else { 0 }).sum();
        (parts == n).then_some(steps)
    }
}
