//! What of CUDA is on this machine, and what is missing for computing on one of its GPUs, in one message.

use super::cubin_cache::CubinCache;
use super::gpu_driver::GpuDriver;
use super::gpu_properties::{ComputeCapability, CudaVersion, GpuProperties};
use super::kernel_compiler::CodeTarget;
use super::library_search::LibrarySearch;
use super::native::{CudaDevice, LibCuda, LibNvrtc};
use super::nvrtc_compiler::NvrtcCompiler;
use crate::base::error::{Result, RunError};
use crate::base::problem::problem;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// An NVRTC that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NvrtcFinding {
    /// Its name or path.
    pub path: PathBuf,
    /// Its version, or why it cannot be used.
    pub version: Result<CudaVersion, String>,
}

/// The driver, NVRTC and GPUs of this machine.
pub struct CudaSetup {
    /// The newest CUDA that the driver runs, or why there is none.
    pub driver: Result<CudaVersion, RunError>,
    /// Every NVRTC that was found, up to the first that fits the driver.
    pub nvrtc: Vec<NvrtcFinding>,
    /// The GPUs in the driver's order.
    pub gpus: Vec<GpuProperties>,
    cuda: Option<Arc<LibCuda>>,
    compiler: Option<Arc<LibNvrtc>>,
}

/// Something that must change before a GPU can be used.
struct Obstacle {
    what: String,
    help: Vec<String>,
}

impl Obstacle {
    fn new(what: String, help: &str) -> Self {
        Self { what, help: vec![help.to_owned()] }
    }
}

impl CudaSetup {
    /// Looks where this process's environment says.
    pub fn of_system() -> Self {
        Self::find(&LibrarySearch::of_environment(|name| std::env::var_os(name)))
    }

    /// Loads the libraries and asks them. What is missing is part of the answer.
    pub fn find(search: &LibrarySearch) -> Self {
        let cuda = load_driver(search);
        let asked = cuda.and_then(|cuda| {
            let count = if cuda.init()? { cuda.device_count()? } else { 0 };
            let gpus = (0..count).map(|index| CudaDevice::look_at(&cuda, index));
            let gpus = gpus.collect::<Result<Vec<_>>>()?;
            Ok((cuda.version()?, gpus, cuda))
        });
        let (driver, gpus, cuda) = match asked {
            Ok((version, gpus, cuda)) => (Ok(version), gpus, Some(Arc::new(cuda))),
            Err(problem) => (Err(problem), Vec::new(), None),
        };
        let (nvrtc, compiler) = load_nvrtc(search, driver.as_ref().ok().copied());
        Self { driver, nvrtc, gpus, cuda, compiler }
    }

    /// Checks whether the GPU with this index can be used by a program that needs `bytes` of its memory. The error has everything
    /// that is missing, too old or too small, and what to do about each.
    pub fn check(&self, index: usize, bytes: usize) -> Result<&GpuProperties> {
        let obstacles = self.obstacles(index, bytes);
        match self.gpus.get(index) {
            Some(gpu) if obstacles.is_empty() => Ok(gpu),
            _ => {
                let what: Vec<&str> = obstacles.iter().map(|obstacle| &obstacle.what[..]).collect();
                let problem = problem!(E0730, "`cuda:{index}` cannot be used: {}", what.join("; "));
                let help = obstacles.iter().flat_map(|obstacle| &obstacle.help);
                let problem = help.fold(problem, |problem, help| problem.help(help));
                Err(problem.help("or compute on the CPU: `--device cpu`"))
            }
        }
    }

    /// Opens a GPU with its compiler. Errors: those of [`CudaSetup::check`], and those of the driver.
    pub fn open(&self, index: usize, cache: Option<CubinCache>) -> Result<(Arc<CudaDevice>, Arc<NvrtcCompiler>)> {
        self.check(index, 0)?;
        match (&self.cuda, &self.compiler) {
            (Some(cuda), Some(nvrtc)) => {
                let device = Arc::new(CudaDevice::open(cuda.clone(), index)?);
                device.free_bytes()?;
                Ok((device, Arc::new(NvrtcCompiler::new(nvrtc.clone(), cache))))
            }
            _ => Err(problem!(E0799, "a checked GPU has no driver or no compiler")),
        }
    }

    /// Returns the compiler alone, which needs no GPU; `None` without NVRTC.
    pub fn compiler(&self, cache: Option<CubinCache>) -> Option<NvrtcCompiler> {
        Some(NvrtcCompiler::new(self.compiler.clone()?, cache))
    }

    fn obstacles(&self, index: usize, bytes: usize) -> Vec<Obstacle> {
        let mut found = Vec::new();
        match &self.driver {
            Ok(_) if index >= self.gpus.len() => found.push(missing_gpu(self.gpus.len())),
            Ok(_) => {}
            Err(problem) => found.push(Obstacle { what: problem.message.clone(), help: problem.help.clone() }),
        }
        let gpu = self.gpus.get(index);
        found.extend(self.compiler_obstacle(gpu.map(|gpu| gpu.capability)));
        if let Some(gpu) = gpu {
            let GpuProperties { name, capability, total_bytes, .. } = gpu;
            if *capability < ComputeCapability::LEAST {
                let least = ComputeCapability::LEAST;
                let what = format!("{name} has compute capability {capability}, the kernels need {least}");
                found.push(Obstacle::new(what, "use a GPU of the Ampere generation (2020) or a newer one"));
            }
            if bytes > *total_bytes {
                let [has, needs] = [total_bytes >> 20, bytes >> 20];
                let what = format!("{name} has {has} MiB of memory, the network needs {needs} MiB");
                found.push(Obstacle::new(what, "reduce the batch or the image size"));
            }
        }
        found
    }

