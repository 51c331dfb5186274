//! The computation of a program's nodes, one family of operators per file.
//!
//! Each operator that is a node by itself has an [`OperatorKernel`]: `forward` writes every number of a step's output,
//! `backward` writes the gradient of one input (`slot`) or adds to it, and `properties` declares the values of the
//! forward pass that `backward` reads. All others may be freed and are passed as views without numbers.
//!
//! Invariants: halos are neither read nor written, and stay zero; channels never depend on unused lanes, which are
//! finite if those of the inputs are; each number is computed by one task in an order that the shapes determine, so
//! that results do not depend on the number of threads.

mod activation;
mod avg_pool;
pub(crate) mod batch_norm;
mod channel_mapping;
mod channel_reduce;
mod combine;
mod concat;
pub(crate) mod conv;
pub(crate) mod depthwise;
mod dispatch;
mod dropout;
pub(crate) mod exp;
mod group_norm;
mod lane_values;
mod layer_norm;
mod max_pool;
mod operator_kernel;
mod pad_crop;
mod pixel_reduction;
mod pixel_shuffle;
mod plane_sums;
mod prelu;
mod reshape;
mod resize;
mod row_loops;
mod separable;
mod softmax;
mod unpool;

pub use dispatch::expect_kernel;
pub(crate) use dispatch::kernel_for;
pub(crate) use operator_kernel::ChannelPlacement;
pub use operator_kernel::{BackwardArgs, ForwardArgs, OperatorKernel};

/// The seed of a node's random numbers.
pub(crate) type Seed = u64;

/// The values that a backward pass reads in addition to the gradient of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackwardNeeds {
    pub inputs: bool,
    pub output: bool,
}

impl BackwardNeeds {
    pub const NOTHING: BackwardNeeds = BackwardNeeds { inputs: false, output: false };
    pub const INPUTS: BackwardNeeds = BackwardNeeds { inputs: true, output: false };
    pub const OUTPUT: BackwardNeeds = BackwardNeeds { inputs: false, output: true };
}
