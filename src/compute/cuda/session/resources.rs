//! What a session holds of a GPU, and frees whatever happens.

use crate::base::error::Result;
use crate::compute::cuda::driver::{
    DeviceBlock, DeviceEvent, DeviceGraph, GpuDriver, KernelLaunch, LoadedKernel, PinnedBlock,
};
use std::sync::Arc;

/// Memory, kernels, graphs and events of a session. They are freed when it is dropped, after the GPU has done its work.
pub(super) struct DeviceResources {
    pub(super) driver: Arc<dyn GpuDriver>,
    blocks: Vec<DeviceBlock>,
    pinned: Vec<PinnedBlock>,
    kernels: Vec<LoadedKernel>,
    graphs: Vec<DeviceGraph>,
    events: Vec<DeviceEvent>,
}

impl DeviceResources {
    pub(super) fn of(driver: Arc<dyn GpuDriver>) -> Self {
        let (blocks, pinned, kernels, graphs, events) = (vec![], vec![], vec![], vec![], vec![]);
        Self { driver, blocks, pinned, kernels, graphs, events }
    }

    pub(super) fn block(&mut self, bytes: usize) -> Result<DeviceBlock> {
        let block = self.driver.allocate(bytes)?;
        self.blocks.push(block);
        Ok(block)
    }

    pub(super) fn pinned(&mut self, len: usize) -> Result<PinnedBlock> {
        let block = self.driver.allocate_pinned(len)?;
        self.pinned.push(block);
        Ok(block)
    }

    pub(super) fn kernel(&mut self, name: &str, code: &[u8], shared_bytes: usize) -> Result<LoadedKernel> {
        let kernel = self.driver.load(name, code, shared_bytes)?;
        self.kernels.push(kernel);
        Ok(kernel)
    }

    pub(super) fn event(&mut self) -> Result<DeviceEvent> {
        let event = self.driver.create_event()?;
        self.events.push(event);
        Ok(event)
    }

    pub(super) fn graph(&mut self, launches: &[KernelLaunch], before: &[Vec<usize>]) -> Result<DeviceGraph> {
        let graph = self.driver.graph(launches, before)?;
        self.graphs.push(graph);
        Ok(graph)
    }
}

impl Drop for DeviceResources {
    fn drop(&mut self) {
        // After an error of the GPU nothing runs any more, and the error was reported.
        let _ = self.driver.synchronise();
        let driver = &self.driver;
        self.graphs.drain(..).for_each(|graph| driver.free_graph(graph));
        self.kernels.drain(..).for_each(|kernel| driver.unload(kernel));
        self.events.drain(..).for_each(|event| driver.free_event(event));
        self.pinned.drain(..).for_each(|block| driver.free_pinned(block));
        self.blocks.drain(..).for_each(|block| driver.free(block));
    }
}
