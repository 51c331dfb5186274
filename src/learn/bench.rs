//! How long a network takes: forward passes and training steps on one device, beside what the processor could do.
//!
//! A training step is forward, cross entropy, backward, Adam. A call is one batch.

mod work;

use crate::base::error::{Result, RunError};
use crate::base::machine;
use crate::compute::device::{self, DeviceChoice};
use crate::compute::engine::kernel::peak;
use crate::compute::engine::kernel::simd::Level;
use crate::compute::engine::profile::{NodeTime, Profile};
use crate::compute::native::use_burn_only;
use crate::graph::check::Checked;
use crate::study::cost::{Convention, count};
use serde::Serialize;
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};
use work::Work;

/// What computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// [`crate::compute::engine`], on the processor.
    Engine,
    /// Burn's own operations, on any device.
    Burn,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Backend::Engine => "engine",
            Backend::Burn => "burn",
        })
    }
}

impl FromStr for Backend {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Backend::Engine, Backend::Burn]
            .into_iter()
            .find(|b| b.to_string() == text)
            .ok_or_else(|| format!("no backend `{text}`: accepted are `engine` and `burn`"))
    }
}

/// How long something is measured.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    pub time: Duration,
    /// So many calls at least, however long they take.
    pub calls: usize,
}

#[derive(Debug, Clone)]
pub struct Settings {
    pub device: DeviceChoice,
    /// What training and prediction take when not given: the engine where it can.
    pub backend: Option<Backend>,
    pub batch: usize,
    /// Training steps as well as forward passes.
    pub train: bool,
    /// Of each phase.
    pub span: Span,
    pub profile: bool,
}

/// Milliseconds of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Timing {
    pub calls: usize,
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

impl Timing {
    /// `None` without a call. The median of an even number is the mean of the two in the middle.
    fn of(mut times: Vec<f64>) -> Option<Self> {
        times.sort_by(f64::total_cmp);
        let (min, max) = (*times.first()?, *times.last()?);
        let n = times.len();
        Some(Self { calls: n, median: f64::midpoint(times[(n - 1) / 2], times[n / 2]), min, max })
    }
}

