//! A GPU that is ready to compute.

use super::builder::CudaOptions;
#[cfg(feature = "cuda")]
use super::driver::{CubinCache, CudaSetup};
use super::driver::{GpuDriver, KernelCompiler};
#[cfg(feature = "cuda")]
use crate::base::error::Result;
use crate::text::config::ProductPrecision;
use std::fmt;
use std::sync::Arc;

/// A GPU with the compiler of its kernels.
#[derive(Clone)]
pub struct Gpu {
    pub driver: Arc<dyn GpuDriver>,
    pub compiler: Arc<dyn KernelCompiler>,
    /// How kernels multiply.
    pub precision: ProductPrecision,
}

impl Gpu {
    /// Returns the options of programs for this GPU.
    pub fn options(&self) -> CudaOptions {
        CudaOptions { precision: self.precision, ..CudaOptions::default() }
    }

    /// Opens the GPU with this index in the driver's order, with the default precision. Errors: everything that is missing, in one message.
    #[cfg(feature = "cuda")]
    pub fn open(index: usize) -> Result<Self> {
        let (driver, compiler) =
            CudaSetup::of_system().open(index, CubinCache::of_user(|name| std::env::var_os(name)))?;
        Ok(Self { driver, compiler, precision: ProductPrecision::default() })
    }
}

impl fmt::Debug for Gpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.driver.properties())
    }
}
