//! What a pass gets anew: its images, targets, seed and other scalars.
//!
//! All of it lies together in pinned memory and is copied to the GPU in one piece, by the queue for transfers, while the pass before
//! is still computed. A place on the GPU holds it until that pass is done with its own. There are two pinned blocks, so that this
//! machine fills one while the other is copied.

use super::resources::DeviceResources;
use crate::base::count::counted;
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::compute::cuda::driver::{DeviceAddress, DeviceBlock, DeviceEvent, DeviceQueue, GpuDriver, PinnedBlock};
use crate::compute::cuda::program::BufferRole;

/// A buffer that each pass gets anew.
pub(super) struct FedBuffer {
    pub(super) role: BufferRole,
    pub(super) address: DeviceAddress,
    pub(super) len: usize,
}

/// Pinned memory, and when its copy is done.
struct FeedSlot {
    pinned: PinnedBlock,
    uploaded: DeviceEvent,
}

pub(super) struct InputFeed {
    /// Buffers with their first numbers in the pinned memory.
    buffers: Vec<(FedBuffer, usize)>,
    len: usize,
    slots: [FeedSlot; 2],
    staging: DeviceBlock,
    /// When the numbers in the staging block have been copied to their buffers.
    taken: DeviceEvent,
    next: usize,
    /// The slot whose numbers the next pass gets.
    waiting: Option<usize>,
}

impl InputFeed {
    pub(super) fn new(resources: &mut DeviceResources, fed: Vec<FedBuffer>) -> Result<Self> {
        let mut len = 0;
        let mut buffers = Vec::new();
        for buffer in fed {
            let first = len;
            // Copies of whole groups of 256 bytes are the fastest.
            len += buffer.len.next_multiple_of(64);
            buffers.push((buffer, first));
        }
        let mut slot = || Ok(FeedSlot { pinned: resources.pinned(len)?, uploaded: resources.event()? });
        let slots = [slot()?, slot()?];
        let staging = resources.block(len * size_of::<f32>())?;
        Ok(Self { buffers, len, slots, staging, taken: resources.event()?, next: 0, waiting: None })
    }

    /// Returns the bytes on the GPU in which a batch waits for its pass.
    pub(super) fn bytes(&self) -> usize {
        self.staging.bytes
    }

    /// Whether passes get nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.buffers.is_empty()
    }

    /// Starts the copy of the numbers for the next pass. Errors: a buffer is missing, not one of them, or of another length.
    pub(super) fn feed(&mut self, driver: &dyn GpuDriver, inputs: &[(BufferRole, &[f32])]) -> Result<()> {
        if self.waiting.is_some() {
            return Err(problem!(E0799, "a pass was given numbers twice before it ran"));
        }
        if let Some((role, _)) = inputs.iter().find(|(role, _)| self.buffers.iter().all(|(b, _)| b.role != *role)) {
            return Err(problem!(E0799, "{role:?} is not what a pass gets anew"));
        }
        let slot = &self.slots[self.next];
        driver.wait(slot.uploaded)?;
        for (buffer, first) in &self.buffers {
            let given = inputs.iter().find(|(role, _)| *role == buffer.role).map_or(&[][..], |(_, numbers)| numbers);
            if given.len() != buffer.len {
                let FedBuffer { role, len, .. } = buffer;
                return Err(problem!(
                    E0799,
                    "{role:?} takes {}, a pass was given {}",
                    counted(*len, "number"),
                    given.len()
                ));
            }
            driver.write_pinned(slot.pinned, *first, given)?;
        }
        driver.queue_wait(DeviceQueue::Transfer, self.taken)?;
        driver.upload(DeviceQueue::Transfer, slot.pinned, 0, self.staging.address, self.len)?;
        driver.record(slot.uploaded, DeviceQueue::Transfer)?;
        self.waiting = Some(self.next);
        self.next = 1 - self.next;
        Ok(())
    }

    /// Puts the numbers that wait into their buffers. Returns whether there were any.
    pub(super) fn take(&mut self, driver: &dyn GpuDriver) -> Result<bool> {
        let Some(slot) = self.waiting.take() else { return Ok(false) };
        driver.queue_wait(DeviceQueue::Compute, self.slots[slot].uploaded)?;
        for (buffer, first) in &self.buffers {
            let from = self.staging.address.after(first * size_of::<f32>());
            driver.copy(from, buffer.address, buffer.len)?;
        }
        driver.record(self.taken, DeviceQueue::Compute)?;
        Ok(true)
    }
}
