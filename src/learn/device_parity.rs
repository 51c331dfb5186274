//! Device parity: compares outputs and gradients of a device with the CPU, for the same weights and the same batch.
//!
//! The tests compare the CPU backend with PyTorch; this comparison extends them to other devices.

use super::gpu_training::{GpuTraining, plain_scalars};
use super::loss::cross_entropy;
use super::optim::AccumulatedGradients;
use crate::base::count::counted;
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::compute::cuda::{Gpu, StepScalars, TrainingBatch};
use crate::compute::device::{ComputeDevice, DeviceChoice};
use crate::compute::engine_bridge::RecordedPass;
use crate::compute::lower::lower;
use crate::compute::network::Network;
use crate::compute::weights::NamedTensor;
use crate::graph::check::CheckedGraph;
use crate::text::config::ProductPrecision;
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use std::collections::HashMap;

/// Largest difference between two versions of a tensor.
#[derive(Debug, Clone)]
pub(crate) struct TensorDifference {
    pub name: String,
    /// `max |a - b| / max |a|`, where `a` is the CPU's tensor; of a gradient, `max |a|` is at least a thousandth of the largest gradient:
    /// that of a bias before a norm is zero but for rounding.
    pub relative: f64,
}

/// Differences between a device and the CPU.
#[derive(Debug, Clone)]
pub(crate) struct DeviceParity {
    /// Logits in evaluation mode.
    pub output: TensorDifference,
    /// Logits in training mode; `None` where npc's own kernels train, which keep them to themselves.
    pub training_output: Option<TensorDifference>,
    pub loss: TensorDifference,
    /// Gradients of every trainable tensor, the largest difference first.
    pub gradients: Vec<TensorDifference>,
}

/// Keeps a share of nothing finite.
const TINY: f64 = 1e-12;

/// Random images in [0, 1) and targets, equal on every machine.
pub struct RandomBatch {
    images: Vec<f32>,
    targets: Vec<i32>,
    pub(super) shape: [usize; 4],
}

impl RandomBatch {
    /// Draws a batch for a model whose result is a map of the size of its input. Errors: the result is no such map.
    pub fn new(checked: &CheckedGraph, batch: usize) -> Result<Self> {
        let (Some([h, w]), Some(out)) = (checked.input().spatial(), checked.output().spatial()) else {
            return Err(problem!(E0716, "the model's result is not a map of pixels"));
        };
        if out != [h, w] {
            return Err(problem!(
                E0716,
                "the model's result is {}, which is not the size of its image, {h}x{w}",
                checked.output()
            ));
        }
        let classes = checked.output().channels() as u64;
        let (mut sample, mut random) = Self::random_images(checked, batch)?;
        sample.targets = (0..batch * h * w).map(|_| (u64::from(random.next_u32()) % classes) as i32).collect();
        Ok(sample)
    }

    /// Draws a batch without targets, for a model with any result.
    pub fn without_targets(checked: &CheckedGraph, batch: usize) -> Result<Self> {
        Ok(Self::random_images(checked, batch)?.0)
    }

    fn random_images(checked: &CheckedGraph, batch: usize) -> Result<(Self, ChaCha8Rng)> {
        let [c, h, w] = *checked.input().dims() else {
            return Err(problem!(E0716, "the model's input is not an image"));
        };
        let shape = [batch, c, h, w];
        let numbers = shape.iter().try_fold(1usize, |product, n| product.checked_mul(*n));
        let numbers = numbers.filter(|n| n.checked_mul(4).is_some_and(|bytes| bytes <= isize::MAX as usize));
        let Some(numbers) = numbers else {
            return Err(problem!(
                E0731,
                "out of memory: a batch of {} of {c}x{h}x{w} exceeds the address space",
                counted(batch, "image")
            ));
        };
        let mut random = ChaCha8Rng::seed_from_u64(0);
        let images = (0..numbers).map(|_| (random.next_u32() >> 8) as f32 / (1 << 24) as f32).collect();
        Ok((Self { images, targets: Vec::new(), shape }, random))
    }

    pub fn images(&self, device: &Device) -> Tensor<4> {
        Tensor::from_data(TensorData::new(self.images.clone(), self.shape), device)
    }

    /// Returns the classes as bytes.
    pub(super) fn target_bytes(&self) -> Vec<u8> {
        self.targets.iter().map(|&class| class as u8).collect()
    }

    /// Returns the batch as a whole step of a GPU with these scalars.
    pub(super) fn step<'a>(&'a self, targets: &'a [u8], scalars: StepScalars) -> TrainingBatch<'a> {
        TrainingBatch { dims: self.shape, images: &self.images, targets, scalars, is_last: true }
    }

    pub fn targets(&self, device: &Device) -> Tensor<3, Int> {
        let [n, _, h, w] = self.shape;
        Tensor::from_data(TensorData::new(self.targets.clone(), [n, h, w]), device)
    }
}

/// Outputs and gradients on one device.
struct DeviceResults {
    output: NamedTensor,
    training_output: Option<NamedTensor>,
    loss: NamedTensor,
    gradients: Vec<NamedTensor>,
}

