//! Everything that computes: data, network, training, evaluation, prediction. The only part that may use Burn.
//!
//! What needs no tensors (pictures, splits, scores, reports) builds with the feature `data` alone, in seconds.
//!
//! Knows neither the syntax nor the command line. From the inside out: [`plan`] orders the steps of a checked graph,
//! `lower` makes the `network` that `exec` runs; [`data`] feeds it, `train` moves its weights, `checkpoint` and [`folder`]
//! keep what came of it, `eval` and `predict` use it.

#[cfg(feature = "run")]
pub mod agree;
#[cfg(feature = "run")]
pub mod bench;
#[cfg(feature = "run")]
pub mod checkpoint;
pub mod compare;
pub mod data;
#[cfg(feature = "run")]
pub mod device;
pub mod error;
#[cfg(feature = "run")]
pub mod eval;
#[cfg(feature = "run")]
pub mod exec;
pub mod folder;
#[cfg(feature = "run")]
pub mod freeze;
pub mod lock;
#[cfg(feature = "run")]
pub mod loss;
#[cfg(feature = "run")]
pub mod lower;
pub mod metric;
#[cfg(feature = "run")]
pub mod network;
#[cfg(feature = "run")]
pub mod optim;
pub mod overlay;
pub mod plan;
#[cfg(feature = "run")]
pub mod predict;
pub mod statistics;
pub mod sweep;
#[cfg(feature = "run")]
pub mod train;
#[cfg(feature = "run")]
pub mod weights;

pub use error::{Result, RunError};
