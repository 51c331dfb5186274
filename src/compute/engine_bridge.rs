//! Connects networks to the CPU engine.
//!
//! On the processor, in 32 bits, [`crate::compute::engine`] computes networks whose operators all have a kernel:
//! inference in [`Network::forward`], training in [`Network::record`]. Burn's operators in `exec.rs` compute all
//! others. In both cases the layers are Burn's modules: their numbers are read before a pass, and statistics are
//! written back after it.

use super::device::is_cpu;
use super::engine::{
    BatchStatistics, InferenceWeights, LayerWeights, NetworkWeights, RunningStatistics, Tape, WeightGradient,
};
use super::exec::update_statistics;
use super::fused::PassMode;
use super::network::{Layer, Network};
use super::weights::NamedTensor;
use burn::module::{Module, Param};
use burn::tensor::{DType, Gradients, Tensor, TensorData};
use rayon::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

static BURN_ONLY: AtomicBool = AtomicBool::new(false);

/// Environment variable and value that have the effect of [`use_burn_only`]: `NPC_CPU=burn`.
const DISABLE_VARIABLE: (&str, &str) = ("NPC_CPU", "burn");

/// Computes everything with Burn's operators from now on, for comparisons and to rule out the engine as the cause of a
/// problem.
pub(crate) fn use_burn_only() {
    BURN_ONLY.store(true, Ordering::Relaxed);
}

/// Whether Burn's operators compute everything.
pub(crate) fn engine_is_disabled() -> bool {
    BURN_ONLY.load(Ordering::Relaxed)
        || std::env::var(DISABLE_VARIABLE.0).is_ok_and(|value| value == DISABLE_VARIABLE.1)
}

/// A training pass: results to compute a loss from, and the path back to the weights.
pub struct RecordedPass {
    /// Results in the order of the model, `[n, c, h, w]` each.
    pub results: Vec<Tensor<4>>,
    pub back: BackwardPath,
}

/// How a loss's gradients reach the weights.
pub enum BackwardPath {
    /// Burn's graph continues from the results; the image is included if its gradient was requested.
    Burn { image: Option<Box<Tensor<4>>> },
    /// The results are leaves of Burn's graph; the engine continues from their gradients.
    Engine { tape: Box<Tape>, leaves: Vec<Tensor<4>> },
}

impl Network {
    /// Returns why the engine does not compute images like `x`; `None` if it does.
    pub fn engine_refusal(&self, x: &Tensor<4>, mode: PassMode) -> Option<String> {
        if engine_is_disabled() {
            return Some("it is switched off".into());
        }
        if !is_cpu(&x.device()) || x.dtype() != DType::F32 {
            return Some("it computes only 32-bit floats on the CPU".into());
        }
        self.engine.supports(x.dims(), mode).err().map(|unsupported| unsupported.0)
    }

    /// Computes [`Network::forward`] with the engine, if it supports the network.
    pub(crate) fn forward_with_engine(&self, x: &Tensor<4>) -> Option<Vec<Tensor<4>>> {
        if self.device.is_autodiff() || self.engine_refusal(x, PassMode::Infer).is_some() {
            return None;
        }
        let weights = self.inference_weights.get_or_init(|| InferenceWeights::new(read_weights(self)));
        let dims = x.dims();
        let x = x.clone().without_autodiff().into_data();
        let results = self
            .engine
            .infer(weights, x.as_slice().expect("`engine_refusal` accepts only 32-bit floats"), dims)
            .ok()?;
        Some(self.tensors(results, dims))
    }

    /// Runs a training pass. In the engine, dropout draws from `seed`; Burn's operators draw from the device.
    pub fn record(&self, x: Tensor<4>, seed: u64) -> RecordedPass {
        let to_image = x.is_require_grad();
        if !self.device.is_autodiff() || self.engine_refusal(&x, PassMode::Train { to_image }).is_some() {
            return RecordedPass {
                results: self.forward_with_burn(x.clone(), |_, _| {}),
                back: BackwardPath::Burn { image: to_image.then(|| Box::new(x)) },
            };
        }
        let dims = x.dims();
        let data = x.without_autodiff().into_data();
        let image = data.as_slice().expect("`engine_refusal` accepts only 32-bit floats");
        let output = self.engine.train(Arc::new(read_weights(self)), image, dims, seed, to_image);
        let output = output.expect("`engine_refusal` returned `None`");
        self.keep_statistics(output.statistics);
        let leaf = |x: Tensor<4>| x.autodiff().require_grad();
        let results: Vec<Tensor<4>> = self.tensors(output.results, dims).into_iter().map(leaf).collect();
        RecordedPass {
            results: results.clone(),
            back: BackwardPath::Engine { tape: Box::new(output.tape), leaves: results },
        }
    }

    pub(super) fn tensors(&self, results: Vec<Vec<f32>>, image: [usize; 4]) -> Vec<Tensor<4>> {
        let device = self.device.clone().without_autodiff();
        let dims = self.engine.result_dims(image);
        let tensor = |(values, dims): (Vec<f32>, [usize; 4])| Tensor::from_data(TensorData::new(values, dims), &device);
        results.into_iter().zip(dims).map(tensor).collect()
    }

