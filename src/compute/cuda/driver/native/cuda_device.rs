//! A GPU of this machine, through the driver's library.

use super::handle_table::HandleTable;
use super::libcuda::{HostMemory, LibCuda, RawHandle, RawLaunch, attribute};
use crate::base::error::{Result, RunError};
use crate::base::problem::problem;
use crate::compute::cuda::driver::gpu_driver::{
    DeviceAddress, DeviceBlock, DeviceEvent, DeviceGraph, DeviceQueue, GpuDriver, KernelLaunch, LoadedKernel,
    PinnedBlock,
};
use crate::compute::cuda::driver::gpu_properties::{ComputeCapability, GpuProperties};
use crate::compute::cuda::driver::kernel_compiler::ENTRY;
use std::ffi::{CString, c_int, c_uint};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes of a number.
const NUMBER: usize = size_of::<f32>();

/// A GPU with its primary context and two streams.
pub struct CudaDevice {
    cuda: Arc<LibCuda>,
    device: c_int,
    context: RawHandle,
    compute: RawHandle,
    transfer: RawHandle,
    properties: GpuProperties,
    tables: Mutex<DeviceTables>,
}

struct DeviceTables {
    pinned: HandleTable<HostMemory>,
    /// Module and kernel.
    kernels: HandleTable<(RawHandle, RawHandle)>,
    /// Graph and what runs it.
    graphs: HandleTable<(RawHandle, RawHandle)>,
    events: HandleTable<RawHandle>,
}

impl CudaDevice {
    /// Returns what is known of a GPU, without opening it. The driver is initialised.
    pub(in super::super) fn look_at(cuda: &LibCuda, index: usize) -> Result<GpuProperties> {
        let device = cuda.device(index)?;
        let attribute = |number| cuda.attribute(device, number);
        let [major, minor] = [attribute(attribute::CAPABILITY_MAJOR)?, attribute(attribute::CAPABILITY_MINOR)?];
        Ok(GpuProperties {
            name: cuda.device_name(device)?,
            capability: ComputeCapability { major, minor },
            multiprocessors: attribute(attribute::MULTIPROCESSORS)?,
            total_bytes: cuda.total_bytes(device)?,
            shared_bytes: attribute(attribute::SHARED_BYTES)?,
            driver: cuda.version()?,
        })
    }

    /// Opens a GPU by its index in the driver's order. The driver is initialised.
    pub(in super::super) fn open(cuda: Arc<LibCuda>, index: usize) -> Result<Self> {
        let properties = Self::look_at(&cuda, index)?;
        let device = cuda.device(index)?;
        let context = cuda.retain_context(device)?;
        let streams = cuda.set_context(context).and_then(|()| {
            let compute = cuda.create_stream()?;
            let transfer = cuda.create_stream().inspect_err(|_| drop(cuda.destroy_stream(compute)))?;
            Ok((compute, transfer))
        });
        let (compute, transfer) = streams.inspect_err(|_| drop(cuda.release_context(device)))?;
        let tables = Mutex::new(DeviceTables {
            pinned: HandleTable::of("pinned memory"),
            kernels: HandleTable::of("kernel"),
            graphs: HandleTable::of("graph"),
            events: HandleTable::of("event"),
        });
        Ok(Self { cuda, device, context, compute, transfer, properties, tables })
    }

    /// Returns the library, with the context made that of this thread.
    fn bound(&self) -> Result<&LibCuda> {
        self.cuda.set_context(self.context)?;
        Ok(&self.cuda)
    }

