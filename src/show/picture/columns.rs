//! Assigns x coordinates to all nodes of a layered graph: its columns stand side by side and are pushed together layer by
//! layer. `page/place.js` repeats the same steps.

use super::align::{NodeExtent, brandes_koepf, separation};
use super::layered::LayeredGraph;
use super::layout_node::LayoutNodeKind;

/// Least distance between the heads of two adjacent columns.
const COLUMN_STEP: f64 = 36.0;
/// The most space that is kept between two columns in one layer.
const COLUMN_GAP: f64 = 22.0;
/// A column bends where some of its layers could move to the left by at least this much.
const BEND_THRESHOLD: f64 = 90.0;

/// Where a layer of a column could be placed.
#[derive(Clone, Copy)]
struct LayerOffset {
    /// The least offset that keeps the layer clear of the columns before.
    offset: f64,
    /// Distance by which the parts of the layer extend to the left of their x coordinates.
    left: f64,
}

/// Adjacent layers of a column that share one offset.
#[derive(Clone, Copy)]
struct LayerGroup {
    first: usize,
    last: usize,
    at: LayerOffset,
}

/// Returns an x coordinate for each node. Each column is laid out by itself, and then moved as close to the columns before it
/// as its layers allow.
pub(super) fn assign_x(layered: &LayeredGraph, extents: &[NodeExtent]) -> Vec<f64> {
    let segments = layered.hyperedges.iter().flat_map(|edge| &edge.segments);
    let segments: Vec<[usize; 2]> = segments.map(|segment| [segment.from, segment.to]).collect();
    let count = layered.nodes.iter().map(|node| node.column + 1).max().unwrap_or(0);
    let mut x = vec![0.0; extents.len()];
    // The rightmost node placed in each layer.
    let mut rightmost: Vec<Option<usize>> = vec![None; layered.layers.len()];
    let mut head_before: Option<f64> = None;
    for column in 0..count {
        let is_inside = |node: &&usize| layered.nodes[**node].column == column;
        let layers = layered.layers.iter().map(|layer| layer.iter().filter(is_inside).copied().collect());
        let layers: Vec<Vec<usize>> = layers.collect();
        let own_x = brandes_koepf(&layers, &segments, extents);
        let least = head_before.map_or(0.0, |head| head + COLUMN_STEP - head_x(layered, &layers, &own_x));
        let mut offsets: Vec<Option<LayerOffset>> = vec![None; layers.len()];
        for (i, layer) in layers.iter().enumerate() {
            let Some(&first) = layer.first() else { continue };
            let left = extents[first].left - own_x[first];
            let offset = rightmost[i].map_or(least, |last| {
                let between = separation(&extents[last], &extents[first]).min(COLUMN_GAP);
                least.max(x[last] + extents[last].right + between + left)
            });
            let parts = layer.iter().filter(|&&node| !extents[node].is_dummy);
            let left = parts.map(|&node| extents[node].left).fold(0.0, f64::max);
            offsets[i] = Some(LayerOffset { offset, left });
        }
        let offsets = shared_offsets(&offsets, &tied_layers(layered, &segments, extents, column));
        for (i, layer) in layers.iter().enumerate() {
            layer.iter().for_each(|&node| x[node] = own_x[node] + offsets[i]);
            rightmost[i] = layer.last().copied().or(rightmost[i]);
        }
        head_before = Some(head_x(layered, &layers, &x));
    }
    x
}

/// Returns for each layer of a column whether a dummy node ties it to the next layer: long edges stay straight.
fn tied_layers(layered: &LayeredGraph, segments: &[[usize; 2]], extents: &[NodeExtent], column: usize) -> Vec<bool> {
    let mut tied = vec![false; layered.layers.len()];
    for &[a, b] in segments {
        let is_inside = layered.nodes[a].column == column && layered.nodes[b].column == column;
        if is_inside && (extents[a].is_dummy || extents[b].is_dummy) {
            tied[layered.nodes[a].rank] = true;
        }
    }
    tied
}

/// Returns the x coordinate of the uppermost part of a column, or of its uppermost node where it has no parts.
fn head_x(layered: &LayeredGraph, layers: &[Vec<usize>], x: &[f64]) -> f64 {
    let mut nodes = layers.iter().flatten().copied();
    let part = nodes.clone().find(|&node| matches!(layered.nodes[node].kind, LayoutNodeKind::Item(_)));
    part.or(nodes.next()).map_or(0.0, |node| x[node])
}

/// Returns an offset for each layer of a column. Adjacent layers share one where a dummy node ties them, and where they
/// differ by less than [`BEND_THRESHOLD`] in their offsets or in their own widths.
fn shared_offsets(offsets: &[Option<LayerOffset>], tied: &[bool]) -> Vec<f64> {
    let mut groups: Vec<LayerGroup> = Vec::new();
    for (i, offset) in offsets.iter().enumerate() {
        let Some(at) = *offset else { continue };
        let own = LayerGroup { first: i, last: i, at };
        match groups.last_mut() {
            Some(group) if i > 0 && group.last == i - 1 && tied[i - 1] => *group = group.joined(own),
            _ => groups.push(own),
        }
    }
    let mut i = 1;
    while i < groups.len() {
        let (a, b) = (groups[i - 1], groups[i]);
        if (b.at.offset - a.at.offset).abs().min((b.at.left - a.at.left).abs()) < BEND_THRESHOLD {
            groups[i - 1] = a.joined(b);
            groups.remove(i);
            i = i.saturating_sub(1).max(1);
        } else {
            i += 1;
        }
    }
    let mut shared = vec![0.0; offsets.len()];
    for LayerGroup { first, last, at } in groups {
        shared[first..=last].fill(at.offset);
    }
    shared
}

impl LayerGroup {
    fn joined(self, next: LayerGroup) -> LayerGroup {
        let at = LayerOffset { offset: self.at.offset.max(next.at.offset), left: self.at.left.max(next.at.left) };
        LayerGroup { first: self.first, last: next.last, at }
    }
}