    fn keep_statistics(&self, statistics: Vec<BatchStatistics>) {
        for BatchStatistics { layer, mean, variance, count } in statistics {
            let Layer::BatchNorm(norm) = &self.layers[layer].layer else {
                unreachable!("the engine returns statistics of batch norms only");
            };
            let device = self.device.clone().without_autodiff();
            let tensor = |values: Vec<f32>| {
                let c = values.len();
                Tensor::<1>::from_data(TensorData::new(values, [c]), &device)
            };
            update_statistics(norm, tensor(mean), tensor(variance), count);
        }
    }
}

impl BackwardPath {
    /// Computes the gradients of the network from the gradients of a loss.
    pub(crate) fn gradients(self, network: &Network, gradients: &mut Gradients) -> NetworkGradients {
        let (tape, leaves) = match self {
            BackwardPath::Burn { image } => {
                let image = image.and_then(|image| image.grad_remove(gradients));
                return NetworkGradients {
                    by_name: None,
                    image: image.map(|x| NamedTensor::new(String::new(), x).values),
                };
            }
            BackwardPath::Engine { tape, leaves } => (tape, leaves),
        };
        let results: Vec<Option<Vec<f32>>> = (leaves.iter())
            .map(|leaf| {
                Some(leaf.grad_remove(gradients)?.into_data().try_into_vec().expect("32-bit floats, as the results"))
            })
            .collect();
        let results: Vec<Option<&[f32]>> = results.iter().map(Option::as_deref).collect();
        let mut all: HashMap<String, Vec<f32>> = HashMap::new();
        let gradients = tape.backward(&results);
        for WeightGradient { layer, name, values } in gradients.weights {
            let named = &network.layers[layer];
            all.insert(format!("{}.{name}", named.path), named.layer.in_order_of_burn(name, values));
        }
        NetworkGradients { by_name: Some(all), image: gradients.image }
    }
}

impl Layer {
    /// Returns the numbers of a tensor in PyTorch's order as Burn has them.
    pub(crate) fn in_order_of_burn(&self, name: &str, values: Vec<f32>) -> Vec<f32> {
        match self {
            // Burn stores this one as [in, out].
            Layer::Linear(linear) if name == "weight" => {
                let [inputs, out] = linear.weight.val().dims();
                transposed(&values, [out, inputs])
            }
            Layer::Linear(_) | Layer::Conv(_) | Layer::ConvTranspose(_) | Layer::BatchNorm(_) | Layer::Affine(_) => {
                values
            }
        }
    }

    /// Returns the numbers of a tensor in Burn's order as PyTorch has them.
    pub(crate) fn in_order_of_pytorch(&self, name: &str, values: Vec<f32>) -> Vec<f32> {
        match self {
            Layer::Linear(linear) if name == "weight" => transposed(&values, linear.weight.val().dims()),
            Layer::Linear(_) | Layer::Conv(_) | Layer::ConvTranspose(_) | Layer::BatchNorm(_) | Layer::Affine(_) => {
                values
            }
        }
    }
}

fn transposed(values: &[f32], [rows, columns]: [usize; 2]) -> Vec<f32> {
    (0..columns).flat_map(|c| (0..rows).map(move |r| values[r * columns + c])).collect()
}

/// Gradients that are not part of Burn's graph.
#[derive(Default)]
pub(crate) struct NetworkGradients {
    /// Gradients by tensor name, flattened in Burn's order; `None` if they are in Burn's graph.
    pub by_name: Option<HashMap<String, Vec<f32>>>,
    /// NCHW numbers, if the image's gradient was requested.
    pub image: Option<Vec<f32>>,
}

/// Reads the numbers of all layers.
pub(crate) fn read_weights(network: &Network) -> NetworkWeights {
    let values = |param: Tensor<1>| NamedTensor::new(String::new(), param).values;
    let bias = |bias: &Option<Param<Tensor<1>>>| bias.as_ref().map(|bias| values(bias.val()));
    let flat = |weight: Tensor<4>| NamedTensor::new(String::new(), weight).values;
    let of = |layer: &Layer| match layer {
        Layer::Conv(conv) => LayerWeights { weight: flat(conv.weight.val()), bias: bias(&conv.bias), running: None },
        Layer::ConvTranspose(conv) => {
            LayerWeights { weight: flat(conv.weight.val()), bias: bias(&conv.bias), running: None }
        }
        Layer::Linear(linear) => {
            let weight = NamedTensor::new(String::new(), linear.weight.val().transpose()).values;
            LayerWeights { weight, bias: bias(&linear.bias), running: None }
        }
        Layer::Affine(affine) => {
            LayerWeights { weight: values(affine.weight.val()), bias: bias(&affine.bias), running: None }
        }
        Layer::BatchNorm(norm) => LayerWeights {
            weight: values(norm.gamma.val()),
            bias: Some(values(norm.beta.val())),
            running: Some(RunningStatistics {
                mean: values(norm.running_mean.valid().value()),
                variance: values(norm.running_var.valid().value()),
                frozen: !norm.training.is_enabled(),
            }),
        },
    };
    network.layers.par_iter().map(|named| of(&named.layer)).collect()
}
