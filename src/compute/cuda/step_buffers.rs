//! What the kernels of a pass know of the training step that they are a part of.

use super::program::BufferPlace;
use super::region::FlatTensors;
use std::collections::HashSet;

pub(super) struct StepBuffers {
    pub scalars: BufferPlace,
    /// The running statistics that the step moves: in all regions of statistics at these offsets.
    pub statistics: FlatTensors,
    /// The regions of running statistics after the last step and after the last batch; `None` without batch norms.
    pub regions: Option<[BufferPlace; 2]>,
    /// Tensors that are not trained, by layer and name.
    pub frozen: HashSet<(usize, &'static str)>,
}

/// Where the running statistics of a batch norm lie.
pub(super) struct RunningPlaces {
    /// The means after the last step.
    pub running: BufferPlace,
    /// The means after the last batch.
    pub pending: BufferPlace,
    /// Numbers from the means to the variances.
    pub to_variance: usize,
}

impl StepBuffers {
    /// Whether the optimiser moves a tensor that has a gradient.
    pub(super) fn trains(&self, layer: usize, name: &'static str) -> bool {
        !self.frozen.contains(&(layer, name))
    }

    /// Returns the places of a batch norm's running statistics.
    pub(super) fn running(&self, layer: usize) -> Option<RunningPlaces> {
        let [mean, variance] = ["running_mean", "running_var"].map(|name| self.statistics.find(layer, name));
        let (mean, variance) = (mean?.offset, variance?.offset);
        let [running, pending] = self.regions?.map(|region| BufferPlace { offset: region.offset + mean, ..region });
        Some(RunningPlaces { running, pending, to_variance: variance - mean })
    }
}
