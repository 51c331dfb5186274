//! Computes the memory of a model with the settings of the run that trains it.

use super::model_entry::ModelEntry;
use crate::study::cost::memory::MemoryReport;

/// The options of a memory estimate.
#[derive(Debug, Clone)]
pub struct MemoryRequest {
    /// Batch size; by default that of the run that trains the model, or 1.
    pub batch: Option<u64>,
    /// Memory in bytes for which the largest batch is computed.
    pub limit: Option<u64>,
    /// Number of threads that compute at once. Each has its own buffers.
    pub threads: u64,
}

impl Default for MemoryRequest {
    fn default() -> Self {
        Self { batch: None, limit: None, threads: 1 }
    }
}

/// The memory of a model over time, with the batch size.
pub struct EntryMemory {
    /// Memory of inference and of a training step, in bytes as functions of the batch.
    pub memory: MemoryReport,
    /// Batch size of the request.
    pub batch: u64,
}

impl EntryMemory {
    /// Computes the memory with optimiser and loss of the run that trains the model.
    pub fn of(entry: &ModelEntry, request: &MemoryRequest) -> EntryMemory {
        let run = entry.memory.clone().unwrap_or_default();
        let batch = request.batch.unwrap_or(run.batch as u64);
        EntryMemory { memory: run.memory(&entry.checked, &entry.frozen, request.threads), batch }
    }
}
