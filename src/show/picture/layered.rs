//! The layered graph of one block: its parts in layers and columns, and dummy nodes where a tensor passes a layer.
//!
//! The rank of a part is the length of the longest path to it from the inputs of the block; a layer holds the nodes of one
//! rank. A column represents one size of feature map, with the largest on the left, so a network that shrinks its maps runs
//! to the right and one that enlarges them comes back. One tensor is one hyperedge, which branches where it is read. Where it
//! passes a layer, it gets a dummy node there, in the column of its own size.

use super::crossings::order_layers;
use super::layout_node::{Hyperedge, LayoutNode, LayoutNodeKind, Segment};
use super::tree::BlockTree;
use crate::graph::ir::{Graph, Outlet};
use crate::graph::ty::TensorType;
use std::collections::HashMap;

/// The inside of one block, ready for coordinates.
#[derive(Debug, Clone, PartialEq)]
pub struct LayeredGraph {
    pub nodes: Vec<LayoutNode>,
    /// Nodes of each layer from left to right, sorted by column.
    pub layers: Vec<Vec<usize>>,
    pub hyperedges: Vec<Hyperedge>,
    /// For each node with several outputs, the outputs from left to right. Empty for the other nodes.
    pub ports: Vec<Vec<usize>>,
}

/// The graph needs more than [`MAX_DUMMY_NODES`] dummy nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GraphTooLarge;

/// The most dummy nodes that the picture of one network may have.
pub(crate) const MAX_DUMMY_NODES: usize = 100_000;

impl LayeredGraph {
    /// Builds the layered graph of an item, or `None` where the item has no children. `budget` is the number of dummy nodes
    /// that may still be added, and is reduced by those that this graph has.
    ///
    /// # Errors
    /// The graph needs more dummy nodes than that.
    pub fn new(
        graph: &Graph,
        tree: &BlockTree,
        item: usize,
        budget: &mut usize,
    ) -> Result<Option<LayeredGraph>, GraphTooLarge> {
        let block = &tree.items[item];
        if block.children.is_empty() {
            return Ok(None);
        }
        let mut builder = LayeredGraphBuilder { graph, nodes: Vec::new(), areas: Vec::new(), sources: Vec::new() };
        let source_of = builder.add_inputs_and_items(tree, item);
        builder.assign_ranks(tree, usize::from(!block.inputs.is_empty()), &source_of);
        builder.add_outputs(&block.outputs, &source_of);
        *budget = budget.checked_sub(builder.dummy_nodes_needed()).ok_or(GraphTooLarge)?;
        let hyperedges = builder.connect_with_dummy_nodes();
        let LayeredGraphBuilder { mut nodes, areas, .. } = builder;
        assign_columns(&mut nodes, &areas);
        align_port_columns(&mut nodes, &hyperedges);
        let layers = order_layers(&nodes, &hyperedges);
        let ports = order_ports(tree, &nodes, &layers, &hyperedges);
        Ok(Some(LayeredGraph { nodes, layers, hyperedges, ports }))
    }

    /// Returns the nodes that stand for parts of the block, each as node and item, in the order of the parts.
    pub fn items(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.nodes.iter().enumerate().filter_map(|(at, node)| match node.kind {
            LayoutNodeKind::Item(item) => Some((at, item)),
            LayoutNodeKind::Input(_) | LayoutNodeKind::Output(_) | LayoutNodeKind::Dummy(_) => None,
        })
    }
}

/// An input port that reads a tensor.
struct TensorReader {
    node: usize,
    port: Option<usize>,
    size_only: bool,
}

/// A tensor with the output port that produces it and all ports that read it.
struct TensorSource {
    from: usize,
    port: usize,
    outlet: Outlet,
    readers: Vec<TensorReader>,
}

/// Collects the nodes and tensors of a block, and then connects them.
struct LayeredGraphBuilder<'g> {
    graph: &'g Graph,
    nodes: Vec<LayoutNode>,
    /// Number of pixels of the feature map of each node.
    areas: Vec<f64>,
    /// In the order of the nodes that produce them.
    sources: Vec<TensorSource>,
}