    fn tables(&self) -> MutexGuard<'_, DeviceTables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stream(&self, queue: DeviceQueue) -> RawHandle {
        match queue {
            DeviceQueue::Compute => self.compute,
            DeviceQueue::Transfer => self.transfer,
        }
    }

    fn pinned(&self, block: PinnedBlock) -> Result<HostMemory> {
        self.tables().pinned.get(block.0)
    }

    fn with_raw<T>(&self, launch: &KernelLaunch, f: impl FnOnce(&LibCuda, &RawLaunch<'_>) -> Result<T>) -> Result<T> {
        let (_, function) = self.tables().kernels.get(launch.kernel.0)?;
        let arguments: Vec<u64> = launch.arguments.iter().map(|address| address.0).collect();
        let [x, y] = launch.grid;
        let (grid, threads) = ([count(x)?, count(y)?], count(launch.threads)?);
        let shared_bytes = count(launch.shared_bytes)?;
        f(self.bound()?, &RawLaunch { function, grid, threads, shared_bytes, arguments: &arguments })
    }

    /// Adds launches to a graph.
    fn add_all(&self, graph: RawHandle, launches: &[KernelLaunch], before: &[Vec<usize>]) -> Result<()> {
        let mut nodes: Vec<RawHandle> = Vec::with_capacity(launches.len());
        for (launch, before) in launches.iter().zip(before) {
            let before: Vec<RawHandle> = before.iter().map(|&earlier| nodes[earlier]).collect();
            nodes.push(self.with_raw(launch, |cuda, raw| cuda.add_kernel(graph, &before, raw))?);
        }
        Ok(())
    }

    /// Frees something. An error cannot be helped: it is that of the work before, which another call has reported.
    fn free_quietly(&self, free: impl FnOnce(&LibCuda) -> Result<()>) {
        let _ = self.bound().and_then(free);
    }
}

/// The problem of numbers that a pinned block does not have: a mistake of the caller.
fn outside(first: usize, len: usize) -> RunError {
    problem!(E0799, "numbers {first} to {} lie outside their pinned memory", first.saturating_add(len))
}

/// Returns a count as the driver takes it.
fn count(n: usize) -> Result<c_uint> {
    c_uint::try_from(n).map_err(|_| problem!(E0799, "a kernel cannot be launched with {n} blocks or threads"))
}

fn entry_name() -> Result<CString> {
    CString::new(ENTRY).map_err(|e| problem!(E0799, "the kernels' name is none: {e}"))
}

impl GpuDriver for CudaDevice {
    fn properties(&self) -> &GpuProperties {
        &self.properties
    }

    fn free_bytes(&self) -> Result<usize> {
        self.bound()?.free_bytes()
    }

    fn allocate(&self, bytes: usize) -> Result<DeviceBlock> {
        let address = self.bound()?.allocate(bytes.max(NUMBER))?;
        Ok(DeviceBlock { address: DeviceAddress(address), bytes })
    }

    fn free(&self, block: DeviceBlock) {
        self.free_quietly(|cuda| cuda.free(block.address.0));
    }

    fn allocate_pinned(&self, len: usize) -> Result<PinnedBlock> {
        let memory = self.bound()?.allocate_host(len)?;
        Ok(PinnedBlock(self.tables().pinned.insert(memory)))
    }

    fn free_pinned(&self, block: PinnedBlock) {
        let removed = self.tables().pinned.remove(block.0);
        if let Some(memory) = removed {
            self.free_quietly(|cuda| cuda.free_host(memory));
        }
    }

    fn write_pinned(&self, block: PinnedBlock, first: usize, numbers: &[f32]) -> Result<()> {
        let written = self.pinned(block)?.write(first, numbers);
        if written { Ok(()) } else { Err(outside(first, numbers.len())) }
    }

    fn read_pinned(&self, block: PinnedBlock, first: usize, numbers: &mut [f32]) -> Result<()> {
        let read = self.pinned(block)?.read(first, numbers);
        if read { Ok(()) } else { Err(outside(first, numbers.len())) }
    }

    fn upload(&self, queue: DeviceQueue, from: PinnedBlock, first: usize, to: DeviceAddress, len: usize) -> Result<()> {
        let from = self.pinned(from)?.part(first, len).ok_or_else(|| outside(first, len))?;
        self.bound()?.upload(to.0, from, len * NUMBER, self.stream(queue))
    }

    fn download(&self, from: DeviceAddress, to: PinnedBlock, first: usize, len: usize) -> Result<()> {
        let to = self.pinned(to)?.part(first, len).ok_or_else(|| outside(first, len))?;
        self.bound()?.download(to, from.0, len * NUMBER, self.compute)
    }

    fn copy(&self, from: DeviceAddress, to: DeviceAddress, len: usize) -> Result<()> {
        self.bound()?.copy(to.0, from.0, len * NUMBER, self.compute)
    }

    fn clear(&self, to: DeviceAddress, len: usize) -> Result<()> {
        self.bound()?.clear(to.0, len, self.compute)
    }

