//! Batches, loaded ahead of the step that uses them.
//!
//! A background thread of each [`Batches`] keeps at least [`AHEAD`] batches ready, and as many as give every thread a
//! sample; samples are decoded and augmented in parallel on threads of the loader's own, so that nothing here waits for
//! threads that compute. Samples stay in memory up to the data block's `cache_mb`, as they are before augmentation; what
//! does not fit is decoded again each time. Nothing is evicted: each epoch visits every sample once, so keeping the first
//! ones is as good as any rule.

use super::augment::EpochAugmenter;
use super::case::SplitRole;
use super::dataset::Dataset;
use super::intensity;
use super::loading_bottleneck::LoadTimes;
use super::sample::CachedSample;
use crate::base::error::{Result, RunError};
use rayon::prelude::*;
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Batches that wait for the training step, at least.
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
pub struct BatchLoader {
    shared: Arc<LoaderState>,
}

struct LoaderState {
    data: Arc<Dataset>,
    role: SplitRole,
    channels: usize,
    limit: usize,
    cache: Mutex<SampleCache>,
    warnings: Mutex<BTreeSet<String>>,
    /// `None` where threads cannot be had: samples then load one after another.
    pool: Option<rayon::ThreadPool>,
}

/// What a pass did so far.
#[derive(Default)]
struct LoadCounts {
    decoded: AtomicUsize,
}

#[derive(Default)]
struct SampleCache {
    samples: HashMap<usize, Arc<CachedSample>>,
    bytes: usize,
}

/// A panic elsewhere leaves nothing half done behind these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a pass over samples is to give.
struct BatchRequest {
    order: Vec<usize>,
    batch: usize,
    drop_last: bool,
    augment: Option<EpochAugmenter>,
}

impl BatchLoader {
    /// As many threads as the machine has cores, 16 at most.
    pub fn new(data: Arc<Dataset>, role: SplitRole, channels: usize) -> BatchLoader {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(16);
        BatchLoader::with_threads(data, role, channels, threads)
    }

    /// The batches are the same for any number of threads.
    pub fn with_threads(data: Arc<Dataset>, role: SplitRole, channels: usize, threads: usize) -> BatchLoader {
        let pool =
            rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(|i| format!("npc-load-{i}")).build().ok();
        let limit = data.spec().cache_mb.saturating_mul(1 << 20);
        let shared =
            LoaderState { data, role, channels, limit, cache: Mutex::default(), warnings: Mutex::default(), pool };
        BatchLoader { shared: Arc::new(shared) }
    }

    /// The samples of `order` (indices among the role's cases) in batches. The last batch may be smaller, or is left
    /// out with `drop_last`. After an error the iterator ends.
    pub fn batches(&self, order: Vec<usize>, batch: usize, drop_last: bool) -> Batches {
        self.start(BatchRequest { order, batch, drop_last, augment: None })
    }

    /// As [`BatchLoader::batches`], each sample changed as `pass` says. Which samples share a batch makes no difference.
    pub fn augmented(&self, order: Vec<usize>, batch: usize, drop_last: bool, pass: EpochAugmenter) -> Batches {
        let augment = Some(pass).filter(|pass| !pass.augmenter.is_empty());
        self.start(BatchRequest { order, batch, drop_last, augment })
    }

    fn start(&self, request: BatchRequest) -> Batches {
        let stop = Arc::new(AtomicBool::new(false));
        let counts = Arc::new(LoadCounts::default());
        // As many batches at once as give every thread a sample.
        let threads = self.shared.pool.as_ref().map_or(1, rayon::ThreadPool::current_num_threads);
        let together = threads.div_ceil(request.batch.max(1));
        let (sender, receiver) = sync_channel(together.max(AHEAD));
        let augmented = request.augment.is_some();
        let (shared, stopped, counted) = (Arc::clone(&self.shared), Arc::clone(&stop), Arc::clone(&counts));
        let work = move || {
            let BatchRequest { order, batch, drop_last, augment } = request;
            if batch == 0 {
                // The receiver may be gone already; then nobody wants to know.
                let _ = sender.send(Err(RunError::new("a batch of 0 images holds nothing")));
                return;
            }
            let batches: Vec<_> = order.chunks(batch).filter(|cases| !drop_last || cases.len() == batch).collect();
            for group in batches.chunks(together) {
                for made in shared.group(group, augment.as_ref(), &stopped, &counted) {
                    let failed = made.is_err();
                    if stopped.load(Ordering::Relaxed) || sender.send(made).is_err() || failed {
                        return;
                    }
                }
            }
        };
        let spawned = std::thread::Builder::new().name("npc-batches".into()).spawn(work);
        let (receiver, thread, failed) = match spawned {
            Ok(thread) => (Some(receiver), Some(thread), None),
            Err(e) => (None, None, Some(RunError::new(format!("no thread can be started to load images: {e}")))),
        };
        Batches { receiver, thread, stop, failed, counts, waited: Duration::ZERO, augmented }
    }

    /// What was doubtful about the files loaded so far, each said once.
    pub fn warnings(&self) -> Vec<String> {
        lock(&self.shared.warnings).iter().cloned().collect()
    }

    /// Memory that the cached samples hold.
    pub fn cached_bytes(&self) -> usize {
        lock(&self.shared.cache).bytes
    }

    /// What to say where an epoch of `seconds` spent much of them waiting in `pass`, and what would help.
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
    /// Batches whose samples are made side by side, each whole or with the error of its first bad sample.
    fn group(
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
        let mut made: Vec<Batch> = batches.iter().map(empty).collect();
        let places: Vec<_> = (made.iter_mut())
            .flat_map(|b| b.cases.iter().zip(b.images.chunks_exact_mut(volume)).zip(b.targets.chunks_exact_mut(area)))
            .collect();
        let one = |((&case, image), target): ((&usize, &mut [f32]), &mut [u8])| {
            if stop.load(Ordering::Relaxed) {
                return Err(RunError::new("loading was stopped"));
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
        let done: Vec<Result<()>> = match &self.pool {
            Some(pool) => pool.install(|| places.into_par_iter().map(one).collect()),
            None => places.into_iter().map(one).collect(),
        };
        let mut done = done.into_iter();
        let whole = |batch: Batch| done.by_ref().take(batch.cases.len()).fold(Ok(()), Result::and).map(|()| batch);
        made.into_iter().map(whole).collect()
    }

    fn sample(&self, case: usize, counts: &LoadCounts) -> Result<Arc<CachedSample>> {
        if let Some(found) = lock(&self.cache).samples.get(&case) {
            return Ok(Arc::clone(found));
        }
        counts.decoded.fetch_add(1, Ordering::Relaxed);
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
    counts: Arc<LoadCounts>,
    waited: Duration,
    augmented: bool,
}

impl Batches {
    /// Time that the caller spent in `next` so far: what training lost to loading.
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// Samples that were read from their files so far, and not from the cache.
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
