//! One GPU and the compiler of its kernels: what a session asks of them, and how the libraries that do it are found.
//!
//! [`GpuDriver`] and [`KernelCompiler`] are traits, so that tests put others in their places. With the feature `cuda` the
//! driver's library and NVRTC implement them. They are loaded when npc runs; a build needs nothing of CUDA.

mod cubin_cache;
#[cfg(feature = "cuda")]
mod cuda_setup;
mod device_problem;
mod gpu_driver;
mod gpu_properties;
mod kernel_compiler;
mod library_search;
#[cfg(feature = "cuda")]
mod native;
#[cfg(feature = "cuda")]
mod nvrtc_compiler;

pub use cubin_cache::CubinCache;
#[cfg(feature = "cuda")]
pub use cuda_setup::{CudaSetup, NvrtcFinding};
pub use device_problem::device_problem;
pub use gpu_driver::{
    DeviceAddress, DeviceBlock, DeviceEvent, DeviceGraph, DeviceQueue, GpuDriver, KernelLaunch, LoadedKernel,
    PinnedBlock,
};
pub use gpu_properties::{ComputeCapability, CudaVersion, GpuProperties};
pub use kernel_compiler::{CodeTarget, ENTRY, KernelCompiler, PRELUDE, kernel_source};
pub use library_search::LibrarySearch;
#[cfg(feature = "cuda")]
pub use native::CudaDevice;
#[cfg(feature = "cuda")]
pub use nvrtc_compiler::NvrtcCompiler;
