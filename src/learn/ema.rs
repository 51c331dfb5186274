//! An average of the weights over the steps: what is scored, kept as best and predicted with where a run asks for it.
//!
//! `average = decay * average + (1 - decay) * weights` after every step of the optimiser, the first step's weights being
//! the first average: `torch.optim.swa_utils.AveragedModel` with `get_ema_avg_fn(decay)`, and Polyak and Juditsky 1992 with
//! forgetting. Running statistics are averaged with the weights (`use_buffers=True` there, as timm does), since those of
//! the last batches belong to other weights than the average.

use crate::compute::network::Network;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// The average, as a network that evaluates.
#[derive(Debug, Clone)]
pub(crate) struct Ema {
    decay: f64,
    /// None before the first step.
    average: Option<Network>,
}

impl Ema {
    /// `average` is what a checkpoint kept; none at the start.
    pub(crate) fn new(decay: f64, average: Option<Network>) -> Self {
        Self { decay, average }
    }

    /// None before the first step.
    pub(crate) fn network(&self) -> Option<&Network> {
        self.average.as_ref()
    }

    /// Takes in the weights after a step of the optimiser.
    pub(crate) fn update(&mut self, network: &Network) {
        let now = network.valid();
        self.average = Some(match self.average.take() {
            None => now,
            Some(average) => {
                let mut values = FlattenedTensors(Vec::new());
                now.visit(&mut values);
                values.0.reverse();
                average.map(&mut AverageUpdate { decay: self.decay, values: values.0 })
            }
        });
    }
}

/// Every tensor in the order of traversal, flattened.
struct FlattenedTensors(Vec<Tensor<1>>);

impl ModuleVisitor for FlattenedTensors {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let x = param.val();
        let count = x.dims().iter().product::<usize>();
        self.0.push(x.reshape([count]));
    }
}

struct AverageUpdate {
    decay: f64,
    /// Of the network, the next one last.
    values: Vec<Tensor<1>>,
}

impl ModuleMapper for AverageUpdate {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let now = self.values.pop().expect("both networks have the tensors of one plan, in one order");
        param.map(|average| {
            let now = now.reshape(average.dims());
            average.mul_scalar(self.decay).add(now.mul_scalar(1.0 - self.decay))
        })
    }
}
