//! What is known of a GPU and of its driver.

use std::fmt;

/// The version of CUDA that a library belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CudaVersion {
    pub major: usize,
    pub minor: usize,
}

impl fmt::Display for CudaVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The instructions that a GPU has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComputeCapability {
    pub major: usize,
    pub minor: usize,
}

impl ComputeCapability {
    /// The first with the instructions of the kernels: asynchronous copies and products in TF32.
    pub const LEAST: ComputeCapability = ComputeCapability { major: 8, minor: 0 };

    /// Returns the number in the names of architectures: 90 for 9.0.
    pub fn number(self) -> usize {
        self.major * 10 + self.minor
    }
}

impl fmt::Display for ComputeCapability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpuProperties {
    pub name: String,
    pub capability: ComputeCapability,
    pub multiprocessors: usize,
    /// Bytes of memory, those in use among them.
    pub total_bytes: usize,
    /// Most bytes of shared memory of a block.
    pub shared_bytes: usize,
    /// The newest CUDA that the driver runs.
    pub driver: CudaVersion,
}

impl fmt::Display for GpuProperties {
    /// Writes one line: name, compute capability, multiprocessors, memory and driver.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mebibytes = self.total_bytes >> 20;
        let Self { name, capability, multiprocessors, driver, .. } = self;
        write!(f, "{name}, compute capability {capability}, {multiprocessors} multiprocessors, {mebibytes} MiB, ")?;
        write!(f, "driver for CUDA {driver}")
    }
}
