//! A network in training by npc's own kernels on a GPU: weights, moments and averages move there and back.

use super::optim::OptimState;
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::compute::cuda::{
    CudaTrainer, FlatRegion, Gpu, PassReport, PreparedTraining, StepScalars, TrainingBatch, TrainingStep,
};
use crate::compute::fused::Unsupported;
use crate::compute::network::Network;
use crate::compute::weights::{self, NamedTensor};
use burn::module::Module;
use burn::tensor::{Tensor, TensorData};

/// A network in training on a GPU.
pub(crate) struct GpuTraining {
    trainer: CudaTrainer,
}

impl GpuTraining {
    /// Writes the kernels for batches `[n, c, h, w]`. Errors: something of the run has no kernel.
    pub(crate) fn prepare(
        gpu: &Gpu,
        network: &Network,
        step: TrainingStep,
        dims: [usize; 4],
    ) -> Result<PreparedTraining> {
        PreparedTraining::of(gpu, network.plan.clone(), step, dims).map_err(|Unsupported(reason)| {
            problem!(E0730, "the GPU's kernels do not train this network: {reason}";
                help: "train on the CPU: `--device cpu`")
        })
    }

    /// Prepares the GPU and copies the state of a training to it. Errors: the GPU or its libraries fail.
    pub(crate) fn open(
        prepared: PreparedTraining,
        (network, optim, average): (&Network, &OptimState, Option<&Network>),
    ) -> Result<Self> {
        let trainer = prepared.open()?;
        trainer.write_weights(network.tensors_by_name())?;
        write_moments(&trainer, network, optim)?;
        if let Some(average) = average {
            write_average(&trainer, average)?;
        }
        Ok(Self { trainer })
    }

    /// Prepares steps of cross entropy and Adam in their usual settings, for comparisons and benchmarks.
    pub(crate) fn of_cross_entropy(gpu: &Gpu, network: &Network, dims: [usize; 4]) -> Result<Self> {
        let step = TrainingStep::default();
        let optim = OptimState::new(step.optimizer.clone());
        Self::open(Self::prepare(gpu, network, step, dims)?, (network, &optim, None))
    }

    /// Returns the bytes of the GPU's memory that the training has; see [`CudaTrainer::bytes`].
    pub(crate) fn bytes(&self) -> usize {
        self.trainer.bytes()
    }

    /// Starts the pass of a batch; see [`CudaTrainer::pass`].
    pub(crate) fn pass(&mut self, batch: &TrainingBatch<'_>) -> Result<Option<PassReport>> {
        self.trainer.pass(batch)
    }

    /// Waits for the last pass; see [`CudaTrainer::finish`].
    pub(crate) fn finish(&mut self) -> Result<Option<PassReport>> {
        self.trainer.finish()
    }

    /// Returns the network with the weights and the running statistics of the GPU.
    pub(crate) fn read_network(&self, network: Network) -> Result<Network> {
        self.read_copy(network, [FlatRegion::Weights, FlatRegion::Statistics])
    }

    /// Returns the average of the weights, in evaluation mode; `None` if the run has none. `network` has the frozen tensors.
    pub(crate) fn read_average(&self, network: &Network) -> Result<Option<Network>> {
        let regions = [FlatRegion::Average, FlatRegion::AverageStatistics];
        self.trainer.has_average().then(|| self.read_copy(network.valid(), regions)).transpose()
    }

    fn read_copy(&self, network: Network, regions: [FlatRegion; 2]) -> Result<Network> {
        let mut changed = Vec::new();
        for region in regions {
            changed.extend(self.named(&network, region)?);
        }
        Ok(weights::store(network, changed))
    }

    /// Returns the gradients of the last batch, in PyTorch's layout.
    pub(crate) fn read_gradients(&self, network: &Network) -> Result<Vec<NamedTensor>> {
        self.named(network, FlatRegion::Gradients)
    }

    fn named(&self, network: &Network, region: FlatRegion) -> Result<Vec<NamedTensor>> {
        let plan = network.plan();
        let named = |(layer, name, values): (usize, &'static str, Vec<f32>)| {
            let layer = &plan.layers[layer];
            let spec = layer.params.iter().find(|spec| spec.name == name);
            let shape = spec.map_or_else(|| vec![values.len()], |spec| spec.shape.clone());
            NamedTensor { name: format!("{}.{name}", layer.path), shape, values }
        };
        Ok(self.trainer.read_region(region)?.into_iter().map(named).collect())
    }

    /// Reads the optimiser's state.
    pub(crate) fn read_moments(&self, network: &Network, optim: &mut OptimState) -> Result<()> {
        if optim.steps == 0 {
            return Ok(());
        }
        let device = network.device().clone().without_autodiff();
        for i in 0..optim.optimizer.state().len() {
            for (layer, name, values) in self.trainer.read_region(FlatRegion::Moment(i))? {
                let named = &network.layers[layer];
                let values = named.layer.in_order_of_burn(name, values);
                let count = values.len();
                let tensor = Tensor::from_data(TensorData::new(values, [count]), &device);
                let moments = optim.moments.entry(format!("{}.{name}", named.path)).or_default();
                moments.truncate(i);
                moments.push(tensor);
            }
        }
        Ok(())
    }
}

fn write_moments(trainer: &CudaTrainer, network: &Network, optim: &OptimState) -> Result<()> {
    for i in 0..optim.optimizer.state().len() {
        trainer.write_region(FlatRegion::Moment(i), |layer, name| {
            let named = &network.layers[layer];
            let moment = optim.moments.get(&format!("{}.{name}", named.path))?.get(i)?;
            let values = NamedTensor::new(String::new(), moment.clone()).values;
            Some(named.layer.in_order_of_pytorch(name, values))
        })?;
    }
    Ok(())
}

fn write_average(trainer: &CudaTrainer, average: &Network) -> Result<()> {
    let of = average.tensors_by_name();
    [FlatRegion::Average, FlatRegion::AverageStatistics]
        .into_iter()
        .try_for_each(|region| trainer.write_region(region, &of))
}

/// The scalars of a step of one batch, for comparisons and benchmarks: `step` counts from 1, dropout draws from `seed`.
pub(crate) fn plain_scalars(seed: u64, step: u64, rate: f64) -> StepScalars {
    StepScalars { seed, share: 1.0, first_batch: true, rate, step, first_step: step == 1, first_average: step == 1 }
}
