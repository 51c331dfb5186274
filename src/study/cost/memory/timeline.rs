//! What is held at each step of a pass, and the most.

use crate::graph::ir::{Graph, NodeId};
use crate::graph::op::Bytes;

/// The part of a pass that a moment belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The network computes its results.
    Forward,
    /// The loss and its gradient are computed from the results.
    Loss,
    /// Gradients are computed, from the results back to the image.
    Backward,
    /// The optimiser's step.
    Update,
}

impl Phase {
    /// Name in reports: `forward`, `loss`, `backward` or `update`.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Forward => "forward",
            Phase::Loss => "loss",
            Phase::Backward => "backward",
            Phase::Update => "update",
        }
    }
}

/// What is held at one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The part of the pass that the step belongs to.
    pub phase: Phase,
    /// The operator that runs; none in loss and update.
    pub node: Option<NodeId>,
    /// Weights, statistics, the optimiser's state, activations and gradients.
    pub tensors: Bytes,
    /// Buffers of the step itself.
    pub workspace: Bytes,
}

impl Moment {
    /// Tensors and workspace together.
    pub fn total(&self) -> Bytes {
        self.tensors + self.workspace
    }

    /// `s.1.conv`, `s.1.conv (backward)`, `loss`, `update`.
    pub fn place(&self, graph: &Graph) -> String {
        match (self.node, self.phase) {
            (Some(id), Phase::Forward) => graph.node(id).path.clone(),
            (Some(id), phase) => format!("{} ({})", graph.node(id).path, phase.name()),
            (None, phase) => phase.name().into(),
        }
    }
}

/// The steps of a pass in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    pub(super) moments: Vec<Moment>,
}

/// The most that a pass holds at once, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peak {
    /// Tensors and workspace together, at the batch that was asked for.
    pub bytes: u64,
    /// The part of it that is workspace.
    pub workspace: u64,
    /// The step that holds the most.
    pub moment: Moment,
}

impl Timeline {
    /// Returns the steps in the order in which they run.
    pub fn moments(&self) -> &[Moment] {
        &self.moments
    }

    /// The first moment that holds the most, for a batch of so many images.
    pub fn peak(&self, batch: u64) -> Peak {
        let first = self.moments.iter().reduce(|a, b| if b.total().at(batch) > a.total().at(batch) { b } else { a });
        let moment = *first.expect("a graph has an input, whose step is a moment");
        Peak { bytes: moment.total().at(batch), workspace: moment.workspace.at(batch), moment }
    }

    /// The most images whose pass stays within `memory` bytes; 0 where not even one does.
    pub fn largest_batch(&self, memory: u64) -> u64 {
        let fits = self.moments.iter().map(|m| {
            let Bytes { fixed, per_image } = m.total();
            memory.checked_sub(fixed).map_or(0, |room| room.checked_div(per_image).unwrap_or(u64::MAX))
        });
        fits.min().unwrap_or(0)
    }
}
