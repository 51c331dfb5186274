//! Networks that compute: the CPU engine with its kernels, Burn's operators, devices and weights.

pub(crate) mod adam_step;
pub(crate) mod cuda;
#[cfg(feature = "run")]
pub(crate) mod device;
pub(crate) mod engine;
#[cfg(feature = "run")]
pub(crate) mod engine_bridge;
#[cfg(feature = "run")]
pub(crate) mod exec;
pub(crate) mod fused;
#[cfg(feature = "run")]
pub(crate) mod gpu_bridge;
#[cfg(feature = "run")]
pub(crate) mod lower;
#[cfg(feature = "run")]
pub(crate) mod network;
#[cfg(feature = "run")]
pub(crate) mod tensor_sum;
#[cfg(feature = "run")]
pub(crate) mod weights;
