//! Sizes and coordinates of blocks for one fold state. `page/place.js` repeats the same steps in the same order.
//!
//! Blocks are laid out from the inside out, because an open block is as large as its content. Within a block the columns are
//! pushed together and the layers are stacked. At last every block is moved to its place in the block around it. The decoder of a
//! network that is drawn as a U runs up: its blocks are computed as all others, and then turned upside down.

use super::align::NodeExtent;
use super::columns::assign_x;
use super::fold::FoldState;
use super::item_facts::{SMALL, second_line};
use super::layered::LayeredGraph;
use super::layout_node::{LayoutNode, LayoutNodeKind};
use super::picture_layout::{BoxBounds, PictureLayout, PlacedBlock, PlacedNode, Position};
use super::scene::{Scene, ShapeNotation};
use super::u_plan::Flow;
use crate::show::text::width;

/// Height of a box with one line of text.
const ONE_LINE_HEIGHT: f64 = 26.0;
/// Height of a box with two lines of text.
const TWO_LINE_HEIGHT: f64 = 40.0;
/// Height of the shape labels below a box.
const LABEL_HEIGHT: f64 = 19.0;
/// Least height of the layer where the block's inputs enter, which also holds the block's name.
const HEAD_HEIGHT: f64 = 28.0;
/// Distance between the frame of an open block and its content.
const PADDING: f64 = 12.0;
/// Distance between the edge of the picture and its content.
pub(super) const MARGIN: f64 = 16.0;
/// Distance by which the sheet below a closed block stands out.
pub(super) const SHEET: f64 = 3.0;
/// Half the width of a dummy node.
const DUMMY_HALF_WIDTH: f64 = 5.0;
/// Least distance between two layers.
const MIN_LAYER_GAP: f64 = 20.0;
/// The most that is added to the distance where routes go far to the side.
const MAX_EXTRA_GAP: f64 = 40.0;

/// The size of a layout node before it has a place. Horizontal distances are from its x coordinate.
pub(super) struct NodeShape {
    /// The width that the node needs, its labels included.
    pub extent: NodeExtent,
    /// Distance to the left side of the box or frame.
    left: f64,
    /// Distance to the right side of the box or frame.
    right: f64,
    pub height: f64,
    /// Height of the labels where its routes start.
    pub below: f64,
    pub ins: Option<Vec<f64>>,
    pub outs: Vec<f64>,
    /// Whether each output has a label.
    labelled: Vec<bool>,
    content: Option<Box<BlockContent>>,
}

/// The inside of a block in its own coordinates, as if it ran down.
pub(super) struct BlockContent {
    shapes: Vec<NodeShape>,
    x: Vec<f64>,
    /// Upper and lower end of each layer.
    layers: Vec<[f64; 2]>,
    pub w: f64,
    pub h: f64,
    /// The x coordinate where the name of the block starts.
    head: f64,
}

/// Computes sizes from the inside out.
pub(super) struct BlockSizing<'a> {
    pub scene: &'a Scene,
    pub fold: &'a FoldState,
    pub notation: ShapeNotation,
}

