//! Exponential moving average of the weights. If a run keeps one, it is used for scores, best checkpoints and prediction.
//!
//! After every step of the optimiser `average = decay * average + (1 - decay) * weights`; the first average is the weights after
//! the first step. This is `torch.optim.swa_utils.AveragedModel` with `get_ema_avg_fn(decay)`; compare Polyak and Juditsky 1992,
//! without decay. Running statistics are averaged too (`use_buffers=True` there, as in timm), since the statistics of the last
//! batches do not fit averaged weights.

use crate::compute::network::Network;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// The average, as a network in evaluation mode.
#[derive(Debug, Clone)]
pub(crate) struct Ema {
    decay: f64,
    /// `None` before the first step.
    average: Option<Network>,
}

impl Ema {
    /// Starts from the average of a checkpoint, or from none in a new run.
    pub(crate) fn new(decay: f64, average: Option<Network>) -> Self {
        Self { decay, average }
    }

    /// Returns the average; `None` before the first step.
    pub(crate) fn network(&self) -> Option<&Network> {
        self.average.as_ref()
    }

    /// Takes an average that was computed elsewhere.
    pub(crate) fn set(&mut self, average: Network) {
        self.average = Some(average);
    }

    /// Updates the average with the weights after a step of the optimiser.
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

/// Collects every tensor, flattened, in the order of traversal.
struct FlattenedTensors(Vec<Tensor<1>>);

impl ModuleVisitor for FlattenedTensors {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let x = param.val();
        let count = x.dims().iter().product::<usize>();
        self.0.push(x.reshape([count]));
    }
}

/// Moves each tensor of the average towards the weights.
struct AverageUpdate {
    decay: f64,
    /// Tensors of the network in reverse order, so that the next one is last.
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
