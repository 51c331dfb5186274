//! Training: epochs of steps, scores after each, checkpoints that a run can go on from.
//!
//! Invariants:
//! - the order of images and the random numbers of a step depend on the seed and the step alone, so a resumed run does
//!   what the uninterrupted one would have done, bit for bit on the CPU;
//! - a checkpoint on disk is always whole, and its epoch's line is in `metrics.jsonl` before it counts as done;
//! - a loss that is not finite ends the run before it can reach a checkpoint.

use super::checkpoint::{self, Best, CheckpointMeta};
use super::data::{Batch, Dataset, Loader, Role, epoch_order};
use super::error::{Result, RunError};
use super::eval::{self, Prepared};
use super::folder::{EpochRecord, Folder, RunSummary};
use super::freeze::{freeze, frozen};
use super::loss::supervised;
use super::lower::lower;
use super::metric::{Scores, Summary};
use super::network::Network;
use super::optim::OptimState;
use crate::check::Checked;
use crate::recipe::settings::Settings;
use crate::recipe::{Keep, Loss};
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// What to do, and where.
pub struct Job<'a> {
    pub checked: &'a Checked,
    pub settings: &'a Settings,
    /// The exact text of the model file.
    pub source: &'a str,
    /// What it imports: paths relative to it, and texts.
    pub imports: &'a [(String, String)],
    pub folder: &'a Folder,
    /// Go on from the folder's last checkpoint.
    pub resume: bool,
    /// Set from outside to end after the step that runs.
    pub stop: &'a AtomicBool,
}

/// Where an epoch stands.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Counted from 1.
    pub epoch: usize,
    pub epochs: usize,
    pub step: usize,
    pub steps: usize,
    /// Mean over the images of the epoch so far.
    pub loss: f64,
    pub images_per_second: f64,
    /// Until the last epoch is done.
    pub seconds_left: f64,
}

/// Is told what happens.
pub trait Observer {
    fn start(&mut self, n_train: usize, n_test: usize, done: usize, epochs: usize);
    fn step(&mut self, progress: &Progress);
    fn epoch(&mut self, record: &EpochRecord, best: bool);
    fn warn(&mut self, message: &str);
}

#[derive(Debug, Clone)]
pub enum Outcome {
    Done(RunSummary),
    /// Ended early; epochs that are finished.
    Interrupted {
        epochs: usize,
    },
}

/// The split that is scored after each epoch: `val` where there is one, else `test`.
pub fn scored_role(data: &Dataset) -> Role {
    if data.is_empty(Role::Val) { Role::Test } else { Role::Val }
}

/// Trains to the end, or until `job.stop`.
pub fn train(job: &Job<'_>, observer: &mut dyn Observer) -> Result<Outcome> {
    let spec = &job.settings.train;
    let Prepared { device, data } = eval::prepare(job.checked, job.settings)?;
    if data.is_empty(Role::Train) {
        return Err(RunError::new("the split leaves no image to train on"));
    }
    let frozen = frozen(job.checked, spec)?;
    let network = lower(job.checked, &device, spec.seed).train();
    let fresh = CheckpointMeta { model: job.checked.graph().name.clone(), ..CheckpointMeta::default() };
    if job.resume {
        job.folder.reopen()?;
        eval::same_split(&data, job.folder)?;
    } else {
        job.folder.create()?;
    }
    let (network, optim, meta) = if job.resume && job.folder.last().exists() {
        checkpoint::load(&job.folder.last(), network, spec.optimizer.clone())?
    } else {
        (network, OptimState::new(spec.optimizer.clone()), fresh)
    };
    let network = freeze(network, &frozen);
    job.folder.write_model(job.source, job.imports)?;
    job.folder.write_settings(job.settings)?;
    data.write_split(job.folder.root())?;
    let mut records = job.folder.records();
    records.truncate(meta.epoch);
    if records.len() < meta.epoch {
        let message =
            format!("`metrics.jsonl` has {} epochs, `last.safetensors` is of epoch {}", records.len(), meta.epoch);
        return Err(RunError::at(job.folder.root(), message).help("put the lines back, or start another run"));
    }
    let channels = job.checked.input().channels();
    let run = Run {
        job,
        device,
        train: Loader::new(Arc::clone(&data), Role::Train, channels),
        scored: Loader::new(Arc::clone(&data), scored_role(&data), channels),
        data,
        network,
        optim,
        meta,
        records,
    };
    run.all(observer)
}

