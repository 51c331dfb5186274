//! Assigns x coordinates to the layout nodes of one column (Brandes and Köpf, "Fast and Simple Horizontal Coordinate
//! Assignment", Graph Drawing 2001).
//!
//! The algorithm draws long edges as straight vertical lines wherever the order of the layers allows it, and prefers edges
//! between dummy nodes. It runs four passes: nodes are aligned with their upper or with their lower neighbours, and pushed to
//! the left or to the right. The mean of the two middle results keeps every separation that all four keep. `page/place.js`
//! repeats the same steps in the same order.

/// The distances from the x coordinate of a node to its two sides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct NodeExtent {
    pub left: f64,
    pub right: f64,
    pub is_dummy: bool,
}

/// The neighbours that a pass aligns nodes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AlignWith {
    Upper,
    Lower,
}

/// The side that a pass pushes nodes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PushTo {
    Left,
    Right,
}

/// The four passes. The odd ones push to the right.
const PASSES: [(AlignWith, PushTo); 4] = [
    (AlignWith::Upper, PushTo::Left),
    (AlignWith::Upper, PushTo::Right),
    (AlignWith::Lower, PushTo::Left),
    (AlignWith::Lower, PushTo::Right),
];

/// Returns the least distance between the sides of two adjacent nodes.
pub(super) fn separation(a: &NodeExtent, b: &NodeExtent) -> f64 {
    match (a.is_dummy, b.is_dummy) {
        (true, true) => 6.0,
        (true, false) | (false, true) => 10.0,
        (false, false) => 22.0,
    }
}

/// Returns an x coordinate for each node in `layers`, and 0 for the others. `segments` join nodes of one layer with nodes of
/// the next; `extents` holds one entry for each node.
pub(super) fn brandes_koepf(layers: &[Vec<usize>], segments: &[[usize; 2]], extents: &[NodeExtent]) -> Vec<f64> {
    let segments = unconflicted_segments(layers, segments, extents);
    let mut results =
        PASSES.map(|(align_with, push_to)| AlignmentPass::new(layers, &segments, extents, align_with, push_to).run());
    shift_to_narrowest(&mut results, layers, extents);
    let mut x = vec![0.0; extents.len()];
    for &node in layers.iter().flatten() {
        let mut candidates = [results[0][node], results[1][node], results[2][node], results[3][node]];
        candidates.sort_by(f64::total_cmp);
        x[node] = (candidates[1] + candidates[2]) / 2.0;
    }
    x
}

/// Returns the segments between nodes of `layers` that may become vertical. A segment that crosses one between two dummy
/// nodes is left out, because only one of the two can be vertical (a type 1 or type 2 conflict in the paper).
fn unconflicted_segments(layers: &[Vec<usize>], segments: &[[usize; 2]], extents: &[NodeExtent]) -> Vec<[usize; 2]> {
    let mut position = vec![0; extents.len()];
    let mut rank = vec![usize::MAX; extents.len()];
    for (i, layer) in layers.iter().enumerate() {
        for (k, &node) in layer.iter().enumerate() {
            (position[node], rank[node]) = (k, i);
        }
    }
    let mut by_rank: Vec<Vec<[usize; 2]>> = vec![Vec::new(); layers.len()];
    for &[a, b] in segments.iter().filter(|[a, b]| rank[*a] != usize::MAX && rank[*b] != usize::MAX) {
        by_rank[rank[a]].push([a, b]);
    }
    let is_inner = |segment: &[usize; 2]| extents[segment[0]].is_dummy && extents[segment[1]].is_dummy;
    let cross = |s: &[usize; 2], t: &[usize; 2]| {
        let (above, below) = (position[s[0]].cmp(&position[t[0]]), position[s[1]].cmp(&position[t[1]]));
        above.is_ne() && below.is_ne() && above != below
    };
    let mut kept = Vec::with_capacity(segments.len());
    for list in &by_rank {
        let has_no_conflict = |s: &&[usize; 2]| is_inner(s) || !list.iter().any(|t| is_inner(t) && cross(s, t));
        kept.extend(list.iter().filter(has_no_conflict));
    }
    kept
}

/// Shifts all results to the narrowest one: those that were pushed to the left share its left end, the others its right end.
fn shift_to_narrowest(results: &mut [Vec<f64>; 4], layers: &[Vec<usize>], extents: &[NodeExtent]) {
    let ends = |x: &Vec<f64>| {
        let nodes = layers.iter().flatten();
        let low = nodes.clone().map(|&node| x[node] - extents[node].left).fold(f64::INFINITY, f64::min);
        let high = nodes.map(|&node| x[node] + extents[node].right).fold(f64::NEG_INFINITY, f64::max);
        [low, high]
    };
    let spans = results.each_ref().map(ends);
    let mut narrowest = 0;
    for i in 1..spans.len() {
        if spans[i][1] - spans[i][0] < spans[narrowest][1] - spans[narrowest][0] {
            narrowest = i;
        }
    }
    let [low, high] = spans[narrowest];
    for ((x, span), (_, push_to)) in results.iter_mut().zip(spans).zip(PASSES) {
        let shift = match push_to {
            PushTo::Left => low - span[0],
            PushTo::Right => high - span[1],
        };
        x.iter_mut().for_each(|x| *x += shift);
    }
}

