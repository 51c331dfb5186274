//! A forward pass: runs nodes, holds values, frees them after their last use.

use super::kernel::buffer::{AlignedBuffer, BufferPool};
use super::kernel::conv_region::{ChannelSums, Epilogue};
use super::kernel::prologue::ConvInput;
use super::memory_layout::{MapLayout, MapView, MapViewMut, relayout};
use super::operators::batch_norm::{self, NormAffine, NormStatistics};
use super::operators::conv::{self, ConvKernel, correlate, correlate_transposed};
use super::operators::{self, Seed, depthwise};
use super::profile::Recorder;
use super::program::{ConvKind, ConvNode, NodeOp, NormNode, PassMode, Program, ProgramNode, ProgramValueId};
use super::weights::{BatchStatistics, LayerWeights, NetworkWeights};
use crate::base::hash::GOLDEN_STEP;
use std::sync::Arc;

/// A convolution's weights as its tiles read them, and what is added to its pixels.
pub struct PreparedConv {
    packed: PackedConv,
    /// One number per slot of the output.
    bias: Option<Vec<f32>>,
}

enum PackedConv {
    Dense(conv::ConvWeights),
    Depthwise(Vec<f32>),
}

/// What batch norm was in a pass.
pub struct NormState {
    pub statistics: NormStatistics,
    pub affine: NormAffine,
    pub of_batch: bool,
}

/// The state of a pass between nodes.
pub struct ForwardPass {
    pub program: Arc<Program>,
    pub pool: Arc<BufferPool>,
    pub values: Vec<Option<AlignedBuffer>>,
    /// By node.
    pub norms: Vec<Option<NormState>>,
    /// By value: what a convolution summed for the norm behind it.
    sums: Vec<Option<ChannelSums>>,
    pub recorder: Recorder,
    seed: u64,
}

impl ForwardPass {
    pub fn new(program: Arc<Program>, pool: Arc<BufferPool>, recorder: Recorder, seed: u64) -> Self {
        let (values, nodes) = (program.values.len(), program.nodes.len());
        let none = |n| std::iter::repeat_with(|| None).take(n).collect();
        let norms = std::iter::repeat_with(|| None).take(nodes).collect();
        let sums = std::iter::repeat_with(|| None).take(values).collect();
        Self { program, pool, values: none(values), norms, sums, recorder, seed }
    }

