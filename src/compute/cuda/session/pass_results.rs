//! What passes leave behind, in pinned memory: it is read late, while the next pass is computed already.

use super::resources::DeviceResources;
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::compute::cuda::driver::{DeviceAddress, DeviceEvent, DeviceQueue, GpuDriver, PinnedBlock};
use crate::compute::cuda::program::BufferRole;

/// The results of one pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassTicket(usize);

/// Passes whose results are kept.
const SLOTS: usize = 2;

/// A buffer that is copied back after each pass.
pub(super) struct FetchedBuffer {
    pub(super) role: BufferRole,
    pub(super) address: DeviceAddress,
    pub(super) len: usize,
}

pub(super) struct PassResults {
    /// Buffers with their first numbers in the pinned memory.
    buffers: Vec<(FetchedBuffer, usize)>,
    slots: [(PinnedBlock, DeviceEvent); SLOTS],
    /// Number of passes so far.
    passes: usize,
}

impl PassResults {
    pub(super) fn new(resources: &mut DeviceResources, fetched: Vec<FetchedBuffer>) -> Result<Self> {
        let mut len = 0;
        let mut buffers = Vec::new();
        for buffer in fetched {
            let first = len;
            len += buffer.len;
            buffers.push((buffer, first));
        }
        let mut slot = || Ok((resources.pinned(len)?, resources.event()?));
        Ok(Self { buffers, slots: [slot()?, slot()?], passes: 0 })
    }

    /// Starts the copies of what the work in the queue leaves behind.
    pub(super) fn fetch(&mut self, driver: &dyn GpuDriver) -> Result<PassTicket> {
        let (pinned, done) = self.slots[self.passes % SLOTS];
        for (buffer, first) in &self.buffers {
            driver.download(buffer.address, pinned, *first, buffer.len)?;
        }
        driver.record(done, DeviceQueue::Compute)?;
        self.passes += 1;
        Ok(PassTicket(self.passes - 1))
    }

    /// Waits for the results of a pass and returns those of one buffer. Errors: the buffer is not fetched, or newer passes have written
    /// over the results.
    pub(super) fn read(&self, driver: &dyn GpuDriver, ticket: PassTicket, role: &BufferRole) -> Result<Vec<f32>> {
        if ticket.0 >= self.passes || ticket.0 + SLOTS < self.passes {
            return Err(problem!(E0799, "the results of pass {} of {} are not kept", ticket.0, self.passes));
        }
        let found = self.buffers.iter().find(|(buffer, _)| buffer.role == *role);
        let (buffer, first) = found.ok_or_else(|| problem!(E0799, "{role:?} is not fetched after a pass"))?;
        let (pinned, done) = self.slots[ticket.0 % SLOTS];
        driver.wait(done)?;
        let mut numbers = vec![0.0; buffer.len];
        driver.read_pinned(pinned, *first, &mut numbers)?;
        Ok(numbers)
    }
}
