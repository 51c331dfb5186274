//! Inner loops, and all of the crate's `unsafe` but that of the CUDA driver.

// The contract is on the trait or the struct of the operands.
#![allow(clippy::missing_safety_doc)]

pub mod buffer;
pub mod gradient;
pub mod simd;
pub mod sweep;
pub mod tile;
pub mod vectorised;
