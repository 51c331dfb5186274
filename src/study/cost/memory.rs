//! Memory that a checked graph needs for inference and training, and where its peak is.
//!
//! A pass is simulated step by step. Tensors and workspace at each step are linear in the batch, so the peak at any batch
//! and the largest batch for a given memory follow exactly. Each operator declares its footprint
//! ([`crate::graph::op::Operator::memory`]); `docs/memory.md` documents what is counted, and how measured runs compare.

mod heap;
mod simulator;
mod timeline;

pub use timeline::{MemoryPeak, MemorySample, MemoryTimeline, PassPhase};

use crate::graph::check::{CheckedGraph, FrozenPaths};
use crate::graph::op::{BatchBytes, ParamKind, ParamSpec, PassKind};
use simulator::MemorySimulator;

/// The memory of a graph, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryReport {
    /// Numbers that can be trained.
    pub weights: u64,
    /// Gradients of the weights at the end of a backward pass: the size of the weights that are not frozen.
    pub gradients: u64,
    /// Numbers that are stored and not trained.
    pub buffers: u64,
    /// State of the optimiser.
    pub optimizer: u64,
    /// Tensors saved for the backward pass, results included.
    pub saved: BatchBytes,
    /// The steps of a forward pass without gradients.
    pub inference: MemoryTimeline,
    /// The steps of one training step: forward, loss, backward, update.
    pub training: MemoryTimeline,
}

/// Computes the memory of inference and of one training step. `moments` is the number of tensors that the optimiser stores
/// for each weight (`Optimizer::moments` of the recipe), `threads` the number of threads.
pub fn memory(checked: &CheckedGraph, moments: u64, threads: u64) -> MemoryReport {
    memory_frozen(checked, &FrozenPaths::default(), moments, threads)
}

/// Computes the memory where the parameters of `frozen` are not trained: they have no gradients and no optimiser state, and
/// nodes before the first trained parameter save nothing.
pub fn memory_frozen(checked: &CheckedGraph, frozen: &FrozenPaths, moments: u64, threads: u64) -> MemoryReport {
    memory_for(checked, frozen, &TrainingSetup { moments, loss_words: 0, threads })
}

/// Properties of a training run that determine its memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrainingSetup {
    /// Number of tensors that the optimiser stores for each weight (`Optimizer::moments` of the recipe).
    pub moments: u64,
    /// Words per pixel of each result that the loss holds in addition to those of cross entropy (`LossSpec::words` of the
    /// recipe).
    pub loss_words: u64,
    /// Number of threads.
    pub threads: u64,
}

/// Bytes of the tensors that a network owns.
#[derive(Default)]
struct NetworkBytes {
    weights: u64,
    gradients: u64,
    buffers: u64,
    /// The largest tensor that is trained.
    largest: u64,
}

impl NetworkBytes {
    fn of(checked: &CheckedGraph, frozen: &FrozenPaths) -> Self {
        let graph = checked.graph();
        let mut bytes = Self::default();
        for id in graph.order() {
            let trained = !frozen.contains(&graph.node(id).path);
            for param in graph.node(id).op.params(&graph.input_types(id)) {
                bytes.add(&param, trained);
            }
        }
        bytes
    }

    fn add(&mut self, param: &ParamSpec, trained: bool) {
        let bytes = BatchBytes::words(param.elements()).fixed;
        match param.kind {
            ParamKind::Trainable => {
                self.weights = self.weights.saturating_add(bytes);
                if trained {
                    self.gradients = self.gradients.saturating_add(bytes);
                    self.largest = self.largest.max(bytes);
                }
            }
            ParamKind::Buffer => self.buffers = self.buffers.saturating_add(bytes),
        }
    }
}

/// Computes the memory for any loss.
pub fn memory_for(checked: &CheckedGraph, frozen: &FrozenPaths, run: &TrainingSetup) -> MemoryReport {
    let &TrainingSetup { moments, loss_words, threads } = run;
    let graph = checked.graph();
    let order = graph.order();
    let NetworkBytes { weights, gradients, buffers, largest } = NetworkBytes::of(checked, frozen);
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
    // `learn/optim.rs`: the squared gradient is temporary. New weights replace gradients one by one, since the old network
    // is held until the step is done.
    training.update(fixed(largest));

    let training = MemoryTimeline { samples: training.samples() };
    MemoryReport { weights, gradients, buffers, optimizer, saved, inference, training }
}
