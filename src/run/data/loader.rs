//! Batches, loaded ahead of the step that uses them.
//!
//! A background thread of each [`Batches`] keeps up to [`AHEAD`] batches ready; the samples of a batch are decoded in
//! parallel on threads of the loader's own, so that nothing here waits for threads that compute. Samples stay in
//! memory up to the data block's `cache_mb`; what does not fit is decoded again each time. Nothing is evicted: each epoch
//! visits every sample once, so keeping the first ones is as good as any rule.

use super::{Dataset, Prepared, Role};
use crate::run::error::{Result, RunError};
use rayon::prelude::*;
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Batches that wait for the training step.
const AHEAD: usize = 2;
/// Distinct warnings that are kept.
const WARNINGS: usize = 1000;

pub struct Batch {
    /// Batch x channels x height x width.
    pub images: Vec<f32>,
    /// Batch x height x width, class indices.
    pub targets: Vec<u8>,
    /// Index of each sample among the role's cases.
    pub cases: Vec<usize>,
    /// Of `images`.
    pub shape: [usize; 4],
}

#[derive(Clone)]
pub struct Loader {
    shared: Arc<Shared>,
}

struct Shared {
    data: Arc<Dataset>,
    role: Role,
    channels: usize,
    limit: usize,
    cache: Mutex<Cache>,
    warnings: Mutex<BTreeSet<String>>,
    /// `None` where threads cannot be had: samples then load one after another.
    pool: Option<rayon::ThreadPool>,
}

#[derive(Default)]
struct Cache {
    samples: HashMap<usize, Arc<Prepared>>,
    bytes: usize,
}

/// A panic elsewhere leaves nothing half done behind these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Loader {
    pub fn new(data: Arc<Dataset>, role: Role, channels: usize) -> Loader {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(16);
        let pool =
            rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(|i| format!("npc-load-{i}")).build().ok();
        let limit = data.spec().cache_mb.saturating_mul(1 << 20);
        let shared = Shared { data, role, channels, limit, cache: Mutex::default(), warnings: Mutex::default(), pool };
        Loader { shared: Arc::new(shared) }
    }

    /// The samples of `order` (indices among the role's cases) in batches. The last batch may be smaller, or is left
    /// out with `drop_last`. After an error the iterator ends.
    pub fn batches(&self, order: Vec<usize>, batch: usize, drop_last: bool) -> Batches {
        let stop = Arc::new(AtomicBool::new(false));
        let (sender, receiver) = sync_channel(AHEAD);
        let shared = Arc::clone(&self.shared);
        let stopped = Arc::clone(&stop);
        let work = move || {
            if batch == 0 {
                // The receiver may be gone already; then nobody wants to know.
                let _ = sender.send(Err(RunError::new("a batch of 0 images holds nothing")));
                return;
            }
            for cases in order.chunks(batch) {
                if stopped.load(Ordering::Relaxed) || (drop_last && cases.len() < batch) {
                    return;
                }
                let made = shared.batch(cases, &stopped);
                let failed = made.is_err();
                if sender.send(made).is_err() || failed {
                    return;
                }
            }
        };
        match std::thread::Builder::new().name("npc-batches".into()).spawn(work) {
            Ok(thread) => Batches { receiver: Some(receiver), thread: Some(thread), stop, failed: None },
            Err(e) => {
                let failed = Some(RunError::new(format!("no thread can be started to load images: {e}")));
                Batches { receiver: None, thread: None, stop, failed }
            }
        }
    }

    /// What was doubtful about the files loaded so far, each said once.
    pub fn warnings(&self) -> Vec<String> {
        lock(&self.shared.warnings).iter().cloned().collect()
    }

    /// Memory that the cached samples hold.
    pub fn cached_bytes(&self) -> usize {
        lock(&self.shared.cache).bytes
    }
}

impl Shared {
    fn batch(&self, cases: &[usize], stop: &AtomicBool) -> Result<Batch> {
        let one = |&case: &usize| {
            if stop.load(Ordering::Relaxed) {
                return Err(RunError::new("loading was stopped"));
            }
            self.sample(case)
        };
        let samples: Vec<Arc<Prepared>> = match &self.pool {
            Some(pool) => pool.install(|| cases.par_iter().map(one).collect::<Result<_>>())?,
            None => cases.iter().map(one).collect::<Result<_>>()?,
        };
        let spec = self.data.spec();
        let [height, width] = spec.size;
        let shape = [cases.len(), self.channels, height, width];
        let mut images = Vec::with_capacity(shape.iter().product());
        let mut targets = Vec::with_capacity(cases.len() * height * width);
        for sample in samples {
            sample.normalise(spec, self.channels, &mut images)?;
            targets.extend_from_slice(&sample.mask);
        }
        Ok(Batch { images, targets, cases: cases.to_vec(), shape })
    }

    fn sample(&self, case: usize) -> Result<Arc<Prepared>> {
        if let Some(found) = lock(&self.cache).samples.get(&case) {
            return Ok(Arc::clone(found));
        }
        let mut prepared = self.data.prepare(self.role, case, self.channels)?;
        let warnings = std::mem::take(&mut prepared.warnings);
        if !warnings.is_empty() {
            let mut kept = lock(&self.warnings);
            warnings.into_iter().for_each(|w| {
                if kept.len() < WARNINGS {
                    kept.insert(w);
                }
            });
        }
        let prepared = Arc::new(prepared);
        let bytes = prepared.bytes();
        let mut cache = lock(&self.cache);
        if cache.bytes + bytes <= self.limit && !cache.samples.contains_key(&case) {
            cache.bytes += bytes;
            cache.samples.insert(case, Arc::clone(&prepared));
        }
        Ok(prepared)
    }
}

/// The batches of one pass. Dropping it early stops the loading and waits for the samples under way.
pub struct Batches {
    receiver: Option<Receiver<Result<Batch>>>,
    thread: Option<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    failed: Option<RunError>,
}

impl Iterator for Batches {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.failed.take() {
            return Some(Err(error));
        }
        match self.receiver.as_ref()?.recv() {
            Ok(batch) => {
                if batch.is_err() {
                    self.receiver = None;
                }
                Some(batch)
            }
            Err(_) => {
                self.receiver = None;
                let ended = self.thread.take()?.join();
                ended.is_err().then(|| Err(RunError::new("the thread that loads images broke off")))
            }
        }
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // A thread that waits to hand over a batch wakes once nobody can take it.
        self.receiver = None;
        if let Some(thread) = self.thread.take() {
            // Its panic, if any, has been printed; a drop cannot return it.
            let _ = thread.join();
        }
    }
}
