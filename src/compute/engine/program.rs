//! Plan to program: the plan's steps at one size of batch and image, fused, with a layout for each value.
//!
//! A convolution takes the batch norm and the ReLU behind it along where nobody else reads what is between them. What is
//! cheap to compute again from what is kept anyway (norms, activations, sums, concatenations) is not kept for the backward
//! pass; [`Program::lifetimes`] says what is.

mod build;
mod input_norm;
mod lifetimes;
mod node;
mod readers;

pub(super) use build::build;
pub(super) use lifetimes::ActivationLifetimes;
pub(super) use node::{ConvKind, ConvNode, NodeOp, NormNode, ProgramNode, ProgramValue, ProgramValueId};

/// What a program is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PassMode {
    /// Running statistics, no dropout, nothing kept.
    Infer,
    /// Statistics of the batch, dropout, what the backward pass needs is kept; with `to_image`, that goes on to the image.
    Train { to_image: bool },
}

/// Nodes in order, each after what it reads.
#[derive(Debug)]
pub struct Program {
    pub mode: PassMode,
    pub nodes: Vec<ProgramNode>,
    pub values: Vec<ProgramValue>,
    pub results: Vec<ProgramValueId>,
    pub lifetimes: ActivationLifetimes,
}

/// Why the engine does not compute a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported(pub String);
