//! One step of the optimiser: forward and backward passes of its batches, checks, new weights, new average.
//!
//! The network of the run, running statistics included, changes only after all batches of a step. A checkpoint that is written in
//! between therefore holds the state after a complete step.

use super::TrainingRun;
use crate::base::error::{Result, RunError};
use crate::base::hash::GOLDEN_STEP;
use crate::compute::engine_bridge::RecordedPass;
use crate::compute::network::Network;
use crate::data::{Batch, SplitRole};
use crate::learn::loss::{self, LossTargets};
use crate::learn::non_finite;
use crate::learn::optim::AccumulatedGradients;
use crate::learn::schedule::rate;
use crate::learn::validate::image_tensor;
use crate::text::config::case_rules::IGNORED_CLASS;
use burn::tensor::Tensor;

/// A step in progress.
pub(super) struct PendingStep {
    network: Network,
    gradients: AccumulatedGradients,
    /// Number of images of the step; `seen` of them are done.
    pub(super) images: u64,
    pub(super) seen: u64,
    /// Number of batches that are done.
    pub(super) batches: u64,
    /// Sum of the images' losses.
    loss_sum: f64,
}

impl PendingStep {
    /// Checks whether all images of the step are done.
    pub(super) fn is_complete(&self) -> bool {
        self.seen >= self.images
    }
}

impl TrainingRun<'_> {
    /// Begins the next step, which has `images` images.
    pub(super) fn begin_step(&self, images: u64) -> PendingStep {
        let network = self.network.clone();
        PendingStep { network, gradients: AccumulatedGradients::default(), images, seen: 0, batches: 0, loss_sum: 0.0 }
    }

    /// Runs the forward and backward pass of one batch.
    pub(super) fn add_batch(&mut self, pending: &mut PendingStep, batch: Batch) -> Result<()> {
        self.foreground_seen |= batch.targets.iter().any(|class| *class != 0 && *class != IGNORED_CLASS);
        if self.on_gpu.is_some() {
            return self.add_batch_on_gpu(pending, batch);
        }
        let batch = &batch;
        let spec = &self.job.settings.train;
        let seed = self.batch_seed(pending);
        // Dropout uses the device's random stream. It is seeded for each batch, so that a resumed run draws the same numbers.
        self.device.seed(seed);
        let [n, _, h, w] = batch.shape;
        let targets = LossTargets::new(&batch.targets, [n, h, w], &self.device);
        let RecordedPass { results, back } = pending.network.record(image_tensor(batch, &self.device), seed);
        let loss = loss::total(&spec.loss, self.weighted_results(results), &targets);
        // The loss keeps what it needs of the targets.
        drop(targets);
        let value = f64::from(loss.clone().without_autodiff().into_scalar::<f32>());
        if !value.is_finite() {
            self.device.seed(seed);
            let x = image_tensor(batch, &self.device);
            return Err(non_finite::explain_loss(value, &pending.network, x, &self.location(batch)));
        }
        pending.gradients.add(&pending.network, back, loss.backward(), n as f64 / pending.images as f64);
        pending.seen += n as u64;
        pending.batches += 1;
        pending.loss_sum += value * n as f64;
        Ok(())
    }

    /// Returns the learning rate of a step, counted from 0 over the run.
    pub(super) fn rate(&self, step: u64) -> f64 {
        let spec = &self.job.settings.train;
        rate(&spec.schedule, spec.optimizer.lr(), step, self.plan.steps() as u64, spec.epochs as u64)
    }

    /// Returns the seed of the next batch, which depends on its number over the whole run.
    pub(super) fn batch_seed(&self, pending: &PendingStep) -> u64 {
        let spec = &self.job.settings.train;
        let number = self.meta.step.wrapping_mul(spec.accumulate as u64).wrapping_add(pending.batches);
        spec.seed ^ number.wrapping_mul(GOLDEN_STEP)
    }

    /// Checks and clips the gradients of the step, and updates the weights.
    pub(super) fn finish_step(&mut self, pending: PendingStep) -> Result<()> {
        if self.on_gpu.is_some() {
            self.finish_step_on_gpu(&pending);
            return Ok(());
        }
        let spec = &self.job.settings.train;
        let PendingStep { network, mut gradients, seen, loss_sum, .. } = pending;
        let norm = match spec.clip {
            Some(max) => gradients.clip(max),
            None => gradients.norm(),
        };
        if !norm.is_finite() {
            let location = self.location_without_images();
            return Err(non_finite::explain_gradient(norm, &gradients, &network, &location));
        }
        self.network = self.optim.step(network, gradients, self.rate(self.meta.step));
        if let Some(ema) = &mut self.ema {
            ema.update(&self.network);
        }
        self.meta.step += 1;
        self.meta.seen += seen;
        self.meta.loss_sum += loss_sum;
        self.meta.norm_sum += norm;
        Ok(())
    }

    /// Returns the supervised results with their weights; only the first result if the run sets no weights.
    pub(super) fn weighted_results(&self, results: Vec<Tensor<4>>) -> Vec<(Tensor<4>, f64)> {
        let weights = &self.job.settings.train.supervise;
        if weights.is_empty() {
            return results.into_iter().take(1).map(|logits| (logits, 1.0)).collect();
        }
        let names = self.job.checked.results().map(|(name, _)| name);
        let weight = |name: &str| weights.get(name).copied().filter(|&w| w > 0.0);
        names.zip(results).filter_map(|(name, logits)| Some((logits, weight(name)?))).collect()
    }

    pub(super) fn location<'a>(&'a self, batch: &Batch) -> non_finite::TrainingLocation<'a> {
        let cases = self.data.cases(SplitRole::Train);
        let images = batch.cases.iter().filter_map(|&i| cases.get(i)).map(|case| case.stem.as_str()).collect();
        non_finite::TrainingLocation { images, ..self.location_without_images() }
    }

    fn location_without_images(&self) -> non_finite::TrainingLocation<'_> {
        non_finite::TrainingLocation {
            epoch: self.meta.epoch + 1,
            step: self.meta.step + 1,
            images: Vec::new(),
            places: self.job.places,
        }
    }

    /// Checks that the weights are finite, before they are scored or saved.
    pub(super) fn check_weights_finite(&self) -> Result<(), RunError> {
        non_finite::check_weights(&self.network, self.meta.epoch + 1, self.meta.step)
    }
}
