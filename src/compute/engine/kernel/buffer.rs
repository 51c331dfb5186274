//! Memory for maps, aligned to a vector and reused through a pool.

use super::simd::LANES;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One vector, aligned so that no load crosses a cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct CacheLine([f32; LANES]);

/// Numbers aligned to 64 bytes.
pub struct AlignedBuffer {
    lines: Vec<CacheLine>,
    len: usize,
    border: Option<RowBorder>,
}

/// Zeros at both ends of every row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowBorder {
    /// Length of a row in numbers, zeros included.
    pub row: usize,
    /// Number of zeros at each end.
    pub zeros: usize,
    /// Length of all rows in numbers.
    pub len: usize,
}

impl AlignedBuffer {
    pub fn zeros(len: usize) -> Self {
        Self { lines: vec![CacheLine([0.0; LANES]); len.div_ceil(LANES)], len, border: None }
    }

    /// Writes the zeros, unless the buffer still has them: writers of rows leave them unchanged.
    pub fn set_border(&mut self, border: RowBorder) {
        let RowBorder { row, zeros, len } = border;
        let has_zeros = |old: RowBorder| (old.row, old.zeros) == (row, zeros) && old.len >= len;
        if self.border.is_some_and(has_zeros) {
            let is_zero = |row: &[f32]| row[..zeros].iter().chain(&row[row.len() - zeros..]).all(|&x| x == 0.0);
            debug_assert!(self[..len].chunks_exact(row.max(1)).all(is_zero), "the halo was written to");
            return;
        }
        self.border = Some(border);
        if zeros > 0 {
            for row in self[..len].chunks_exact_mut(row) {
                let right = row.len() - zeros;
                row[..zeros].fill(0.0);
                row[right..].fill(0.0);
            }
        }
    }

    fn capacity(&self) -> usize {
        self.lines.len() * LANES
    }
}

impl fmt::Debug for AlignedBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} numbers", self.len)
    }
}

impl Deref for AlignedBuffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: `lines` hold `LANES` numbers each without padding (64 bytes, repr C), and `len` is at most their
        // number.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl DerefMut for AlignedBuffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above, and the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

/// Free buffers.
#[derive(Debug, Default)]
pub struct BufferPool {
    free: Mutex<Vec<AlignedBuffer>>,
    allocations: AtomicUsize,
}

impl BufferPool {
    pub const fn new() -> Self {
        Self { free: Mutex::new(Vec::new()), allocations: AtomicUsize::new(0) }
    }

    /// Returns a buffer with arbitrary contents: the smallest free one that is large enough and at most twice as large,
    /// else a new one.
    pub fn acquire(&self, len: usize) -> AlignedBuffer {
        let mut free = self.lock();
        let fits = |b: &AlignedBuffer| b.capacity() >= len && b.capacity() <= 2 * len.max(LANES);
        let best = free.iter().enumerate().filter(|(_, b)| fits(b)).min_by_key(|(_, b)| b.capacity());
        match best.map(|(at, _)| at) {
            Some(at) => {
                let mut buffer = free.swap_remove(at);
                buffer.len = len;
                buffer
            }
            None => {
                drop(free);
                self.allocations.fetch_add(1, Ordering::Relaxed);
                AlignedBuffer::zeros(len)
            }
        }
    }

    pub fn release(&self, buffer: AlignedBuffer) {
        self.lock().push(buffer);
    }

    /// Number of buffers that were allocated because no free one fitted.
    pub fn allocations(&self) -> usize {
        self.allocations.load(Ordering::Relaxed)
    }

    /// Releases the memory of free buffers.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<AlignedBuffer>> {
        self.free.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
