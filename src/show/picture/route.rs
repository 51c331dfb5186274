//! Routes the edges between placed boxes. `page/place.js` repeats the same steps in the same order.
//!
//! A route leaves its box downwards, below the shape label, and passes a layer only at a dummy node of its own. It moves to
//! the side only between layers, where there is nothing else.

use super::layered::LayeredGraph;
use super::layout_node::{Hyperedge, LayoutNodeKind, Segment};
use super::picture_layout::{ArrowTip, PictureLayout, PlacedBlock, Position, Route};
use super::scene::Scene;
use super::u_plan::Flow;
use std::fmt::Write;

/// Distance between routes that end in one box.
pub(super) const PORT_DISTANCE: f64 = 14.0;
/// Height of an arrowhead.
pub(super) const ARROW: f64 = 6.0;

/// Routes every hyperedge of every open block. The lines between the parts of a U come first.
pub fn routes(scene: &Scene, layout: &PictureLayout) -> Vec<Route> {
    let mut routes = layout.u_routes.clone();
    for (item, placed) in layout.blocks.iter().enumerate() {
        if let (Some(placed), Some(layered)) = (placed, &scene.layered[item]) {
            let router = BlockRouter { layered, placed };
            let mut ends = router.segment_ends().into_iter();
            for (number, hyperedge) in layered.hyperedges.iter().enumerate() {
                routes.push(router.route(item, number, hyperedge, ends.by_ref()));
            }
        }
    }
    routes
}

struct BlockRouter<'a> {
    layered: &'a LayeredGraph,
    placed: &'a PlacedBlock,
}

impl BlockRouter<'_> {
    fn is_item(&self, node: usize) -> bool {
        matches!(self.layered.nodes[node].kind, LayoutNodeKind::Item(_))
    }

    /// Returns the x coordinate of the end of each segment. Those into one closed box end side by side, in the order of their
    /// starts.
    fn segment_ends(&self) -> Vec<f64> {
        let edges = self.layered.hyperedges.iter();
        let segments: Vec<(&Hyperedge, &Segment)> =
            edges.flat_map(|edge| edge.segments.iter().map(move |segment| (edge, segment))).collect();
        let start = |i: usize| self.segment_start(segments[i].0, segments[i].1.from);
        let mut into: Vec<Vec<usize>> = vec![Vec::new(); self.layered.nodes.len()];
        let mut ends = vec![0.0; segments.len()];
        for (i, (_, segment)) in segments.iter().enumerate() {
            let node = &self.placed.nodes[segment.to];
            match (segment.port, &node.ins) {
                (Some(port), Some(ins)) => ends[i] = ins[port],
                (Some(_), None) if self.is_item(segment.to) => into[segment.to].push(i),
                (Some(_) | None, _) => ends[i] = node.x,
            }
        }
        for (node, list) in self.placed.nodes.iter().zip(&mut into) {
            list.sort_by(|&a, &b| start(a).total_cmp(&start(b)));
            let gaps = f64::max(list.len() as f64 - 1.0, 1.0);
            let step = PORT_DISTANCE.min((node.width - 20.0) / gaps);
            for (k, &i) in list.iter().enumerate() {
                ends[i] = node.x + step * (k as f64 - (list.len() as f64 - 1.0) / 2.0);
            }
        }
        ends
    }

    /// Returns the x coordinate where the segments of a hyperedge leave a node.
    fn segment_start(&self, hyperedge: &Hyperedge, node: usize) -> f64 {
        let placed = &self.placed.nodes[node];
        if self.is_item(node) { placed.outs[hyperedge.port] } else { placed.x }
    }

    /// Routes one hyperedge; `ends` yields the x coordinate of the end of each of its segments.
    fn route(&self, block: usize, number: usize, hyperedge: &Hyperedge, ends: impl Iterator<Item = f64>) -> Route {
        let mut route = Route::new(block, number);
        let flow = self.placed.flow;
        for (segment, end) in hyperedge.segments.iter().zip(ends) {
            let to = &self.placed.nodes[segment.to];
            let has_arrow = self.is_item(segment.to) && to.ins.is_none();
            let bends = self.bends(hyperedge, segment, end);
            let stop = if has_arrow { before_arrow(to.top, flow) } else { to.top };
            write_path(if segment.size_only { &mut route.dashed } else { &mut route.solid }, bends, stop, flow);
            if has_arrow {
                route.arrow_tips.push(ArrowTip {
                    at: Position { x: end, y: to.top },
                    size_only: segment.size_only,
                    flow,
                });
            }
            route.bends.push(bends);
        }
        route
    }

    fn bends(&self, hyperedge: &Hyperedge, segment: &Segment, end: f64) -> [Position; 4] {
        let start = self.segment_start(hyperedge, segment.from);
        let from = &self.placed.nodes[segment.from];
        let layer = |node: usize| self.placed.layers[self.layered.nodes[node].rank];
        [
            Position { x: start, y: if self.is_item(segment.from) { from.bottom } else { from.top } },
            Position { x: start, y: layer(segment.from)[1] },
            Position { x: end, y: layer(segment.to)[0] },
            Position { x: end, y: self.placed.nodes[segment.to].top },
        ]
    }
}

/// Returns the height where a line ends that has an arrow at a box.
pub(super) fn before_arrow(side: f64, flow: Flow) -> f64 {
    if flow == Flow::Down { side - ARROW + 1.0 } else { side + ARROW - 1.0 }
}

/// Appends a segment that ends at the height `stop` to SVG path data.
fn write_path(path: &mut String, [from, below, above, _]: [Position; 4], stop: f64, flow: Flow) {
    let (x, end) = (from.x, above.x);
    let _ = write!(path, "M{x:.1} {:.1}", from.y);
    if (x - end).abs() < 0.05 {
        let _ = write!(path, "V{stop:.1}");
        return;
    }
    let bend = if flow == Flow::Down { above.y.min(stop) } else { above.y.max(stop) };
    let middle = (below.y + bend) / 2.0;
    let _ = write!(path, "V{:.1}C{x:.1} {middle:.1} {end:.1} {middle:.1} {end:.1} {bend:.1}", below.y);
    if stop != bend {
        let _ = write!(path, "V{stop:.1}");
    }
}
