//! Memory simulation of a graph: the buffers that are held at each step, without their values.
//!
//! Forward steps run in the order of the plan, which frees a value before the last step that reads it. Backward steps run
//! by depth, the deepest operators first, as in burn-autodiff (`runtime/server.rs`); an operator counts as one level.

use super::heap::{BufferId, Heap};
use super::timeline::{MemorySample, PassPhase};
use crate::graph::check::FrozenPaths;
use crate::graph::ir::{Graph, NodeId, Outlet};
use crate::graph::op::{BatchBytes, GradientStorage, OutputStorage, ParamKind, PassKind, SavedTensor};
use std::cmp::Reverse;

/// A tensor of the simulated pass.
#[derive(Debug, Clone, Copy)]
struct SimulatedTensor {
    buffer: BufferId,
    /// Whether it covers the whole buffer, so that its holder may write over it.
    whole: bool,
}

/// The state of a node after its forward step.
#[derive(Debug, Default)]
struct NodeState {
    values: Vec<Option<SimulatedTensor>>,
    /// Number of nodes that have not read each output yet. A result counts one extra reader, so that it is never freed.
    readers: Vec<usize>,
    /// Whether gradients are computed for the node.
    tracked: bool,
    depth: usize,
    saved: Vec<BufferId>,
    /// Bytes of the trained weights.
    weights: u64,
    gradient: Option<BufferId>,
    /// Whether the weights are frozen.
    frozen: bool,
}

/// Simulates the memory of one pass.
pub(super) struct MemorySimulator<'a> {
    graph: &'a Graph,
    frozen: &'a FrozenPaths,
    order: &'a [NodeId],
    pass: PassKind,
    threads: u64,
    /// Memory that is held throughout: weights, buffers and optimiser state.
    base: BatchBytes,
    heap: Heap,
    nodes: Vec<NodeState>,
    samples: Vec<MemorySample>,
}

impl<'a> MemorySimulator<'a> {
    pub(super) fn new(
        graph: &'a Graph,
        frozen: &'a FrozenPaths,
        order: &'a [NodeId],
        pass: PassKind,
        threads: u64,
        base: BatchBytes,
    ) -> Self {
        let mut nodes: Vec<NodeState> = Vec::new();
        nodes.resize_with(graph.len(), NodeState::default);
        for &id in order {
            let outputs = graph.node(id).outputs.len();
            let state = &mut nodes[id.index()];
            (state.values, state.readers) = (vec![None; outputs], vec![0; outputs]);
        }
        for &id in order {
            for outlet in distinct_outlets(&graph.inputs(id)) {
                nodes[outlet.node.index()].readers[outlet.slot] += 1;
            }
        }
        for (_, outlet) in &graph.results {
            nodes[outlet.node.index()].readers[outlet.slot] += 1;
        }
        Self { graph, frozen, order, pass, threads, base, heap: Heap::default(), nodes, samples: Vec::new() }
    }

    fn record(&mut self, phase: PassPhase, node: Option<NodeId>, workspace: BatchBytes) {
        self.samples.push(MemorySample { phase, node, tensors: self.base + self.heap.alive(), workspace });
    }

    pub(super) fn forward(&mut self) {
        for &id in self.order {
            self.forward_step(id);
        }
    }

    pub(super) fn samples(self) -> Vec<MemorySample> {
        self.samples
    }

    /// Returns the total size of the buffers that are held now.
    pub(super) fn alive(&self) -> BatchBytes {
        self.heap.alive()
    }

