//! The device of tensors: the user's choice, and the Burn device for it.
//!
//! npc looks for the driver, NVRTC and the GPU before Burn opens it, since without them Burn's first call panics on a worker
//! thread.

use crate::base::count::counted;
use crate::base::error::Result;
use crate::base::problem::problem;
#[cfg(feature = "cuda")]
use crate::compute::cuda::driver::{CudaSetup, GpuProperties};
use burn::tensor::Device;
use std::fmt;
use std::str::FromStr;

/// The device that stores and computes tensors: `cpu`, `cuda` or `cuda:N`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DeviceChoice {
    /// The processor.
    #[default]
    Cpu,
    /// The CUDA device with this index in the driver's order.
    Cuda(usize),
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceChoice::Cpu => f.write_str("cpu"),
            DeviceChoice::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || format!("unknown device `{text}`: use `cpu`, `cuda`, or `cuda:N` with the device's index N");
        match text.split_once(':') {
            None if text == "cpu" => Ok(DeviceChoice::Cpu),
            None if text == "cuda" => Ok(DeviceChoice::Cuda(0)),
            Some(("cuda", index)) if index.bytes().all(|b| b.is_ascii_digit()) => {
                index.parse().map(DeviceChoice::Cuda).map_err(|_| unknown())
            }
            Some(_) | None => Err(unknown()),
        }
    }
}

/// Waits until a device has done all its work.
pub(crate) fn synchronise(device: &Device) -> Result<()> {
    device.sync().map_err(|e| problem!(E0730, "the device failed: {e:?}"))
}

/// Opens a device, without autodiff. Training calls [`Device::autodiff`].
pub fn open(choice: DeviceChoice) -> Result<Device> {
    match choice {
        DeviceChoice::Cpu => Ok(Device::flex()),
        DeviceChoice::Cuda(index) => open_cuda(index),
    }
}

/// Sets the number of threads for tensors on the CPU and for images, for the rest of the process. It may be called
/// once, before any computation. Results do not depend on it, bit for bit; `docs/training.md` explains why.
pub(crate) fn set_threads(threads: usize) -> Result<()> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .map_err(|e| problem!(E0751, "cannot start {}: {e}", counted(threads, "thread")))
}

/// Whether the processor computes the tensors of this device, with or without autodiff.
pub fn is_cpu(device: &Device) -> bool {
    *device == Device::flex()
}

#[cfg(not(feature = "cuda"))]
fn open_cuda(_: usize) -> Result<Device> {
    Err(problem!(E0730, "this npc was built without CUDA";
        help: "build it with CUDA: `cargo build --release --features cuda-burn`";
        help: "or compute on the CPU: `--device cpu`"))
}

#[cfg(feature = "cuda")]
fn open_cuda(index: usize) -> Result<Device> {
    let setup = CudaSetup::of_system();
    let gpu = setup.check(index, 0)?;
    burn_device(index, gpu)
}

#[cfg(feature = "cuda-burn")]
fn burn_device(index: usize, _: &GpuProperties) -> Result<Device> {
    Ok(Device::cuda(index))
}

#[cfg(all(feature = "cuda", not(feature = "cuda-burn")))]
fn burn_device(index: usize, gpu: &GpuProperties) -> Result<Device> {
    Err(problem!(E0730, "`cuda:{index}` is ready ({gpu}), but this npc was built without training on it";
        help: "build it with Burn's operators for GPUs: `cargo build --release --features cuda-burn`";
        help: "or compute on the CPU: `--device cpu`"))
}
