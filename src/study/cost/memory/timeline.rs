//! Memory at each step of a pass, and its peak.

use crate::graph::ir::{Graph, NodeId};
use crate::graph::op::BatchBytes;

/// The part of a pass that a sample belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassPhase {
    /// The network computes its results.
    Forward,
    /// The loss and its gradient are computed from the results.
    Loss,
    /// Gradients are computed, from the results back to the image.
    Backward,
    /// The optimiser updates the weights.
    Update,
}

impl PassPhase {
    /// Returns the name in reports: `forward`, `loss`, `backward` or `update`.
    pub fn name(self) -> &'static str {
        match self {
            PassPhase::Forward => "forward",
            PassPhase::Loss => "loss",
            PassPhase::Backward => "backward",
            PassPhase::Update => "update",
        }
    }
}

/// Memory at one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemorySample {
    /// The part of the pass that the step belongs to.
    pub phase: PassPhase,
    /// The operator that runs; `None` in loss and update.
    pub node: Option<NodeId>,
    /// Weights, statistics, optimiser state, activations and gradients.
    pub tensors: BatchBytes,
    /// Workspace of the step itself.
    pub workspace: BatchBytes,
}

impl MemorySample {
    /// Returns tensors and workspace together.
    pub fn total(&self) -> BatchBytes {
        self.tensors + self.workspace
    }

    /// Names the step: `s.1.conv`, `s.1.conv (backward)`, `loss` or `update`.
    pub fn place(&self, graph: &Graph) -> String {
        match (self.node, self.phase) {
            (Some(id), PassPhase::Forward) => graph.node(id).path.clone(),
            (Some(id), phase) => format!("{} ({})", graph.node(id).path, phase.name()),
            (None, phase) => phase.name().into(),
        }
    }
}

/// The steps of a pass in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryTimeline {
    pub(super) samples: Vec<MemorySample>,
}

/// Peak memory of a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryPeak {
    /// Tensors and workspace together in bytes, at the given batch.
    pub bytes: u64,
    /// Workspace in bytes.
    pub workspace: u64,
    /// The step with the peak.
    pub sample: MemorySample,
}

impl MemoryTimeline {
    /// Returns the steps in the order in which they run.
    pub fn samples(&self) -> &[MemorySample] {
        &self.samples
    }

    /// Returns the peak for a batch of `batch` images; the first of equal ones.
    pub fn peak(&self, batch: u64) -> MemoryPeak {
        let first = self.samples.iter().reduce(|a, b| if b.total().at(batch) > a.total().at(batch) { b } else { a });
        let sample = *first.expect("the input of a graph is a step, and each step has a sample");
        MemoryPeak { bytes: sample.total().at(batch), workspace: sample.workspace.at(batch), sample }
    }

    /// Returns the largest batch whose pass stays within `memory` bytes; 0 if no image fits.
    pub fn largest_batch(&self, memory: u64) -> u64 {
        let fits = self.samples.iter().map(|m| {
            let BatchBytes { fixed, per_image } = m.total();
            memory.checked_sub(fixed).map_or(0, |room| room.checked_div(per_image).unwrap_or(u64::MAX))
        });
        fits.min().unwrap_or(0)
    }
}
