//! The device of tensors: the user's choice, and the Burn device for it.
//!
//! npc searches for a CUDA device before Burn opens it, since without a driver Burn's first call panics on a worker
//! thread.

use crate::base::count::counted;
use crate::base::error::Result;
use crate::base::problem::problem;
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
        help: "build it with CUDA: `cargo build --release --features cuda`";
        help: "or compute on the CPU: `--device cpu`"))
}

#[cfg(feature = "cuda")]
fn open_cuda(index: usize) -> Result<Device> {
    let count = driver::device_count()?;
    if index >= count {
        let devices = match count {
            0 => "the CUDA driver finds no device".to_string(),
            1 => "the only CUDA device is `cuda:0`".to_string(),
            _ => format!("the CUDA devices are `cuda:0` to `cuda:{}`", count - 1),
        };
        return Err(problem!(E0730, "`cuda:{index}` does not exist: {devices}";
            help: "`nvidia-smi -L` lists all devices; `CUDA_VISIBLE_DEVICES` may hide some of them"));
    }
    Ok(Device::cuda(index))
}

#[cfg(feature = "cuda")]
mod driver {
    //! The two calls of the CUDA driver that return the number of devices.

    use super::{Result, problem};
    use libloading::{Library, Symbol};
    use std::ffi::{c_int, c_uint};

    #[cfg(windows)]
    const NAMES: [&str; 1] = ["nvcuda.dll"];
    #[cfg(not(windows))]
    const NAMES: [&str; 2] = ["libcuda.so.1", "libcuda.so"];

    pub(super) fn device_count() -> Result<usize> {
        // SAFETY: loading the driver runs its initialisers, which are designed to run in any process; Burn loads the
        // same library right afterwards.
        let library = NAMES.iter().find_map(|name| unsafe { Library::new(*name) }.ok()).ok_or_else(|| {
            problem!(E0730, "no CUDA driver: {} cannot be loaded", NAMES.join(" and ");
                help: "install the NVIDIA driver, or make it visible in the container (`--gpus all`)";
                help: "or compute on the CPU: `--device cpu`")
        })?;
        // SAFETY: names and types are those of cuda.h: `CUresult cuInit(unsigned int)`, `CUresult cuDeviceGetCount(int
        // *)`; CUresult is an int-sized enum. `count` outlives the call.
        let answer = unsafe {
            let init: std::result::Result<Symbol<unsafe extern "C" fn(c_uint) -> c_int>, _> = library.get(b"cuInit\0");
            let get: std::result::Result<Symbol<unsafe extern "C" fn(*mut c_int) -> c_int>, _> =
                library.get(b"cuDeviceGetCount\0");
            init.and_then(|init| get.map(|get| (init, get))).map(|(init, get)| {
                let mut count = 0;
                match init(0) {
                    0 => (get(&mut count), count),
                    error => (error, 0),
                }
            })
        };
        match answer {
            Ok((0, count)) => Ok(usize::try_from(count).unwrap_or(0)),
            // CUDA_ERROR_NO_DEVICE
            Ok((100, _)) => Ok(0),
            Ok((error, _)) => Err(problem!(E0730, "the CUDA driver cannot be initialised: error {error}";
                help: "`nvidia-smi` shows whether the driver works")),
            Err(error) => Err(problem!(E0730, "the CUDA driver lacks a function: {error}";
                help: "update the NVIDIA driver")),
        }
    }
}
