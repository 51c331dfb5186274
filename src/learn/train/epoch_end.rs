//! The end of an epoch: its record, best scores, checkpoints, and early stopping.

use super::TrainingRun;
use crate::base::error::Result;
use crate::data::SplitRole;
use crate::learn::checkpoint::{self, BestScore, CheckpointState};
use crate::learn::run_folder::{EpochRecord, RunSummary};
use crate::learn::training_hints::{FinishedRun, training_hints};
use crate::learn::validate::scored_role;
use crate::metric::Summary;
use crate::metric::score_hints::for_loss;
use crate::text::config::{KeptCheckpoint, Metric};
use std::time::Instant;

impl TrainingRun<'_> {
    /// Records the epoch and writes checkpoints. Returns whether the watched metric improved. An epoch without any foreground in its
    /// predictions improves nothing: under `empty = one` an empty answer has a score above 0.
    ///
    /// The order matters if the process is killed in between: `last` defines the state of the run and is written last, so that it
    /// is never ahead of other files; files that are ahead of it are rewritten when the run is resumed.
    pub(super) fn finish_epoch(&mut self, record: EpochRecord, summary: &Summary) -> Result<bool> {
        self.meta.epoch += 1;
        self.meta.seconds += self.meta.epoch_seconds;
        (self.meta.seen, self.meta.loss_sum, self.meta.norm_sum, self.meta.epoch_seconds) = (0, 0.0, 0.0, 0.0);
        self.meta.records.push(record);
        self.job.folder.write_records(&self.meta.records)?;
        let watched = self.watched_metric();
        let mut improved = false;
        for keep in &self.job.settings.train.keep {
            let KeptCheckpoint::Best(metric) = keep else { continue };
            let value = summary.get(*metric);
            let key = metric.name();
            if !summary.finds_nothing() && improves(*metric, value, self.meta.best.get(key)) {
                self.meta.best.insert(key.into(), BestScore { value, epoch: self.meta.epoch });
                checkpoint::save_weights(&self.job.folder.best(*metric), &self.checkpoint_state())?;
                improved |= Some(*metric) == watched;
            }
        }
        // Resuming needs the last state even if it is not kept in the end.
        self.save_last()?;
        self.job.folder.write_summary(&self.summary())?;
        Ok(improved)
    }

    fn checkpoint_state(&self) -> CheckpointState<'_> {
        let average = self.ema.as_ref().and_then(|ema| ema.network());
        CheckpointState { network: &self.network, average, optim: &self.optim, meta: &self.meta }
    }

    pub(super) fn save_last(&mut self) -> Result<()> {
        self.settle()?;
        self.check_weights_finite()?;
        checkpoint::save(&self.job.folder.last(), &self.checkpoint_state())?;
        self.remove_replaced();
        self.saved = Instant::now();
        Ok(())
    }

    /// Writes the last state if `save_every` minutes have passed; this limits what a killed process loses.
    pub(super) fn save_if_due(&mut self) -> Result<()> {
        let minutes = self.job.settings.train.save_every;
        let due = minutes > 0.0 && self.saved.elapsed().as_secs_f64() >= 60.0 * minutes;
        if due { self.save_last() } else { Ok(()) }
    }

    /// Returns the metric of early stopping, which is also marked on the screen: the first one with a best checkpoint.
    fn watched_metric(&self) -> Option<Metric> {
        self.job.settings.train.keep.iter().find_map(|keep| match keep {
            KeptCheckpoint::Best(metric) => Some(*metric),
            KeptCheckpoint::Last => None,
        })
    }

    /// Checks whether `patience` epochs have passed without a better score.
    pub(super) fn out_of_patience(&self) -> bool {
        let (Some(patience), Some(metric)) = (self.job.settings.train.patience, self.watched_metric()) else {
            return false;
        };
        let best = self.meta.best.get(metric.name()).map_or(0, |best| best.epoch);
        self.meta.epoch.saturating_sub(best) >= patience
    }

    pub(super) fn summary(&self) -> RunSummary {
        // The first of equal epochs, like the best checkpoint; none if no epoch scored above 0.
        let scored = self.meta.records.iter().filter(|r| r.dice.is_finite() && r.dice > 0.0 && !r.found_nothing);
        let best = scored.reduce(|a, b| if b.dice > a.dice { b } else { a });
        let role = scored_role(&self.data);
        let planned = self.job.settings.train.epochs;
        let (n_test, scored_on) = (self.data.len(role), if role == SplitRole::Val { "val" } else { "test" });
        let run = FinishedRun { planned, trained: self.data.len(SplitRole::Train), scored: n_test, scored_on };
        let finished = self.meta.epoch >= planned || self.out_of_patience();
        let hints = if finished { training_hints(&self.meta.records, run) } else { Vec::new() };
        let hints = hints.into_iter().map(|hint| for_loss(hint, &self.job.settings.train.loss)).collect();
        RunSummary {
            dice: best.map_or(0.0, |r| r.dice),
            iou: best.map_or(0.0, |r| r.iou),
            epoch: best.map_or(0, |r| r.epoch),
            seconds: self.meta.seconds,
            n_train: self.data.len(SplitRole::Train),
            n_test,
            scored_on: scored_on.into(),
            epochs: self.meta.epoch,
            epochs_without_foreground: self.meta.records.iter().filter(|r| r.found_nothing).count(),
            stopped_early: self.meta.epoch < planned && self.out_of_patience(),
            out_of_patience: self.out_of_patience(),
            hints,
        }
    }
}

/// Checks whether a score is better than the best one before. Scores that are not finite never are, and neither is a share of 0:
/// nothing was found then, and the weights of such an epoch are no better than any others.
fn improves(metric: Metric, value: f64, best: Option<&BestScore>) -> bool {
    let least = if metric.is_distance() { f64::INFINITY } else { 0.0 };
    value.is_finite() && metric.better(value, best.map_or(least, |best| best.value))
}
