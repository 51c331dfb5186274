//! Training: epochs of steps, scores after each epoch, and checkpoints to resume from.
//!
//! Invariants:
//! - the order of images and the random numbers of a step depend only on the seed and the step, so a resumed run computes the same
//!   as an uninterrupted one, bit for bit on the CPU;
//! - a checkpoint on disk is always complete, and the line of its epoch is written to `metrics.jsonl` first;
//! - NaN or infinite numbers end the run before they reach a checkpoint, and the error names their origin;
//! - errors that can be found in advance are reported before anything is written.

mod dry_run;
mod epoch_end;
mod gpu_step;
mod job;
mod observer;
mod run_on_gpu;
mod step;

pub(crate) use dry_run::{DryRun, dry_run};
pub use job::{ExistingRun, TrainingJob};
pub use observer::{TrainingObserver, TrainingOutcome, TrainingProgress};
use run_on_gpu::RunOnGpu;

use super::checkpoint::{self, CheckpointMeta, LoadedCheckpoint};
use super::ema::Ema;
use super::epoch_plan::EpochPlan;
use super::freeze::{freeze, frozen_parameters};
use super::init::{InitReport, init};
use super::non_finite::diverged_scores;
use super::optim::OptimState;
use super::preflight::{self, Preflight, PreflightInput};
use super::prepare::{RunInputs, check_same_split, prepare};
use super::replaced_run::{ReplacedRun, check_replaceable};
use super::run_folder::{self, EpochRecord, RunFolder};
use super::run_inputs::check_inputs_stay;
use super::validate::{score_all, scored_role};
use super::weights_origin::WeightsOrigin;
use crate::base::code::Code;
use crate::base::count::counted;
use crate::base::error::Result;
use crate::base::machine;
use crate::base::problem::problem;
use crate::compute::lower::lower;
use crate::compute::network::Network;
use crate::data::augment::{Augmenter, EpochAugmenter};
use crate::data::notice::{FileRole, MergedNotice, NoticeTopic};
use crate::data::{BatchLoader, Dataset, SplitRole, epoch_order};
use crate::graph::check::FrozenPaths;
use crate::metric::{MetricScores, Summary};
use burn::module::Module;
use burn::tensor::Device;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Trains until all epochs are done, the scores have not improved for `patience` epochs, or `job.stop` is set.
///
/// Errors: the settings, the data and the model do not fit each other, a file cannot be read or written, memory is not enough, or
/// a loss, gradient or weight becomes NaN or infinite.
pub fn train(job: &TrainingJob<'_>, observer: &mut dyn TrainingObserver) -> Result<TrainingOutcome> {
    match job.existing {
        ExistingRun::Refuse => job.folder.check_vacant()?,
        ExistingRun::Replace => drop(check_replaceable(job.folder)?),
        ExistingRun::Resume => {}
    }
    check_inputs(job)?;
    let (mut run, preflight, report) = prepare_run(job)?;
    preflight.notes.iter().chain([&preflight.memory.to_text()]).for_each(|note| observer.detail(note));
    preflight.warnings.iter().for_each(|warning| observer.warn(warning));
    preflight.joined.iter().for_each(|note| observer.note(note));
    // Nothing was written up to here.
    match job.existing {
        ExistingRun::Refuse => job.folder.create()?,
        ExistingRun::Resume => job.folder.reopen()?,
        ExistingRun::Replace => {
            run.replaced = ReplacedRun::set_aside(job.folder, job.imports)?;
            let warning = run.replaced.as_ref().and_then(ReplacedRun::warning);
            warning.iter().for_each(|warning| observer.warn(warning));
            job.folder.create()?;
        }
    }
    job.folder.begin(job.source, job.imports, job.settings)?;
    run.data.write_split(job.folder.root())?;
    if let Some(profile) = &preflight.profile {
        run_folder::write_json(&job.folder.data_profile(), profile)?;
    }
    run.reported = preflight.topics;
    if let Some(report) = &report {
        job.folder.write_json("init.json", report)?;
        observer.note(&report.summary());
        report.doubts().iter().for_each(|doubt| observer.warn(doubt));
    }
    if run.meta.epoch > 0 {
        // Removes lines that a killed process wrote after its checkpoint, and restores deleted ones.
        job.folder.write_records(&run.meta.records)?;
    }
    run.run_epochs(observer)
}

/// Checks that a new run neither replaces nor removes a file that it reads.
fn check_inputs(job: &TrainingJob<'_>) -> Result<()> {
    match job.existing {
        ExistingRun::Refuse | ExistingRun::Replace => check_inputs_stay(job.folder, job.settings, job.imports),
        // Its files were written when it began.
        ExistingRun::Resume => Ok(()),
    }
}

