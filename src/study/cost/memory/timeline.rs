//! What is held at each step of a pass, and the most.

use crate::graph::ir::{Graph, NodeId};
use crate::graph::op::BatchBytes;

/// The part of a pass that a moment belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassPhase {
    /// The network computes its results.
    Forward,
    /// The loss and its gradient are computed from the results.
    Loss,
    /// Gradients are computed, from the results back to the image.
    Backward,
    /// The optimiser's step.
    Update,
}

impl PassPhase {
    /// Name in reports: `forward`, `loss`, `backward` or `update`.
    pub fn name(self) -> &'static str {
        match self {
            PassPhase::Forward => "forward",
            PassPhase::Loss => "loss",
            PassPhase::Backward => "backward",
            PassPhase::Update => "update",
        }
    }
}

/// What is held at one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemorySample {
    /// The part of the pass that the step belongs to.
    pub phase: PassPhase,
    /// The operator that runs; none in loss and update.
    pub node: Option<NodeId>,
    /// Weights, statistics, the optimiser's state, activations and gradients.
    pub tensors: BatchBytes,
    /// Buffers of the step itself.
    pub workspace: BatchBytes,
}

impl MemorySample {
    /// Tensors and workspace together.
    pub fn total(&self) -> BatchBytes {
        self.tensors + self.workspace
    }

    /// `s.1.conv`, `s.1.conv (backward)`, `loss`, `update`.
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

/// The most that a pass holds at once, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryPeak {
    /// Tensors and workspace together, at the batch that was asked for.
    pub bytes: u64,
    /// The part of it that is workspace.
    pub workspace: u64,
    /// The step that holds the most.
    pub sample: MemorySample,
}

impl MemoryTimeline {
    /// Returns the steps in the order in which they run.
    pub fn samples(&self) -> &[MemorySample] {
        &self.samples
    }

    /// The first moment that holds the most, for a batch of so many images.
    pub fn peak(&self, batch: u64) -> MemoryPeak {
        let first = self.samples.iter().reduce(|a, b| if b.total().at(batch) > a.total().at(batch) { b } else { a });
        let sample = *first.expect("a graph has an input, whose step is a moment");
        MemoryPeak { bytes: sample.total().at(batch), workspace: sample.workspace.at(batch), sample }
    }

    /// The most images whose pass stays within `memory` bytes; 0 where not even one does.
    pub fn largest_batch(&self, memory: u64) -> u64 {
        let fits = self.samples.iter().map(|m| {
            let BatchBytes { fixed, per_image } = m.total();
            memory.checked_sub(fixed).map_or(0, |room| room.checked_div(per_image).unwrap_or(u64::MAX))
        });
        fits.min().unwrap_or(0)
    }
}
