//! The nodes and the values of a program.

use crate::compute::engine::memory_layout::Layout;
use crate::compute::engine::unit::conv::Window;
use crate::graph::op::Op;

/// Index into the values of a [`Program`](super::Program).
pub(crate) type ValueId = usize;

/// What a node computes.
#[derive(Debug, Clone)]
pub enum Unit {
    Image,
    /// The same numbers in another layout.
    Relayout,
    Conv(Conv),
    Norm(Norm),
    /// An operator as it is.
    Plain {
        op: Op,
        layer: Option<usize>,
    },
}

/// Convolution, transposed convolution or linear layer, and what is done to each pixel when it is summed.
#[derive(Debug, Clone)]
pub struct Conv {
    pub window: Window,
    pub kind: Kind,
    pub layer: usize,
    /// Batch norm with known statistics, folded into the weights.
    pub fold: Option<Fold>,
    pub relu: bool,
    /// Gather the statistics for the norm behind it.
    pub sums: bool,
    /// It reads the input of a batch norm, and does the norm itself.
    pub through: Option<Through>,
}

/// A batch norm whose output is not written, since the one node that reads it, a convolution, does the norm as it reads.
#[derive(Debug, Clone, Copy)]
pub struct Through {
    /// The norm's node.
    pub node: usize,
    /// Its output, which has a gradient all the same.
    pub value: ValueId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Reads the window's larger map and writes the smaller.
    Gather,
    /// Transposed: reads the smaller and writes the larger.
    Spread,
    /// As `Gather`, each channel alone.
    Depthwise,
}

#[derive(Debug, Clone, Copy)]
pub struct Fold {
    pub layer: usize,
    pub epsilon: f64,
}

#[derive(Debug, Clone)]
pub struct Norm {
    pub layer: usize,
    pub epsilon: f64,
    pub relu: bool,
    /// Only statistics are found here: [`Through`].
    pub read_through: bool,
}

#[derive(Debug, Clone)]
pub struct Node {
    pub unit: Unit,
    pub inputs: Vec<ValueId>,
    pub outputs: Vec<ValueId>,
    /// The plan's step it came from; the last one, if it is several.
    pub step: usize,
    /// The step of its layer, or else `step`: what its time is told under.
    pub main: usize,
}

#[derive(Debug, Clone)]
pub struct Value {
    pub layout: Layout,
    /// Layout of its gradient: another halo.
    pub gradient: Layout,
    pub producer: usize,
    /// Whether a gradient of it is of use.
    pub differentiable: bool,
}
