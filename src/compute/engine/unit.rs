//! What the nodes of a program compute, one family a file.
//!
//! Each unit has `forward`, which writes every number of a step's output from its inputs, `backward`, which writes or adds to
//! the gradient of one input (slot) from that of the output, and `needs`, which says what of the forward pass `backward`
//! reads: what it does not need may be freed, and comes as a view without numbers.
//!
//! Invariants: halos are neither read nor written, and stay zero; channels never read unused lanes, which stay finite as
//! long as those of the inputs are; each number is computed by one task in an order that the shapes fix, so that results do
//! not depend on the number of threads.

pub(crate) mod activation;
pub(crate) mod avg_pool;
pub(crate) mod channel_reduce;
pub(crate) mod channels;
pub(crate) mod combine;
pub(crate) mod concat;
pub(crate) mod conv;
pub(crate) mod depthwise;
mod dispatch;
pub(crate) mod dropout;
pub(crate) mod exp;
pub(crate) mod frame;
pub(crate) mod group_norm;
mod lanes;
pub(crate) mod layer_norm;
pub(crate) mod max_pool;
pub(crate) mod norm;
mod pixel;
pub(crate) mod pixel_shuffle;
pub(crate) mod prelu;
pub(crate) mod reshape;
pub(crate) mod resize;
mod row;
mod softmax;
mod sum;
mod taps;
pub(crate) mod unpool;
mod window;

use super::memory_layout::ViewMut;
pub(crate) use dispatch::supported;
pub use dispatch::{From, backward, differentiable, forward, needs, weight_gradients};

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

/// The gradient of an input that only says how large the output is.
fn nothing_flows(into: &mut ViewMut, add: bool) {
    if !add {
        into.rows(|_, _, row| row.fill(0.0));
    }
}