/// Forward passes or training steps.
#[derive(Debug, Clone, Serialize)]
pub struct Phase {
    pub backend: Backend,
    pub calls: usize,
    pub median_ms: f64,
    pub min_ms: f64,
    pub max_ms: f64,
    /// At the median.
    pub images_per_s: f64,
    /// Most memory of the process up to the end of the phase, in units of 10^6 bytes.
    pub peak_rss_mb: Option<f64>,
    /// At the median. A multiply-accumulate is two operations, and a training step counts three times the forward pass: the
    /// gradients of the inputs and of the weights cost as much each.
    pub achieved_gflops: f64,
    pub share_of_peak: Option<f64>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Bench {
    pub model: String,
    /// Channels, height, width.
    pub input: Vec<usize>,
    pub batch: usize,
    pub device: String,
    pub threads: usize,
    /// Instructions that the engine uses here and that the peak is measured with.
    pub simd: &'static str,
    /// Multiply-accumulates of convolutions and linear layers in the forward pass of one image.
    pub macs: u64,
    /// What all threads reach on registers alone; `None` on a device other than the processor.
    pub peak_gflops: Option<f64>,
    pub forward: Phase,
    pub train_step: Option<Phase>,
    #[serde(skip)]
    pub profile: Option<Profile>,
}

const WARM_UP: usize = 3;

/// Some calls that do not count. They take no more than half of the time but for the first.
fn warm_up(span: Span, call: &mut impl FnMut() -> Result<()>) -> Result<()> {
    let began = Instant::now();
    for _ in 0..WARM_UP {
        call()?;
        if began.elapsed() > span.time / 2 {
            break;
        }
    }
    Ok(())
}

/// Calls as long as `span` says; milliseconds of each.
fn repeat(span: Span, call: &mut impl FnMut() -> Result<()>) -> Result<Vec<f64>> {
    let began = Instant::now();
    let mut times = Vec::new();
    while times.len() < span.calls.max(1) || began.elapsed() < span.time {
        let one = Instant::now();
        call()?;
        times.push(one.elapsed().as_secs_f64() * 1e3);
    }
    Ok(times)
}

/// The times, and the memory that the process has needed so far.
fn measure(span: Span, mut call: impl FnMut() -> Result<()>) -> Result<(Timing, Option<u64>)> {
    warm_up(span, &mut call)?;
    let timing = Timing::of(repeat(span, &mut call)?).expect("repeat: one call at least");
    Ok((timing, machine::peak_memory()))
}

/// Times a model at the size it was checked at.
pub fn bench(checked: &Checked, settings: &Settings) -> Result<Bench> {
    let batch = settings.batch;
    let device = device::open(settings.device)?;
    if settings.backend == Some(Backend::Burn) {
        use_burn_only();
    }
    let mut work = Work::new(checked, &device, batch, settings.train)?;
    let modes = [false, true].into_iter().filter(|train| settings.train || !train);
    if let (Some(Backend::Engine), Some(why)) =
        (settings.backend, modes.into_iter().find_map(|train| work.refusal(train)))
    {
        let message = format!("the engine does not compute {}: {why}", checked.graph().name);
        return Err(RunError::new(message).help("leave out `--backend`: Burn computes what the engine does not"));
    }
    let macs = count(checked, Convention::Conv).macs;
    let peak = || device::is_cpu(&device).then(|| peak::flops(Level::get()) / 1e9);
    let before = peak();
    let forward = measure(settings.span, || work.forward())?;
    work.forget();
    let train_step = match settings.train {
        true => Some(measure(settings.span, || work.train_step())?),
        false => None,
    };
    // The clock of a processor changes with its load: the peak is the better of two looks.
    let peak_gflops = before.zip(peak()).map(|(a, b)| f64::max(a, b));
    let phase = |(timing, memory): (Timing, Option<u64>), train: bool| {
        let passes = if train { 3.0 } else { 1.0 };
        let achieved_gflops = 2.0 * passes * macs as f64 * batch as f64 / timing.median / 1e6;
        Phase {
            backend: work.backend(train),
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
    let (forward, train_step) = (phase(forward, false), train_step.map(|t| phase(t, true)));
    let profile = match settings.profile {
        true => Some(profile(checked, settings, &mut work)?),
        false => None,
    };
    Ok(Bench {
        model: checked.graph().name.clone(),
        input: checked.input().dims().to_vec(),
        batch,
        device: settings.device.to_string(),
        threads: rayon::current_num_threads(),
        simd: Level::get().name(),
        macs,
        peak_gflops,
        forward,
        train_step,
        profile,
    })
}

/// A plan has a step for each node, in the same order.
fn profile(checked: &Checked, settings: &Settings, work: &mut Work) -> Result<Profile> {
    let nodes = count(checked, Convention::Conv).nodes.into_iter();
    let timed = nodes.map(|n| NodeTime::new(n.path, n.op, n.macs.saturating_mul(settings.batch as u64)));
    work.profile(settings.train, settings.span, Profile::new(timed.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        let timing = |times: &[f64]| Timing::of(times.to_vec());
        assert_eq!(timing(&[]), None);
        assert_eq!(timing(&[4.0, 1.0, 9.0]), Some(Timing { calls: 3, median: 4.0, min: 1.0, max: 9.0 }));
        assert_eq!(timing(&[4.0, 1.0, 9.0, 3.0]), Some(Timing { calls: 4, median: 3.5, min: 1.0, max: 9.0 }));
    }

    #[test]
    fn a_call_that_takes_long_is_warmed_up_once() {
        let slow = Span { time: Duration::from_millis(2), calls: 2 };
        let mut calls = 0;
        let times = measure(slow, || {
            calls += 1;
            std::thread::sleep(Duration::from_millis(5));
            Ok(())
        });
        assert_eq!((times.unwrap().0.calls, calls), (2, 3));
        let fast = Span { time: Duration::ZERO, calls: 4 };
        assert_eq!(measure(fast, || Ok(())).unwrap().0.calls, 4);
    }

    #[test]
    fn a_failure_ends_the_measurement() {
        let span = Span { time: Duration::from_secs(60), calls: 1 };
        assert!(measure(span, || Err(RunError::new("lost"))).is_err());
    }
}
