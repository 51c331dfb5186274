//! The device of tensors: the user's choice, and the Burn device for it.
//!
//! npc looks for the driver, NVRTC and the GPU before Burn opens it, since without them Burn's first call panics on a worker
//! thread.

use crate::base::count::counted;
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::compute::cuda::Gpu;
#[cfg(feature = "cuda-burn")]
use crate::compute::cuda::driver::CudaSetup;
use crate::text::config::ProductPrecision;
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

/// Where networks compute.
#[derive(Debug, Clone)]
pub(crate) struct ComputeDevice {
    /// The device of Burn's tensors. Next to a GPU that npc's own kernels use it is the processor.
    pub tensors: Device,
    /// The GPU of npc's own kernels.
    pub gpu: Option<Gpu>,
}

impl ComputeDevice {
    /// Opens a device, without autodiff; `precision` is that of a GPU. Errors: the device does not exist, or something that it needs is
    /// missing.
    pub(crate) fn open(choice: DeviceChoice, precision: ProductPrecision) -> Result<Self> {
        let mut device = match choice {
            DeviceChoice::Cpu => Self { tensors: Device::flex(), gpu: None },
            DeviceChoice::Cuda(index) => open_cuda(index)?,
        };
        device.gpu.iter_mut().for_each(|gpu| gpu.precision = precision);
        Ok(device)
    }
}

/// Opens the device of Burn's tensors, without autodiff. Training calls [`Device::autodiff`].
pub fn open(choice: DeviceChoice) -> Result<Device> {
    Ok(ComputeDevice::open(choice, ProductPrecision::default())?.tensors)
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
fn open_cuda(_: usize) -> Result<ComputeDevice> {
    Err(problem!(E0730, "this npc was built without CUDA";
        help: "build it with CUDA: `cargo build --release --features cuda`";
        help: "or compute on the CPU: `--device cpu`"))
}

#[cfg(feature = "cuda")]
fn open_cuda(index: usize) -> Result<ComputeDevice> {
    match std::env::var(BURN_VARIABLE.0).is_ok_and(|value| value == BURN_VARIABLE.1) {
        true => burn_device(index),
        false => Ok(ComputeDevice { tensors: Device::flex(), gpu: Some(Gpu::open(index)?) }),
    }
}

/// Environment variable and value that choose Burn's operators on a GPU: `NPC_CUDA=burn`.
#[cfg(feature = "cuda")]
const BURN_VARIABLE: (&str, &str) = ("NPC_CUDA", "burn");

#[cfg(feature = "cuda-burn")]
fn burn_device(index: usize) -> Result<ComputeDevice> {
    CudaSetup::of_system().check(index, 0)?;
    Ok(ComputeDevice { tensors: Device::cuda(index), gpu: None })
}

#[cfg(all(feature = "cuda", not(feature = "cuda-burn")))]
fn burn_device(_: usize) -> Result<ComputeDevice> {
    Err(problem!(E0730, "this npc was built without Burn's operators for GPUs, which `NPC_CUDA=burn` chooses";
        help: "build it with them: `cargo build --release --features cuda-burn`";
        help: "or leave the variable out, so that npc's own kernels compute"))
}
