//! The program of the processor: a fused program with a layout for each value.
//!
//! Values that are cheap to recompute from saved ones (norms, activations, sums, concatenations) are not saved for the
//! backward pass: see [`Program::lifetimes`].

mod build;
mod input_norm;
mod lifetimes;
mod node;

pub(super) use build::build;
pub(super) use lifetimes::ActivationLifetimes;
pub(super) use node::{LaidOutConv, NodeOp, ProgramNode, ProgramValueId};

use crate::compute::fused::PassMode;
use node::ProgramValue;

/// Nodes in order, each after the nodes that it reads.
#[derive(Debug)]
pub struct Program {
    pub mode: PassMode,
    pub nodes: Vec<ProgramNode>,
    pub values: Vec<ProgramValue>,
    pub results: Vec<ProgramValueId>,
    pub lifetimes: ActivationLifetimes,
}
