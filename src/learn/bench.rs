//! Benchmark of a network: times forward passes and training steps on one device, and compares them with the processor's peak.
//!
//! A training step is forward, cross entropy, backward and Adam. A call is one batch.

mod backend;
mod timed_network;
mod timing;

pub(crate) use backend::Backend;
pub(crate) use timing::{TimeBudget, Timing};

use crate::base::error::Result;
use crate::base::problem::problem;
use crate::compute::device::{ComputeDevice, DeviceChoice, is_cpu};
use crate::compute::engine::kernel::peak;
use crate::compute::engine::kernel::simd::SimdLevel;
use crate::compute::engine::profile::{NodeTime, Profile};
use crate::compute::engine_bridge::use_burn_only;
use crate::graph::check::CheckedGraph;
use crate::study::cost::{Convention, count};
use crate::text::config::ProductPrecision;
use serde::Serialize;
use timed_network::{BenchedPass, TimedNetwork};
use timing::measure;

/// What to benchmark, and for how long.
#[derive(Debug, Clone)]
pub(crate) struct BenchSettings {
    pub device: DeviceChoice,
    /// How a GPU multiplies.
    pub precision: ProductPrecision,
    /// If not given, the one that training and prediction use: the engine, if it supports the network.
    pub backend: Option<Backend>,
    pub batch: usize,
    /// Whether training steps are timed in addition to forward passes.
    pub train: bool,
    /// Time budget of each phase.
    pub budget: TimeBudget,
    pub profile: bool,
}

/// Timings of forward passes or of training steps.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct BenchPhase {
    pub backend: Backend,
    pub calls: usize,
    pub median_ms: f64,
    pub min_ms: f64,
    pub max_ms: f64,
    /// Images per second at the median.
    pub images_per_s: f64,
    /// Peak memory of the process up to the end of the phase, in units of 10^6 bytes.
    pub peak_rss_mb: Option<f64>,
    /// GFLOP/s at the median. A multiply-accumulate counts as two operations, and a training step as three forward passes, since
    /// the gradients of the inputs and of the weights cost as much as a forward pass each.
    pub achieved_gflops: f64,
    pub share_of_peak: Option<f64>,
}

/// Result of a benchmark.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct BenchReport {
    pub model: String,
    /// Channels, height, width.
    pub input: Vec<usize>,
    pub batch: usize,
    pub device: String,
    pub threads: usize,
    /// Instruction set that the engine uses and that the peak is measured with.
    pub simd: &'static str,
    /// Multiply-accumulates of convolutions and linear layers in the forward pass of one image.
    pub macs: u64,
    /// Peak of all threads on register operands; `None` on devices other than the processor.
    pub peak_gflops: Option<f64>,
    pub forward: BenchPhase,
    pub train_step: Option<BenchPhase>,
    #[serde(skip)]
    pub profile: Option<Profile>,
}

/// Times a model at the input size that it was checked at.
pub(crate) fn bench(checked: &CheckedGraph, settings: &BenchSettings) -> Result<BenchReport> {
    let batch = settings.batch;
    let device = ComputeDevice::open(settings.device, settings.precision)?;
    if settings.backend == Some(Backend::Burn) {
        use_burn_only();
    }
    let last_pass = if settings.train { BenchedPass::TrainStep } else { BenchedPass::Forward };
    let mut work = TimedNetwork::new(checked, &device, batch, last_pass)?;
    let passes = [BenchedPass::Forward, BenchedPass::TrainStep]
        .into_iter()
        .filter(|&pass| settings.train || pass == BenchedPass::Forward);
    if let (Some(Backend::Engine), Some(why)) =
        (settings.backend, passes.into_iter().find_map(|pass| work.why_engine_refuses(pass)))
    {
        return Err(problem!(
            E0730,
            "the engine does not support {}: {why}",
            checked.graph().name;
            help: "leave out `--backend`; Burn is used if the engine does not support the network"
        ));
    }
    let macs = count(checked, Convention::Conv).macs;
    let peak = || (device.gpu.is_none() && is_cpu(&device.tensors)).then(|| peak::flops(SimdLevel::get()) / 1e9);
    let before = peak();
    let forward = measure(settings.budget, || work.forward())?;
    work.free_forward_memory();
    let train_step = match settings.train {
        true => Some(measure(settings.budget, || work.train_step())?),
        false => None,
    };
    // The clock of a processor changes with its load, so the peak is the better of two measurements.
    let peak_gflops = before.zip(peak()).map(|(a, b)| f64::max(a, b));
    let phase = |(timing, memory): (Timing, Option<u64>), pass: BenchedPass| {
        let forward_passes = match pass {
            BenchedPass::Forward => 1.0,
            BenchedPass::TrainStep => 3.0,
        };
        let achieved_gflops = 2.0 * forward_passes * macs as f64 * batch as f64 / timing.median / 1e6;
        BenchPhase {
            backend: work.backend(pass),
            calls: timing.calls,
            median_ms: timing.median,
            min_ms: timing.min,
            max_ms: timing.max,
            images_per_s: batch as f64 * 1e3 / timing.median,
            peak_rss_mb: memory.map(|bytes| bytes as f64 / 1e6),
            achieved_gflops,
            share_of_peak: peak_gflops.map(|peak| achieved_gflops / peak),
        }
    };
    let (forward, train_step) =
        (phase(forward, BenchedPass::Forward), train_step.map(|t| phase(t, BenchedPass::TrainStep)));
    let profile = match settings.profile {
        true => Some(profile(checked, settings, &mut work)?),
        false => None,
    };
    Ok(BenchReport {
        model: checked.graph().name.clone(),
        input: checked.input().dims().to_vec(),
        batch,
        device: settings.device.to_string(),
        threads: rayon::current_num_threads(),
        simd: SimdLevel::get().name(),
        macs,
        peak_gflops,
        forward,
        train_step,
        profile,
    })
}

/// Profiles the network node by node. A plan has one step per node, in the same order.
fn profile(checked: &CheckedGraph, settings: &BenchSettings, work: &mut TimedNetwork) -> Result<Profile> {
    let nodes = count(checked, Convention::Conv).nodes.into_iter();
    let timed = nodes.map(|n| NodeTime::new(n.path, n.op, n.macs.saturating_mul(settings.batch as u64)));
    let pass = if settings.train { BenchedPass::TrainStep } else { BenchedPass::Forward };
    work.profile(pass, settings.budget, Profile::new(timed.collect()))
}
