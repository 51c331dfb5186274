//! A driver that computes nothing: it writes down what it is asked, counts what is held, and can fail at any call.

use npc::internals::base::error::{Result, RunError};
use npc::internals::compute::cuda::Kernel;
use npc::internals::compute::cuda::driver::{
    ComputeCapability, CudaVersion, DeviceAddress, DeviceBlock, DeviceEvent, DeviceGraph, DeviceQueue, GpuDriver,
    GpuProperties, KernelCompiler, KernelLaunch, LoadedKernel, PinnedBlock, device_problem,
};
use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

/// What was asked, one line each.
#[derive(Default)]
struct DriverRecord {
    calls: Vec<String>,
    next: u64,
    /// Everything that was not freed, by kind and number.
    held: HashSet<(&'static str, u64)>,
    pinned: HashMap<u64, Vec<f32>>,
    /// The number of the call that fails.
    failing: Option<usize>,
}

pub struct RecordingDriver {
    properties: GpuProperties,
    record: Mutex<DriverRecord>,
}

impl RecordingDriver {
    /// A driver whose call with this number fails.
    pub fn new(failing: Option<usize>) -> Self {
        let properties = GpuProperties {
            name: "Recorder".to_owned(),
            capability: ComputeCapability { major: 9, minor: 0 },
            multiprocessors: 4,
            total_bytes: 1 << 30,
            shared_bytes: 227 << 10,
            driver: CudaVersion { major: 13, minor: 0 },
        };
        Self { properties, record: Mutex::new(DriverRecord { failing, ..DriverRecord::default() }) }
    }

    /// Returns the calls since this was asked last.
    pub fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.record.lock().unwrap().calls)
    }

    /// Returns the number of things that were not freed.
    pub fn held(&self) -> usize {
        self.record.lock().unwrap().held.len()
    }

    fn call(&self, call: String) -> Result<()> {
        let mut record = self.record.lock().unwrap();
        record.calls.push(call);
        match record.failing {
            Some(0) => {
                record.failing = None;
                Err(device_problem("cuRecorded", 719, "CUDA_ERROR_LAUNCH_FAILED"))
            }
            failing => {
                record.failing = failing.map(|left| left - 1);
                Ok(())
            }
        }
    }

    fn made(&self, kind: &'static str, call: String) -> Result<u64> {
        self.call(call)?;
        let mut record = self.record.lock().unwrap();
        record.next += 1;
        let id = record.next;
        record.held.insert((kind, id));
        Ok(id)
    }

    fn freed(&self, kind: &'static str, id: u64) {
        assert!(self.record.lock().unwrap().held.remove(&(kind, id)), "{kind} {id} is freed twice");
    }
}

impl GpuDriver for RecordingDriver {
    fn properties(&self) -> &GpuProperties {
        &self.properties
    }

    fn free_bytes(&self) -> Result<usize> {
        self.call("free bytes".to_owned()).map(|()| self.properties.total_bytes)
    }

    fn allocate(&self, bytes: usize) -> Result<DeviceBlock> {
        let id = self.made("block", format!("allocate {bytes}"))?;
        Ok(DeviceBlock { address: DeviceAddress(id << 32), bytes })
    }

    fn free(&self, block: DeviceBlock) {
        self.freed("block", block.address.0 >> 32);
    }

    fn allocate_pinned(&self, len: usize) -> Result<PinnedBlock> {
        let id = self.made("pinned", format!("allocate pinned {len}"))?;
        self.record.lock().unwrap().pinned.insert(id, vec![0.0; len]);
        Ok(PinnedBlock(id))
    }

    fn free_pinned(&self, block: PinnedBlock) {
        self.freed("pinned", block.0);
    }

