//! Everything that computes: data, network, training, evaluation, prediction. The only part that may use Burn.
//!
//! Knows neither the syntax nor the command line.

pub mod data;
pub mod error;

pub use error::{Result, RunError};
