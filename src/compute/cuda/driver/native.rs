//! The libraries of CUDA, loaded when npc runs. All calls of their functions are here.

mod cuda_device;
mod function_table;
mod handle_table;
mod libcuda;
mod libnvrtc;
mod loaded_library;

pub use cuda_device::CudaDevice;
pub(super) use libcuda::LibCuda;
pub(super) use libnvrtc::{LibNvrtc, NvrtcFailure};
