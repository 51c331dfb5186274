//! The settings that the memory of a run depends on.

use crate::graph::check::{CheckedGraph, FrozenPaths};
use crate::study::claim::PeakBytes;
use crate::study::cost::memory::{MemoryReport, TrainingSetup, memory_for};
use crate::text::config::{LossSpec, Optimizer, TrainSpec};

/// The settings that the memory of a run depends on.
#[derive(Debug, Clone)]
pub struct MemorySettings {
    /// Batch size.
    pub batch: usize,
    /// The optimiser, which keeps a number of tensors for each weight.
    pub optimizer: Optimizer,
    /// The loss, which keeps tensors of the size of the results.
    pub loss: LossSpec,
    /// Nodes and blocks whose parameters are not trained.
    pub freeze: Vec<String>,
}

impl Default for MemorySettings {
    fn default() -> Self {
        Self { batch: 1, optimizer: Optimizer::default(), loss: LossSpec::default(), freeze: Vec::new() }
    }
}

impl From<TrainSpec> for MemorySettings {
    fn from(spec: TrainSpec) -> Self {
        MemorySettings { batch: spec.batch, optimizer: spec.optimizer, loss: spec.loss, freeze: spec.freeze }
    }
}

impl MemorySettings {
    /// Computes the memory of a model over time in training and inference; parameters in `frozen` are not trained.
    pub fn memory(&self, checked: &CheckedGraph, frozen: &FrozenPaths, threads: u64) -> MemoryReport {
        let loss_words = self.loss.extra_words_per_pixel(checked.output().channels() as u64);
        memory_for(checked, frozen, &TrainingSetup { moments: self.optimizer.moment_count(), loss_words, threads })
    }

    /// Computes the peak memory in bytes on one thread, with this batch size or else that of the run.
    pub fn peaks(&self, checked: &CheckedGraph, batch: Option<u64>) -> PeakBytes {
        let memory = self.memory(checked, &FrozenPaths::existing_in(checked, &self.freeze), 1);
        let [inference, training] =
            [&memory.inference, &memory.training].map(|t| t.peak(batch.unwrap_or(self.batch as u64)).bytes);
        PeakBytes { inference, training }
    }
}
