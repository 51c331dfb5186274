//! Device parity: compares outputs and gradients of a device with the CPU, for the same weights and the same batch.
//!
//! The tests compare the CPU backend with PyTorch; this comparison extends them to other devices.

use super::loss::cross_entropy;
use super::optim::AccumulatedGradients;
use crate::base::count::counted;
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::compute::device::{self, DeviceChoice};
use crate::compute::engine_bridge::RecordedPass;
use crate::compute::lower::lower;
use crate::compute::weights::NamedTensor;
use crate::graph::check::CheckedGraph;
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// Largest difference between two versions of a tensor.
#[derive(Debug, Clone)]
pub(crate) struct TensorDifference {
    pub name: String,
    /// `max |a - b| / (max |a| + 1e-12)`, where `a` is the CPU's tensor.
    pub relative: f64,
}

/// Differences between a device and the CPU.
#[derive(Debug, Clone)]
pub(crate) struct DeviceParity {
    /// Logits in evaluation mode.
    pub output: TensorDifference,
    /// Logits in training mode.
    pub training_output: TensorDifference,
    pub loss: TensorDifference,
    /// Gradients of every trainable tensor, the largest difference first.
    pub gradients: Vec<TensorDifference>,
}

/// Random images in [0, 1) and targets, equal on every machine.
pub struct RandomBatch {
    images: Vec<f32>,
    targets: Vec<i32>,
    shape: [usize; 4],
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

    pub fn targets(&self, device: &Device) -> Tensor<3, Int> {
        let [n, _, h, w] = self.shape;
        Tensor::from_data(TensorData::new(self.targets.clone(), [n, h, w]), device)
    }
}

/// Outputs and gradients on one device.
struct DeviceResults {
    output: NamedTensor,
    training_output: NamedTensor,
    loss: NamedTensor,
    gradients: Vec<NamedTensor>,
}

fn compute(checked: &CheckedGraph, device: &Device, sample: &RandomBatch, seed: u64) -> DeviceResults {
    let network = lower(checked, device, seed);
    let output = network.valid().forward(sample.images(device)).remove(0);
    let network = network.train();
    let RecordedPass { mut results, back } = network.record(sample.images(device), seed);
    let logits = results.remove(0);
    let loss = cross_entropy(logits.clone(), sample.targets(network.device()));
    let gradients = AccumulatedGradients::of(&network, back, loss.backward()).tensors(&network);
    DeviceResults {
        output: NamedTensor::new("output".into(), output),
        training_output: NamedTensor::new("output in training".into(), logits),
        loss: NamedTensor::new("loss".into(), loss),
        gradients,
    }
}

fn difference(a: &NamedTensor, b: &NamedTensor) -> TensorDifference {
    let scale = a.values.iter().fold(0.0f64, |m, x| m.max(f64::from(x.abs())));
    let pairs = a.values.iter().zip(&b.values).map(|(x, y)| (f64::from(*x) - f64::from(*y)).abs());
    // `f64::max` ignores NaN, so a NaN is turned into infinity.
    let worst = pairs.fold(0.0f64, |m, d| if d.is_nan() { f64::INFINITY } else { m.max(d) });
    let worst = if a.values.len() == b.values.len() { worst } else { f64::INFINITY };
    TensorDifference { name: a.name.clone(), relative: worst / (scale + 1e-12) }
}

/// Compares the device `choice` with the CPU on one random batch.
pub(crate) fn compare_devices(
    checked: &CheckedGraph,
    choice: DeviceChoice,
    batch: usize,
    seed: u64,
) -> Result<DeviceParity> {
    let sample = RandomBatch::new(checked, batch)?;
    let here = compute(checked, &device::open(DeviceChoice::Cpu)?, &sample, seed);
    let there = compute(checked, &device::open(choice)?, &sample, seed);
    let mut gradients: Vec<_> = here.gradients.iter().zip(&there.gradients).map(|(a, b)| difference(a, b)).collect();
    gradients.sort_by(|a, b| b.relative.total_cmp(&a.relative));
    Ok(DeviceParity {
        output: difference(&here.output, &there.output),
        training_output: difference(&here.training_output, &there.training_output),
        loss: difference(&here.loss, &there.loss),
        gradients,
    })
}
