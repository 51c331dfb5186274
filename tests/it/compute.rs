//! Networks that compute: the CPU engine by itself, and networks on any device.

#[cfg(feature = "data")]
pub(crate) mod cuda;
mod engine;
#[cfg(feature = "run")]
mod network;