/// Checks everything that can be checked in advance, and returns the run in memory, notes and warnings, and the report on initial
/// weights. Writes nothing.
fn prepare_run<'a>(job: &'a TrainingJob<'_>) -> Result<(TrainingRun<'a>, Preflight, Option<InitReport>)> {
    let spec = &job.settings.train;
    let RunInputs { device, data } = prepare(job.checked, job.settings)?;
    let frozen = frozen_parameters(job.checked, spec)?;
    spec.loss.check(data.spec().classes.len()).map_err(|e| problem!(E0717, "{e}"))?;
    let augmenter = Augmenter::new(&spec.augment, data.spec().size)?;
    if job.existing == ExistingRun::Resume {
        job.folder.check_started()?;
        check_same_split(&data, job.folder)?;
    }
    let plan = EpochPlan::new(spec, data.len(SplitRole::Train), job.checked);
    let mut preflight = preflight(job, &data, &frozen)?;
    let network = lower(job.checked, &device.tensors, spec.seed).train();
    let mut started = initial_state(job, &plan, network)?;
    let origin = WeightsOrigin::new(job.settings, data.file_digests());
    if started.meta.step > 0 {
        preflight.warnings.extend(started.meta.origin.warnings_of_resuming(&origin));
    }
    started.meta.origin = origin;
    let report = started.report.take();
    let mut run = assemble_run(job, device.tensors, data, (&frozen, plan), augmenter, started);
    preflight.notes.extend(run.place_on(device.gpu.as_ref(), &frozen)?);
    Ok((run, preflight, report))
}

/// Assembles the state of a run in memory.
fn assemble_run<'a>(
    job: &'a TrainingJob<'_>,
    device: Device,
    data: Arc<Dataset>,
    (frozen, plan): (&FrozenPaths, EpochPlan),
    augmenter: Augmenter,
    started: InitialState,
) -> TrainingRun<'a> {
    let InitialState { network, average, optim, meta, report: _ } = started;
    let channels = job.checked.input().channels();
    TrainingRun {
        job,
        device,
        train: BatchLoader::new(Arc::clone(&data), SplitRole::Train, channels),
        scored: BatchLoader::new(Arc::clone(&data), scored_role(&data), channels),
        data,
        plan,
        network: freeze(network, frozen),
        ema: job.settings.train.ema.map(|decay| Ema::new(decay, average)),
        optim,
        meta,
        on_gpu: None,
        saved: Instant::now(),
        augmenter,
        slow_loading_reported: false,
        foreground_seen: false,
        reported: BTreeSet::new(),
        replaced: None,
    }
}

/// The state that training starts from or resumes from.
struct InitialState {
    network: Network,
    average: Option<Network>,
    optim: OptimState,
    meta: CheckpointMeta,
    /// Report on initial weights that were loaded from a file.
    report: Option<InitReport>,
}

fn initial_state(job: &TrainingJob<'_>, plan: &EpochPlan, network: Network) -> Result<InitialState> {
    let spec = &job.settings.train;
    if job.existing == ExistingRun::Resume && job.folder.last().exists() {
        let LoadedCheckpoint { network, average, optim, mut meta } =
            checkpoint::load(&job.folder.last(), network, spec.optimizer.clone())?;
        if meta.step > 0 && average.is_some() != spec.ema.is_some() {
            let (found, wanted) = if average.is_some() { ("an", "do not set") } else { ("no", "set") };
            return Err(problem!(
                E0723,
                &job.folder.last(),
                "the checkpoint has {found} average of the weights, but the settings {wanted} `ema`";
                help: "resume with the settings that the run was started with"
            ));
        }
        if !plan.is_step_boundary(meta.seen) {
            return Err(problem!(
                E0703,
                &job.folder.last(),
                "the training state is damaged: it is {} into an epoch of {} with steps of {}",
                counted(meta.seen, "image"),
                plan.images,
                plan.per_step;
                help: "restore the file from a copy, or train the run again"
            ));
        }
        if meta.records.len() < meta.epoch {
            meta.records = records(job.folder, meta.epoch)?;
        }
        return Ok(InitialState { network, average, optim, meta, report: None });
    }
    // A process that is killed at the end of the first epoch leaves one record and no checkpoint; more are of a lost one.
    let done = job.folder.records().len();
    if job.existing == ExistingRun::Resume && done > 1 {
        return Err(problem!(
            E0721,
            &job.folder.last(),
            "the last checkpoint is missing, and metrics.jsonl has {}, so the run cannot continue", counted(done, "epoch");
            help: "restore the file from a copy, or train the run again: `--overwrite`"
        ));
    }
    let meta = CheckpointMeta { model: job.checked.graph().name.clone(), ..CheckpointMeta::default() };
    let (network, report) = match &spec.init {
        Some(from) => init(network, Path::new(from)).map(|(network, report)| (network, Some(report)))?,
        None => (network, None),
    };
    Ok(InitialState { network, average: None, optim: OptimState::new(spec.optimizer.clone()), meta, report })
}

