//! Buffers and who holds them, counted while a pass is played through.
//!
//! Knows sizes only.

use crate::graph::op::BatchBytes;

/// A buffer of a [`Heap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BufferId(usize);

/// Buffers that exist for as long as somebody holds them, as the reference-counted tensors of the backend do.
#[derive(Debug, Default)]
pub(super) struct Heap {
    sizes: Vec<BatchBytes>,
    holders: Vec<usize>,
    alive: BatchBytes,
}

impl Heap {
    /// A new buffer with one holder.
    pub(super) fn make(&mut self, size: BatchBytes) -> BufferId {
        self.sizes.push(size);
        self.holders.push(1);
        self.alive = self.alive + size;
        BufferId(self.sizes.len() - 1)
    }

    /// One holder more.
    pub(super) fn hold(&mut self, buffer: BufferId) -> BufferId {
        self.holders[buffer.0] += 1;
        buffer
    }

    /// One holder less; without any the buffer is gone.
    pub(super) fn release(&mut self, buffer: BufferId) {
        self.holders[buffer.0] -= 1;
        if self.holders[buffer.0] == 0 {
            self.alive = self.alive.minus(self.sizes[buffer.0]);
        }
    }

    /// Whether there is one holder, who may then write over it.
    pub(super) fn has_one_holder(&self, buffer: BufferId) -> bool {
        self.holders[buffer.0] == 1
    }

    /// All buffers that somebody holds.
    pub(super) fn alive(&self) -> BatchBytes {
        self.alive
    }
}