    fn load(&self, name: &str, code: &[u8], shared_bytes: usize) -> Result<LoadedKernel> {
        let cuda = self.bound()?;
        let named = |e: RunError| RunError { message: format!("kernel {name}: {}", e.message), ..e };
        let module = cuda.load_module(code).map_err(named)?;
        let kernel = cuda.function(module, &entry_name()?, shared_bytes);
        let kernel = kernel.inspect_err(|_| drop(cuda.unload_module(module))).map_err(named)?;
        Ok(LoadedKernel(self.tables().kernels.insert((module, kernel))))
    }

    fn unload(&self, kernel: LoadedKernel) {
        let removed = self.tables().kernels.remove(kernel.0);
        if let Some((module, _)) = removed {
            self.free_quietly(|cuda| cuda.unload_module(module));
        }
    }

    fn launch(&self, launch: &KernelLaunch) -> Result<()> {
        let compute = self.compute;
        self.with_raw(launch, |cuda, raw| cuda.launch(raw, compute))
    }

    fn graph(&self, launches: &[KernelLaunch], before: &[Vec<usize>]) -> Result<DeviceGraph> {
        let cuda = self.bound()?;
        let graph = cuda.create_graph()?;
        let executable = self.add_all(graph, launches, before).and_then(|()| cuda.instantiate(graph));
        let executable = executable.inspect_err(|_| drop(cuda.destroy_graph(graph)))?;
        Ok(DeviceGraph(self.tables().graphs.insert((graph, executable))))
    }

    fn replay(&self, graph: DeviceGraph) -> Result<()> {
        let (_, executable) = self.tables().graphs.get(graph.0)?;
        self.bound()?.launch_graph(executable, self.compute)
    }

    fn free_graph(&self, graph: DeviceGraph) {
        let removed = self.tables().graphs.remove(graph.0);
        if let Some((graph, executable)) = removed {
            self.free_quietly(|cuda| cuda.destroy_executable(executable));
            self.free_quietly(|cuda| cuda.destroy_graph(graph));
        }
    }

    fn create_event(&self) -> Result<DeviceEvent> {
        let event = self.bound()?.create_event()?;
        Ok(DeviceEvent(self.tables().events.insert(event)))
    }

    fn free_event(&self, event: DeviceEvent) {
        let removed = self.tables().events.remove(event.0);
        if let Some(event) = removed {
            self.free_quietly(|cuda| cuda.destroy_event(event));
        }
    }

    fn record(&self, event: DeviceEvent, queue: DeviceQueue) -> Result<()> {
        let event = self.tables().events.get(event.0)?;
        self.bound()?.record_event(event, self.stream(queue))
    }

    fn queue_wait(&self, queue: DeviceQueue, event: DeviceEvent) -> Result<()> {
        let event = self.tables().events.get(event.0)?;
        self.bound()?.wait_event(self.stream(queue), event)
    }

    fn wait(&self, event: DeviceEvent) -> Result<()> {
        let event = self.tables().events.get(event.0)?;
        self.bound()?.synchronise_event(event)
    }

    fn milliseconds(&self, from: DeviceEvent, to: DeviceEvent) -> Result<f64> {
        let [from, to] = {
            let tables = self.tables();
            [tables.events.get(from.0)?, tables.events.get(to.0)?]
        };
        self.bound()?.milliseconds(from, to)
    }

    fn synchronise(&self) -> Result<()> {
        let cuda = self.bound()?;
        cuda.synchronise(self.transfer)?;
        cuda.synchronise(self.compute)
    }
}

impl Drop for CudaDevice {
    /// Frees what was not freed, and the streams.
    fn drop(&mut self) {
        let _ = self.synchronise();
        let left = {
            let mut tables = self.tables();
            (tables.graphs.drain(), tables.kernels.drain(), tables.events.drain(), tables.pinned.drain())
        };
        let (graphs, kernels, events, pinned) = left;
        for (graph, executable) in graphs {
            self.free_quietly(|cuda| cuda.destroy_executable(executable));
            self.free_quietly(|cuda| cuda.destroy_graph(graph));
        }
        kernels.into_iter().for_each(|(module, _)| self.free_quietly(|cuda| cuda.unload_module(module)));
        events.into_iter().for_each(|event| self.free_quietly(|cuda| cuda.destroy_event(event)));
        pinned.into_iter().for_each(|memory| self.free_quietly(|cuda| cuda.free_host(memory)));
        for stream in [self.transfer, self.compute] {
            self.free_quietly(|cuda| cuda.destroy_stream(stream));
        }
        let _ = self.cuda.release_context(self.device);
    }
}
