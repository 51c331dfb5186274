//! Loads batches ahead of the step that uses them.
//!
//! A background thread of each [`Batches`] prefetches at least [`AHEAD`] batches, and enough that every thread has a sample.
//! Samples are decoded and augmented in parallel on the loader's own threads, so loading does not wait for threads that
//! compute. Samples are cached before augmentation, up to the data block's `cache_mb`; the others are decoded again in each
//! epoch. Nothing is evicted: each epoch visits every sample once, so keeping the first samples is as good as any policy.

use super::augment::EpochAugmenter;
use super::case::SplitRole;
use super::dataset::Dataset;
use super::intensity;
use super::loading_bottleneck::LoadTimes;
use super::notice::NoticeSet;
use super::sample::CachedSample;
use crate::base::error::{Result, RunError};
use crate::base::problem::problem;
use rayon::prelude::*;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Minimum number of prefetched batches.
const AHEAD: usize = 2;

pub struct Batch {
    /// Batch x channels x height x width.
    pub images: Vec<f32>,
    /// Batch x height x width, class indices.
    pub targets: Vec<u8>,
    /// Index of each sample among the role's cases.
    pub cases: Vec<usize>,
    /// Shape of `images`.
    pub shape: [usize; 4],
}

#[derive(Clone)]
pub struct BatchLoader {
    shared: Arc<LoaderState>,
}

struct LoaderState {
    data: Arc<Dataset>,
    role: SplitRole,
    channels: usize,
    limit: usize,
    cache: Mutex<SampleCache>,
    notices: Mutex<NoticeSet>,
    /// `None` if threads cannot be started; samples are then loaded one after another.
    pool: Option<rayon::ThreadPool>,
}

/// Counters of one pass over samples.
#[derive(Default)]
struct LoadCounts {
    decoded: AtomicUsize,
}

#[derive(Default)]
struct SampleCache {
    samples: HashMap<usize, Arc<CachedSample>>,
    bytes: usize,
}

/// Locks a mutex, poisoned or not: a panic elsewhere leaves no inconsistent state under these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What happens to a last batch that is not full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastBatch {
    /// It is returned.
    Keep,
    /// It is left out.
    Drop,
    /// It is returned, but a single sample is joined to the batch before.
    JoinSingle,
}

/// Divides the samples of a pass into batches.
fn divide(order: &[usize], batch: usize, last: LastBatch) -> Vec<&[usize]> {
    let mut batches: Vec<&[usize]> = order.chunks(batch).collect();
    match last {
        LastBatch::Keep => {}
        LastBatch::Drop => batches.retain(|cases| cases.len() == batch),
        LastBatch::JoinSingle => {
            if batch > 1 && order.len() > batch && order.len() % batch == 1 {
                batches.truncate(batches.len() - 2);
                batches.push(&order[order.len() - batch - 1..]);
            }
        }
    }
    batches
}

/// The samples of a pass, and how they are batched and augmented.
struct BatchRequest {
    order: Vec<usize>,
    batch: usize,
    last: LastBatch,
    augment: Option<EpochAugmenter>,
}

impl BatchLoader {
    /// Creates a loader with one thread per core, at most 16.
    pub fn new(data: Arc<Dataset>, role: SplitRole, channels: usize) -> BatchLoader {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(16);
        BatchLoader::with_threads(data, role, channels, threads)
    }

    /// Creates a loader with this many threads. The batches do not depend on the number.
    pub fn with_threads(data: Arc<Dataset>, role: SplitRole, channels: usize, threads: usize) -> BatchLoader {
        let pool =
            rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(|i| format!("npc-load-{i}")).build().ok();
        let limit = data.spec().cache_mb.saturating_mul(1 << 20);
        let shared =
            LoaderState { data, role, channels, limit, cache: Mutex::default(), notices: Mutex::default(), pool };
        BatchLoader { shared: Arc::new(shared) }
    }

    /// Loads the samples of `order` (indices among the role's cases) in batches. The last batch may be smaller, or is left out,
    /// depending on `last`. The iterator ends after an error.
    pub fn batches(&self, order: Vec<usize>, batch: usize, last: LastBatch) -> Batches {
        self.start(BatchRequest { order, batch, last, augment: None })
    }

    /// Loads batches like [`BatchLoader::batches`] and augments each sample by `pass`. The result does not depend on which
    /// samples share a batch.
    pub fn augmented(&self, order: Vec<usize>, batch: usize, last: LastBatch, pass: EpochAugmenter) -> Batches {
        let augment = Some(pass).filter(|pass| !pass.augmenter.is_empty());
        self.start(BatchRequest { order, batch, last, augment })
    }

    fn start(&self, request: BatchRequest) -> Batches {
        let stop = Arc::new(AtomicBool::new(false));
        let counts = Arc::new(LoadCounts::default());
        // Enough batches at once that every thread has a sample.
        let threads = self.shared.pool.as_ref().map_or(1, rayon::ThreadPool::current_num_threads);
        let together = threads.div_ceil(request.batch.max(1));
        let (sender, receiver) = sync_channel(together.max(AHEAD));
        let augmented = request.augment.is_some();
        let (shared, stopped, counted) = (Arc::clone(&self.shared), Arc::clone(&stop), Arc::clone(&counts));
        let work = move || {
            let BatchRequest { order, batch, last, augment } = request;
            if batch == 0 {
                // If the receiver is gone already, the error is not needed.
                let _ = sender.send(Err(problem!(E0717, "the batch size is 0, but must be at least 1")));
                return;
            }
            let batches = divide(&order, batch, last);
            for group in batches.chunks(together) {
                for loaded in shared.load_batches(group, augment.as_ref(), &stopped, &counted) {
                    let failed = loaded.is_err();
                    if stopped.load(Ordering::Relaxed) || sender.send(loaded).is_err() || failed {
                        return;
                    }
                }
            }
        };
        let spawned = std::thread::Builder::new().name("npc-batches".into()).spawn(work);
        let (receiver, thread, failed) = match spawned {
            Ok(thread) => (Some(receiver), Some(thread), None),
            Err(e) => (None, None, Some(problem!(E0751, "cannot start a thread to load images: {e}"))),
        };
        Batches { receiver, thread, stop, failed, counts, waited: Duration::ZERO, augmented }
    }

