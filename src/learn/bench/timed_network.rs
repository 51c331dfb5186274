//! A network for benchmarks. Its calls return only after the device has finished.

use super::backend::Backend;
use super::timing::{TimeBudget, repeat};
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::compute::device::{ComputeDevice, synchronise};
use crate::compute::engine::profile::{Profile, Stopwatch};
use crate::compute::engine_bridge::RecordedPass;
use crate::compute::fused::PassMode;
use crate::compute::lower::lower;
use crate::compute::network::Network;
use crate::graph::check::CheckedGraph;
use crate::learn::device_parity::RandomBatch;
use crate::learn::gpu_training::{GpuTraining, plain_scalars};
use crate::learn::loss::cross_entropy;
use crate::learn::optim::{AccumulatedGradients, OptimState};
use crate::text::config::Optimizer;
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use std::time::Duration;

/// What is timed or profiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BenchedPass {
    /// A forward pass in evaluation mode.
    Forward,
    /// A training step.
    TrainStep,
}

/// A network in evaluation mode, and in training mode if training is timed.
pub(super) struct TimedNetwork {
    device: Device,
    sample: RandomBatch,
    images: Tensor<4>,
    evaluated: Network,
    training: Option<TimedTraining>,
    /// Training by npc's own kernels on a GPU, instead of `training`.
    on_gpu: Option<TimedGpuTraining>,
}

/// A network in training on a GPU with its targets.
struct TimedGpuTraining {
    training: GpuTraining,
    targets: Vec<u8>,
    steps: u64,
}

/// A network in training mode with targets and optimiser.
struct TimedTraining {
    network: Network,
    targets: Tensor<3, Int>,
    optim: OptimState,
}

impl TimedNetwork {
    pub(super) fn new(checked: &CheckedGraph, device: &ComputeDevice, batch: usize, pass: BenchedPass) -> Result<Self> {
        let train = pass == BenchedPass::TrainStep;
        let sample =
            if train { RandomBatch::new(checked, batch)? } else { RandomBatch::without_targets(checked, batch)? };
        let (gpu, device) = (device.gpu.as_ref(), &device.tensors);
        let network = lower(checked, device, 0);
        let evaluated = network.valid().placed_on(gpu);
        let on_gpu = gpu.filter(|_| train).map(|gpu| {
            let training = GpuTraining::of_cross_entropy(gpu, &network.clone().train(), sample.shape)?;
            Ok(TimedGpuTraining { training, targets: sample.target_bytes(), steps: 0 })
        });
        let on_gpu: Option<TimedGpuTraining> = on_gpu.transpose()?;
        let training = (train && on_gpu.is_none()).then(|| {
            let network = network.train();
            let targets = sample.targets(network.device());
            TimedTraining { network, targets, optim: OptimState::new(Optimizer::default()) }
        });
        Ok(Self { device: device.clone(), images: sample.images(device), sample, evaluated, training, on_gpu })
    }

    fn images(&self) -> Tensor<4> {
        self.images.clone()
    }

    /// Returns why the engine does not support forward passes or training steps; `None` if it does.
    pub(super) fn why_engine_refuses(&self, pass: BenchedPass) -> Option<String> {
        let mode = match pass {
            BenchedPass::Forward => PassMode::Infer,
            BenchedPass::TrainStep => PassMode::Train { to_image: false },
        };
        self.evaluated.engine_refusal(&self.images(), mode)
    }

    pub(super) fn backend(&self, pass: BenchedPass) -> Backend {
        if self.evaluated.on_gpu.is_some() {
            return Backend::Cuda;
        }
        if self.why_engine_refuses(pass).is_some() { Backend::Burn } else { Backend::Engine }
    }

    /// Runs a forward pass in evaluation mode.
    pub(super) fn forward(&mut self) -> Result<()> {
        drop(self.evaluated.compute(self.images())?);
        synchronise(&self.device)
    }

    /// Frees the memory of forward passes, so that it does not count for training.
    pub(super) fn free_forward_memory(&mut self) {
        self.evaluated = self.evaluated.valid();
        self.evaluated.engine.release_memory();
    }

    /// Runs a training step; does nothing if training is not timed.
    pub(super) fn train_step(&mut self) -> Result<()> {
        if let Some(TimedGpuTraining { training, targets, steps }) = &mut self.on_gpu {
            *steps += 1;
            training.pass(&self.sample.step(targets, plain_scalars(0, *steps, Optimizer::default().lr())))?;
            return training.finish().map(drop);
        }
        let images = self.images();
        let Some(TimedTraining { network, targets, optim }) = &mut self.training else { return Ok(()) };
        let RecordedPass { mut results, back } = network.record(images, 0);
        let gradients = cross_entropy(results.remove(0), targets.clone()).backward();
        let gradients = AccumulatedGradients::of(network, back, gradients);
        *network = optim.step(network.clone(), gradients, optim.optimizer.lr());
        synchronise(&self.device)
    }

    /// Profiles training steps, or forward passes in evaluation mode, for the time budget. With Burn only forward passes are
    /// profiled, for a training step in training mode, because its backward pass has no steps.
    pub(super) fn profile(&mut self, pass: BenchedPass, budget: TimeBudget, mut profile: Profile) -> Result<Profile> {
        if self.backend(pass) == Backend::Cuda {
            return Err(problem!(E0730, "the time of single operators is not measured on a GPU";
                help: "leave out `--profile`, or profile on the CPU: `--device cpu`"));
        }
        if self.backend(pass) == Backend::Burn {
            let mut warm = profile.clone();
            self.profile_burn(pass, &mut warm)?;
            let times = repeat(budget, &mut || self.profile_burn(pass, &mut profile))?;
            profile.add_wall_time(total_duration(&times));
            return Ok(profile);
        }
        let recorder = self.evaluated.engine.recorder.clone();
        recorder.start(profile.clone());
        let run = repeat(budget, &mut || match pass {
            BenchedPass::Forward => self.forward(),
            BenchedPass::TrainStep => self.train_step(),
        });
        let mut recorded = recorder.stop().unwrap_or(profile);
        recorded.add_wall_time(total_duration(&run?));
        Ok(recorded)
    }

    fn profile_burn(&self, pass: BenchedPass, profile: &mut Profile) -> Result<()> {
        let network = match &self.training {
            Some(training) if pass == BenchedPass::TrainStep => &training.network,
            Some(_) | None => &self.evaluated,
        };
        let images = self.images();
        let (mut watch, mut step, mut done) = (Stopwatch::start(), 0, Ok(()));
        network.forward_with_burn(images, |_, _| {
            let finished = synchronise(&self.device);
            if done.is_ok() {
                done = finished;
            }
            profile.add_forward(step, watch.lap());
            step += 1;
        });
        profile.end_call();
        done
    }
}

fn total_duration(milliseconds: &[f64]) -> Duration {
    Duration::from_secs_f64(milliseconds.iter().sum::<f64>() / 1e3)
}
