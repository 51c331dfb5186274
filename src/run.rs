//! Everything that computes: data, network, training, evaluation, prediction. The only part that may use Burn.
//!
//! Knows neither the syntax nor the command line.

pub mod checkpoint;
pub mod data;
pub mod device;
pub mod error;
pub mod exec;
pub mod loss;
pub mod lower;
pub mod network;
pub mod optim;
pub mod plan;
pub mod weights;

pub use error::{Result, RunError};
