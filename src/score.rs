//! From weights to scores: evaluation, prediction, sliding windows and comparison of runs.

pub mod case_scores;
pub mod compare;
#[cfg(feature = "run")]
pub mod eval;
#[cfg(feature = "run")]
pub mod predict;
pub mod probability;
pub mod recorded;
pub mod sweep_scores;
pub mod window;
