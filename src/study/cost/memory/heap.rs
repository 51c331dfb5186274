//! Simulated buffers with their sizes and reference counts.

use crate::graph::op::BatchBytes;

/// Index of a buffer in a [`Heap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BufferId(usize);

/// Reference-counted buffers, as the tensors of the backend are.
#[derive(Debug, Default)]
pub(super) struct Heap {
    sizes: Vec<BatchBytes>,
    holders: Vec<usize>,
    alive: BatchBytes,
}

impl Heap {
    /// Allocates a buffer with one holder.
    pub(super) fn make(&mut self, size: BatchBytes) -> BufferId {
        self.sizes.push(size);
        self.holders.push(1);
        self.alive = self.alive + size;
        BufferId(self.sizes.len() - 1)
    }

    /// Adds a holder.
    pub(super) fn hold(&mut self, buffer: BufferId) -> BufferId {
        self.holders[buffer.0] += 1;
        buffer
    }

    /// Removes a holder, and frees the buffer after the last one.
    pub(super) fn release(&mut self, buffer: BufferId) {
        self.holders[buffer.0] -= 1;
        if self.holders[buffer.0] == 0 {
            self.alive = self.alive.minus(self.sizes[buffer.0]);
        }
    }

    /// Checks whether the buffer has one holder, which may then write over it.
    pub(super) fn has_one_holder(&self, buffer: BufferId) -> bool {
        self.holders[buffer.0] == 1
    }

    /// Returns the total size of all buffers that have a holder.
    pub(super) fn alive(&self) -> BatchBytes {
        self.alive
    }
}