    /// What is wrong with the compiler, for a GPU of this compute capability.
    fn compiler_obstacle(&self, capability: Option<ComputeCapability>) -> Option<Obstacle> {
        let wheel = match &self.driver {
            Ok(driver) if driver.major < 13 => format!("nvidia-cuda-nvrtc-cu{}", driver.major),
            _ => "nvidia-cuda-nvrtc".to_owned(),
        };
        let install = format!("install NVRTC for your user or environment: `pip install {wheel}`");
        let Some(nvrtc) = &self.compiler else {
            let seen: Vec<String> = self.nvrtc.iter().map(NvrtcFinding::to_string).collect();
            let what = match (&seen[..], &self.driver) {
                ([], _) => "NVRTC, which compiles the kernels, is missing".to_owned(),
                (_, Ok(driver)) => format!("no NVRTC fits the driver for CUDA {driver}: {}", seen.join(", ")),
                (_, Err(_)) => format!("no NVRTC can be used: {}", seen.join(", ")),
            };
            let mut obstacle = Obstacle::new(what, &install);
            if !seen.is_empty() && self.driver.is_ok() {
                obstacle.help.push("or update the NVIDIA driver".to_owned());
            }
            return Some(obstacle);
        };
        let driver = self.driver.as_ref().ok()?;
        let capability = capability.filter(|&capability| capability >= ComputeCapability::LEAST)?;
        match CodeTarget::choose(capability, &nvrtc.architectures) {
            Some(CodeTarget::Cubin(_)) => None,
            // PTX is read by drivers of its version and newer ones.
            Some(CodeTarget::Ptx(_)) if nvrtc.version <= *driver => None,
            Some(CodeTarget::Ptx(_)) | None => {
                let what = format!("NVRTC {} does not compile for compute capability {capability}", nvrtc.version);
                Some(Obstacle::new(what, &format!("update it: `pip install --upgrade {wheel}`")))
            }
        }
    }
}

fn missing_gpu(count: usize) -> Obstacle {
    let what = match count {
        0 => "the CUDA driver finds no GPU".to_owned(),
        1 => "the only GPU is `cuda:0`".to_owned(),
        _ => format!("the GPUs are `cuda:0` to `cuda:{}`", count - 1),
    };
    Obstacle::new(what, "`nvidia-smi -L` lists all GPUs; `CUDA_VISIBLE_DEVICES` may hide some of them")
}

/// Loads the driver.
fn load_driver(search: &LibrarySearch) -> Result<LibCuda> {
    let mut reasons = Vec::new();
    for path in &search.driver {
        match LibCuda::load(path) {
            Ok(cuda) => return Ok(cuda),
            Err(reason) => reasons.push(reason),
        }
    }
    let reason = reasons.into_iter().next().unwrap_or_default();
    Err(problem!(E0730, "the NVIDIA driver cannot be loaded ({reason})";
        help: "install or update the NVIDIA driver, or make it visible in the container (`--gpus all`)"))
}

/// Loads the first NVRTC that makes code for this driver, and returns what was found on the way.
fn load_nvrtc(search: &LibrarySearch, driver: Option<CudaVersion>) -> (Vec<NvrtcFinding>, Option<Arc<LibNvrtc>>) {
    let mut found = Vec::new();
    for path in &search.nvrtc {
        let is_name = path.parent().is_none_or(|folder| folder.as_os_str().is_empty());
        let version = match LibNvrtc::load(path) {
            // A driver runs code of its own generation of CUDA and of older ones.
            Ok(nvrtc) if driver.is_none_or(|driver| nvrtc.version.major <= driver.major) => {
                found.push(NvrtcFinding { path: path.clone(), version: Ok(nvrtc.version) });
                return (found, Some(Arc::new(nvrtc)));
            }
            Ok(nvrtc) => Ok(nvrtc.version),
            Err(_) if is_name => continue,
            Err(reason) => Err(reason),
        };
        found.push(NvrtcFinding { path: path.clone(), version });
    }
    (found, None)
}

impl fmt::Display for NvrtcFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.version {
            Ok(version) => write!(f, "{path} of CUDA {version}"),
            Err(reason) => write!(f, "{path} cannot be loaded ({reason})"),
        }
    }
}

impl fmt::Display for CudaSetup {
    /// Writes a line for the driver, for each NVRTC and for each GPU.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.driver {
            Ok(version) => writeln!(f, "driver: for CUDA {version}")?,
            Err(problem) => writeln!(f, "driver: {}", problem.message)?,
        }
        if self.nvrtc.is_empty() {
            writeln!(f, "NVRTC: none found")?;
        }
        self.nvrtc.iter().try_for_each(|nvrtc| writeln!(f, "NVRTC: {nvrtc}"))?;
        self.gpus.iter().enumerate().try_for_each(|(index, gpu)| writeln!(f, "cuda:{index}: {gpu}"))
    }
}
