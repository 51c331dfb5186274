//! From the text of a kernel to code for one kind of GPU.

use super::gpu_properties::ComputeCapability;
use crate::base::error::Result;
use crate::compute::cuda::program::Kernel;
use std::fmt;

/// The name of the function that each kernel's text defines.
pub const ENTRY: &str = "run";

/// The text in front of every kernel on a GPU.
pub const PRELUDE: &str = include_str!("../kernels/prelude.cu");

/// Compiles kernels.
pub trait KernelCompiler: Send + Sync {
    /// Returns the code of each kernel, in order. Errors: E0799 for a text that does not compile, with the compiler's words.
    fn compile(&self, kernels: &[Kernel], capability: ComputeCapability) -> Result<Vec<Vec<u8>>>;
}

/// Returns the whole text of a kernel.
pub fn kernel_source(kernel: &Kernel) -> String {
    format!("{PRELUDE}{}", kernel.text)
}

/// What a compiler makes for a GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CodeTarget {
    /// Instructions of this architecture, which run on the GPUs of the same generation from this number on.
    Cubin(usize),
    /// PTX, which the driver translates for a newer generation.
    Ptx(usize),
}

impl CodeTarget {
    /// Returns what to compile for a GPU, of the architectures that a compiler knows: the GPU's own, else the newest before it
    /// of its generation, else PTX of the newest of all before it. `None` if all that it knows are newer than the GPU.
    pub fn choose(capability: ComputeCapability, known: &[usize]) -> Option<CodeTarget> {
        let newest = known.iter().copied().filter(|&number| number <= capability.number()).max()?;
        Some(if newest / 10 == capability.major { CodeTarget::Cubin(newest) } else { CodeTarget::Ptx(newest) })
    }
}

impl fmt::Display for CodeTarget {
    /// Writes the name of the architecture, as the compiler's option has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CodeTarget::Cubin(number) => write!(f, "sm_{number}"),
            CodeTarget::Ptx(number) => write!(f, "compute_{number}"),
        }
    }
}
