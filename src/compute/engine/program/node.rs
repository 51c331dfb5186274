//! The nodes and the values of a program.

use crate::compute::engine::memory_layout::MapLayout;
use crate::compute::engine::operators::conv::ConvWindow;
use crate::graph::op::Op;

/// Index into the values of a [`Program`](super::Program).
pub(crate) type ProgramValueId = usize;

/// What a node computes.
#[derive(Debug, Clone)]
pub enum NodeOp {
    Image,
    /// The same numbers in another layout.
    Relayout,
    Conv(ConvNode),
    Norm(NormNode),
    /// An operator as it is.
    Operator {
        op: Op,
        layer: Option<usize>,
    },
}

/// Convolution, transposed convolution or linear layer, and what is done to each pixel when it is summed.
#[derive(Debug, Clone)]
pub struct ConvNode {
    pub window: ConvWindow,
    pub kind: ConvKind,
    pub layer: usize,
    /// Batch norm with known statistics, folded into the weights.
    pub fold: Option<FoldedNorm>,
    pub relu: bool,
    /// Gather the statistics for the norm behind it.
    pub sums: bool,
    /// It reads the input of a batch norm, and does the norm itself.
    pub input_norm: Option<FusedInputNorm>,
}

/// A batch norm whose output is not written, since the one node that reads it, a convolution, does the norm as it reads.
#[derive(Debug, Clone, Copy)]
pub struct FusedInputNorm {
    /// The norm's node.
    pub node: usize,
    /// Its output, which has a gradient all the same.
    pub value: ProgramValueId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConvKind {
    /// Reads the window's larger map and writes the smaller.
    Regular,
    /// Transposed: reads the smaller and writes the larger.
    Transposed,
    /// As `Regular`, each channel alone.
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
    /// Only statistics are found here: [`FusedInputNorm`].
    pub statistics_only: bool,
}

#[derive(Debug, Clone)]
pub struct ProgramNode {
    pub op: NodeOp,
    pub inputs: Vec<ProgramValueId>,
    pub outputs: Vec<ProgramValueId>,
    /// The plan's step it came from; the last one, if it is several.
    pub step: usize,
    /// The step of its layer, or else `step`: what its time is told under.
    pub main: usize,
}

#[derive(Debug, Clone)]
pub struct ProgramValue {
    pub layout: MapLayout,
    /// MapLayout of its gradient: another halo.
    pub gradient: MapLayout,
    pub producer: usize,
    /// Whether a gradient of it is of use.
    pub differentiable: bool,
}
