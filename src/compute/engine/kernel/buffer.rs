//! Memory for maps: aligned to a vector, used again and again.

use super::simd::LANES;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One vector, at an address that no load splits.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; LANES]);

/// Numbers that begin at a multiple of 64 bytes.
pub struct Buffer {
    lines: Vec<Line>,
    len: usize,
    border: Option<Border>,
}

/// Zeros at both ends of every row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Border {
    /// Numbers in a row, zeros included.
    pub row: usize,
    /// Zeros at each end.
    pub zeros: usize,
    /// Numbers in all rows.
    pub len: usize,
}

impl Buffer {
    pub fn zeros(len: usize) -> Self {
        Self { lines: vec![Line([0.0; LANES]); len.div_ceil(LANES)], len, border: None }
    }

    /// Writes the zeros, unless they are there from the last time: who writes to rows leaves them alone.
    pub fn set_border(&mut self, border: Border) {
        let Border { row, zeros, len } = border;
        let there = |old: Border| (old.row, old.zeros) == (row, zeros) && old.len >= len;
        if self.border.is_some_and(there) {
            let is_zero = |row: &[f32]| row[..zeros].iter().chain(&row[row.len() - zeros..]).all(|&x| x == 0.0);
            debug_assert!(self[..len].chunks_exact(row.max(1)).all(is_zero), "somebody wrote to a halo");
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

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} numbers", self.len)
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: `lines` are `LANES` numbers each without padding (64 bytes, repr C), and `len` is no more than all.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above, and the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

/// Buffers that nobody uses at the moment.
#[derive(Debug, Default)]
pub struct Pool {
    free: Mutex<Vec<Buffer>>,
    made: AtomicUsize,
}

impl Pool {
    pub const fn new() -> Self {
        Self { free: Mutex::new(Vec::new()), made: AtomicUsize::new(0) }
    }

    /// A buffer with anything in it: the smallest free one that is large enough and not twice too large, else a new one.
    pub fn take(&self, len: usize) -> Buffer {
        let mut free = self.lock();
        let fits = |b: &Buffer| b.capacity() >= len && b.capacity() <= 2 * len.max(LANES);
        let best = free.iter().enumerate().filter(|(_, b)| fits(b)).min_by_key(|(_, b)| b.capacity());
        match best.map(|(at, _)| at) {
            Some(at) => {
                let mut buffer = free.swap_remove(at);
                buffer.len = len;
                buffer
            }
            None => {
                drop(free);
                self.made.fetch_add(1, Ordering::Relaxed);
                Buffer::zeros(len)
            }
        }
    }

    pub fn give(&self, buffer: Buffer) {
        self.lock().push(buffer);
    }

    /// Buffers that were new, since none was free.
    pub fn made(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }

    /// Frees what nobody uses.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Buffer>> {
        self.free.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
