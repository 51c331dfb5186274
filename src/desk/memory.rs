//! The memory that a model takes with the settings of the run that trains it.

use super::model_entry::ModelEntry;
use crate::study::cost::memory::Memory;

/// How the memory of a model is asked for.
#[derive(Debug, Clone)]
pub struct MemoryRequest {
    /// Images in a batch; those of the run that trains the model when not given, else 1.
    pub batch: Option<u64>,
    /// Find the largest batch for so many bytes.
    pub limit: Option<u64>,
    /// Threads that compute at once; each has buffers of its own.
    pub threads: u64,
}

impl Default for MemoryRequest {
    fn default() -> Self {
        Self { batch: None, limit: None, threads: 1 }
    }
}

/// The memory of a model over time, and the batch it is asked for.
pub struct EntryMemory {
    /// Memory of inference and of a training step, in bytes as functions of the batch.
    pub memory: Memory,
    /// Images in the batch that was asked for.
    pub batch: u64,
}

impl EntryMemory {
    /// With the optimiser and the loss of the run that trains the model.
    pub fn of(entry: &ModelEntry, request: &MemoryRequest) -> EntryMemory {
        let run = entry.run.clone().unwrap_or_default();
        let batch = request.batch.unwrap_or(run.batch as u64);
        EntryMemory { memory: run.memory(&entry.checked, &entry.frozen, request.threads), batch }
    }
}
