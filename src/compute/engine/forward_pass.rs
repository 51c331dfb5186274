//! A forward pass: runs nodes, holds values and frees them after their last use.

use super::kernel::buffer::{AlignedBuffer, BufferPool};
use super::kernel::conv_region::{ChannelSums, Epilogue};
use super::kernel::prologue::ConvInput;
use super::memory_layout::{MapLayout, MapView, MapViewMut, relayout};
use super::operators::batch_norm::{self, NormAffine, NormStatistics};
use super::operators::conv::{self, ConvKernel, correlate, correlate_transposed};
use super::operators::{self, Seed, depthwise};
use super::profile::Recorder;
use super::program::{LaidOutConv, NodeOp, Program, ProgramNode, ProgramValueId};
use super::weights::{BatchStatistics, LayerWeights, NetworkWeights};
use crate::base::hash::GOLDEN_STEP;
use crate::compute::fused::{ConvKind, ConvNode, NormNode, PassMode};
use crate::graph::op::Op;
use std::sync::Arc;

/// A convolution's weights in the order in which its tiles read them, and the bias of its pixels.
pub struct PreparedConv {
    packed: PackedConv,
    /// One number per slot of the output.
    bias: Option<Vec<f32>>,
}

enum PackedConv {
    Dense(conv::ConvWeights),
    Depthwise(Vec<f32>),
}

/// Statistics and affine map of a batch norm in a pass.
pub struct NormState {
    pub statistics: NormStatistics,
    pub affine: NormAffine,
    /// Whether the statistics are those of the batch rather than the running ones.
    pub of_batch: bool,
}

/// The state of a pass between nodes.
pub struct ForwardPass {
    pub program: Arc<Program>,
    pub pool: Arc<BufferPool>,
    pub values: Vec<Option<AlignedBuffer>>,
    /// Batch norms, by node.
    pub norms: Vec<Option<NormState>>,
    /// Sums that a convolution took for the norm after it, by value.
    sums: Vec<Option<ChannelSums>>,
    pub recorder: Recorder,
    seed: u64,
}

/// Returns a list of `count` absent values.
fn none<T>(count: usize) -> Vec<Option<T>> {
    std::iter::repeat_with(|| None).take(count).collect()
}

impl ForwardPass {
    pub fn new(program: Arc<Program>, pool: Arc<BufferPool>, recorder: Recorder, seed: u64) -> Self {
        let (values, nodes) = (program.values.len(), program.nodes.len());
        Self { program, pool, values: none(values), norms: none(nodes), sums: none(values), recorder, seed }
    }

    /// Runs all nodes in order and returns the results as NCHW numbers. `image` is `[n, c, h, w]`.
    pub fn forward(
        &mut self,
        weights: &NetworkWeights,
        prepared: &[Option<PreparedConv>],
        image: &[f32],
    ) -> Vec<Vec<f32>> {
        let program = self.program.clone();
        let recorder = self.recorder.clone();
        for (at, node) in program.nodes.iter().enumerate() {
            recorder.forward(node.main, || {
                self.run(at, weights, prepared.get(at).and_then(Option::as_ref), Some(image));
            });
            self.free_after(at);
        }
        let results = program.results.iter().map(|&id| self.view(id).to_nchw()).collect();
        program.results.iter().filter(|&&id| !program.lifetimes.saved[id]).for_each(|&id| self.free(id));
        results
    }

    /// Frees the values that no node after this one reads in the forward pass, unless the backward pass does.
    fn free_after(&mut self, at: usize) {
        let program = self.program.clone();
        let node = &program.nodes[at];
        for &id in node.inputs.iter().chain(&node.outputs) {
            if program.lifetimes.last_forward_use[id] == Some(at) && !program.lifetimes.saved[id] {
                self.free(id);
            }
        }
    }

    pub fn free(&mut self, id: ProgramValueId) {
        if let Some(buffer) = self.values[id].take() {
            self.pool.release(buffer);
        }
    }

