//! What the nodes of a program compute, one family a file.
//!
//! Each operator that is a node as it is has a unit ([`PlainUnit`]): `forward` writes every number of a step's output from its
//! inputs, `backward` writes or adds to the gradient of one input (slot) from that of the output, and `form` says what of the
//! forward pass `backward` reads: what it does not need may be freed, and comes as a view without numbers.
//!
//! Invariants: halos are neither read nor written, and stay zero; channels never read unused lanes, which stay finite as
//! long as those of the inputs are; each number is computed by one task in an order that the shapes fix, so that results do
//! not depend on the number of threads.

mod activation;
mod avg_pool;
mod channel_reduce;
mod channels;
mod combine;
mod concat;
pub(crate) mod conv;
pub(crate) mod depthwise;
mod dispatch;
mod dropout;
pub(crate) mod exp;
mod frame;
mod group_norm;
mod lanes;
mod layer_norm;
mod max_pool;
pub(crate) mod norm;
mod pixel;
mod pixel_shuffle;
mod plain;
mod prelu;
mod reshape;
mod resize;
mod row;
mod softmax;
mod sum;
mod taps;
mod unpool;
mod window;

pub use dispatch::known;
pub(crate) use dispatch::of;
pub(crate) use plain::Placement;
pub use plain::{From, Given, PlainUnit};

/// What random numbers start from.
pub(crate) type Seed = u64;

/// What a backward pass reads beside the gradient of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    pub inputs: bool,
    pub output: bool,
}

impl Needs {
    pub const NOTHING: Needs = Needs { inputs: false, output: false };
    pub const INPUTS: Needs = Needs { inputs: true, output: false };
    pub const OUTPUT: Needs = Needs { inputs: false, output: true };
}