    fn write_pinned(&self, block: PinnedBlock, first: usize, numbers: &[f32]) -> Result<()> {
        self.call(format!("write pinned {} at {first}: {:?}", block.0, &numbers[..numbers.len().min(2)]))?;
        let mut record = self.record.lock().unwrap();
        record.pinned.get_mut(&block.0).unwrap()[first..first + numbers.len()].copy_from_slice(numbers);
        Ok(())
    }

    fn read_pinned(&self, block: PinnedBlock, first: usize, numbers: &mut [f32]) -> Result<()> {
        self.call(format!("read pinned {}", block.0))?;
        let record = self.record.lock().unwrap();
        numbers.copy_from_slice(&record.pinned[&block.0][first..first + numbers.len()]);
        Ok(())
    }

    fn upload(&self, queue: DeviceQueue, from: PinnedBlock, _: usize, _: DeviceAddress, len: usize) -> Result<()> {
        self.call(format!("upload {len} from {} in {queue:?}", from.0))
    }

    fn download(&self, _: DeviceAddress, to: PinnedBlock, _: usize, len: usize) -> Result<()> {
        self.call(format!("download {len} to {}", to.0))
    }

    fn copy(&self, _: DeviceAddress, to: DeviceAddress, len: usize) -> Result<()> {
        self.call(format!("copy {len} to {:x}", to.0))
    }

    fn clear(&self, _: DeviceAddress, len: usize) -> Result<()> {
        self.call(format!("clear {len}"))
    }

    fn load(&self, name: &str, code: &[u8], _: usize) -> Result<LoadedKernel> {
        assert_eq!(code, name.as_bytes());
        self.made("kernel", format!("load {name}")).map(LoadedKernel)
    }

    fn unload(&self, kernel: LoadedKernel) {
        self.freed("kernel", kernel.0);
    }

    fn launch(&self, launch: &KernelLaunch) -> Result<()> {
        let [x, y] = launch.grid;
        assert!(x > 0 && y > 0 && launch.threads > 0 && !launch.arguments.is_empty());
        self.call(format!("launch {}", launch.kernel.0))
    }

    fn graph(&self, launches: &[KernelLaunch], before: &[Vec<usize>]) -> Result<DeviceGraph> {
        assert_eq!(launches.len(), before.len());
        assert!(before.iter().enumerate().all(|(at, before)| before.iter().all(|&earlier| earlier < at)));
        self.made("graph", format!("graph of {}", launches.len())).map(DeviceGraph)
    }

    fn replay(&self, graph: DeviceGraph) -> Result<()> {
        self.call(format!("replay {}", graph.0))
    }

    fn free_graph(&self, graph: DeviceGraph) {
        self.freed("graph", graph.0);
    }

    fn create_event(&self) -> Result<DeviceEvent> {
        self.made("event", "create event".to_owned()).map(DeviceEvent)
    }

    fn free_event(&self, event: DeviceEvent) {
        self.freed("event", event.0);
    }

    fn record(&self, event: DeviceEvent, queue: DeviceQueue) -> Result<()> {
        self.call(format!("record {} in {queue:?}", event.0))
    }

    fn queue_wait(&self, queue: DeviceQueue, event: DeviceEvent) -> Result<()> {
        self.call(format!("{queue:?} waits for {}", event.0))
    }

    fn wait(&self, event: DeviceEvent) -> Result<()> {
        self.call(format!("wait for {}", event.0))
    }

    fn milliseconds(&self, _: DeviceEvent, _: DeviceEvent) -> Result<f64> {
        self.call("milliseconds".to_owned()).map(|()| 1.0)
    }

    fn synchronise(&self) -> Result<()> {
        self.call("synchronise".to_owned())
    }
}

/// A compiler whose code is the kernel's name.
pub struct NameCompiler;

impl KernelCompiler for NameCompiler {
    fn compile(&self, kernels: &[Kernel], _: ComputeCapability) -> Result<Vec<Vec<u8>>, RunError> {
        Ok(kernels.iter().map(|kernel| kernel.name.as_bytes().to_vec()).collect())
    }
}