fn compute(checked: &CheckedGraph, device: &ComputeDevice, sample: &RandomBatch, seed: u64) -> Result<DeviceResults> {
    let network = lower(checked, &device.tensors, seed);
    if let Some(gpu) = &device.gpu {
        return compute_on_gpu(gpu, network, sample, seed);
    }
    let device = &device.tensors;
    let output = network.valid().forward(sample.images(device)).remove(0);
    let network = network.train();
    let RecordedPass { mut results, back } = network.record(sample.images(device), seed);
    let logits = results.remove(0);
    let loss = cross_entropy(logits.clone(), sample.targets(network.device()));
    let gradients = AccumulatedGradients::of(&network, back, loss.backward()).tensors(&network);
    Ok(DeviceResults {
        output: NamedTensor::new("output".into(), output),
        training_output: Some(NamedTensor::new("output in training".into(), logits)),
        loss: NamedTensor::new("loss".into(), loss),
        gradients,
    })
}

/// Runs the same by npc's own kernels: a whole step at the learning rate 0, which leaves the gradients behind.
fn compute_on_gpu(gpu: &Gpu, network: Network, sample: &RandomBatch, seed: u64) -> Result<DeviceResults> {
    let evaluated = network.valid().placed_on(Some(gpu));
    let output = evaluated.compute(sample.images(evaluated.device()))?.remove(0);
    let mut training = GpuTraining::of_cross_entropy(gpu, &network.train(), sample.shape)?;
    let targets = sample.target_bytes();
    training.pass(&sample.step(&targets, plain_scalars(seed, 1, 0.0)))?;
    let report = training.finish()?.ok_or_else(|| problem!(E0799, "a pass left no report"))?;
    Ok(DeviceResults {
        output: NamedTensor::new("output".into(), output),
        training_output: None,
        loss: NamedTensor { name: "loss".into(), shape: vec![1], values: vec![report.loss] },
        gradients: training.read_gradients(&evaluated)?,
    })
}

fn largest(tensor: &NamedTensor) -> f64 {
    tensor.values.iter().fold(0.0f64, |m, x| m.max(f64::from(x.abs())))
}

/// `least` is the least number that differences are a share of.
fn difference(a: &NamedTensor, b: &NamedTensor, least: f64) -> TensorDifference {
    let scale = largest(a).max(least);
    let pairs = a.values.iter().zip(&b.values).map(|(x, y)| (f64::from(*x) - f64::from(*y)).abs());
    // `f64::max` ignores NaN, so a NaN is turned into infinity.
    let worst = pairs.fold(0.0f64, |m, d| if d.is_nan() { f64::INFINITY } else { m.max(d) });
    let worst = if a.values.len() == b.values.len() { worst } else { f64::INFINITY };
    TensorDifference { name: a.name.clone(), relative: worst / (scale + 1e-12) }
}

/// Compares the device `choice` with the CPU on one random batch.
pub(crate) fn compare_devices(
    checked: &CheckedGraph,
    (choice, precision): (DeviceChoice, ProductPrecision),
    batch: usize,
    seed: u64,
) -> Result<DeviceParity> {
    let sample = RandomBatch::new(checked, batch)?;
    let here = ComputeDevice::open(DeviceChoice::Cpu, precision)?;
    compare(checked, [&here, &ComputeDevice::open(choice, precision)?], &sample, seed)
}

/// Compares a GPU with the CPU on one random batch.
pub(crate) fn compare_with_gpu(checked: &CheckedGraph, gpu: &Gpu, batch: usize, seed: u64) -> Result<DeviceParity> {
    let here = ComputeDevice::open(DeviceChoice::Cpu, gpu.precision)?;
    let there = ComputeDevice { gpu: Some(gpu.clone()), ..here.clone() };
    compare(checked, [&here, &there], &RandomBatch::new(checked, batch)?, seed)
}

fn compare(
    checked: &CheckedGraph,
    [here, there]: [&ComputeDevice; 2],
    sample: &RandomBatch,
    seed: u64,
) -> Result<DeviceParity> {
    let (here, there) = (compute(checked, here, sample, seed)?, compute(checked, there, sample, seed)?);
    let least = 1e-3 * here.gradients.iter().map(largest).fold(0.0, f64::max);
    let by_name: HashMap<&str, &NamedTensor> = there.gradients.iter().map(|g| (&g.name[..], g)).collect();
    let missing = |name: &str| NamedTensor { name: name.into(), shape: Vec::new(), values: Vec::new() };
    let of = |a: &NamedTensor| match by_name.get(&a.name[..]) {
        Some(b) => difference(a, b, least),
        None => difference(a, &missing(&a.name), least),
    };
    let mut gradients: Vec<_> = here.gradients.iter().map(of).collect();
    gradients.sort_by(|a, b| b.relative.total_cmp(&a.relative));
    Ok(DeviceParity {
        output: difference(&here.output, &there.output, TINY),
        training_output: here.training_output.zip(there.training_output).map(|(a, b)| difference(&a, &b, TINY)),
        loss: difference(&here.loss, &there.loss, TINY),
        gradients,
    })
}
