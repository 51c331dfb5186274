//! From weights to scores.

pub mod cases;
pub mod compare;
#[cfg(feature = "run")]
pub mod eval;
#[cfg(feature = "run")]
pub mod predict;
pub mod probability;
pub mod recorded;
pub mod sweep;
pub mod window;