    /// Returns the notices about the files that were loaded so far.
    pub fn notices(&self) -> NoticeSet {
        lock(&self.shared.notices).clone()
    }

    /// Returns the number of bytes of the cached samples.
    pub fn cached_bytes(&self) -> usize {
        lock(&self.shared.cache).bytes
    }

    /// Returns advice if an epoch of `seconds` spent much of its time waiting for `pass`.
    pub fn bottleneck(&self, pass: &Batches, seconds: f64) -> Option<String> {
        let (cached, bytes) = {
            let cache = lock(&self.shared.cache);
            (cache.samples.len(), cache.bytes)
        };
        let load = LoadTimes {
            waited: pass.waited.as_secs_f64(),
            seconds,
            decoded: pass.decoded(),
            cached,
            cases: self.shared.data.len(self.shared.role),
            bytes,
            cache_mb: self.shared.data.spec().cache_mb,
            augmented: pass.augmented,
        };
        load.advice()
    }
}

impl LoaderState {
    /// Loads the samples of several batches in parallel. Each batch is complete, or the error of its first bad sample.
    fn load_batches(
        &self,
        batches: &[&[usize]],
        augment: Option<&EpochAugmenter>,
        stop: &AtomicBool,
        counts: &LoadCounts,
    ) -> Vec<Result<Batch>> {
        let spec = self.data.spec();
        let [height, width] = spec.size;
        let (area, volume) = (height * width, self.channels * height * width);
        let empty = |cases: &&[usize]| Batch {
            images: vec![0.0; cases.len() * volume],
            targets: vec![0; cases.len() * area],
            cases: cases.to_vec(),
            shape: [cases.len(), self.channels, height, width],
        };
        let mut loaded: Vec<Batch> = batches.iter().map(empty).collect();
        let outputs: Vec<_> = (loaded.iter_mut())
            .flat_map(|b| b.cases.iter().zip(b.images.chunks_exact_mut(volume)).zip(b.targets.chunks_exact_mut(area)))
            .collect();
        let load_sample = |((&case, image), target): ((&usize, &mut [f32]), &mut [u8])| {
            if stop.load(Ordering::Relaxed) {
                return Err(problem!(E0799, "loading was stopped"));
            }
            let sample = self.sample(case, counts)?;
            match augment {
                None => {
                    target.copy_from_slice(&sample.mask);
                    sample.normalise(spec, self.channels, image)
                }
                Some(pass) => {
                    let (planes, mask) = sample.changed(&pass.plan(case));
                    target.copy_from_slice(&mask);
                    intensity::normalise(&planes, |v| v, spec, self.channels, image)
                }
            }
        };
        let results: Vec<Result<()>> = match &self.pool {
            Some(pool) => pool.install(|| outputs.into_par_iter().map(load_sample).collect()),
            None => outputs.into_iter().map(load_sample).collect(),
        };
        let mut results = results.into_iter();
        let complete =
            |batch: Batch| results.by_ref().take(batch.cases.len()).fold(Ok(()), Result::and).map(|()| batch);
        loaded.into_iter().map(complete).collect()
    }

    fn sample(&self, case: usize, counts: &LoadCounts) -> Result<Arc<CachedSample>> {
        if let Some(found) = lock(&self.cache).samples.get(&case) {
            return Ok(Arc::clone(found));
        }
        counts.decoded.fetch_add(1, Ordering::Relaxed);
        let mut prepared = self.data.prepare(self.role, case, self.channels)?;
        let warnings = std::mem::take(&mut prepared.warnings);
        let unscaled = prepared.unscaled.take();
        if !warnings.is_empty() || unscaled.is_some() {
            let mut notices = lock(&self.notices);
            notices.extend(warnings);
            if let Some((kind, path)) = unscaled {
                notices.add_unscaled(kind, &path);
            }
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

/// The batches of one pass. Dropping it early stops loading and waits for the samples in progress.
pub struct Batches {
    receiver: Option<Receiver<Result<Batch>>>,
    thread: Option<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    failed: Option<RunError>,
    counts: Arc<LoadCounts>,
    waited: Duration,
    augmented: bool,
}

impl Batches {
    /// Returns the total time that the caller waited in `next`.
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// Returns the number of samples that were read from files, not from the cache.
    pub fn decoded(&self) -> usize {
        self.counts.decoded.load(Ordering::Relaxed)
    }
}

impl Iterator for Batches {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.failed.take() {
            return Some(Err(error));
        }
        let began = Instant::now();
        let received = self.receiver.as_ref()?.recv();
        self.waited += began.elapsed();
        match received {
            Ok(batch) => {
                if batch.is_err() {
                    self.receiver = None;
                }
                Some(batch)
            }
            Err(_) => {
                self.receiver = None;
                let ended = self.thread.take()?.join();
                ended.is_err().then(|| Err(problem!(E0799, "the thread that loads images crashed")))
            }
        }
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Dropping the receiver wakes a thread that is blocked on sending a batch.
        self.receiver = None;
        if let Some(thread) = self.thread.take() {
            // Its panic, if any, was printed; `drop` cannot return it.
            let _ = thread.join();
        }
    }
}