/// Reads the records of finished epochs for a checkpoint of an older version, which does not hold them.
fn records(folder: &RunFolder, epochs: usize) -> Result<Vec<EpochRecord>> {
    let mut records = folder.records();
    records.truncate(epochs);
    if records.len() < epochs {
        return Err(problem!(
            E0721,
            folder.root(),
            "`metrics.jsonl` has {}, but `last.safetensors` is of epoch {epochs}",
            counted(records.len(), "epoch");
            help: "restore the missing lines, or start another run"
        ));
    }
    Ok(records)
}

fn preflight(job: &TrainingJob<'_>, data: &Dataset, frozen: &FrozenPaths) -> Result<Preflight> {
    let cpu = job.settings.device == "cpu";
    let free = if cpu && !job.ignore_memory { machine::free_memory() } else { None };
    let TrainingJob { checked, settings, places, folder, .. } = *job;
    preflight::preflight(PreflightInput { checked, settings, data, frozen, places, free, folder: folder.root() })
}

/// A run in memory.
struct TrainingRun<'a> {
    job: &'a TrainingJob<'a>,
    device: Device,
    data: Arc<Dataset>,
    plan: EpochPlan,
    train: BatchLoader,
    scored: BatchLoader,
    network: Network,
    ema: Option<Ema>,
    optim: OptimState,
    meta: CheckpointMeta,
    /// The state of a run that npc's own kernels compute on a GPU; the network, the optimiser and the average are copies of it.
    on_gpu: Option<RunOnGpu>,
    /// When the last checkpoint was written.
    saved: Instant,
    augmenter: Augmenter,
    /// Whether slow loading was reported.
    slow_loading_reported: bool,
    /// Whether a mask of the epoch so far has a pixel of a foreground class.
    foreground_seen: bool,
    /// Topics of the notices about files that were reported.
    reported: BTreeSet<(FileRole, NoticeTopic)>,
    /// The run that this one replaces, until its first step.
    replaced: Option<ReplacedRun>,
}

