//! Orders the nodes within each layer so that few edges cross.
//!
//! Layer sweeps down and up sort each layer by the barycenter of the neighbours (Sugiyama, Tagawa, Toda 1981), and adjacent
//! nodes are transposed where that removes crossings (Gansner, Koutsofios, North, Vo 1993). The order with the fewest
//! crossings of all sweeps is kept. Columns are fixed before: a node never leaves its own. The result depends on the nodes and
//! hyperedges alone.

use super::layout_node::{Hyperedge, LayoutNode, LayoutNodeKind};

const MAX_LAYER_SWEEPS: usize = 16;

/// The weight of a crossing between two segments of dummy nodes, which bends both long edges. Other crossings count 1.
const DUMMY_CROSSING_WEIGHT: u64 = 4;

/// The neighbouring layer that a sweep sorts by.
#[derive(Clone, Copy)]
enum SweepDirection {
    /// By the layer above.
    Down,
    /// By the layer below.
    Up,
}

/// An order of the nodes in all layers.
struct LayerOrdering<'a> {
    nodes: &'a [LayoutNode],
    /// Neighbours of each node in the layer above.
    above: Vec<Vec<usize>>,
    /// Neighbours of each node in the layer below.
    below: Vec<Vec<usize>>,
    layers: Vec<Vec<usize>>,
    /// Position of each node within its layer.
    position: Vec<usize>,
}

/// Returns the nodes of each layer from left to right.
pub(super) fn order_layers(nodes: &[LayoutNode], hyperedges: &[Hyperedge]) -> Vec<Vec<usize>> {
    let mut ordering = LayerOrdering::new(nodes, hyperedges);
    let count = ordering.layers.len();
    let mut best = (ordering.crossings(), ordering.layers.clone());
    for sweep in 0..MAX_LAYER_SWEEPS {
        if best.0 == 0 {
            break;
        }
        if sweep % 2 == 0 {
            (1..count).for_each(|rank| ordering.sort_by_barycenter(rank, SweepDirection::Down));
        } else {
            (0..count.saturating_sub(1)).rev().for_each(|rank| ordering.sort_by_barycenter(rank, SweepDirection::Up));
        }
        (0..count).for_each(|rank| ordering.transpose(rank));
        let crossings = ordering.crossings();
        if crossings < best.0 {
            best = (crossings, ordering.layers.clone());
        }
    }
    best.1
}

impl<'a> LayerOrdering<'a> {
    /// Orders the nodes depth first from above, so that connected nodes start close together, and then by column.
    fn new(nodes: &'a [LayoutNode], hyperedges: &[Hyperedge]) -> LayerOrdering<'a> {
        let count = nodes.iter().map(|node| node.rank + 1).max().unwrap_or(0);
        let mut layers: Vec<Vec<usize>> = vec![Vec::new(); count];
        let mut above = vec![Vec::new(); nodes.len()];
        let mut below = vec![Vec::new(); nodes.len()];
        for segment in hyperedges.iter().flat_map(|edge| &edge.segments) {
            above[segment.to].push(segment.from);
            below[segment.from].push(segment.to);
        }
        let mut seen = vec![false; nodes.len()];
        for start in 0..nodes.len() {
            let mut pending = vec![start];
            while let Some(at) = pending.pop() {
                if !std::mem::replace(&mut seen[at], true) {
                    layers[nodes[at].rank].push(at);
                    pending.extend(below[at].iter().rev());
                }
            }
        }
        layers.iter_mut().for_each(|layer| layer.sort_by_key(|&node| nodes[node].column));
        let mut ordering = LayerOrdering { nodes, above, below, layers, position: vec![0; nodes.len()] };
        (0..count).for_each(|rank| ordering.update_positions(rank));
        ordering
    }

    fn update_positions(&mut self, rank: usize) {
        for (position, &node) in self.layers[rank].iter().enumerate() {
            self.position[node] = position;
        }
    }

    /// Sorts a layer by column and then by the mean position of the neighbours in the layer above or below. A node without
    /// neighbours there keeps its position.
    fn sort_by_barycenter(&mut self, rank: usize, direction: SweepDirection) {
        let neighbours = match direction {
            SweepDirection::Down => &self.above,
            SweepDirection::Up => &self.below,
        };
        let mean = |node: usize| match &neighbours[node][..] {
            [] => self.position[node] as f64,
            list => list.iter().map(|&c| self.position[c] as f64).sum::<f64>() / list.len() as f64,
        };
        let mut keyed: Vec<(usize, f64, usize)> =
            self.layers[rank].iter().map(|&c| (self.nodes[c].column, mean(c), c)).collect();
        keyed.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        self.layers[rank] = keyed.into_iter().map(|(_, _, c)| c).collect();
        self.update_positions(rank);
    }

    fn is_dummy(&self, node: usize) -> bool {
        matches!(self.nodes[node].kind, LayoutNodeKind::Dummy(_))
    }

    /// Returns the weight of a crossing between the segments `a`-`c` and `b`-`d`.
    fn crossing_weight(&self, a: usize, b: usize, c: usize, d: usize) -> u64 {
        if [a, b, c, d].into_iter().all(|node| self.is_dummy(node)) { DUMMY_CROSSING_WEIGHT } else { 1 }
    }

    /// Returns the weighted number of crossings between the segments of two nodes of a layer if `left` is left of `right`.
    fn crossings_between(&self, left: usize, right: usize) -> u64 {
        let mut sum = 0;
        for neighbours in [&self.above, &self.below] {
            for &a in &neighbours[left] {
                for &b in &neighbours[right] {
                    if self.position[a] > self.position[b] {
                        sum += self.crossing_weight(left, right, a, b);
                    }
                }
            }
        }
        sum
    }

    /// Swaps adjacent nodes of one column as long as that removes crossings.
    fn transpose(&mut self, rank: usize) {
        for _ in 0..self.layers[rank].len() {
            let mut improved = false;
            for i in 1..self.layers[rank].len() {
                let (left, right) = (self.layers[rank][i - 1], self.layers[rank][i]);
                if self.nodes[left].column == self.nodes[right].column
                    && self.crossings_between(right, left) < self.crossings_between(left, right)
                {
                    self.layers[rank].swap(i - 1, i);
                    self.position.swap(left, right);
                    improved = true;
                }
            }
            if !improved {
                break;
            }
        }
    }

    /// Returns the weighted number of crossings in all layers.
    fn crossings(&self) -> u64 {
        let mut sum = 0;
        for layer in &self.layers {
            let mut segments: Vec<(usize, usize, usize, usize)> = layer
                .iter()
                .flat_map(|&from| self.below[from].iter().map(move |&to| (from, to)))
                .map(|(from, to)| (self.position[from], self.position[to], from, to))
                .collect();
            segments.sort_unstable();
            for (i, a) in segments.iter().enumerate() {
                for b in &segments[i + 1..] {
                    if a.0 < b.0 && a.1 > b.1 {
                        sum += self.crossing_weight(a.2, b.2, a.3, b.3);
                    }
                }
            }
        }
        sum
    }
}