struct Run<'a> {
    job: &'a Job<'a>,
    device: Device,
    data: Arc<Dataset>,
    train: Loader,
    scored: Loader,
    network: Network,
    optim: OptimState,
    meta: CheckpointMeta,
    records: Vec<EpochRecord>,
}

impl Run<'_> {
    fn all(mut self, observer: &mut dyn Observer) -> Result<Outcome> {
        let epochs = self.job.settings.train.epochs;
        let role = scored_role(&self.data);
        observer.start(self.data.len(Role::Train), self.data.len(role), self.meta.epoch, epochs);
        let mut told = Vec::new();
        while self.meta.epoch < epochs {
            let Some(mut record) = self.epoch(observer)? else {
                self.save_last()?;
                return Ok(Outcome::Interrupted { epochs: self.meta.epoch });
            };
            let began = Instant::now();
            // Stopped or failed: the epoch's steps are done but not scored, a resumed run scores them first.
            let scored = self.score();
            let Ok(Some(summary)) = scored else {
                self.save_last()?;
                scored?;
                return Ok(Outcome::Interrupted { epochs: self.meta.epoch });
            };
            // Where no image defines a score, `scores` says so; a plain number has to stand here.
            (record.dice, record.iou) = (summary.dice.unwrap_or(0.0), summary.iou.unwrap_or(0.0));
            record.scores = summary.mean.clone();
            self.meta.seconds += began.elapsed().as_secs_f64();
            let improved = self.finish(record.clone(), &summary)?;
            for warning in [&self.train, &self.scored].iter().flat_map(|l| l.warnings()) {
                if !told.contains(&warning) {
                    observer.warn(&warning);
                    told.push(warning);
                }
            }
            observer.epoch(&record, improved);
        }
        let summary = self.summary();
        self.job.folder.write_summary(&summary)?;
        Ok(Outcome::Done(summary))
    }

    /// The steps of one epoch, from where a checkpoint left off. `None` when stopped.
    fn epoch(&mut self, observer: &mut dyn Observer) -> Result<Option<EpochRecord>> {
        let spec = &self.job.settings.train;
        let order = epoch_order(self.data.len(Role::Train), spec.seed, self.meta.epoch);
        let steps = order.len().div_ceil(spec.batch);
        let rest = order[(self.meta.seen as usize).min(order.len())..].to_vec();
        let (before, seconds_before, began) = (self.meta.seen, self.meta.epoch_seconds, Instant::now());
        for batch in self.train.batches(rest, spec.batch, false) {
            if batch.is_err() && self.meta.seen > before {
                // Once the file is mended, a resumed run goes on from here.
                self.save_last()?;
            }
            let batch = batch?;
            let n = batch.cases.len() as u64;
            let loss = self.step(&batch)?;
            self.meta.seen += n;
            self.meta.loss_sum += loss * n as f64;
            self.meta.epoch_seconds = seconds_before + began.elapsed().as_secs_f64();
            let here = (self.meta.seen - before) as f64 / began.elapsed().as_secs_f64().max(1e-9);
            let left = (spec.epochs - self.meta.epoch) * order.len() - self.meta.seen as usize;
            observer.step(&Progress {
                epoch: self.meta.epoch + 1,
                epochs: spec.epochs,
                step: (self.meta.seen as usize).div_ceil(spec.batch),
                steps,
                loss: self.meta.loss_sum / self.meta.seen as f64,
                images_per_second: here,
                seconds_left: left as f64 / here,
            });
            if self.job.stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
        }
        let seconds = self.meta.epoch_seconds;
        Ok(Some(EpochRecord {
            epoch: self.meta.epoch + 1,
            loss: self.meta.loss_sum / self.meta.seen.max(1) as f64,
            dice: 0.0,
            iou: 0.0,
            scores: Scores::default(),
            seconds,
            images_per_second: self.meta.seen as f64 / seconds.max(1e-9),
        }))
    }

    /// One optimiser step; the loss before it.
    fn step(&mut self, batch: &Batch) -> Result<f64> {
        // Dropout draws from the device's stream: seeded per step, a resumed run draws the same.
        self.device.seed(self.job.settings.train.seed ^ self.meta.step.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let x = images(batch, &self.device);
        let [n, _, h, w] = batch.shape;
        let targets: Vec<i32> = batch.targets.iter().map(|&t| i32::from(t)).collect();
        let targets = Tensor::<3, Int>::from_data(TensorData::new(targets, [n, h, w]), &self.device);
        let results = self.network.forward(x);
        let loss = match self.job.settings.train.loss {
            Loss::CrossEntropy => supervised(self.weighted(results), &targets),
        };
        let value = f64::from(loss.clone().without_autodiff().into_scalar::<f32>());
        if !value.is_finite() {
            let message =
                format!("the loss became {value} in epoch {}, step {}", self.meta.epoch + 1, self.meta.step + 1);
            return Err(RunError::new(message)
                .help("the last checkpoint is from before; a lower learning rate may help: `--set lr=1e-4`"));
        }
        let gradients = loss.backward();
        let network = self.network.clone();
        self.network = self.optim.step(network, gradients);
        self.meta.step += 1;
        Ok(value)
    }

    /// The results that have a weight, with it: the first alone where the run names none.
    fn weighted(&self, results: Vec<Tensor<4>>) -> Vec<(Tensor<4>, f64)> {
        let weights = &self.job.settings.train.supervise;
        if weights.is_empty() {
            return results.into_iter().take(1).map(|logits| (logits, 1.0)).collect();
        }
        let names = self.job.checked.results().map(|(name, _)| name);
        let weight = |name: &str| weights.get(name).copied().filter(|&w| w > 0.0);
        names.zip(results).filter_map(|(name, logits)| Some((logits, weight(name)?))).collect()
    }

    fn score(&self) -> Result<Option<Summary>> {
        let batch = self.job.settings.train.batch;
        let role = scored_role(&self.data);
        let metrics = self.job.settings.train.measured();
        let network = self.network.valid();
        let cases = eval::score_all(&network, &self.scored, &self.data, role, batch, &metrics, self.job.stop)?;
        let spec = self.data.spec();
        cases.map(|cases| Summary::new(&cases, &spec.classes, spec.empty)).transpose()
    }

    /// Records the epoch, then writes what is to be kept. Whether the first kept "best" improved.
    fn finish(&mut self, record: EpochRecord, summary: &Summary) -> Result<bool> {
        self.meta.epoch += 1;
        self.meta.seconds += self.meta.epoch_seconds;
        (self.meta.seen, self.meta.loss_sum, self.meta.epoch_seconds) = (0, 0.0, 0.0);
        self.records.push(record);
        self.job.folder.write_records(&self.records)?;
        let mut improved = false;
        for keep in &self.job.settings.train.keep {
            let Keep::Best(metric) = keep else { continue };
            let value = summary.get(*metric);
            let key = metric.name();
            if self.meta.best.get(key).map_or(!value.is_nan(), |best| metric.better(value, best.value)) {
                self.meta.best.insert(key.into(), Best { value, epoch: self.meta.epoch });
                checkpoint::save(&self.job.folder.best(*metric), &self.network, &self.optim, &self.meta)?;
                improved = true;
            }
        }
        // Resuming needs the last state whether or not it is to be kept in the end.
        self.save_last()?;
        self.job.folder.write_summary(&self.summary())?;
        Ok(improved)
    }

    fn save_last(&self) -> Result<()> {
        checkpoint::save(&self.job.folder.last(), &self.network, &self.optim, &self.meta)
    }

    fn summary(&self) -> RunSummary {
        // The first of equal ones, as the checkpoint keeps it.
        let best = self.records.iter().reduce(|a, b| if b.dice > a.dice { b } else { a });
        let role = scored_role(&self.data);
        RunSummary {
            dice: best.map_or(0.0, |r| r.dice),
            iou: best.map_or(0.0, |r| r.iou),
            epoch: best.map_or(0, |r| r.epoch),
            seconds: self.meta.seconds,
            n_train: self.data.len(Role::Train),
            n_test: self.data.len(role),
            scored_on: if role == Role::Val { "val" } else { "test" }.into(),
        }
    }
}

/// `[n, c, h, w]` on the device.
pub(super) fn images(batch: &Batch, device: &Device) -> Tensor<4> {
    Tensor::from_data(TensorData::new(batch.images.clone(), batch.shape), device)
}
