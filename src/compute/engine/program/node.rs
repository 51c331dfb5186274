//! The nodes and the values of a program.

use crate::compute::engine::memory_layout::MapLayout;
use crate::compute::fused::{ConvNode, NormNode};
use crate::graph::op::Op;
use std::ops::Deref;

/// Index into the values of a [`Program`](super::Program).
pub(crate) type ProgramValueId = usize;

/// The computation of a node.
#[derive(Debug, Clone)]
pub enum NodeOp {
    Image,
    /// Copies the numbers to another layout.
    Relayout,
    Conv(LaidOutConv),
    Norm(LaidOutNorm),
    /// One operator of the graph.
    Operator {
        op: Op,
        layer: Option<usize>,
    },
}

/// A convolution with what the processor fuses into it.
#[derive(Debug, Clone)]
pub struct LaidOutConv {
    pub conv: ConvNode,
    /// Whether to sum the results for the norm after it.
    pub sums: bool,
    /// The batch norm before the convolution, which is computed while the convolution reads.
    pub input_norm: Option<FusedInputNorm>,
}

impl Deref for LaidOutConv {
    type Target = ConvNode;

    fn deref(&self) -> &ConvNode {
        &self.conv
    }
}

/// A batch norm whose output is not stored, because its only reader, a convolution, computes the norm while it reads.
#[derive(Debug, Clone, Copy)]
pub struct FusedInputNorm {
    /// Index of the norm's node.
    pub node: usize,
    /// The norm's output, which has a gradient although it is not stored.
    pub value: ProgramValueId,
}

/// A batch norm of the processor's program.
#[derive(Debug, Clone)]
pub struct LaidOutNorm {
    pub norm: NormNode,
    /// Whether only the statistics are computed here, because the norm is fused into its reader: [`FusedInputNorm`].
    pub statistics_only: bool,
}

impl Deref for LaidOutNorm {
    type Target = NormNode;

    fn deref(&self) -> &NormNode {
        &self.norm
    }
}

#[derive(Debug, Clone)]
pub struct ProgramNode {
    pub op: NodeOp,
    pub inputs: Vec<ProgramValueId>,
    pub outputs: Vec<ProgramValueId>,
    /// The step of the plan that the node computes; the last one if there are several.
    pub step: usize,
    /// The step of the node's layer, or else `step`: the entry of its time in a profile.
    pub main: usize,
}

#[derive(Debug, Clone)]
pub struct ProgramValue {
    pub layout: MapLayout,
    /// Layout of its gradient, which may have another halo.
    pub gradient: MapLayout,
    pub producer: usize,
    /// Whether the backward pass needs its gradient.
    pub differentiable: bool,
}
