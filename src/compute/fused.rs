//! From plan to fused program: the plan's steps at one size of batch and image, as nodes that a machine computes.
//!
//! A batch norm and ReLU after a convolution are fused into it if the intermediate values have no other reader. The
//! program knows the dims of each value and which of them have a gradient, but no memory. The processor's engine gives
//! it blocks and halos (`engine/program`), the GPU a layout of its own (`cuda`).

mod axis_taps;
mod build;
mod channel_mapping;
mod conv_window;
mod node;
pub(crate) mod pool_bins;
mod readers;
pub(crate) mod separable;

pub(crate) use axis_taps::AxisTaps;
pub(crate) use build::fuse;
pub(crate) use channel_mapping::ChannelMapping;
pub(crate) use conv_window::KernelTap;
pub use conv_window::{ConvRegion, ConvWindow};
pub(crate) use node::{ConvKind, ConvNode, FoldedNorm, FusedNode, FusedOp, FusedValue, FusedValueId, NormNode};

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
pub(crate) struct FusedProgram {
    pub mode: PassMode,
    pub nodes: Vec<FusedNode>,
    pub values: Vec<FusedValue>,
    pub results: Vec<FusedValueId>,
}

/// The reason why a machine does not compute a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported(pub String);