impl BlockSizing<'_> {
    /// Returns the width of a shape label in pixels, margin included.
    fn label_width(&self, item: usize, port: usize) -> f64 {
        width(self.scene.label(item, port, self.notation), SMALL) + 8.0
    }

    /// Lays out the inside of an item. `labelled_outside` says which outputs of the item have a label below the item.
    pub(super) fn content(
        &self,
        item: usize,
        layered: &LayeredGraph,
        labelled_outside: &[bool],
        flow: Flow,
    ) -> BlockContent {
        let shapes = self.shapes(item, layered, labelled_outside, flow);
        let extents: Vec<NodeExtent> = shapes.iter().map(|shape| shape.extent).collect();
        let mut x = assign_x(layered, &extents);
        let layers = layer_spans(layered, &shapes, &x, flow);
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for (shape, x) in shapes.iter().zip(&x) {
            low = low.min(x - shape.extent.left);
            high = high.max(x + shape.extent.right);
        }
        let pad = if item == 0 { 0.0 } else { PADDING };
        x.iter_mut().for_each(|x| *x += pad - low);
        let (w, h) = (high - low + 2.0 * pad, layers.last().map_or(0.0, |layer| layer[1]));
        let mut content = BlockContent { shapes, x, layers, w, h, head: 0.0 };
        if item != 0 {
            make_room_for_head(&mut content, layered, self.scene.facts[item].head, flow);
        }
        content
    }

    /// Computes the shape of each node of a block.
    fn shapes(&self, item: usize, layered: &LayeredGraph, labelled_outside: &[bool], flow: Flow) -> Vec<NodeShape> {
        let mut labelled: Vec<Vec<bool>> = vec![Vec::new(); layered.nodes.len()];
        for (at, child) in layered.items() {
            labelled[at] = vec![false; self.scene.tree.items[child].outputs.len()];
        }
        for hyperedge in layered.hyperedges.iter().filter(|edge| edge.labelled) {
            labelled[hyperedge.from][hyperedge.port] = true;
        }
        (layered.nodes.iter().zip(labelled).zip(&layered.ports))
            .map(|((node, labelled), ports)| match node.kind {
                LayoutNodeKind::Item(child) => self.item_shape(child, labelled, ports, flow),
                // A tensor that only leaves the block has its label below the block; see `Hyperedge::labelled`.
                LayoutNodeKind::Output(port) if labelled_outside.get(port) == Some(&true) => {
                    dummy_shape(DUMMY_HALF_WIDTH.max(self.label_width(item, port) / 2.0))
                }
                LayoutNodeKind::Input(_) | LayoutNodeKind::Output(_) | LayoutNodeKind::Dummy(_) => {
                    dummy_shape(DUMMY_HALF_WIDTH)
                }
            })
            .collect()
    }

    /// Returns the shape of an item. `labelled` says which outputs have a label, `ports` is the order of several outputs from left
    /// to right.
    pub(super) fn item_shape(&self, item: usize, labelled: Vec<bool>, ports: &[usize], flow: Flow) -> NodeShape {
        match &self.scene.layered[item] {
            Some(layered) if self.fold.is_open(item) => self.open_block_shape(item, layered, labelled, flow),
            Some(_) | None => self.closed_box_shape(item, labelled, ports),
        }
    }

    /// The shape of an open block. Its x coordinate is that of its first input.
    fn open_block_shape(&self, item: usize, layered: &LayeredGraph, labelled: Vec<bool>, flow: Flow) -> NodeShape {
        let content = self.content(item, layered, &labelled, flow);
        let mut ins = vec![0.0; self.scene.tree.items[item].inputs.len()];
        let mut outs = vec![0.0; self.scene.tree.items[item].outputs.len()];
        for (node, x) in layered.nodes.iter().zip(&content.x) {
            match node.kind {
                LayoutNodeKind::Input(port) => ins[port] = *x,
                LayoutNodeKind::Output(port) => outs[port] = *x,
                LayoutNodeKind::Item(_) | LayoutNodeKind::Dummy(_) => {}
            }
        }
        let origin = ins.first().or(outs.first()).copied().unwrap_or(content.w / 2.0);
        ins.iter_mut().chain(&mut outs).for_each(|x| *x -= origin);
        let (left, right, height) = (origin, content.w - origin, content.h);
        NodeShape {
            extent: NodeExtent { left, right, is_dummy: false },
            left,
            right,
            height,
            below: labels_height(&labelled),
            ins: Some(ins),
            outs,
            labelled,
            content: Some(content.into()),
        }
    }

    /// The shape of a closed block or an operator. Several outputs are spread over its width.
    fn closed_box_shape(&self, item: usize, labelled: Vec<bool>, ports: &[usize]) -> NodeShape {
        let facts = &self.scene.facts[item];
        let port_width = |(port, &labelled): (usize, &bool)| if labelled { self.label_width(item, port) } else { 16.0 };
        let widths: Vec<f64> = labelled.iter().enumerate().map(port_width).collect();
        let span = widths.iter().sum::<f64>() + 8.0 * (widths.len() as f64 - 1.0);
        let half = if widths.len() > 1 { facts.width.max(span) } else { facts.width } / 2.0;
        let half_with_label = if widths.len() == 1 { half.max(widths[0] / 2.0) } else { half };
        let mut outs = vec![0.0; widths.len()];
        let mut at = -span / 2.0;
        for &port in ports {
            outs[port] = at + widths[port] / 2.0;
            at += widths[port] + 8.0;
        }
        let one_line = second_line(&self.scene.tree.items[item], facts).is_empty();
        NodeShape {
            extent: NodeExtent { left: half_with_label, right: half_with_label, is_dummy: false },
            left: half,
            right: half,
            height: if one_line { ONE_LINE_HEIGHT } else { TWO_LINE_HEIGHT },
            below: labels_height(&labelled),
            ins: None,
            outs,
            labelled,
            content: None,
        }
    }
}