impl TrainingRun<'_> {
    fn run_epochs(mut self, observer: &mut dyn TrainingObserver) -> Result<TrainingOutcome> {
        let epochs = self.job.settings.train.epochs;
        let role = scored_role(&self.data);
        // An epoch is reported if the one before was not like it.
        let (mut nothing_reported, mut everything_reported) = (false, false);
        observer.start(self.data.len(SplitRole::Train), self.data.len(role), self.meta.epoch, epochs);
        while self.meta.epoch < epochs && !self.out_of_patience() {
            let Some(mut record) = self.run_epoch(observer)? else {
                self.save_last()?;
                return Ok(TrainingOutcome::Interrupted { epochs: self.meta.epoch });
            };
            self.check_weights_finite()?;
            let began = Instant::now();
            // If scoring was stopped or failed, a resumed run starts with scoring this epoch.
            let scored = self.score().map_err(|error| diverged_scores(error, record.epoch));
            let Ok(Some(summary)) = scored else {
                // The last checkpoint is from before the weights of a training that diverged.
                if !matches!(&scored, Err(error) if error.code == Code::E0732) {
                    self.save_last()?;
                }
                scored?;
                return Ok(TrainingOutcome::Interrupted { epochs: self.meta.epoch });
            };
            // If no image defines a score, `scores` holds `None`; these fields need a number.
            (record.dice, record.iou) = (summary.dice.unwrap_or(0.0), summary.iou.unwrap_or(0.0));
            record.scores = summary.mean.clone();
            record.found_nothing = summary.finds_nothing();
            record.scored_without_foreground = summary.images_with_foreground == Some(0);
            let everywhere = summary.only_foreground();
            record.only_foreground = everywhere.is_some();
            self.meta.seconds += began.elapsed().as_secs_f64();
            let improved = self.finish_epoch(record.clone(), &summary)?;
            for notice in self.file_notices() {
                // The number of files may grow in later epochs; the topic is reported once.
                if self.reported.insert((notice.role, notice.topic)) {
                    observer.warn(&notice.text);
                }
            }
            observer.epoch(&record, improved);
            if let (Some(why), false) = (summary.nothing_found(), nothing_reported) {
                observer.warn(&format!("epoch {}: {why}; such an epoch is never the best", record.epoch));
            }
            if let (Some(why), false) = (everywhere, everything_reported) {
                observer.warn(&format!("epoch {}: {why}", record.epoch));
            }
            (nothing_reported, everything_reported) = (record.found_nothing, record.only_foreground);
        }
        let summary = self.summary();
        self.job.folder.write_summary(&summary)?;
        self.remove_replaced();
        Ok(TrainingOutcome::Done(summary))
    }

    /// Removes the run that this one replaces, which has begun.
    pub(super) fn remove_replaced(&mut self) {
        if let Some(replaced) = self.replaced.take() {
            replaced.remove();
        }
    }

    /// Runs the remaining steps of one epoch. Returns `None` if the run was stopped.
    fn run_epoch(&mut self, observer: &mut dyn TrainingObserver) -> Result<Option<EpochRecord>> {
        let spec = &self.job.settings.train;
        let order = epoch_order(self.data.len(SplitRole::Train), spec.seed, self.meta.epoch);
        let (plan, steps) = (self.plan, self.plan.steps());
        let rest = order[(self.meta.seen as usize).min(order.len())..].to_vec();
        let (before, seconds_before, began) = (self.meta.seen, self.meta.epoch_seconds, Instant::now());
        self.foreground_seen = false;
        let mut pending = self.begin_step(plan.images_of_step(self.meta.seen));
        let pass = EpochAugmenter { augmenter: self.augmenter.clone(), seed: spec.seed, epoch: self.meta.epoch };
        let mut batches = self.train.augmented(rest, spec.batch, plan.last_batch(), pass);
        for batch in batches.by_ref() {
            if batch.is_err() && self.meta.seen > before {
                // After the file is fixed, the run can be resumed from here.
                self.save_last()?;
            }
            self.add_batch(&mut pending, batch?)?;
            if !pending.is_complete() {
                continue;
            }
            self.finish_step(pending)?;
            pending = self.begin_step(plan.images_of_step(self.meta.seen));
            self.meta.epoch_seconds = seconds_before + began.elapsed().as_secs_f64();
            let rate = (self.meta.seen - before) as f64 / began.elapsed().as_secs_f64().max(1e-9);
            let images_left = (spec.epochs - self.meta.epoch) * order.len() - self.meta.seen as usize;
            observer.step(&TrainingProgress {
                epoch: self.meta.epoch + 1,
                epochs: spec.epochs,
                step: plan.steps_done(self.meta.seen),
                steps,
                loss: self.meta.loss_sum / self.meta.seen.saturating_sub(self.images_in_flight()) as f64,
                images_per_second: rate,
                seconds_left: images_left as f64 / rate,
            });
            if self.job.stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            self.save_if_due()?;
        }
        self.settle()?;
        let seconds = self.meta.epoch_seconds;
        if let Some(advice) = self.train.bottleneck(&batches, began.elapsed().as_secs_f64())
            && !std::mem::replace(&mut self.slow_loading_reported, true)
        {
            observer.warn(&advice);
        }
        Ok(Some(EpochRecord {
            epoch: self.meta.epoch + 1,
            loss: self.meta.loss_sum / self.meta.seen.max(1) as f64,
            dice: 0.0,
            iou: 0.0,
            scores: MetricScores::default(),
            lr: self.rate(self.meta.step.saturating_sub(1)),
            gradient_norm: self.meta.norm_sum / steps.max(1) as f64,
            seconds,
            images_per_second: self.meta.seen as f64 / seconds.max(1e-9),
            waited_seconds: batches.waited().as_secs_f64(),
            found_nothing: false,
            only_foreground: false,
            // An epoch that was resumed within says nothing of the images before.
            trained_without_foreground: before == 0 && !self.foreground_seen,
            scored_without_foreground: false,
        }))
    }

    /// Returns the notices about the files that were read so far, for training and scoring together.
    fn file_notices(&self) -> Vec<MergedNotice> {
        let mut notices = self.train.notices();
        notices.merge(self.scored.notices());
        notices.merged(self.data.len(SplitRole::Train) + self.data.len(scored_role(&self.data)))
    }

    /// Scores the network, or the average of its weights if there is one.
    fn score(&self) -> Result<Option<Summary>> {
        let batch = self.job.settings.train.batch;
        let role = scored_role(&self.data);
        let average = self.ema.as_ref().and_then(|ema| ema.network());
        let network = average.map_or_else(|| self.network.valid(), Network::clone);
        let metrics = self.job.settings.train.epoch_metrics();
        let cases = score_all(&network, &self.scored, &self.data, role, batch, &metrics, self.job.stop)?;
        let spec = self.data.spec();
        cases.map(|cases| Summary::new(&cases, &spec.classes, spec.empty)).transpose()
    }
}
