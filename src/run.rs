//! Everything that computes: data, network, training, evaluation, prediction. The only part that may use Burn.
//!
//! What needs no tensors (pictures, splits, scores, reports) builds with the feature `data` alone, in seconds.
//!
//! Knows neither the syntax nor the command line. From the inside out: [`crate::plan`] orders the steps of a checked graph,
//! `lower` makes the `network` that `exec` runs; [`data`] feeds it, `train` moves its weights, `checkpoint` and [`folder`]
//! keep what came of it, `eval` and `predict` use it.

#[cfg(feature = "run")]
pub mod agree;
#[cfg(feature = "run")]
pub mod bench;
pub mod cases;
#[cfg(feature = "run")]
pub mod checkpoint;
pub mod compare;
pub mod contact;
pub mod data;
#[cfg(feature = "run")]
pub mod device;
#[cfg(feature = "run")]
pub mod ema;
pub mod error;
#[cfg(feature = "run")]
pub mod eval;
#[cfg(feature = "run")]
pub mod exec;
#[cfg(feature = "run")]
pub mod finite;
pub mod folder;
#[cfg(feature = "run")]
pub mod freeze;
pub mod gallery;
pub mod history;
#[cfg(feature = "run")]
pub mod init;
pub mod inputs;
pub mod lettering;
pub mod lock;
#[cfg(feature = "run")]
pub mod loss;
#[cfg(feature = "run")]
pub mod lower;
#[cfg(feature = "run")]
pub mod machine;
pub mod metric;
#[cfg(feature = "run")]
pub mod native;
#[cfg(feature = "run")]
pub mod network;
#[cfg(feature = "run")]
pub mod optim;
pub mod overlay;

pub mod plot;
#[cfg(feature = "run")]
pub mod predict;
#[cfg(feature = "run")]
pub mod preflight;
pub mod probability;
pub mod report;
pub mod schedule;
pub mod sheet;
pub mod statistics;
#[cfg(feature = "run")]
pub mod sum;
pub mod sweep;
pub mod tensorboard;
#[cfg(feature = "run")]
pub mod train;
#[cfg(feature = "run")]
pub mod weights;
pub mod window;

pub use error::{Result, RunError};
