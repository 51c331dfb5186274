//! Gradients by tensor name: accumulated over batches, their norm, and clipping.

use crate::compute::engine_bridge::{BackwardPath, NetworkGradients};
use crate::compute::network::Network;
use crate::compute::tensor_sum::sum_all;
use crate::compute::weights::{self, NamedTensor};
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Gradients, Tensor, TensorData};
use std::collections::{BTreeMap, HashMap};

/// The gradients of one optimiser step, flattened, by tensor name.
///
/// ```ignore
/// let mut gradients = AccumulatedGradients::default();
/// for (batch, share) in parts {            // share: images of the part / images of the step
///     let RecordedPass { results, back } = network.record(x, seed);
///     gradients.add(&network, back, loss(results).backward(), share);
/// }
/// let norm = gradients.norm();             // or gradients.clip(1.0), which returns the norm before clipping
/// network = optim.step(network, gradients, rate);
/// ```
///
/// With shares that sum to 1 this is the gradient of one batch of all parts, if the loss is a mean over images. Batch norm, class
/// weights and overlaps over the batch are computed for each part separately.
#[derive(Debug, Default)]
pub struct AccumulatedGradients {
    gradients: BTreeMap<String, Tensor<1>>,
    image: Option<Vec<f32>>,
}

impl AccumulatedGradients {
    /// Collects the gradients of one batch.
    pub fn of(network: &Network, back: BackwardPath, gradients: Gradients) -> Self {
        let mut accumulated = Self::default();
        accumulated.add(network, back, gradients, 1.0);
        accumulated
    }

    /// Adds `share` times the gradients, which belong to a loss of this network's recorded results. Tensors without a gradient are
    /// left out.
    pub fn add(&mut self, network: &Network, back: BackwardPath, mut gradients: Gradients, share: f64) {
        let NetworkGradients { by_name, image } = back.gradients(network, &mut gradients);
        self.image = image;
        network.visit(&mut GradientGatherer { gradients, by_name, share, into: &mut self.gradients, path: Vec::new() });
    }

    pub fn is_empty(&self) -> bool {
        self.gradients.is_empty()
    }

    /// Iterates over names and gradients, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor<1>)> {
        self.gradients.iter().map(|(name, gradient)| (name.as_str(), gradient))
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Tensor<1>> {
        self.gradients.remove(name)
    }

    /// Returns the gradient of the last batch's images, `[n, c, h, w]`, if they required one.
    pub fn image(&self) -> Option<&[f32]> {
        self.image.as_deref()
    }

    /// Returns the gradients in PyTorch's layout, in the order of declaration.
    pub fn tensors(&self, network: &Network) -> Vec<NamedTensor> {
        let found = |(name, shape): (String, Vec<usize>)| {
            let flat = self.gradients.get(&name)?.clone();
            // Burn stores the weight of a linear layer as [in, out].
            let values = match shape[..] {
                [out, inputs] => NamedTensor::new(String::new(), flat.reshape([inputs, out]).transpose()).values,
                _ => NamedTensor::new(String::new(), flat).values,
            };
            Some(NamedTensor { name, shape, values })
        };
        weights::layout(network).into_iter().filter_map(found).collect()
    }

    /// Returns the L2 norm of all gradients as one vector. It is not finite if any gradient is not.
    pub fn norm(&self) -> f64 {
        let squares = self.gradients.values().map(|g| sum_all(g.clone().mul(g.clone())));
        // Only one number is read from the device, for any number of tensors.
        let squares: Vec<Tensor<1>> = squares.collect();
        if squares.is_empty() { 0.0 } else { Tensor::cat(squares, 0).sum().into_scalar::<f64>().sqrt() }
    }

    /// Scales all gradients by `min(1, max / (norm + 1e-6))`, as `torch.nn.utils.clip_grad_norm_`, and returns the
    /// norm before. Gradients whose norm is not finite do not change.
    pub fn clip(&mut self, max: f64) -> f64 {
        let norm = self.norm();
        let scale = max / (norm + 1e-6);
        if norm.is_finite() && scale < 1.0 {
            for gradient in self.gradients.values_mut() {
                *gradient = gradient.clone().mul_scalar(scale);
            }
        }
        norm
    }
}

impl GradientGatherer<'_> {
    fn take<const D: usize>(&mut self, name: &str, param: &Param<Tensor<D>>) -> Option<Tensor<1>> {
        let Some(by_name) = &mut self.by_name else {
            let gradient = param.val().grad_remove(&mut self.gradients)?;
            let count = gradient.dims().iter().product::<usize>();
            return Some(gradient.reshape([count]));
        };
        let values = by_name.remove(name).filter(|_| param.is_require_grad())?;
        let count = values.len();
        Some(Tensor::from_data(TensorData::new(values, [count]), &param.val().device().without_autodiff()))
    }
}

/// Adds the gradients of a network's tensors to `into`.
struct GradientGatherer<'a> {
    gradients: Gradients,
    /// Gradients by name if the engine computed them.
    by_name: Option<HashMap<String, Vec<f32>>>,
    share: f64,
    into: &'a mut BTreeMap<String, Tensor<1>>,
    path: Vec<String>,
}

impl ModuleVisitor for GradientGatherer<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.join(".");
        let Some(gradient) = self.take(&name, param) else { return };
        let gradient = if self.share == 1.0 { gradient } else { gradient.mul_scalar(self.share) };
        let gradient = match self.into.remove(&name) {
            Some(sum) => sum.add(gradient),
            None => gradient,
        };
        self.into.insert(name, gradient);
    }
}