fn labels_height(labelled: &[bool]) -> f64 {
    if labelled.contains(&true) { LABEL_HEIGHT } else { 0.0 }
}

/// Returns the shape of a node without a box, which extends by `half` to both sides.
fn dummy_shape(half: f64) -> NodeShape {
    NodeShape {
        extent: NodeExtent { left: half, right: half, is_dummy: true },
        left: half,
        right: half,
        height: 0.0,
        below: 0.0,
        ins: None,
        outs: vec![0.0],
        labelled: Vec::new(),
        content: None,
    }
}

/// Checks whether a node is at the upper end of a block that runs in a direction.
fn is_at_top(node: &LayoutNode, flow: Flow) -> bool {
    match flow {
        Flow::Down => matches!(node.kind, LayoutNodeKind::Input(_)),
        Flow::Up => matches!(node.kind, LayoutNodeKind::Output(_)),
    }
}

/// Widens a block so that its name fits to the left or to the right of the routes at its upper end, whichever needs less.
fn make_room_for_head(content: &mut BlockContent, layered: &LayeredGraph, head_width: f64, flow: Flow) {
    let at_top = (layered.nodes.iter().zip(&content.x)).filter(|(node, _)| is_at_top(node, flow));
    let at_top: Vec<f64> = at_top.map(|(_, x)| *x).collect();
    let first = at_top.iter().copied().fold(content.w, f64::min);
    let last = at_top.iter().copied().fold(0.0, f64::max);
    if first >= content.w - last || at_top.is_empty() {
        let missing = (head_width + 6.0 - first).max(0.0).ceil();
        content.x.iter_mut().for_each(|x| *x += missing);
        content.w += missing;
    } else {
        content.head = last;
        content.w += (head_width + 6.0 - (content.w - last)).max(0.0).ceil();
    }
    let opposite = if flow == Flow::Down { Flow::Up } else { Flow::Down };
    let above = if at_top.is_empty() { HEAD_HEIGHT } else { 0.0 };
    let below = if layered.nodes.iter().any(|node| is_at_top(node, opposite)) { 0.0 } else { PADDING };
    // A block that runs up is turned later, so that its upper end comes last.
    let before = if flow == Flow::Down { above } else { below };
    content.layers.iter_mut().flatten().for_each(|y| *y += before);
    content.h += above + below;
}

/// Returns the upper and lower end of each layer. The distance below a layer grows with the largest horizontal distance that
/// a segment covers there.
fn layer_spans(layered: &LayeredGraph, shapes: &[NodeShape], x: &[f64], flow: Flow) -> Vec<[f64; 2]> {
    let mut sideways = vec![0.0f64; layered.layers.len()];
    for hyperedge in &layered.hyperedges {
        for segment in &hyperedge.segments {
            let out = match layered.nodes[segment.from].kind {
                LayoutNodeKind::Item(_) => shapes[segment.from].outs[hyperedge.port],
                LayoutNodeKind::Input(_) | LayoutNodeKind::Output(_) | LayoutNodeKind::Dummy(_) => 0.0,
            };
            let into = shapes[segment.to].ins.as_ref().zip(segment.port).map_or(0.0, |(ins, port)| ins[port]);
            let rank = layered.nodes[segment.from].rank;
            sideways[rank] = sideways[rank].max((x[segment.to] + into - x[segment.from] - out).abs());
        }
    }
    let mut y = 0.0;
    let mut spans = Vec::with_capacity(layered.layers.len());
    for (layer, sideways) in layered.layers.iter().zip(sideways) {
        let has_inputs = layer.iter().any(|&node| matches!(layered.nodes[node].kind, LayoutNodeKind::Input(_)));
        let least = if layer.iter().any(|&node| is_at_top(&layered.nodes[node], flow)) { HEAD_HEIGHT } else { 0.0 };
        let height = layer.iter().map(|&node| shapes[node].height + shapes[node].below).fold(least, f64::max);
        spans.push([y, y + height]);
        let gap = if has_inputs { MIN_LAYER_GAP - 8.0 } else { MIN_LAYER_GAP };
        y += height + gap + (sideways / 8.0).min(MAX_EXTRA_GAP).floor();
    }
    spans
}

