//! Volumes that were read lately: the slices of one share a reading.

use super::voxels::Volume;
use crate::base::error::Result;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

type CacheSlot = Arc<OnceLock<Result<Arc<Volume>>>>;

/// Keeps volumes up to a number of bytes, the ones used last, and always the last one.
pub(crate) struct VolumeCache {
    limit: usize,
    /// The one used last stands last.
    held: Mutex<VecDeque<(PathBuf, CacheSlot)>>,
}

impl VolumeCache {
    pub(crate) fn new(limit: usize) -> VolumeCache {
        VolumeCache { limit, held: Mutex::default() }
    }

    /// The volume at `path`, read by `read` where it is not held. Threads that want the same volume wait for one reading
    /// of it; those that want others do not wait.
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
        // A panic elsewhere leaves nothing half done behind this lock.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bytes(slot: &CacheSlot) -> usize {
    match slot.get() {
        Some(Ok(volume)) => volume.bytes(),
        Some(Err(_)) | None => 0,
    }
}