    /// Returns a value's numbers, or only its layout if it is not in memory.
    pub fn view(&self, id: ProgramValueId) -> MapView<'_> {
        let layout = &self.program.values[id].layout;
        match &self.values[id] {
            Some(data) => MapView::new(layout, data),
            None => MapView { layout, data: &[] },
        }
    }

    /// Returns memory for a map. Its halo is zero, other numbers are arbitrary.
    pub fn acquire_map(pool: &BufferPool, layout: &MapLayout) -> AlignedBuffer {
        let mut buffer = pool.acquire(layout.buffer_len());
        buffer.set_border(layout.border());
        buffer
    }

    /// Computes a node's outputs. All its inputs are in memory.
    pub fn run(&mut self, at: usize, weights: &NetworkWeights, prepared: Option<&PreparedConv>, image: Option<&[f32]>) {
        let program = self.program.clone();
        let node = &program.nodes[at];
        if let NodeOp::Norm(norm) = &node.op {
            self.find_statistics(norm, at, weights);
            if norm.statistics_only {
                return;
            }
        }
        let mut buffers: Vec<AlignedBuffer> =
            node.outputs.iter().map(|&id| Self::acquire_map(&self.pool, &program.values[id].layout)).collect();
        match &node.op {
            NodeOp::Image => {
                let layout = &program.values[node.outputs[0]].layout;
                let planar = MapLayout::planar(layout.dims());
                let image = image.expect("the image is saved if the backward pass reads it");
                relayout(MapView::new(&planar, image), &mut MapViewMut::new(layout, &mut buffers[0]));
            }
            NodeOp::Relayout => {
                let layout = &program.values[node.outputs[0]].layout;
                relayout(self.view(node.inputs[0]), &mut MapViewMut::new(layout, &mut buffers[0]));
            }
            NodeOp::Conv(conv) => self.conv(conv, node, weights, prepared, &mut buffers[0]),
            NodeOp::Norm(norm) => self.norm(norm, at, &mut buffers[0]),
            NodeOp::Operator { op, layer } => {
                self.operator(op, at, layer.map(|layer| &weights[layer]), &mut buffers);
            }
        }
        for (&id, buffer) in node.outputs.iter().zip(buffers) {
            self.values[id] = Some(buffer);
        }
    }

    fn operator(&self, op: &Op, at: usize, layer: Option<&LayerWeights>, buffers: &mut [AlignedBuffer]) {
        let node = &self.program.nodes[at];
        let inputs: Vec<MapView> = node.inputs.iter().map(|&id| self.view(id)).collect();
        let mut outputs: Vec<MapViewMut> = (node.outputs.iter().zip(buffers))
            .map(|(&id, buffer)| MapViewMut::new(&self.program.values[id].layout, buffer))
            .collect();
        let args = operators::ForwardArgs { inputs: &inputs, layer, seed: self.seed(at) };
        let (output, others) = outputs.split_first_mut().expect("an operator has an output");
        operators::expect_kernel(op).forward(args, output, others);
    }

    /// Returns the seed of a node's random numbers; `None` in inference, which draws none.
    pub fn seed(&self, at: usize) -> Option<Seed> {
        match self.program.mode {
            PassMode::Infer => None,
            PassMode::Train { .. } => Some(self.seed ^ (self.program.nodes[at].step as u64).wrapping_mul(GOLDEN_STEP)),
        }
    }

    fn conv(
        &mut self,
        conv: &LaidOutConv,
        node: &ProgramNode,
        weights: &NetworkWeights,
        prepared: Option<&PreparedConv>,
        buffer: &mut AlignedBuffer,
    ) {
        let program = self.program.clone();
        let (x, y) = (node.inputs[0], node.outputs[0]);
        let packed_now;
        let prepared = match prepared {
            Some(prepared) => prepared,
            None => {
                packed_now = prepare(conv, &program.values[x].layout, &program.values[y].layout, weights);
                &packed_now
            }
        };
        let epilogue = Epilogue { accumulate: false, bias: prepared.bias.as_deref(), relu: conv.relu, sums: conv.sums };
        let mut output = MapViewMut::new(&program.values[y].layout, buffer);
        let input = self.conv_input(conv, x);
        let sums = match (&prepared.packed, conv.kind) {
            (PackedConv::Dense(packed), ConvKind::Transposed) => {
                correlate_transposed(&conv.window, packed, input.view, &mut output, epilogue)
            }
            (PackedConv::Dense(packed), ConvKind::Regular | ConvKind::Depthwise) => {
                correlate(&conv.window, packed, input, &mut output, epilogue)
            }
            (PackedConv::Depthwise(packed), _) => {
                depthwise::forward(&conv.window, packed, epilogue.bias, conv.relu, input.view, &mut output);
                None
            }
        };
        self.sums[y] = sums;
    }

    /// Returns a convolution's input with the batch norm that is fused into reading it.
    pub fn conv_input(&self, conv: &LaidOutConv, x: ProgramValueId) -> ConvInput<'_> {
        let prologue = conv.input_norm.map(|norm| {
            let state = self.norms[norm.node].as_ref().expect("the norm's node has run");
            state.affine.prologue(matches!(&self.program.nodes[norm.node].op, NodeOp::Norm(norm) if norm.relu))
        });
        ConvInput { view: self.view(x), prologue }
    }

    /// Finds the statistics of a batch norm, once in a pass.
    fn find_statistics(&mut self, op: &NormNode, at: usize, weights: &NetworkWeights) {
        if self.norms[at].is_some() {
            return;
        }
        let program = self.program.clone();
        let x = program.nodes[at].inputs[0];
        let layer = &weights[op.layer];
        let layout = &program.values[x].layout;
        let running = layer.running.as_ref().expect("batch norm has running statistics");
        let of_batch = program.mode != PassMode::Infer && !running.frozen;
        let count = layout.n * layout.h * layout.w;
        let statistics = match (of_batch, self.sums[x].take()) {
            (true, Some(sums)) => NormStatistics::from_sums(&sums, count, op.epsilon),
            (true, None) => batch_norm::statistics(self.view(x), op.epsilon),
            (false, _) => running_statistics(layer, layout, op.epsilon),
        };
        let affine = NormAffine::new(
            &statistics,
            &layout.to_slots(&layer.weight, 0.0),
            &layout.to_slots(layer.bias.as_deref().unwrap_or_default(), 0.0),
        );
        self.norms[at] = Some(NormState { statistics, affine, of_batch });
    }

    fn norm(&mut self, op: &NormNode, at: usize, buffer: &mut AlignedBuffer) {
        let program = self.program.clone();
        let node = &program.nodes[at];
        let state = self.norms[at].as_ref().expect("`find_statistics` ran before");
        let mut output = MapViewMut::new(&program.values[node.outputs[0]].layout, buffer);
        batch_norm::forward(&state.affine, op.relu, self.view(node.inputs[0]), &mut output);
    }

    /// Returns the statistics of the batch for each norm that used them.
    pub fn statistics(&self) -> Vec<BatchStatistics> {
        let mut all = Vec::new();
        for (node, state) in self.program.nodes.iter().zip(&self.norms) {
            if let (NodeOp::Norm(norm), Some(state)) = (&node.op, state)
                && state.of_batch
            {
                let layout = &self.program.values[node.inputs[0]].layout;
                let slots = layout.slot_of_channel();
                let channels = |values: &[f32]| slots.iter().map(|&slot| values[slot]).collect();
                all.push(BatchStatistics {
                    layer: norm.layer,
                    mean: channels(&state.statistics.mean),
                    variance: channels(&state.statistics.variance),
                    count: layout.n * layout.h * layout.w,
                });
            }
        }
        all
    }
}

