//! What the nodes of a program compute, one family a file.
//!
//! `forward` writes every number of its output between the halos. `backward` writes or adds to the gradient of one input.
//! Unused lanes hold something finite.

pub mod conv;
pub mod depthwise;
mod dispatch;
pub mod norm;

pub use dispatch::{backward, differentiable, forward, needs, weight_gradients};

/// What random numbers start from.
pub type Seed = u64;

/// What a backward pass reads beside the gradient of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    pub inputs: bool,
    pub output: bool,
}
