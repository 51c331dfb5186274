//! Dry run: the report of `npc train --dry-run`.

use super::{ExistingRun, TrainingJob, TrainingRun, check_inputs, prepare_run};
use crate::base::error::Result;
use crate::base::machine;
use crate::compute::device::synchronise;
use crate::compute::network::Network;
use crate::data::augment::EpochAugmenter;
use crate::data::{LastBatch, SplitRole, epoch_order};
use crate::learn::epoch_plan::EpochPlan;
use crate::learn::init::InitReport;
use crate::learn::preflight::MemoryNote;
use crate::learn::validate::{check_scores, host_values, image_tensor, scored_role};
use crate::study::cost::{Convention, count};
use burn::module::Module;
use std::time::Instant;

/// The plan of a run, and the time of one step.
#[derive(Debug, Clone)]
pub(crate) struct DryRun {
    pub notes: Vec<String>,
    pub warnings: Vec<String>,
    pub n_train: usize,
    pub n_scored: usize,
    /// `val` or `test`.
    pub scored_on: &'static str,
    pub steps_per_epoch: usize,
    /// Number of remaining epochs.
    pub epochs: usize,
    /// Multiply-accumulates of one image.
    pub macs: u64,
    /// The largest amount of memory that this process has held, with what the image cache and a checkpoint will take, in bytes; `None` if the system does
    /// not report it or the run computes on a graphics card.
    pub peak: Option<u64>,
    /// The memory of the GPU that the run has taken, in bytes; `None` if npc's own kernels do not compute it.
    pub gpu_bytes: Option<u64>,
    /// The estimated memory.
    pub memory: MemoryNote,
    /// Time of one step of the optimiser in seconds, loading included.
    pub seconds_per_step: f64,
    /// Report on initial weights that would be loaded.
    pub init: Option<InitReport>,
}

/// Runs all checks of [`super::train`] but whether the folder is free, trains two steps, scores a batch, and discards everything.
/// Writes nothing.
pub(crate) fn dry_run(job: &TrainingJob<'_>) -> Result<DryRun> {
    let spec = &job.settings.train;
    if job.existing == ExistingRun::Replace {
        check_inputs(job)?;
    }
    let (mut run, found, init) = prepare_run(job)?;
    let done = run.meta.epoch;
    let role = scored_role(&run.data);
    let seconds_per_step = run.time_step()?;
    run.score_a_batch(role)?;
    let peak = machine::peak_memory().filter(|_| job.settings.device == "cpu");
    // A checkpoint is copied from the network, and again into the bytes of its file.
    let to_come = found.memory.cache.saturating_sub(run.cached_bytes()) + 2 * found.memory.checkpoint;
    let peak = peak.map(|peak| peak + to_come);
    Ok(DryRun {
        macs: count(job.checked, Convention::Conv).macs,
        peak,
        gpu_bytes: run.gpu_bytes(),
        memory: found.memory,
        notes: found.notes.into_iter().chain(found.joined).collect(),
        warnings: found.warnings,
        n_train: run.data.len(SplitRole::Train),
        n_scored: run.data.len(role),
        scored_on: if role == SplitRole::Val { "val" } else { "test" },
        steps_per_epoch: run.plan.steps(),
        epochs: spec.epochs.saturating_sub(done),
        seconds_per_step,
        init,
    })
}

impl TrainingRun<'_> {
    /// Scores the first batch of a role, since a pass without gradients has buffers of its own.
    fn score_a_batch(&self, role: SplitRole) -> Result<()> {
        let first = (0..self.data.len(role).min(self.job.settings.train.batch)).collect();
        let average = self.ema.as_ref().and_then(|ema| ema.network());
        let network = average.map_or_else(|| self.network.valid(), Network::clone);
        for batch in self.scored.batches(first, self.job.settings.train.batch, LastBatch::Keep) {
            let scores = network.compute(image_tensor(&batch?, &self.device))?.remove(0);
            check_scores(&host_values(scores)?)?;
        }
        Ok(())
    }

    /// Returns the bytes of the images that are in the caches.
    fn cached_bytes(&self) -> u64 {
        (self.train.cached_bytes() + self.scored.cached_bytes()) as u64
    }

    /// Returns the time in seconds of the second step of an epoch, or of the first if there is only one.
    fn time_step(&mut self) -> Result<f64> {
        let spec = &self.job.settings.train;
        let mut order = epoch_order(self.plan.images, spec.seed, 0);
        order.truncate(self.plan.per_step.saturating_mul(2));
        let plan = EpochPlan { images: order.len(), ..self.plan };
        let mut seen = 0;
        let mut pending = self.begin_step(plan.images_of_step(seen));
        let (mut began, mut seconds) = (Instant::now(), 0.0);
        let pass = EpochAugmenter { augmenter: self.augmenter.clone(), seed: spec.seed, epoch: 0 };
        for batch in self.train.clone().augmented(order, spec.batch, plan.last_batch(), pass) {
            self.add_batch(&mut pending, batch?)?;
            if pending.is_complete() {
                seen += plan.images_of_step(seen);
                self.finish_step(pending)?;
                self.settle()?;
                synchronise(&self.device)?;
                seconds = began.elapsed().as_secs_f64();
                began = Instant::now();
                pending = self.begin_step(plan.images_of_step(seen));
            }
        }
        self.check_weights_finite()?;
        Ok(seconds)
    }
}
