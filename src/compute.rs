//! Networks that compute: the CPU engine with its kernels, Burn's operators, devices and weights.

#[cfg(feature = "run")]
pub mod device;
pub mod engine;
#[cfg(feature = "run")]
pub mod exec;
#[cfg(feature = "run")]
pub mod lower;
#[cfg(feature = "run")]
pub mod native;
#[cfg(feature = "run")]
pub mod network;
#[cfg(feature = "run")]
pub mod sum;
#[cfg(feature = "run")]
pub mod weights;
