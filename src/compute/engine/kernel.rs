//! Inner loops, and all of the crate's `unsafe` but that of the CUDA driver.

// The contract is on the trait or the struct of the operands.
#![allow(clippy::missing_safety_doc)]

pub mod buffer;
pub mod conv_region;
pub mod gradient;
pub mod packed;
pub mod peak;
pub mod simd;
pub mod source;
pub mod team;
pub mod tile;
mod transform;
pub mod vectorised;
pub mod winograd;
