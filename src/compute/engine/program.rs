//! Plan to program: the plan's steps at one size of batch and image, fused, with a layout for each value.
//!
//! A convolution takes the batch norm and the ReLU behind it along where nobody else reads what is between them. What is
//! cheap to compute again from what is kept anyway (norms, activations, sums, concatenations) is not kept for the backward
//! pass; [`Program::keep`] says what is.

mod build;
mod keep;
mod node;
mod reads;
mod through;

pub(super) use build::build;
pub(super) use keep::Keep;
pub(super) use node::{Conv, Kind, Node, Norm, Unit, Value, ValueId};

/// What a program is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Running statistics, no dropout, nothing kept.
    Infer,
    /// Statistics of the batch, dropout, what the backward pass needs is kept; with `to_image`, that goes on to the image.
    Train { to_image: bool },
}

/// Nodes in order, each after what it reads.
#[derive(Debug)]
pub struct Program {
    pub mode: Mode,
    pub nodes: Vec<Node>,
    pub values: Vec<Value>,
    pub results: Vec<ValueId>,
    pub keep: Keep,
}

/// Why the engine does not compute a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported(pub String);
