//! Computes networks on the processor, forward and backward, without Burn.

pub mod kernel;
pub mod layout;
pub mod profile;
pub mod unit;
