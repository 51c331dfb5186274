//! What the nodes of a program compute, one family a file.
//!
//! Each operator that is a node as it is has a unit ([`OperatorKernel`]): `forward` writes every number of a step's output from its
//! inputs, `backward` writes or adds to the gradient of one input (slot) from that of the output, and `form` says what of the
//! forward pass `backward` reads: what it does not need may be freed, and comes as a view without numbers.
//!
//! Invariants: halos are neither read nor written, and stay zero; channels never read unused lanes, which stay finite as
//! long as those of the inputs are; each number is computed by one task in an order that the shapes fix, so that results do
//! not depend on the number of threads.

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
mod pixel_shuffle;
mod pixel_values;
mod plane_sums;
mod pool_bins;
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

/// What random numbers start from.
pub(crate) type Seed = u64;

/// What a backward pass reads beside the gradient of the output.
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
