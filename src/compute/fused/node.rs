//! The nodes and the values of a fused program.

use super::ConvWindow;
use crate::graph::op::Op;

/// Index into the values of a [`FusedProgram`](super::FusedProgram).
pub(crate) type FusedValueId = usize;

/// The computation of a node.
#[derive(Debug, Clone)]
pub(crate) enum FusedOp {
    Image,
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
    /// Whether a batch norm with statistics of the batch follows, as the only reader.
    pub before_norm: bool,
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

/// A batch norm, with the ReLU after it if nothing else reads its output.
#[derive(Debug, Clone)]
pub struct NormNode {
    pub layer: usize,
    pub epsilon: f64,
    pub relu: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct FusedNode {
    pub op: FusedOp,
    pub inputs: Vec<FusedValueId>,
    pub outputs: Vec<FusedValueId>,
    /// The step of the plan that the node computes; the last one if there are several.
    pub step: usize,
    /// The step of the node's layer, or else `step`: the entry of its time in a profile.
    pub main: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct FusedValue {
    /// Images, channels, height and width.
    pub dims: [usize; 4],
    pub producer: usize,
    /// Whether the backward pass needs its gradient.
    pub differentiable: bool,
}
