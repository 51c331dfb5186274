//! Steps on a GPU: passes are started one after the other, and what each has found is read while the next is computed.

use super::TrainingRun;
use super::run_on_gpu::{BatchInFlight, RunOnGpu};
use super::step::PendingStep;
use crate::base::error::{Result, RunError};
use crate::compute::cuda::{Gpu, PassReport, StepScalars, TrainingBatch, TrainingStep};
use crate::compute::engine_bridge::RecordedPass;
use crate::compute::weights;
use crate::data::Batch;
use crate::graph::check::FrozenPaths;
use crate::learn::gpu_training::GpuTraining;
use crate::learn::gpu_trust::trust;
use crate::learn::loss::{self, LossTargets};
use crate::learn::non_finite;
use crate::learn::optim::AccumulatedGradients;
use crate::learn::validate::image_tensor;

impl TrainingRun<'_> {
    /// Moves the run to a GPU, if there is one. Returns a note if its kernels were checked there. Errors: something of the run has no
    /// kernel, or the GPU fails or computes something else than the processor.
    pub(super) fn place_on(&mut self, gpu: Option<&Gpu>, frozen: &FrozenPaths) -> Result<Option<String>> {
        let Some(gpu) = gpu else { return Ok(None) };
        let spec = &self.job.settings.train;
        let names = weights::layout(&self.network).into_iter().map(|(name, _)| name);
        let step = TrainingStep {
            loss: spec.loss.clone(),
            supervise: spec.supervise.clone(),
            optimizer: spec.optimizer.clone(),
            clip: spec.clip,
            average: spec.ema,
            accumulates: spec.accumulate > 1,
            frozen: names.filter(|name| frozen.contains(name)).collect(),
        };
        let [h, w] = self.data.spec().size;
        let dims = [spec.batch.min(self.plan.images), self.job.checked.input().channels(), h, w];
        let prepared = GpuTraining::prepare(gpu, &self.network, step, dims)?;
        let note = trust(self.job.checked, gpu, prepared.kernels(), spec.batch)?;
        let average = self.ema.as_ref().and_then(|ema| ema.network());
        let training = GpuTraining::open(prepared, (&self.network, &self.optim, average))?;
        self.network = self.network.clone().placed_on(Some(gpu));
        self.on_gpu = Some(RunOnGpu { training, in_flight: Default::default(), has_moved: false });
        Ok(note)
    }

    /// Starts the pass of a batch, with the update if the step is complete then.
    pub(super) fn add_batch_on_gpu(&mut self, pending: &mut PendingStep, batch: Batch) -> Result<()> {
        let seed = self.batch_seed(pending);
        let n = batch.shape[0] as u64;
        let is_last = pending.seen + n >= pending.images;
        let scalars = StepScalars {
            seed,
            share: n as f64 / pending.images as f64,
            first_batch: pending.batches == 0,
            rate: self.rate(self.meta.step),
            step: self.optim.steps + 1,
            first_step: self.optim.steps == 0,
            first_average: self.meta.step == 0,
        };
        let Some(on_gpu) = &mut self.on_gpu else { return Ok(()) };
        let given =
            TrainingBatch { dims: batch.shape, images: &batch.images, targets: &batch.targets, scalars, is_last };
        let report = on_gpu.training.pass(&given)?;
        on_gpu.in_flight.push_back(BatchInFlight { batch, seed, step: self.meta.step + 1 });
        on_gpu.has_moved = true;
        pending.seen += n;
        pending.batches += 1;
        self.take_report(report)
    }

    /// Counts a step whose update has started.
    pub(super) fn finish_step_on_gpu(&mut self, pending: &PendingStep) {
        self.optim.steps += 1;
        self.meta.step += 1;
        self.meta.seen += pending.seen;
    }

    /// Returns the bytes of the GPU's memory that the run has; `None` for a run on the processor.
    pub(super) fn gpu_bytes(&self) -> Option<u64> {
        self.on_gpu.as_ref().map(|on_gpu| on_gpu.training.bytes() as u64)
    }

    /// Returns the number of images whose loss is not known yet.
    pub(super) fn images_in_flight(&self) -> u64 {
        let batches = self.on_gpu.iter().flat_map(|on_gpu| &on_gpu.in_flight);
        batches.map(|in_flight| in_flight.batch.shape[0] as u64).sum()
    }

    /// Waits for the GPU and reads the state of the run from it. It does nothing for a run on the processor.
    pub(super) fn settle(&mut self) -> Result<()> {
        let Some(on_gpu) = &mut self.on_gpu else { return Ok(()) };
        let report = on_gpu.training.finish()?;
        self.take_report(report)?;
        self.read_state()
    }

    fn read_state(&mut self) -> Result<()> {
        let Some(on_gpu) = &mut self.on_gpu else { return Ok(()) };
        if std::mem::take(&mut on_gpu.has_moved) {
            self.network = on_gpu.training.read_network(self.network.clone())?;
            on_gpu.training.read_moments(&self.network, &mut self.optim)?;
            if let (Some(ema), Some(average)) = (&mut self.ema, on_gpu.training.read_average(&self.network)?) {
                ema.set(average);
            }
        }
        Ok(())
    }

    /// Enters what a pass has found. Errors: numbers became NaN or infinite; the GPU has made no step since.
    fn take_report(&mut self, report: Option<PassReport>) -> Result<()> {
        let Some(report) = report else { return Ok(()) };
        let Some(of) = self.on_gpu.as_mut().and_then(|on_gpu| on_gpu.in_flight.pop_front()) else { return Ok(()) };
        let moved = report.step.is_none_or(|step| step.moved);
        if !report.loss.is_finite() || !moved {
            return Err(self.explain_report(&report, &of));
        }
        self.meta.loss_sum += f64::from(report.loss) * of.batch.shape[0] as f64;
        if let Some(step) = report.step {
            self.meta.norm_sum += f64::from(step.norm);
        }
        Ok(())
    }

    /// Explains numbers that are not finite: the processor runs the batch again, with the weights before the step.
    fn explain_report(&mut self, report: &PassReport, of: &BatchInFlight) -> RunError {
        if let Err(error) = self.read_state() {
            return error;
        }
        let location = non_finite::TrainingLocation { step: of.step, ..self.location(&of.batch) };
        let x = image_tensor(&of.batch, &self.device);
        if !report.loss.is_finite() {
            return non_finite::explain_loss(f64::from(report.loss), &self.network, x, &location);
        }
        let [n, _, h, w] = of.batch.shape;
        let targets = LossTargets::new(&of.batch.targets, [n, h, w], &self.device);
        let RecordedPass { results, back } = self.network.record(x, of.seed);
        let loss = loss::total(&self.job.settings.train.loss, self.weighted_results(results), &targets);
        let gradients = AccumulatedGradients::of(&self.network, back, loss.backward());
        let norm = report.step.map_or(f64::NAN, |step| f64::from(step.norm));
        non_finite::explain_gradient(norm, &gradients, &self.network, &location)
    }
}
