//! What a session asks of one GPU.
//!
//! A GPU works through two queues: one computes, the other copies to the GPU meanwhile. Work in one queue is done in order,
//! events order the queues among each other. Calls return when the work is in its queue, unless they say that they wait.
//! An error of the work itself is found by a later call.

use super::gpu_properties::GpuProperties;
use crate::base::error::Result;

/// A byte of a GPU's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceAddress(pub u64);

impl DeviceAddress {
    /// The null pointer.
    pub const NULL: DeviceAddress = DeviceAddress(0);

    /// Returns the address `bytes` further.
    pub fn after(self, bytes: usize) -> Self {
        DeviceAddress(self.0 + bytes as u64)
    }
}

/// Memory of a GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceBlock {
    /// A multiple of 256.
    pub address: DeviceAddress,
    pub bytes: usize,
}

/// Memory of this machine that a GPU reads and writes by itself, as 32-bit floats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PinnedBlock(pub u64);

/// A kernel in a GPU's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LoadedKernel(pub u64);

/// A kernel with its blocks and its arguments, which are pointers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelLaunch {
    pub kernel: LoadedKernel,
    /// Blocks along x and y.
    pub grid: [usize; 2],
    pub threads: usize,
    /// Bytes of shared memory of a block.
    pub shared_bytes: usize,
    pub arguments: Vec<DeviceAddress>,
}

/// Launches that run together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeviceGraph(pub u64);

/// A point in a queue. An event that was never recorded has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeviceEvent(pub u64);

/// A queue of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceQueue {
    /// Kernels, graphs, and copies from the GPU.
    Compute,
    /// Copies to the GPU, while it computes.
    Transfer,
}

/// One GPU. Handles are those that the same driver has returned; lengths and offsets count 32-bit numbers where they are
/// not called bytes. Errors: E0731 if memory is short, else E0730 with the driver's reason.
pub trait GpuDriver: Send + Sync {
    fn properties(&self) -> &GpuProperties;

    /// Returns the bytes of memory that are free.
    fn free_bytes(&self) -> Result<usize>;

    fn allocate(&self, bytes: usize) -> Result<DeviceBlock>;

    fn free(&self, block: DeviceBlock);

    /// Returns memory of this machine for `len` numbers.
    fn allocate_pinned(&self, len: usize) -> Result<PinnedBlock>;

    fn free_pinned(&self, block: PinnedBlock);

    /// Writes numbers from `first` on. No copy of this block may be under way.
    fn write_pinned(&self, block: PinnedBlock, first: usize, numbers: &[f32]) -> Result<()>;

    /// Reads numbers from `first` on. No copy to this block may be under way.
    fn read_pinned(&self, block: PinnedBlock, first: usize, numbers: &mut [f32]) -> Result<()>;

    /// Copies `len` numbers from `first` on to the GPU.
    fn upload(&self, queue: DeviceQueue, from: PinnedBlock, first: usize, to: DeviceAddress, len: usize) -> Result<()>;

    /// Copies `len` numbers from the GPU, to `first` on, in the queue that computes.
    fn download(&self, from: DeviceAddress, to: PinnedBlock, first: usize, len: usize) -> Result<()>;

    /// Copies `len` numbers within the GPU, in the queue that computes.
    fn copy(&self, from: DeviceAddress, to: DeviceAddress, len: usize) -> Result<()>;

    /// Writes `len` zeros, in the queue that computes.
    fn clear(&self, to: DeviceAddress, len: usize) -> Result<()>;

    /// Loads a compiled kernel, whose blocks have `shared_bytes` of shared memory. `name` is for messages.
    fn load(&self, name: &str, code: &[u8], shared_bytes: usize) -> Result<LoadedKernel>;

    fn unload(&self, kernel: LoadedKernel);

    /// Starts a kernel in the queue that computes.
    fn launch(&self, launch: &KernelLaunch) -> Result<()>;

    /// Makes a graph, in which each launch waits for the earlier ones that `before` has for it, and for no other.
    fn graph(&self, launches: &[KernelLaunch], before: &[Vec<usize>]) -> Result<DeviceGraph>;

    /// Runs a graph in the queue that computes.
    fn replay(&self, graph: DeviceGraph) -> Result<()>;

    fn free_graph(&self, graph: DeviceGraph);

    fn create_event(&self) -> Result<DeviceEvent>;

    fn free_event(&self, event: DeviceEvent);

    /// Puts an event into a queue. It happens when all work before it is done.
    fn record(&self, event: DeviceEvent, queue: DeviceQueue) -> Result<()>;

    /// Lets the work that comes next in a queue wait for the last recording of an event.
    fn queue_wait(&self, queue: DeviceQueue, event: DeviceEvent) -> Result<()>;

    /// Waits until the last recording of an event has happened.
    fn wait(&self, event: DeviceEvent) -> Result<()>;

    /// Returns the milliseconds between two events that have happened.
    fn milliseconds(&self, from: DeviceEvent, to: DeviceEvent) -> Result<f64>;

    /// Waits until both queues are empty.
    fn synchronise(&self) -> Result<()>;
}
