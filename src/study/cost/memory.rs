//! How much memory a checked graph needs to run and to train, and where the most.
//!
//! A pass is played through step by step: tensors and workspace at each step are linear in the batch, so the peak at any
//! batch and the largest batch for a memory follow exactly. What an operator keeps is its own to say
//! ([`crate::graph::op::Operator::memory`]); `docs/memory.md` says what is counted and what is not, and how far measured runs
//! are from it.

mod heap;
mod play;

use crate::graph::check::{Checked, Frozen};
use crate::graph::ir::{Graph, NodeId};
use crate::graph::op::{Bytes, ParamKind, Pass};
use play::Play;

/// The part of a pass that a moment belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Forward,
    Loss,
    Backward,
    /// The optimiser's step.
    Update,
}

impl Phase {
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
    pub phase: Phase,
    /// The operator that runs; none in loss and update.
    pub node: Option<NodeId>,
    /// Weights, statistics, the optimiser's state, activations and gradients.
    pub tensors: Bytes,
    /// Buffers of the step itself.
    pub workspace: Bytes,
}

impl Moment {
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
    moments: Vec<Moment>,
}

/// The most that a pass holds at once, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peak {
    pub bytes: u64,
    /// The part of it that is workspace.
    pub workspace: u64,
    pub moment: Moment,
}

impl Timeline {
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

/// The memory of a graph, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    /// Numbers that can be trained.
    pub weights: u64,
    /// Gradients of the weights at the end of a backward pass: as much as the weights that are not frozen.
    pub gradients: u64,
    /// Numbers that are stored and not trained.
    pub buffers: u64,
    /// What the optimiser keeps.
    pub optimizer: u64,
    /// What forward leaves for backward, results included.
    pub saved: Bytes,
    pub inference: Timeline,
    pub training: Timeline,
}

/// Plays inference and one training step through. `moments` is the number of tensors that the optimiser keeps for each
/// weight (`Optimizer::moments` of the recipe), `threads` the number that compute at once.
pub fn memory(checked: &Checked, moments: u64, threads: u64) -> Memory {
    memory_with(checked, &Frozen::default(), moments, threads)
}

/// The same where the parameters of `frozen` are not trained: they have no gradients and no state of the optimiser, and
/// what lies before the first trained parameter saves nothing.
pub fn memory_with(checked: &Checked, frozen: &Frozen, moments: u64, threads: u64) -> Memory {
    memory_of(checked, frozen, &Training { moments, loss_words: 0, threads })
}

/// What a run adds to the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Training {
    /// Tensors that the optimiser keeps for each weight (`Optimizer::moments` of the recipe).
    pub moments: u64,
    /// Words a pixel of each result that the loss holds beside those of cross entropy (`LossSpec::words` of the recipe).
    pub loss_words: u64,
    /// The number that compute at once.
    pub threads: u64,
}

/// The same for any loss.
pub fn memory_of(checked: &Checked, frozen: &Frozen, run: &Training) -> Memory {
    let &Training { moments, loss_words, threads } = run;
    let graph = checked.graph();
    let order = graph.order();
    let (mut weights, mut gradients, mut buffers, mut largest) = (0u64, 0u64, 0u64, 0u64);
    for &id in &order {
        let trained = !frozen.holds(&graph.node(id).path);
        for param in graph.node(id).op.params(&graph.input_types(id)) {
            let bytes = Bytes::words(param.elements()).fixed;
            match param.kind {
                ParamKind::Trainable => {
                    weights = weights.saturating_add(bytes);
                    if trained {
                        gradients = gradients.saturating_add(bytes);
                        largest = largest.max(bytes);
                    }
                }
                ParamKind::Buffer => buffers = buffers.saturating_add(bytes),
            }
        }
    }
    let optimizer = gradients.saturating_mul(moments);
    let fixed = |bytes| Bytes { fixed: bytes, per_image: 0 };
    let network = fixed(weights) + fixed(buffers);

    let mut inference = Play::new(graph, frozen, &order, Pass::Inference, threads, network);
    inference.forward();
    let inference = Timeline { moments: inference.moments() };

    let mut training = Play::new(graph, frozen, &order, Pass::Training, threads, network + fixed(optimizer));
    training.forward();
    let saved = training.alive();
    training.loss(loss_words);
    training.backward();
    // `run/optim.rs`: the square of the gradient. New weights take the place of gradients one by one, since the old
    // network is held until the step is done.
    training.update(fixed(largest));

    let training = Timeline { moments: training.moments() };
    Memory { weights, gradients, buffers, optimizer, saved, inference, training }
}
