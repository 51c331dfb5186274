//! How much memory a checked graph needs to run and to train, and where the most.
//!
//! A pass is played through step by step: tensors and workspace at each step are linear in the batch, so the peak at any
//! batch and the largest batch for a memory follow exactly. What an operator keeps is its own to say
//! ([`crate::graph::op::Operator::memory`]); `docs/memory.md` says what is counted and what is not, and how far measured runs
//! are from it.

mod heap;
mod simulator;
mod timeline;

pub use timeline::{MemoryPeak, MemorySample, MemoryTimeline, PassPhase};

use crate::graph::check::{CheckedGraph, FrozenPaths};
use crate::graph::op::{BatchBytes, ParamKind, PassKind};
use simulator::MemorySimulator;

/// The memory of a graph, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryReport {
    /// Numbers that can be trained.
    pub weights: u64,
    /// Gradients of the weights at the end of a backward pass: as much as the weights that are not frozen.
    pub gradients: u64,
    /// Numbers that are stored and not trained.
    pub buffers: u64,
    /// What the optimiser keeps.
    pub optimizer: u64,
    /// What forward leaves for backward, results included.
    pub saved: BatchBytes,
    /// The steps of a forward pass without gradients.
    pub inference: MemoryTimeline,
    /// The steps of one training step: forward, loss, backward, update.
    pub training: MemoryTimeline,
}

/// Plays inference and one training step through. `moments` is the number of tensors that the optimiser keeps for each
/// weight (`Optimizer::moments` of the recipe), `threads` the number that compute at once.
pub fn memory(checked: &CheckedGraph, moments: u64, threads: u64) -> MemoryReport {
    memory_frozen(checked, &FrozenPaths::default(), moments, threads)
}

/// The same where the parameters of `frozen` are not trained: they have no gradients and no state of the optimiser, and
/// what lies before the first trained parameter saves nothing.
pub fn memory_frozen(checked: &CheckedGraph, frozen: &FrozenPaths, moments: u64, threads: u64) -> MemoryReport {
    memory_for(checked, frozen, &TrainingSetup { moments, loss_words: 0, threads })
}

/// What a run adds to the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrainingSetup {
    /// Tensors that the optimiser keeps for each weight (`Optimizer::moments` of the recipe).
    pub moments: u64,
    /// Words a pixel of each result that the loss holds beside those of cross entropy (`LossSpec::words` of the recipe).
    pub loss_words: u64,
    /// The number that compute at once.
    pub threads: u64,
}

/// The same for any loss.
pub fn memory_for(checked: &CheckedGraph, frozen: &FrozenPaths, run: &TrainingSetup) -> MemoryReport {
    let &TrainingSetup { moments, loss_words, threads } = run;
    let graph = checked.graph();
    let order = graph.order();
    let (mut weights, mut gradients, mut buffers, mut largest) = (0u64, 0u64, 0u64, 0u64);
    for &id in &order {
        let trained = !frozen.contains(&graph.node(id).path);
        for param in graph.node(id).op.params(&graph.input_types(id)) {
            let bytes = BatchBytes::words(param.elements()).fixed;
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
    let fixed = |bytes| BatchBytes { fixed: bytes, per_image: 0 };
    let network = fixed(weights) + fixed(buffers);

    let mut inference = MemorySimulator::new(graph, frozen, &order, PassKind::Inference, threads, network);
    inference.forward();
    let inference = MemoryTimeline { samples: inference.samples() };

    let mut training =
        MemorySimulator::new(graph, frozen, &order, PassKind::Training, threads, network + fixed(optimizer));
    training.forward();
    let saved = training.alive();
    training.loss(loss_words);
    training.backward();
    // `learn/optim.rs`: the square of the gradient. New weights take the place of gradients one by one, since the old
    // network is held until the step is done.
    training.update(fixed(largest));

    let training = MemoryTimeline { samples: training.samples() };
    MemoryReport { weights, gradients, buffers, optimizer, saved, inference, training }
}
