//! Evaluation, prediction, sliding-window inference and comparison of runs.

pub(crate) mod case_columns;
pub(crate) mod compare;
#[cfg(feature = "run")]
pub(crate) mod eval;
pub(crate) mod evaluation_files;
#[cfg(feature = "run")]
pub(crate) mod predict;
pub(crate) mod probability;
pub(crate) mod run_order;
pub(crate) mod run_overview;
pub(crate) mod sliding_window;
pub(crate) mod sweep_scores;
#[cfg(feature = "run")]
pub(crate) mod volume_scores;