    fn forward_step(&mut self, id: NodeId) {
        let graph = self.graph;
        let node = graph.node(id);
        let inputs = graph.inputs(id);
        let types: Vec<_> = inputs.iter().map(|&o| graph.ty(o).clone()).collect();
        let operands: Vec<SimulatedTensor> = inputs.iter().map(|&o| self.read(o)).collect();
        for outlet in distinct_outlets(&inputs) {
            self.forget(outlet);
        }
        let footprint = node.op.memory(self.pass, &types, &node.outputs);
        let params = node.op.params(&types);
        let frozen = self.frozen.contains(&node.path);
        let trainable = params.iter().filter(|p| p.kind == ParamKind::Trainable && !frozen);
        let weights = trainable.fold(0u64, |sum, p| sum.saturating_add(BatchBytes::words(p.elements()).fixed));
        let tracked = weights > 0 || inputs.iter().any(|o| self.nodes[o.node.index()].tracked);
        let saves = self.pass == PassKind::Training && tracked;
        let mut saved = Vec::new();
        for tensor in footprint.saved.iter().filter(|_| saves) {
            match *tensor {
                SavedTensor::Input(slot) => saved.push(self.heap.hold(operands[slot].buffer)),
                SavedTensor::Other(size) => saved.push(self.heap.make(size)),
                SavedTensor::Output(_) => {}
            }
        }
        for (slot, ty) in node.outputs.iter().enumerate() {
            let storage = if slot == 0 { footprint.output } else { OutputStorage::New };
            let value = self.place(storage, &operands, BatchBytes::of(ty));
            self.nodes[id.index()].values[slot] = Some(value);
            if saves && footprint.saved.contains(&SavedTensor::Output(slot)) {
                saved.push(self.heap.hold(value.buffer));
            }
        }
        let tiles = footprint.per_thread[0].times(self.threads);
        self.record(PassPhase::Forward, Some(id), footprint.forward + tiles);
        operands.iter().for_each(|v| self.heap.release(v.buffer));
        let depth = inputs.iter().map(|o| self.nodes[o.node.index()].depth + 1).max().unwrap_or(0);
        let state = &mut self.nodes[id.index()];
        (state.tracked, state.weights, state.saved, state.depth, state.frozen) =
            (tracked, weights, saved, depth, frozen);
        let unread = (0..node.outputs.len()).filter(|&slot| state.readers[slot] == 0);
        for value in unread.filter_map(|slot| state.values[slot].take()).collect::<Vec<_>>() {
            self.heap.release(value.buffer);
        }
    }

    fn read(&mut self, outlet: Outlet) -> SimulatedTensor {
        let value = self.nodes[outlet.node.index()].values[outlet.slot];
        let value = value.expect("a value is held until its last reader has run");
        self.heap.hold(value.buffer);
        value
    }

    /// Removes one reader. The last one drops the value, though operands may still hold its buffer.
    fn forget(&mut self, outlet: Outlet) {
        let state = &mut self.nodes[outlet.node.index()];
        state.readers[outlet.slot] -= 1;
        if state.readers[outlet.slot] == 0
            && let Some(value) = state.values[outlet.slot].take()
        {
            self.heap.release(value.buffer);
        }
    }

    fn place(&mut self, storage: OutputStorage, operands: &[SimulatedTensor], size: BatchBytes) -> SimulatedTensor {
        let over = match storage {
            OutputStorage::New => None,
            OutputStorage::InPlace(slots) => {
                slots.iter().map(|&slot| operands[slot]).find(|v| v.whole && self.heap.has_one_holder(v.buffer))
            }
            OutputStorage::Alias(slot) => Some(operands[slot]),
            OutputStorage::Part(slot) => Some(SimulatedTensor { whole: false, ..operands[slot] }),
        };
        match over {
            Some(value) => SimulatedTensor { buffer: self.heap.hold(value.buffer), ..value },
            None => SimulatedTensor { buffer: self.heap.make(size), whole: true },
        }
    }

