//! Everything that computes: data, network, training, evaluation, prediction. The only part that may use Burn.
//!
//! Knows neither the syntax nor the command line. From the inside out: [`plan`] orders the steps of a checked graph,
//! [`lower`](mod@lower) makes the [`network`] that [`exec`] runs; [`data`] feeds it, [`train`](mod@train) moves its
//! weights, [`checkpoint`] and [`folder`] keep what came of it, [`eval`] and [`predict`] use it.

pub mod agree;
pub mod bench;
pub mod checkpoint;
pub mod data;
pub mod device;
pub mod error;
pub mod eval;
pub mod exec;
pub mod folder;
pub mod freeze;
pub mod loss;
pub mod lower;
pub mod metric;
pub mod network;
pub mod optim;
pub mod overlay;
pub mod plan;
pub mod predict;
pub mod train;
pub mod weights;

pub use error::{Result, RunError};
