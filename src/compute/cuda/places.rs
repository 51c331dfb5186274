//! Where the buffers of a program lie.

/// The place of each buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arena {
    /// Bytes from the start of the block, by buffer; those of parts of a buffer are inside it.
    pub offsets: Vec<usize>,
    /// Bytes of the block.
    pub bytes: usize,
    /// Bytes at the start of the block that hold what passes and steps keep: weights, moments, averages, running statistics, and the sums
    /// of a step whose batches differ in size. They are
    /// the same for programs of one network and one way to train it, whatever the size of its images.
    pub state_bytes: usize,
}