/// Returns a layer's running statistics, one number per slot.
fn running_statistics(layer: &LayerWeights, layout: &MapLayout, epsilon: f64) -> NormStatistics {
    let running = layer.running.as_ref().expect("batch norm has running statistics");
    let slots = |values: &[f32]| -> Vec<f64> { layout.to_slots(values, 0.0).into_iter().map(f64::from).collect() };
    NormStatistics::new(&slots(&running.mean), &slots(&running.variance), epsilon)
}

/// Packs a convolution's weights for these layouts, with the norm after it folded in.
pub(super) fn prepare(conv: &ConvNode, x: &MapLayout, y: &MapLayout, weights: &NetworkWeights) -> PreparedConv {
    let layer = &weights[conv.layer];
    let kernel = ConvKernel { window: conv.window, weight: &layer.weight };
    let (mut scale, mut bias) = (Vec::new(), layer.bias.clone());
    if let Some(fold) = conv.fold {
        let norm = &weights[fold.layer];
        let plain = MapLayout { segments: vec![y.channels()], lanes: 1, ..y.clone() };
        let statistics = running_statistics(norm, &plain, fold.epsilon);
        let affine = NormAffine::new(&statistics, &norm.weight, norm.bias.as_deref().unwrap_or_default());
        let conv_bias = |i: usize| bias.as_ref().map_or(0.0, |bias| bias[i]);
        let terms = affine.summand.iter().zip(&affine.factor).enumerate();
        bias = Some(terms.map(|(i, (summand, factor))| summand + factor * conv_bias(i)).collect());
        scale = affine.factor;
    }
    let packed = match conv.kind {
        ConvKind::Regular => PackedConv::Dense(kernel.pack(x, y, &scale)),
        ConvKind::Transposed => PackedConv::Dense(kernel.pack_transposed(x, y, &scale)),
        ConvKind::Depthwise => PackedConv::Depthwise(depthwise::pack(&conv.window, y, &layer.weight, &scale)),
    };
    PreparedConv { packed, bias: bias.map(|bias| y.to_slots(&bias, 0.0)) }
}

/// Packs all convolutions of a program, by node.
pub(super) fn prepare_all(program: &Program, weights: &NetworkWeights) -> Vec<Option<PreparedConv>> {
    let of = |node: &ProgramNode| match &node.op {
        NodeOp::Conv(conv) => {
            let layout = |id: ProgramValueId| &program.values[id].layout;
            Some(prepare(conv, layout(node.inputs[0]), layout(node.outputs[0]), weights))
        }
        NodeOp::Image | NodeOp::Relayout | NodeOp::Norm(_) | NodeOp::Operator { .. } => None,
    };
    program.nodes.iter().map(of).collect()
}
