//! Stand-in for `cubecl-llvm` 0.11.3: the names that `cubecl-cuda` mentions, and no compiler behind them.
//!
//! `cubecl-cuda` holds two compilers and picks one by its feature `cpp`. Both must exist for it to build; with `cpp` on,
//! nothing here runs. Should that feature be off, every kernel is refused with [`REFUSAL`]. See README.md.

use cubecl_core::{Compiler, ir::nvidia::SmArch, prelude::KernelDefinition};
use cubecl_environment::backtrace::BackTrace;
use cubecl_runtime::{compiler::CompilationError, kernel::BufferIOAttr};

use nvptx::ptx_version::PtxVersion;

/// Why [`PlironCompiler`] compiles nothing.
pub const REFUSAL: &str = "this build holds no LLVM (third_party/cubecl-llvm is a stand-in): \
     build cubecl-cuda with its feature `cpp`, which compiles CUDA C++ with NVRTC";

pub mod nvptx {
    pub mod ptx_version {
        use core::fmt;

        /// A PTX version. None is ever chosen: it has no values.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum PtxVersion {}

        impl PtxVersion {
            /// Always `None`: there is no PTX writer to choose a version for.
            pub fn for_driver(_driver: i32) -> Option<Self> {
                None
            }
        }

        impl fmt::Display for PtxVersion {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                match *self {}
            }
        }
    }
}

pub mod shared {
    pub mod lowered_features {
        use cubecl_core::ir::DeviceProperties;

        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum GpuTarget {
            Nvptx,
        }

        /// Leaves `props` as they are: no kernel gets as far as using a feature.
        pub fn restrict_features(_props: &mut DeviceProperties, _target: GpuTarget) {}
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LlvmTarget {
    #[default]
    Nvptx,
}

/// What `cubecl-cuda` fills in; nothing reads it.
#[derive(Clone, Debug, Default)]
pub struct PlironOptions {
    pub arch: Option<()>,
    pub sm_arch: Option<SmArch>,
    pub ptx_version: Option<PtxVersion>,
    pub grid_constants: bool,
}

/// A compiled kernel. Never made: [`PlironCompiler::compile`] is its only source.
#[derive(Clone, Debug)]
pub struct NvptxModule {
    pub ptx: Vec<core::ffi::c_char>,
    pub ir: String,
    pub shared_memory_size: usize,
    pub io: Vec<BufferIOAttr>,
}

#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PlironArtifact {
    NvptxCode(NvptxModule),
}

impl core::fmt::Display for PlironArtifact {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            PlironArtifact::NvptxCode(module) => f.write_str(&module.ir),
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct PlironCompiler {
    pub target: LlvmTarget,
}

impl Compiler for PlironCompiler {
    type Representation = PlironArtifact;
    type CompilationOptions = PlironOptions;

    fn compile(
        &mut self,
        _kernel: KernelDefinition,
        _options: &PlironOptions,
    ) -> Result<PlironArtifact, CompilationError> {
        Err(CompilationError::Generic {
            reason: REFUSAL.to_string(),
            backtrace: BackTrace::capture(),
        })
    }

    fn extension(&self) -> &'static str {
        "ll"
    }

    fn lang_tag(&self) -> &'static str {
        "llvm"
    }
}
