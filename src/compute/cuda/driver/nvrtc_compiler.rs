//! Kernels compiled by NVRTC, each once on a machine.

use super::cubin_cache::CubinCache;
use super::gpu_properties::{ComputeCapability, CudaVersion};
use super::kernel_compiler::{CodeTarget, KernelCompiler, kernel_source};
use super::native::{LibNvrtc, NvrtcFailure};
use crate::base::error::{Result, RunError, one_line};
use crate::base::problem::problem;
use crate::compute::cuda::program::Kernel;
use rayon::prelude::*;
use std::ffi::CString;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// NVRTC with a cache of what it has compiled.
pub struct NvrtcCompiler {
    nvrtc: Arc<LibNvrtc>,
    cache: Option<CubinCache>,
    compiled: AtomicUsize,
}

impl NvrtcCompiler {
    pub(super) fn new(nvrtc: Arc<LibNvrtc>, cache: Option<CubinCache>) -> Self {
        Self { nvrtc, cache, compiled: AtomicUsize::new(0) }
    }

    /// Returns the version of NVRTC.
    pub fn version(&self) -> CudaVersion {
        self.nvrtc.version
    }

    /// Returns the number of kernels that were compiled so far, rather than found in the cache.
    pub fn compiled(&self) -> usize {
        self.compiled.load(Ordering::Relaxed)
    }

    fn compile_one(&self, kernel: &Kernel, target: CodeTarget) -> Result<Vec<u8>> {
        let options = [format!("--gpu-architecture={target}"), "--std=c++17".to_owned()];
        let text = kernel_source(kernel);
        let key = format!("NVRTC {}\n{}\n{text}", self.nvrtc.version, options.join(" "));
        if let Some(code) = self.cache.as_ref().and_then(|cache| cache.find(&key)) {
            return Ok(code);
        }
        let c_text = |text: &str| {
            CString::new(text).map_err(|_| problem!(E0799, "the text of the kernel {} has a zero byte", kernel.name))
        };
        let options = options.iter().map(|option| c_text(option)).collect::<Result<Vec<_>>>()?;
        let name = c_text(&format!("{}.cu", kernel.name))?;
        let code = self.nvrtc.compile(&name, &c_text(&text)?, &options, target);
        let code = code.map_err(|failure| self.problem(kernel, target, &failure))?;
        self.compiled.fetch_add(1, Ordering::Relaxed);
        if let Some(cache) = &self.cache {
            cache.store(&key, &code);
        }
        Ok(code)
    }

    fn problem(&self, kernel: &Kernel, target: CodeTarget, failure: &NvrtcFailure) -> RunError {
        let (name, version) = (kernel.name, self.nvrtc.version);
        let log = one_line(&failure.log);
        let error = failure.log.lines().find(|line| line.contains("error")).unwrap_or("it prints nothing").trim();
        match failure.status {
            // NVRTC_ERROR_BUILTIN_OPERATION_FAILURE
            7 => problem!(E0730, "NVRTC {version} is incomplete: {log}";
                help: "install it anew: `pip install --force-reinstall nvidia-cuda-nvrtc`"),
            // NVRTC_ERROR_COMPILATION
            6 => problem!(E0799, "the CUDA kernel {name} does not compile for {target} with NVRTC {version}: {error}";
                help: "please report it with all that NVRTC prints: {log}"),
            status => {
                problem!(E0730, "NVRTC {version} fails on the kernel {name} for {target}: error {status}, {error}";
                help: "use another version of it: `pip install --upgrade nvidia-cuda-nvrtc`")
            }
        }
    }
}

impl KernelCompiler for NvrtcCompiler {
    fn compile(&self, kernels: &[Kernel], capability: ComputeCapability) -> Result<Vec<Vec<u8>>> {
        let target = CodeTarget::choose(capability, &self.nvrtc.architectures).ok_or_else(|| {
            problem!(E0730, "NVRTC {} does not compile for compute capability {capability}", self.nvrtc.version;
                help: "install another version of it: `pip install nvidia-cuda-nvrtc`")
        })?;
        let before = self.compiled();
        let code = kernels.par_iter().map(|kernel| self.compile_one(kernel, target)).collect();
        if self.compiled() > before {
            self.cache.iter().for_each(CubinCache::prune);
        }
        code
    }
}
