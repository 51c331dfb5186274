//! Memory of a GPU for what passes and steps keep: weights, moments, averages, running statistics.

use super::resources::DeviceResources;
use crate::base::error::Result;
use crate::compute::cuda::driver::{DeviceAddress, DeviceBlock, GpuDriver};
use crate::compute::cuda::places::Arena;
use std::sync::Arc;

/// The state of a network on a GPU. Sessions for images of other sizes share it.
pub struct DeviceState {
    block: DeviceBlock,
    /// Frees the block.
    _resources: DeviceResources,
}

impl DeviceState {
    /// Allocates the state of an arena. Nothing is written to it. Errors: the GPU's memory is too small (E0731).
    pub fn allocate(driver: Arc<dyn GpuDriver>, arena: &Arena) -> Result<Arc<Self>> {
        let mut resources = DeviceResources::of(driver);
        let block = resources.block(arena.state_bytes)?;
        Ok(Arc::new(Self { block, _resources: resources }))
    }

    pub(super) fn address(&self) -> DeviceAddress {
        self.block.address
    }

    /// Returns the size of the block.
    pub fn bytes(&self) -> usize {
        self.block.bytes
    }
}