    /// Simulates the loss of each result, up to the gradients of the results: cross entropy, and `words` per pixel that
    /// other terms hold until the backward pass.
    ///
    /// `learn/loss.rs` with burn-backend `ops/activation.rs`, `log_softmax`: the logits minus their maximum replace
    /// the logits. Forward holds as much again for the exponents and then for their logarithms, backward for the exponents
    /// in addition to the gradient. The class of each pixel is one word.
    pub(super) fn loss(&mut self, words: u64) {
        let results: Vec<Outlet> = self.graph.results.iter().map(|(_, outlet)| *outlet).collect();
        let results = distinct_outlets(&results);
        let pixels = |o: &Outlet| self.graph.ty(*o).shape().elements() / self.graph.ty(*o).shape().channels() as u64;
        let pixels = results.iter().map(pixels).fold(0, u64::saturating_add);
        let terms = BatchBytes::words_per_image(pixels.saturating_mul(words));
        for outlet in results {
            let ty = self.graph.ty(outlet);
            let (logits, pixels) = (BatchBytes::of(ty), ty.shape().elements() / ty.shape().channels() as u64);
            let targets = self.heap.make(BatchBytes::words_per_image(pixels));
            let state = &mut self.nodes[outlet.node.index()];
            let (value, tracked) = (state.values[outlet.slot].take(), state.tracked);
            let shared = value.is_some_and(|v| !v.whole || !self.heap.has_one_holder(v.buffer));
            let copy = if shared { logits } else { BatchBytes::NONE };
            self.record(PassPhase::Loss, None, copy + logits + terms);
            if tracked && outlet.slot == 0 {
                let gradient = self.heap.make(logits);
                self.nodes[outlet.node.index()].gradient = Some(gradient);
                self.record(PassPhase::Loss, None, copy + logits + terms);
            }
            self.heap.release(targets);
            value.into_iter().for_each(|v| self.heap.release(v.buffer));
        }
    }

    pub(super) fn backward(&mut self) {
        let mut order = self.order.to_vec();
        order.sort_by_key(|id| Reverse((self.nodes[id.index()].depth, *id)));
        for id in order {
            if let Some(gradient) = self.nodes[id.index()].gradient.take() {
                self.backward_step(id, gradient);
            }
        }
    }

    fn backward_step(&mut self, id: NodeId, gradient: BufferId) {
        let inputs = self.graph.inputs(id);
        let node = self.graph.node(id);
        let footprint = node.op.memory(self.pass, &self.graph.input_types(id), &node.outputs);
        let tracked: Vec<Outlet> =
            inputs.into_iter().filter(|o| o.slot == 0 && self.nodes[o.node.index()].tracked).collect();
        let mut found = Vec::new();
        for outlet in tracked {
            let over = match footprint.gradient {
                GradientStorage::New => false,
                GradientStorage::InPlace => self.heap.has_one_holder(gradient),
                GradientStorage::Alias => true,
            };
            let size = BatchBytes::of(self.graph.ty(outlet));
            found.push((outlet, size, if over { self.heap.hold(gradient) } else { self.heap.make(size) }));
        }
        let workspace = footprint.input_gradients + footprint.per_thread[2].times(self.threads);
        self.record(PassPhase::Backward, Some(id), if found.is_empty() { BatchBytes::NONE } else { workspace });
        for (outlet, size, new) in found {
            let sum = match self.nodes[outlet.node.index()].gradient.take() {
                None => new,
                Some(old) => self.sum(old, new, size),
            };
            self.nodes[outlet.node.index()].gradient = Some(sum);
        }
        let weights = self.nodes[id.index()].weights;
        if weights > 0 {
            // The optimiser holds the gradient until the update.
            self.heap.make(BatchBytes { fixed: weights, per_image: 0 });
        }
        let idle = footprint.backward_for_weights && self.nodes[id.index()].frozen;
        let workspace = footprint.backward + footprint.per_thread[1].times(self.threads);
        self.record(PassPhase::Backward, Some(id), if idle { BatchBytes::NONE } else { workspace });
        self.heap.release(gradient);
        for buffer in std::mem::take(&mut self.nodes[id.index()].saved) {
            self.heap.release(buffer);
        }
    }

    /// Adds two gradients of one tensor, in place of one that has no other holder.
    fn sum(&mut self, old: BufferId, new: BufferId, size: BatchBytes) -> BufferId {
        let free = [new, old].into_iter().find(|&b| self.heap.has_one_holder(b));
        let sum = match free {
            Some(buffer) => self.heap.hold(buffer),
            None => self.heap.make(size),
        };
        self.heap.release(old);
        self.heap.release(new);
        sum
    }

    /// Simulates the optimiser's step: `temporary` in addition to all gradients.
    pub(super) fn update(&mut self, temporary: BatchBytes) {
        self.record(PassPhase::Update, None, temporary);
    }
}

fn distinct_outlets(outlets: &[Outlet]) -> Vec<Outlet> {
    let mut distinct = outlets.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    distinct
}
