//! The nodes and the values of a program.

use crate::compute::engine::memory_layout::MapLayout;
use crate::compute::engine::operators::conv::ConvWindow;
use crate::graph::op::Op;

/// Index into the values of a [`Program`](super::Program).
pub(crate) type ProgramValueId = usize;

/// The computation of a node.
#[derive(Debug, Clone)]
pub enum NodeOp {
    Image,
    /// Copies the numbers to another layout.
    Relayout,
    Conv(ConvNode),
    Norm(NormNode),
    /// One operator of the graph.
    Operator {
        op: Op,
        layer: Option<usize>,
    },
}

/// A convolution, transposed convolution or linear layer, with its epilogue.
#[derive(Debug, Clone)]
pub struct ConvNode {
    pub window: ConvWindow,
    pub kind: ConvKind,
    pub layer: usize,
    /// Batch norm with known statistics after the convolution, folded into the weights.
    pub fold: Option<FoldedNorm>,
    pub relu: bool,
    /// Whether to sum the results for the norm after it.
    pub sums: bool,
    /// The batch norm before the convolution, which is computed while the convolution reads.
    pub input_norm: Option<FusedInputNorm>,
}

/// A batch norm whose output is not stored, because its only reader, a convolution, computes the norm while it reads.
#[derive(Debug, Clone, Copy)]
pub struct FusedInputNorm {
    /// Index of the norm's node.
    pub node: usize,
    /// The norm's output, which has a gradient although it is not stored.
    pub value: ProgramValueId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConvKind {
    /// Reads the larger map of the window and writes the smaller one.
    Regular,
    /// Reads the smaller map and writes the larger one.
    Transposed,
    /// As `Regular`, each channel by itself.
    Depthwise,
}

#[derive(Debug, Clone, Copy)]
pub struct FoldedNorm {
    pub layer: usize,
    pub epsilon: f64,
}

#[derive(Debug, Clone)]
pub struct NormNode {
    pub layer: usize,
    pub epsilon: f64,
    pub relu: bool,
    /// Whether only the statistics are computed here, because the norm is fused into its reader: [`FusedInputNorm`].
    pub statistics_only: bool,
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
