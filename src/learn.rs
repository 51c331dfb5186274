//! From batches to weights.

#[cfg(feature = "run")]
pub mod agree;
#[cfg(feature = "run")]
pub mod bench;
#[cfg(feature = "run")]
pub mod checkpoint;
#[cfg(feature = "run")]
pub mod ema;
#[cfg(feature = "run")]
pub mod finite;
pub mod folder;
#[cfg(feature = "run")]
pub mod freeze;
pub mod history;
#[cfg(feature = "run")]
pub mod init;
#[cfg(feature = "run")]
pub mod loss;
#[cfg(feature = "run")]
pub mod optim;
#[cfg(feature = "run")]
pub mod preflight;
pub mod schedule;
#[cfg(feature = "run")]
pub mod train;
