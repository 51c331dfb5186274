//! Dry run: the report of `npc train --dry-run`.

use super::{TrainingJob, TrainingRun, prepare_run};
use crate::base::error::Result;
use crate::compute::device::synchronise;
use crate::data::augment::EpochAugmenter;
use crate::data::{SplitRole, epoch_order};
use crate::learn::epoch_plan::EpochPlan;
use crate::learn::init::InitReport;
use crate::learn::validate::scored_role;
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
    /// Time of one step of the optimiser in seconds, loading included.
    pub seconds_per_step: f64,
    /// Report on initial weights that would be loaded.
    pub init: Option<InitReport>,
}

/// Runs all checks of [`super::train`], trains two steps and discards them. Writes nothing.
pub(crate) fn dry_run(job: &TrainingJob<'_>) -> Result<DryRun> {
    let spec = &job.settings.train;
    let (mut run, found, init) = prepare_run(job)?;
    let done = run.meta.epoch;
    let role = scored_role(&run.data);
    Ok(DryRun {
        notes: found.notes.into_iter().chain(found.joined).collect(),
        warnings: found.warnings,
        n_train: run.data.len(SplitRole::Train),
        n_scored: run.data.len(role),
        scored_on: if role == SplitRole::Val { "val" } else { "test" },
        steps_per_epoch: run.plan.steps(),
        epochs: spec.epochs.saturating_sub(done),
        seconds_per_step: run.time_step()?,
        init,
    })
}

impl TrainingRun<'_> {
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
            self.add_batch(&mut pending, &batch?)?;
            if pending.is_complete() {
                seen += plan.images_of_step(seen);
                self.finish_step(pending)?;
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