    /// All nodes in order; the results as NCHW numbers. `image` is `[n, c, h, w]`.
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
            self.free_forward(at);
        }
        let results = program.results.iter().map(|&id| self.view(id).to_nchw()).collect();
        program.results.iter().filter(|&&id| !program.lifetimes.saved[id]).for_each(|&id| self.free(id));
        results
    }

    fn free_forward(&mut self, at: usize) {
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

    /// What is there of a value: its numbers, or only its layout.
    pub fn view(&self, id: ProgramValueId) -> MapView<'_> {
        let layout = &self.program.values[id].layout;
        match &self.values[id] {
            Some(data) => MapView::new(layout, data),
            None => MapView { layout, data: &[] },
        }
    }

    /// Memory for a map, its halo zero.
    pub fn take(pool: &BufferPool, layout: &MapLayout) -> AlignedBuffer {
        let mut buffer = pool.acquire(layout.buffer_len());
        buffer.set_border(layout.border());
        buffer
    }

    /// Computes a node's outputs. All its inputs are there.
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
            node.outputs.iter().map(|&id| Self::take(&self.pool, &program.values[id].layout)).collect();
        match &node.op {
            NodeOp::Image => {
                let layout = &program.values[node.outputs[0]].layout;
                let planar = MapLayout::planar(layout.dims());
                let image = image.expect("the image is kept where it is read again");
                relayout(MapView::new(&planar, image), &mut MapViewMut::new(layout, &mut buffers[0]));
            }
            NodeOp::Relayout => {
                let layout = &program.values[node.outputs[0]].layout;
                relayout(self.view(node.inputs[0]), &mut MapViewMut::new(layout, &mut buffers[0]));
            }
            NodeOp::Conv(conv) => self.conv(conv, node, weights, prepared, &mut buffers[0]),
            NodeOp::Norm(norm) => self.norm(norm, at, &mut buffers[0]),
            NodeOp::Operator { op, layer } => {
                let inputs: Vec<MapView> = node.inputs.iter().map(|&id| self.view(id)).collect();
                let mut outputs: Vec<MapViewMut> = (node.outputs.iter().zip(&mut buffers))
                    .map(|(&id, buffer)| MapViewMut::new(&program.values[id].layout, buffer))
                    .collect();
                let layer = layer.map(|layer| &weights[layer]);
                let given = operators::ForwardArgs { inputs: &inputs, layer, seed: self.seed(at) };
                let (output, others) = outputs.split_first_mut().expect("an operator has an output");
                operators::expect_kernel(op).forward(given, output, others);
            }
        }
        for (&id, buffer) in node.outputs.iter().zip(buffers) {
            self.values[id] = Some(buffer);
        }
    }

    /// What random numbers of a node start from; nothing is random in inference.
    pub fn seed(&self, at: usize) -> Option<Seed> {
        match self.program.mode {
            PassMode::Infer => None,
            PassMode::Train { .. } => Some(self.seed ^ (self.program.nodes[at].step as u64).wrapping_mul(GOLDEN_STEP)),
        }
    }

    fn conv(
        &mut self,
        conv: &ConvNode,
        node: &ProgramNode,
        weights: &NetworkWeights,
        prepared: Option<&PreparedConv>,
        buffer: &mut AlignedBuffer,
    ) {
        let program = self.program.clone();
        let (x, y) = (node.inputs[0], node.outputs[0]);
        let made;
        let prepared = match prepared {
            Some(prepared) => prepared,
            None => {
                made = prepare(conv, &program.values[x].layout, &program.values[y].layout, weights);
                &made
            }
        };
        let epilogue = Epilogue { accumulate: false, bias: prepared.bias.as_deref(), relu: conv.relu, sums: conv.sums };
        let mut output = MapViewMut::new(&program.values[y].layout, buffer);
        let x = self.source(conv, x);
        let sums = match (&prepared.packed, conv.kind) {
            (PackedConv::Dense(packed), ConvKind::Transposed) => {
                correlate_transposed(&conv.window, packed, x.view, &mut output, epilogue)
            }
            (PackedConv::Dense(packed), ConvKind::Regular | ConvKind::Depthwise) => {
                correlate(&conv.window, packed, x, &mut output, epilogue)
            }
            (PackedConv::Depthwise(packed), _) => {
                depthwise::forward(&conv.window, packed, epilogue.bias, conv.relu, x.view, &mut output);
                None
            }
        };
        self.sums[y] = sums;
    }

    /// A convolution's input, and the norm that it does as it reads.
    pub fn source(&self, conv: &ConvNode, x: ProgramValueId) -> ConvInput<'_> {
        let prologue = conv.input_norm.map(|through| {
            let normed = self.norms[through.node].as_ref().expect("the norm's node has run");
            normed.affine.prologue(matches!(&self.program.nodes[through.node].op, NodeOp::Norm(norm) if norm.relu))
        });
        ConvInput { view: self.view(x), prologue }
    }

    /// Once a pass.
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
            (false, _) => known(layer, layout, op.epsilon),
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
        let x = node.inputs[0];
        let normed = self.norms[at].as_ref().expect("found before");
        let mut output = MapViewMut::new(&program.values[node.outputs[0]].layout, buffer);
        batch_norm::forward(&normed.affine, op.relu, self.view(x), &mut output);
    }

    /// The batch's statistics of each norm that used them.
    pub fn statistics(&self) -> Vec<BatchStatistics> {
        let mut all = Vec::new();
        for (node, normed) in self.program.nodes.iter().zip(&self.norms) {
            if let (NodeOp::Norm(norm), Some(normed)) = (&node.op, normed)
                && normed.of_batch
            {
                let layout = &self.program.values[node.inputs[0]].layout;
                let slots = layout.slot_of_channel();
                let channels = |values: &[f32]| slots.iter().map(|&slot| values[slot]).collect();
                all.push(BatchStatistics {
                    layer: norm.layer,
                    mean: channels(&normed.statistics.mean),
                    variance: channels(&normed.statistics.variance),
                    count: layout.n * layout.h * layout.w,
                });
            }
        }
        all
    }
}

/// A layer's running statistics, one number per slot.
fn known(layer: &LayerWeights, layout: &MapLayout, epsilon: f64) -> NormStatistics {
    let running = layer.running.as_ref().expect("batch norm has running statistics");
    let slots = |values: &[f32]| -> Vec<f64> { layout.to_slots(values, 0.0).into_iter().map(f64::from).collect() };
    NormStatistics::new(&slots(&running.mean), &slots(&running.variance), epsilon)
}

/// Packs a convolution's weights for these layouts, the norm behind it folded in.
pub(super) fn prepare(conv: &ConvNode, x: &MapLayout, y: &MapLayout, weights: &NetworkWeights) -> PreparedConv {
    let layer = &weights[conv.layer];
    let kernel = ConvKernel { window: conv.window, weight: &layer.weight };
    let (mut scale, mut bias) = (Vec::new(), layer.bias.clone());
    if let Some(fold) = conv.fold {
        let norm = &weights[fold.layer];
        let plain = MapLayout { segments: vec![y.channels()], lanes: 1, ..y.clone() };
        let statistics = known(norm, &plain, fold.epsilon);
        let affine = NormAffine::new(&statistics, &norm.weight, norm.bias.as_deref().unwrap_or_default());
        let of = |i: usize| bias.as_ref().map_or(0.0, |bias| bias[i]);
        bias = Some(affine.summand.iter().zip(&affine.factor).enumerate().map(|(i, (s, f))| s + f * of(i)).collect());
        scale = affine.factor;
    }
    let packed = match conv.kind {
        ConvKind::Regular => PackedConv::Dense(kernel.pack(x, y, &scale)),
        ConvKind::Transposed => PackedConv::Dense(kernel.pack_transposed(x, y, &scale)),
        ConvKind::Depthwise => PackedConv::Depthwise(depthwise::pack(&conv.window, y, &layer.weight, &scale)),
    };
    PreparedConv { packed, bias: bias.map(|bias| y.to_slots(&bias, 0.0)) }
}

/// All convolutions of a program, by node.
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
