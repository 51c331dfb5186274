//! From plan to program: the plan's steps at one size of batch and image, fused, with a layout for each value.
//!
//! A batch norm and ReLU after a convolution are fused into it if the intermediate values have no other reader. Values
//! that are cheap to recompute from saved ones (norms, activations, sums, concatenations) are not saved for the
//! backward pass: see [`Program::lifetimes`].

mod build;
mod input_norm;
mod lifetimes;
mod node;
mod readers;

pub(super) use build::build;
pub(super) use lifetimes::ActivationLifetimes;
pub(super) use node::{ConvKind, ConvNode, NodeOp, NormNode, ProgramNode, ProgramValue, ProgramValueId};

/// The purpose of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PassMode {
    /// Inference: running statistics, no dropout, nothing is saved.
    Infer,
    /// Training: statistics of the batch, dropout; the values that the backward pass reads are saved. With `to_image`,
    /// the backward pass computes the gradient of the image.
    Train { to_image: bool },
}

/// Nodes in order, each after the nodes that it reads.
#[derive(Debug)]
pub struct Program {
    pub mode: PassMode,
    pub nodes: Vec<ProgramNode>,
    pub values: Vec<ProgramValue>,
    pub results: Vec<ProgramValueId>,
    pub lifetimes: ActivationLifetimes,
}

/// The reason why the engine does not compute a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported(pub String);
