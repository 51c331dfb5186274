//! From weights to scores: evaluation, prediction, sliding windows and comparison of runs.

pub(crate) mod case_scores;
pub(crate) mod compare;
#[cfg(feature = "run")]
pub(crate) mod eval;
#[cfg(feature = "run")]
pub(crate) mod predict;
pub(crate) mod probability;
pub(crate) mod recorded;
pub(crate) mod sweep_scores;
pub(crate) mod window;