impl LayeredGraphBuilder<'_> {
    fn add_node(&mut self, kind: LayoutNodeKind, rank: usize, area: f64) -> usize {
        self.nodes.push(LayoutNode { kind, rank, column: 0 });
        self.areas.push(area);
        self.nodes.len() - 1
    }

    /// Adds a node for each input and each child of an item. Returns the index in `sources` of each tensor.
    fn add_inputs_and_items(&mut self, tree: &BlockTree, item: usize) -> HashMap<Outlet, usize> {
        let mut source_of = HashMap::new();
        let block = &tree.items[item];
        let mut add_source = |sources: &mut Vec<TensorSource>, from, port, outlet: Outlet| {
            source_of.insert(outlet, sources.len());
            sources.push(TensorSource { from, port, outlet, readers: Vec::new() });
        };
        for (i, input) in block.inputs.iter().enumerate() {
            let node = self.add_node(LayoutNodeKind::Input(i), 0, map_area(self.graph, input.outlet));
            add_source(&mut self.sources, node, 0, input.outlet);
        }
        let ids = self.graph.order();
        for &child in &block.children {
            let part = &tree.items[child];
            let shown = part.outputs.first().copied().or(part.inputs.first().map(|input| input.outlet));
            let last = part.nodes.clone().last().map(|i| Outlet { node: ids[i], slot: 0 });
            let area = shown.or(last).map_or(1.0, |outlet| map_area(self.graph, outlet));
            let node = self.add_node(LayoutNodeKind::Item(child), 0, area);
            for (port, &outlet) in part.outputs.iter().enumerate() {
                add_source(&mut self.sources, node, port, outlet);
            }
        }
        source_of
    }

    /// Finds the readers of each tensor, and gives each part a rank of at least `first` that lies below all that it reads.
    fn assign_ranks(&mut self, tree: &BlockTree, first: usize, source_of: &HashMap<Outlet, usize>) {
        for (at, node) in self.nodes.iter_mut().enumerate() {
            let LayoutNodeKind::Item(child) = node.kind else { continue };
            node.rank = first;
            for (port, input) in tree.items[child].inputs.iter().enumerate() {
                let source = &mut self.sources[source_of[&input.outlet]];
                source.readers.push(TensorReader { node: at, port: Some(port), size_only: input.size_only });
            }
        }
        // Sources are in the order of their nodes, and only later nodes read them, so one pass over them is enough.
        for source in &self.sources {
            let below = self.nodes[source.from].rank + 1;
            for reader in &source.readers {
                self.nodes[reader.node].rank = self.nodes[reader.node].rank.max(below);
            }
        }
    }

    /// Adds a node for each output of the block, below all other nodes.
    fn add_outputs(&mut self, outputs: &[Outlet], source_of: &HashMap<Outlet, usize>) {
        let last = self.nodes.iter().map(|node| node.rank).max().unwrap_or(0) + 1;
        for (i, outlet) in outputs.iter().enumerate() {
            let node = self.add_node(LayoutNodeKind::Output(i), last, map_area(self.graph, *outlet));
            self.sources[source_of[outlet]].readers.push(TensorReader { node, port: Some(0), size_only: false });
        }
    }

    /// The rank of the last node that reads a tensor.
    fn last_rank(&self, source: &TensorSource) -> usize {
        source.readers.iter().map(|reader| self.nodes[reader.node].rank).max().unwrap_or(0)
    }

    /// Returns the number of layers that tensors pass.
    fn dummy_nodes_needed(&self) -> usize {
        let passed = |s: &TensorSource| self.last_rank(s).saturating_sub(self.nodes[s.from].rank + 1);
        self.sources.iter().map(passed).sum()
    }

    /// Makes a hyperedge of each tensor that is read, with a dummy node in each layer that it passes.
    fn connect_with_dummy_nodes(&mut self) -> Vec<Hyperedge> {
        let mut hyperedges = Vec::new();
        let sources = std::mem::take(&mut self.sources);
        for source in sources.iter().filter(|source| !source.readers.is_empty()) {
            let only_leaves =
                source.readers.iter().all(|r| matches!(self.nodes[r.node].kind, LayoutNodeKind::Output(_)));
            let labelled = matches!(self.nodes[source.from].kind, LayoutNodeKind::Item(_)) && !only_leaves;
            let segments = self.segments(source, hyperedges.len());
            hyperedges.push(Hyperedge { from: source.from, port: source.port, labelled, segments });
        }
        hyperedges
    }

    /// The segments of the hyperedge with this number, layer by layer.
    fn segments(&mut self, source: &TensorSource, hyperedge: usize) -> Vec<Segment> {
        let (first, last) = (self.nodes[source.from].rank + 1, self.last_rank(source));
        let mut segments = Vec::new();
        let mut from = source.from;
        for rank in first..=last {
            let here = source.readers.iter().filter(|r| self.nodes[r.node].rank == rank);
            segments.extend(here.map(|r| Segment { from, to: r.node, port: r.port, size_only: r.size_only }));
            if rank < last {
                let mut further = source.readers.iter().filter(|r| self.nodes[r.node].rank > rank);
                let size_only = further.all(|r| r.size_only);
                let dummy = self.add_node(LayoutNodeKind::Dummy(hyperedge), rank, map_area(self.graph, source.outlet));
                segments.push(Segment { from, to: dummy, port: None, size_only });
                from = dummy;
            }
        }
        segments
    }
}

