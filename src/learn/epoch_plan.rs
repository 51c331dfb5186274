//! How the images of an epoch are divided into steps and batches.

use crate::data::LastBatch;
use crate::graph::check::CheckedGraph;
use crate::text::config::TrainSpec;

/// The division of an epoch. It depends on the settings and the network alone, so that a resumed run goes on with the same
/// batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EpochPlan {
    /// Number of training images.
    pub images: usize,
    /// Images of a batch.
    pub batch: usize,
    /// Images of a step of the optimiser.
    pub per_step: usize,
    /// Whether a last batch of one image is joined to the batch before it, which then has one image more.
    pub joins_single: bool,
}

impl EpochPlan {
    /// Plans the epochs of a run with this number of training images. A single image at the end is joined to the batch before
    /// where the network has a batch norm that would see one value.
    pub(crate) fn new(spec: &TrainSpec, images: usize, checked: &CheckedGraph) -> Self {
        let per_step = spec.batch.saturating_mul(spec.accumulate);
        let joins_single = spec.batch > 1 && checked.norms_of_one().next().is_some();
        EpochPlan { images, batch: spec.batch, per_step, joins_single }
    }

    /// Returns the number of steps of an epoch.
    pub(crate) fn steps(&self) -> usize {
        let full = self.images.div_ceil(self.per_step);
        // A last step of one image is joined to the step before.
        full - usize::from(self.joins_single && full > 1 && self.images % self.per_step == 1)
    }

    /// Returns the number of images of the step that begins with image `seen`, counted from 0.
    pub(crate) fn images_of_step(&self, seen: u64) -> u64 {
        let (left, step) = ((self.images as u64).saturating_sub(seen), self.per_step as u64);
        if self.joins_single && left == step.saturating_add(1) { left } else { left.min(step) }
    }

    /// Returns the number of steps that are done after `seen` images.
    pub(crate) fn steps_done(&self, seen: u64) -> usize {
        (seen as usize).div_ceil(self.per_step).min(self.steps())
    }

    /// Whether a step ends after `seen` images of an epoch, as at a checkpoint.
    pub(crate) fn is_step_boundary(&self, seen: u64) -> bool {
        seen == self.images as u64 || seen < self.images as u64 && seen.is_multiple_of(self.per_step as u64)
    }

    /// Returns what happens to the last batch.
    pub(crate) fn last_batch(&self) -> LastBatch {
        if self.joins_single { LastBatch::JoinSingle } else { LastBatch::Keep }
    }

    /// Returns the number of images of the largest batch.
    pub(crate) fn largest_batch(&self) -> usize {
        let joined = self.joins_single && self.images > self.batch && self.images % self.batch == 1;
        self.batch.min(self.images) + usize::from(joined)
    }
}
