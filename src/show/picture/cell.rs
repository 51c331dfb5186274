//! Cells, and the nets that join them: what the inside of a block is laid out from.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A part of the block, by its number in the tree.
    Item(usize),
    /// Where the block's input of this number enters, in the first row.
    In(usize),
    /// Where the block's output of this number leaves, in the last row.
    Out(usize),
    /// Where a net passes a row by.
    Lane(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    pub kind: Kind,
    pub row: usize,
    pub column: usize,
}

/// A piece of a net from one row to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hop {
    pub from: usize,
    pub to: usize,
    /// The input of the item that it ends in; `None` where it goes on.
    pub port: Option<usize>,
    /// Nothing that is reached through it reads a number.
    pub size_only: bool,
}

/// One tensor: from the cell that gives it to those that read it.
#[derive(Debug, Clone, PartialEq)]
pub struct Net {
    pub from: usize,
    /// Output of the item that it comes from; 0 where it enters the block.
    pub port: usize,
    /// Its shape is written where it starts. Where it only leaves the block, it is written there.
    pub labelled: bool,
    /// Row by row.
    pub hops: Vec<Hop>,
}
