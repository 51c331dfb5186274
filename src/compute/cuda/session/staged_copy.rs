//! Copies of whole buffers between this machine and a GPU, piece by piece through one pinned block, for what is copied now and then:
//! weights, statistics, states.

use super::resources::DeviceResources;
use crate::base::error::Result;
use crate::compute::cuda::driver::{DeviceAddress, DeviceQueue, GpuDriver, PinnedBlock};

/// Numbers of the pinned block: 4 MiB.
const MOST_NUMBERS: usize = 1 << 20;

pub(super) struct StagedCopy {
    pinned: PinnedBlock,
    len: usize,
}

impl StagedCopy {
    /// Gets pinned memory for buffers of at most `largest` numbers.
    pub(super) fn new(resources: &mut DeviceResources, largest: usize) -> Result<Self> {
        let len = largest.clamp(1, MOST_NUMBERS);
        Ok(Self { pinned: resources.pinned(len)?, len })
    }

    /// Writes numbers to the GPU, after the work that is in its queue, and waits for that.
    pub(super) fn write(&self, driver: &dyn GpuDriver, to: DeviceAddress, numbers: &[f32]) -> Result<()> {
        let mut to = to;
        for piece in numbers.chunks(self.len) {
            driver.write_pinned(self.pinned, 0, piece)?;
            driver.upload(DeviceQueue::Compute, self.pinned, 0, to, piece.len())?;
            driver.synchronise()?;
            to = to.after(size_of_val(piece));
        }
        Ok(())
    }

    /// Reads `len` numbers from the GPU, after the work that is in its queue.
    pub(super) fn read(&self, driver: &dyn GpuDriver, from: DeviceAddress, len: usize) -> Result<Vec<f32>> {
        let mut numbers = vec![0.0; len];
        let mut from = from;
        for piece in numbers.chunks_mut(self.len) {
            driver.download(from, self.pinned, 0, piece.len())?;
            driver.synchronise()?;
            driver.read_pinned(self.pinned, 0, piece)?;
            from = from.after(size_of_val(piece));
        }
        Ok(numbers)
    }
}
