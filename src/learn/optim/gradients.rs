//! Gradients by name: gathered over batches, measured, clipped, handed to the optimiser.

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
/// let mut gradients = Accumulated::default();
/// for (batch, share) in parts {            // share: images of the part / images of the step
///     let RecordedPass { results, back } = network.record(x, seed);
///     gradients.add(&network, back, loss(results).backward(), share);
/// }
/// let norm = gradients.norm();             // or gradients.clip(1.0), which gives the norm before
/// network = optim.step(network, gradients, rate);
/// ```
///
/// With shares that sum to 1 this is the gradient of the mean over the parts: what the parts in one batch would have
/// given, if the loss is a mean over images. Batch norm, class weights and overlaps that sum over the batch see each part
/// alone.
#[derive(Debug, Default)]
pub struct AccumulatedGradients {
    gradients: BTreeMap<String, Tensor<1>>,
    image: Option<Vec<f32>>,
}

impl AccumulatedGradients {
    /// The gradients of one batch.
    pub fn of(network: &Network, back: BackwardPath, gradients: Gradients) -> Self {
        let mut accumulated = Self::default();
        accumulated.add(network, back, gradients, 1.0);
        accumulated
    }

    /// Adds `share` times the gradients, which came from a loss of what this network recorded. Tensors without a gradient
    /// are left out.
    pub fn add(&mut self, network: &Network, back: BackwardPath, mut gradients: Gradients, share: f64) {
        let NetworkGradients { by_name, image } = back.gradients(network, &mut gradients);
        self.image = image;
        network.visit(&mut GradientGatherer { gradients, by_name, share, into: &mut self.gradients, path: Vec::new() });
    }

    pub fn is_empty(&self) -> bool {
        self.gradients.is_empty()
    }

    /// Names and gradients, in the order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor<1>)> {
        self.gradients.iter().map(|(name, gradient)| (name.as_str(), gradient))
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Tensor<1>> {
        self.gradients.remove(name)
    }

    /// NCHW numbers: the gradient of the last batch's images, if they asked for one.
    pub fn image(&self) -> Option<&[f32]> {
        self.image.as_deref()
    }

    /// The same tensors in PyTorch's layout, in declaration order.
    pub fn tensors(&self, network: &Network) -> Vec<NamedTensor> {
        let found = |(name, shape): (String, Vec<usize>)| {
            let flat = self.gradients.get(&name)?.clone();
            // Burn keeps a linear layer's weight as [in, out].
            let values = match shape[..] {
                [out, inputs] => NamedTensor::new(String::new(), flat.reshape([inputs, out]).transpose()).values,
                _ => NamedTensor::new(String::new(), flat).values,
            };
            Some(NamedTensor { name, shape, values })
        };
        weights::layout(network).into_iter().filter_map(found).collect()
    }

    /// The L2 norm of all gradients as one vector. Not finite where one of them is not.
    pub fn norm(&self) -> f64 {
        let squares = self.gradients.values().map(|g| sum_all(g.clone().mul(g.clone())));
        // One number to read from the device, whatever the number of tensors.
        let squares: Vec<Tensor<1>> = squares.collect();
        if squares.is_empty() { 0.0 } else { Tensor::cat(squares, 0).sum().into_scalar::<f64>().sqrt() }
    }

    /// Scales all gradients by `min(1, max / (norm + 1e-6))`, as `torch.nn.utils.clip_grad_norm_`, and gives the norm
    /// before. Gradients whose norm is not finite stay as they are.
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

struct GradientGatherer<'a> {
    gradients: Gradients,
    /// The engine's, where it computed them.
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