/// Moves the content of an item, and of the open blocks inside it, to its place in the picture.
pub(super) fn move_to(
    scene: &Scene,
    layout: &mut PictureLayout,
    (item, layered): (usize, &LayeredGraph),
    content: &BlockContent,
    at: Position,
    flow: Flow,
) {
    let turned = |y: f64| if flow == Flow::Down { at.y + y } else { at.y + content.h - y };
    let mut nodes = Vec::with_capacity(layered.nodes.len());
    for (i, (node, shape)) in layered.nodes.iter().zip(&content.shapes).enumerate() {
        let x = at.x + content.x[i];
        let [start, end] = content.layers[node.rank];
        let LayoutNodeKind::Item(child) = node.kind else {
            // A route out of the block ends at its frame, beyond the name where that is in the same layer.
            let reached = if matches!(node.kind, LayoutNodeKind::Output(_)) { end } else { start };
            nodes.push(PlacedNode {
                top: turned(reached),
                bottom: turned(end),
                x,
                width: 0.0,
                ins: None,
                outs: vec![x],
            });
            continue;
        };
        let entry = start + ((end - start - shape.height - shape.below) / 2.0).floor();
        let top = if flow == Flow::Down { turned(entry) } else { turned(entry + shape.height) };
        nodes.push(move_item(scene, layout, child, shape, Position { x, y: top }, flow));
    }
    let layers = content.layers.iter().map(|span| span.map(turned)).collect();
    layout.blocks[item] = Some(PlacedBlock { nodes, layers, flow });
}

/// Moves an item with its labels and its content to a place; `y` is its upper side.
pub(super) fn move_item(
    scene: &Scene,
    layout: &mut PictureLayout,
    item: usize,
    shape: &NodeShape,
    Position { x, y: top }: Position,
    flow: Flow,
) -> PlacedNode {
    let w = shape.left + shape.right;
    let mut bounds = BoxBounds { x: x - shape.left, y: top, w, h: shape.height, head: 0.0 };
    if let (Some(inner), Some(layered)) = (&shape.content, &scene.layered[item]) {
        bounds.head = bounds.x + inner.head;
        move_to(scene, layout, (item, layered), inner, Position { x: bounds.x, y: bounds.y }, flow);
    }
    layout.boxes[item] = Some(bounds);
    let outs: Vec<f64> = shape.outs.iter().map(|out| x + out).collect();
    let bottom = top + shape.height;
    let is_sheet = shape.content.is_none() && scene.tree.items[item].can_fold();
    let [entry, exit, baseline] = match flow {
        Flow::Down => [top, bottom + shape.below, bottom + 14.0],
        // Arrows end below the sheet of a closed block.
        Flow::Up => [bottom + if is_sheet { SHEET } else { 0.0 }, top - shape.below, top - 5.0],
    };
    for (port, _) in shape.labelled.iter().enumerate().filter(|(_, labelled)| **labelled) {
        layout.labels.push((item, port, Position { x: outs[port], y: baseline }));
    }
    let ins = shape.ins.as_ref().map(|ins| ins.iter().map(|input| x + input).collect());
    PlacedNode { top: entry, bottom: exit, x, width: w, ins, outs }
}
