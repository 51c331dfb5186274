//! Networks that compute: the CPU engine by itself, and networks on any device.

mod engine;
#[cfg(feature = "run")]
mod network;
