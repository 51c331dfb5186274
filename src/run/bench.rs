//! How long a network takes: forward passes and training steps on one device.

use super::agree::Sample;
use super::device::{self, DeviceChoice};
use super::error::{Result, RunError};
use super::loss::cross_entropy;
use super::lower::lower;
use super::native::Recorded;
use super::optim::{Accumulated, OptimState};
use crate::check::Checked;
use crate::recipe::Optimizer;
use burn::module::Module;
use burn::tensor::Device;
use serde::Serialize;
use std::time::{Duration, Instant};

/// Milliseconds per call, a call being one batch.
#[derive(Debug, Clone, Serialize)]
pub struct Timing {
    pub calls: usize,
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

#[derive(Debug, Clone, Serialize)]
pub struct Bench {
    pub model: String,
    pub device: String,
    pub input: Vec<usize>,
    pub batch: usize,
    pub forward: Timing,
    /// Forward, cross entropy, backward, Adam.
    pub train_step: Timing,
}

const WARM_UP: usize = 3;

/// Calls `f` for `time` after a few calls to warm up; at least three calls count.
fn measure(device: &Device, time: Duration, mut f: impl FnMut()) -> Result<Timing> {
    let mut one = || {
        let began = Instant::now();
        f();
        device.sync().map_err(|e| RunError::new(format!("the device failed: {e:?}")))?;
        Ok(began.elapsed().as_secs_f64() * 1e3)
    };
    for _ in 0..WARM_UP {
        one()?;
    }
    let began = Instant::now();
    let mut times = Vec::new();
    while times.len() < 3 || began.elapsed() < time {
        times.push(one()?);
    }
    times.sort_by(f64::total_cmp);
    Ok(Timing { calls: times.len(), median: times[times.len() / 2], min: times[0], max: times[times.len() - 1] })
}

/// Times a model at the size it was checked at; `seconds` for each of the two parts.
pub fn bench(checked: &Checked, choice: DeviceChoice, batch: usize, seconds: f64) -> Result<Bench> {
    let device = device::open(choice)?;
    let sample = Sample::new(checked, batch)?;
    let time = Duration::from_secs_f64(seconds);
    let network = lower(checked, &device, 0);
    let evaluated = network.valid();
    let forward = measure(&device, time, || drop(evaluated.forward(sample.images(&device))))?;
    let mut network = network.train();
    let mut optim = OptimState::new(Optimizer::default());
    let train_step = measure(&device, time, || {
        let Recorded { mut results, back } = network.record(sample.images(&device), 0);
        let gradients = cross_entropy(results.remove(0), sample.targets(network.device())).backward();
        let gradients = Accumulated::of(&network, back, gradients);
        network = optim.step(network.clone(), gradients, optim.optimizer.lr());
    })?;
    Ok(Bench {
        model: checked.graph().name.clone(),
        device: choice.to_string(),
        input: checked.input().dims().to_vec(),
        batch,
        forward,
        train_step,
    })
}
