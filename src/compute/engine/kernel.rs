//! Inner loops, and all of the crate's `unsafe` but that of the CUDA driver.

// The contract is on the trait or the struct of the operands.
#![allow(clippy::missing_safety_doc)]

pub(crate) mod buffer;
pub(crate) mod conv_region;
pub(crate) mod packing;
pub(crate) mod peak;
pub(crate) mod prologue;
pub(crate) mod simd;
pub(crate) mod team;
pub(crate) mod tile;
pub(crate) mod vectorised;
pub(crate) mod weight_gradient;
pub(crate) mod winograd;
mod winograd_transform;