/// One of the four passes.
struct AlignmentPass<'a> {
    /// The layers in the order in which the pass visits them, and the nodes of each from the side that it pushes to.
    layers: Vec<Vec<usize>>,
    /// The neighbours of each node in the layer visited before, sorted by position.
    neighbours: Vec<Vec<usize>>,
    /// The position of each node within its layer of `layers`.
    position: Vec<usize>,
    extents: &'a [NodeExtent],
    push_to: PushTo,
}

impl<'a> AlignmentPass<'a> {
    fn new(
        layers: &[Vec<usize>],
        segments: &[[usize; 2]],
        extents: &'a [NodeExtent],
        align_with: AlignWith,
        push_to: PushTo,
    ) -> AlignmentPass<'a> {
        let mut layers = layers.to_vec();
        if align_with == AlignWith::Lower {
            layers.reverse();
        }
        if push_to == PushTo::Right {
            layers.iter_mut().for_each(|layer| layer.reverse());
        }
        let mut position = vec![0; extents.len()];
        for layer in &layers {
            layer.iter().enumerate().for_each(|(k, &node)| position[node] = k);
        }
        let mut neighbours: Vec<Vec<usize>> = vec![Vec::new(); extents.len()];
        for &[upper, lower] in segments {
            match align_with {
                AlignWith::Upper => neighbours[lower].push(upper),
                AlignWith::Lower => neighbours[upper].push(lower),
            }
        }
        neighbours.iter_mut().for_each(|list| list.sort_by_key(|&node| position[node]));
        AlignmentPass { layers, neighbours, position, extents, push_to }
    }

    /// Runs the pass and returns an x coordinate for each node.
    fn run(&self) -> Vec<f64> {
        let root = self.align_vertically();
        let separations = self.block_separations(&root);
        let order = self.topological_order(&root, &separations);
        let block_x = compact_horizontally(&separations, &order);
        let sign = match self.push_to {
            PushTo::Left => 1.0,
            PushTo::Right => -1.0,
        };
        let mut x = vec![0.0; self.extents.len()];
        for &node in self.layers.iter().flatten() {
            x[node] = sign * block_x[root[node]];
        }
        x
    }

    /// Step 1, vertical alignment: joins nodes to blocks, which share one x coordinate, and returns the first node (the root)
    /// of each node's block. A node joins the block of a median neighbour unless that would cross, or share the neighbour
    /// with, an alignment that was made before in the same layer.
    fn align_vertically(&self) -> Vec<usize> {
        let mut root: Vec<usize> = (0..self.extents.len()).collect();
        for layer in &self.layers {
            // The first position of the previous layer that an alignment may still use.
            let mut free = 0;
            for &node in layer {
                for neighbour in medians(&self.neighbours[node]) {
                    let position = self.position[neighbour];
                    if root[node] == node && free <= position {
                        root[node] = root[neighbour];
                        free = position + 1;
                    }
                }
            }
        }
        root
    }

    /// Step 2, block graph: returns for each block, by its root, the blocks that are adjacent to it on the far side in any
    /// layer, with the least distance between the two x coordinates.
    fn block_separations(&self, root: &[usize]) -> Vec<Vec<(usize, f64)>> {
        let distance = |a: usize, b: usize| {
            let (left, right) = match self.push_to {
                PushTo::Left => (&self.extents[a], &self.extents[b]),
                PushTo::Right => (&self.extents[b], &self.extents[a]),
            };
            left.right + separation(left, right) + right.left
        };
        let mut separations: Vec<Vec<(usize, f64)>> = vec![Vec::new(); self.extents.len()];
        for pair in self.layers.iter().flat_map(|layer| layer.windows(2)) {
            separations[root[pair[0]]].push((root[pair[1]], distance(pair[0], pair[1])));
        }
        separations
    }

    /// Step 3, order: returns the roots of all blocks, each after the blocks that lie before it in some layer.
    fn topological_order(&self, root: &[usize], separations: &[Vec<(usize, f64)>]) -> Vec<usize> {
        let mut waiting_for = vec![0usize; root.len()];
        separations.iter().flatten().for_each(|&(block, _)| waiting_for[block] += 1);
        let is_first = |node: &usize| root[*node] == *node && waiting_for[*node] == 0;
        let mut ready: Vec<usize> = self.layers.iter().flatten().copied().filter(is_first).collect();
        let mut order = Vec::with_capacity(root.len());
        while let Some(block) = ready.pop() {
            order.push(block);
            for &(next, _) in &separations[block] {
                waiting_for[next] -= 1;
                if waiting_for[next] == 0 {
                    ready.push(next);
                }
            }
        }
        order
    }
}

/// Returns the lower and the upper median of a sorted list, which are the same element where its length is odd.
fn medians(sorted: &[usize]) -> impl Iterator<Item = usize> {
    let middle = sorted.len().checked_sub(1).map(|last| [sorted[last / 2], sorted[sorted.len() / 2]]);
    middle.into_iter().flatten()
}

/// Step 4, horizontal compaction: places each block as far towards the near side as the blocks before it allow (longest
/// path), and then moves it as close to the blocks after it as their places allow.
fn compact_horizontally(separations: &[Vec<(usize, f64)>], order: &[usize]) -> Vec<f64> {
    let mut x = vec![0.0f64; separations.len()];
    for &block in order {
        for &(next, distance) in &separations[block] {
            x[next] = x[next].max(x[block] + distance);
        }
    }
    for &block in order.iter().rev() {
        let limits = separations[block].iter().map(|&(next, distance)| x[next] - distance);
        let limit = limits.fold(f64::INFINITY, f64::min);
        if limit.is_finite() {
            x[block] = x[block].max(limit);
        }
    }
    x
}
