//! The nodes and hyperedges of a layered graph.

/// What a layout node represents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayoutNodeKind {
    /// A part of the block, by its number in the tree.
    Item(usize),
    /// The input of the block with this number, in the first layer.
    Input(usize),
    /// The output of the block with this number, in the last layer.
    Output(usize),
    /// A dummy node, where the hyperedge with this number passes a layer.
    Dummy(usize),
}

/// A node of a layered graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayoutNode {
    pub kind: LayoutNodeKind,
    pub rank: usize,
    pub column: usize,
}

/// A piece of a hyperedge between two adjacent layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    pub from: usize,
    pub to: usize,
    /// The input of the item that it ends in, or `None` where it ends in a dummy node.
    pub port: Option<usize>,
    /// Whether all reads through it use the size of the tensor only.
    pub size_only: bool,
}

/// One tensor: a line from the node that produces it to those that read it.
#[derive(Debug, Clone, PartialEq)]
pub struct Hyperedge {
    pub from: usize,
    /// Output of the item that produces it, or 0 for an input of the block.
    pub port: usize,
    /// Whether its shape is written where it starts. A tensor that only leaves the block has its label below the block.
    pub labelled: bool,
    /// Layer by layer.
    pub segments: Vec<Segment>,
}