/// Returns the number of pixels of a feature map, and 1 for a vector. For pool indices it is that of the map they point into.
fn map_area(graph: &Graph, outlet: Outlet) -> f64 {
    let shape = match graph.ty(outlet) {
        TensorType::Tensor(shape) => shape,
        TensorType::Index { from, .. } => from,
    };
    shape.dims().iter().skip(1).map(|&d| d as f64).product()
}

/// Assigns a column to each node: one for each number of halvings between the largest map and the node's own that occurs,
/// numbered from 0.
fn assign_columns(nodes: &mut [LayoutNode], areas: &[f64]) {
    let largest = areas.iter().copied().fold(1.0, f64::max);
    let halvings: Vec<i64> = areas.iter().map(|a| ((largest / a.max(1.0)).log2() / 2.0).round() as i64).collect();
    let mut steps = halvings.clone();
    steps.sort_unstable();
    steps.dedup();
    for (node, halved) in nodes.iter_mut().zip(halvings) {
        node.column = steps.partition_point(|&s| s < halved);
    }
}

/// Moves the inputs and outputs of the block that would be alone in a column to the column of the node they are joined to.
fn align_port_columns(nodes: &mut [LayoutNode], hyperedges: &[Hyperedge]) {
    let is_inner = |node: &&LayoutNode| matches!(node.kind, LayoutNodeKind::Item(_) | LayoutNodeKind::Dummy(_));
    let mut used: Vec<usize> = nodes.iter().filter(is_inner).map(|node| node.column).collect();
    used.sort_unstable();
    used.dedup();
    for segment in hyperedges.iter().flat_map(|edge| &edge.segments).rev() {
        for (port, other) in [(segment.from, segment.to), (segment.to, segment.from)] {
            let is_port = matches!(nodes[port].kind, LayoutNodeKind::Input(_) | LayoutNodeKind::Output(_));
            if is_port && used.binary_search(&nodes[port].column).is_err() {
                nodes[port].column = nodes[other].column;
            }
        }
    }
}

/// Orders the outputs of each node by the mean position of the nodes that they lead to, which avoids crossings below it.
fn order_ports(
    tree: &BlockTree,
    nodes: &[LayoutNode],
    layers: &[Vec<usize>],
    hyperedges: &[Hyperedge],
) -> Vec<Vec<usize>> {
    let mut position = vec![0; nodes.len()];
    layers.iter().for_each(|layer| layer.iter().enumerate().for_each(|(k, &node)| position[node] = k));
    let mut ports: Vec<Vec<(f64, usize)>> = vec![Vec::new(); nodes.len()];
    for hyperedge in hyperedges.iter().filter(|edge| matches!(nodes[edge.from].kind, LayoutNodeKind::Item(_))) {
        let next: Vec<usize> =
            hyperedge.segments.iter().filter(|s| s.from == hyperedge.from).map(|s| position[s.to]).collect();
        ports[hyperedge.from].push((next.iter().sum::<usize>() as f64 / next.len() as f64, hyperedge.port));
    }
    let count = |at: usize| match nodes[at].kind {
        LayoutNodeKind::Item(item) => tree.items[item].outputs.len(),
        LayoutNodeKind::Input(_) | LayoutNodeKind::Output(_) | LayoutNodeKind::Dummy(_) => 0,
    };
    for (at, list) in ports.iter_mut().enumerate() {
        list.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        debug_assert_eq!(list.len(), count(at), "each output has a hyperedge");
    }
    let if_several = |list: Vec<(f64, usize)>| match list.len() {
        0 | 1 => Vec::new(),
        _ => list.into_iter().map(|(_, port)| port).collect(),
    };
    ports.into_iter().map(if_several).collect()
}
