//! Cache of recently used volumes, so that the slices of a volume share one read.

use super::voxels::Volume;
use crate::base::error::Result;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

type CacheSlot = Arc<OnceLock<Result<Arc<Volume>>>>;

/// LRU cache of volumes with a limit in bytes; the most recently used volume is always kept.
pub(crate) struct VolumeCache {
    limit: usize,
    /// Entries in order of use, the most recently used last.
    held: Mutex<VecDeque<(PathBuf, CacheSlot)>>,
}

impl VolumeCache {
    pub(crate) fn new(limit: usize) -> VolumeCache {
        VolumeCache { limit, held: Mutex::default() }
    }

    /// Returns the volume at `path`, and reads it with `read` if it is not cached. Threads that request the same volume wait for
    /// one read; threads that request other volumes do not wait.
    pub(crate) fn get(&self, path: &Path, read: impl FnOnce() -> Result<Volume>) -> Result<Arc<Volume>> {
        let slot = {
            let mut held = self.lock();
            let found = held.iter().position(|(p, _)| p == path).and_then(|i| held.remove(i));
            let entry = found.unwrap_or_else(|| (path.to_path_buf(), CacheSlot::default()));
            let slot = Arc::clone(&entry.1);
            held.push_back(entry);
            slot
        };
        let volume = slot.get_or_init(|| read().map(Arc::new)).clone();
        self.drop_oldest();
        volume
    }

    fn drop_oldest(&self) {
        let mut held = self.lock();
        let mut total: usize = held.iter().map(|(_, slot)| bytes(slot)).sum();
        while total > self.limit && held.len() > 1 {
            if let Some((_, slot)) = held.pop_front() {
                total -= bytes(&slot);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(PathBuf, CacheSlot)>> {
        // A panic elsewhere leaves no inconsistent state under this lock.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bytes(slot: &CacheSlot) -> usize {
    match slot.get() {
        Some(Ok(volume)) => volume.bytes(),
        Some(Err(_)) | None => 0,
    }
}
