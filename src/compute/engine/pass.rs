//! A forward pass: runs nodes, holds values, frees them after their last use.

use super::kernel::buffer::{Buffer, Pool};
use super::kernel::conv_region::{Finish, Sums};
use super::kernel::source::Source;
use super::memory_layout::{Layout, View, ViewMut, relayout};
use super::profile::Recorder;
use super::program::{Conv, Kind, Mode, Node, Norm, Program, Unit, ValueId};
use super::unit::conv::{self, Kernel, gather, spread};
use super::unit::norm::{self, Affine, Statistics};
use super::unit::{self, Seed, depthwise};
use super::weights::{BatchStatistics, LayerWeights, Weights};
use crate::base::hash::GOLDEN_STEP;
use std::sync::Arc;

/// A convolution's weights as its tiles read them, and what is added to its pixels.
pub struct Prepared {
    packed: Weighting,
    /// One number per slot of the output.
    bias: Option<Vec<f32>>,
}

enum Weighting {
    Dense(conv::Weights),
    Depthwise(Vec<f32>),
}

/// What batch norm was in a pass.
pub struct Normed {
    pub statistics: Statistics,
    pub affine: Affine,
    pub of_batch: bool,
}

/// The state of a pass between nodes.
pub struct Pass {
    pub program: Arc<Program>,
    pub pool: Arc<Pool>,
    pub values: Vec<Option<Buffer>>,
    /// By node.
    pub norms: Vec<Option<Normed>>,
    /// By value: what a convolution summed for the norm behind it.
    sums: Vec<Option<Sums>>,
    pub recorder: Recorder,
    seed: u64,
}

impl Pass {
    pub fn new(program: Arc<Program>, pool: Arc<Pool>, recorder: Recorder, seed: u64) -> Self {
        let (values, nodes) = (program.values.len(), program.nodes.len());
        let none = |n| std::iter::repeat_with(|| None).take(n).collect();
        let norms = std::iter::repeat_with(|| None).take(nodes).collect();
        let sums = std::iter::repeat_with(|| None).take(values).collect();
        Self { program, pool, values: none(values), norms, sums, recorder, seed }
    }

    /// All nodes in order; the results as NCHW numbers. `image` is `[n, c, h, w]`.
    pub fn forward(&mut self, weights: &Weights, prepared: &[Option<Prepared>], image: &[f32]) -> Vec<Vec<f32>> {
        let program = self.program.clone();
        let recorder = self.recorder.clone();
        for (at, node) in program.nodes.iter().enumerate() {
            recorder.forward(node.main, || {
                self.run(at, weights, prepared.get(at).and_then(Option::as_ref), Some(image));
            });
            self.free_forward(at);
        }
        let results = program.results.iter().map(|&id| self.view(id).to_nchw()).collect();
        program.results.iter().filter(|&&id| !program.keep.kept[id]).for_each(|&id| self.free(id));
        results
    }

    fn free_forward(&mut self, at: usize) {
        let program = self.program.clone();
        let node = &program.nodes[at];
        for &id in node.inputs.iter().chain(&node.outputs) {
            if program.keep.forward[id] == Some(at) && !program.keep.kept[id] {
                self.free(id);
            }
        }
    }

    pub fn free(&mut self, id: ValueId) {
        if let Some(buffer) = self.values[id].take() {
            self.pool.give(buffer);
        }
    }

    /// What is there of a value: its numbers, or only its layout.
    pub fn view(&self, id: ValueId) -> View<'_> {
        let layout = &self.program.values[id].layout;
        match &self.values[id] {
            Some(data) => View::new(layout, data),
            None => View { layout, data: &[] },
        }
    }

    /// Memory for a map, its halo zero.
    pub fn take(pool: &Pool, layout: &Layout) -> Buffer {
        let mut buffer = pool.take(layout.size());
        buffer.set_border(layout.border());
        buffer
    }

    /// Computes a node's outputs. All its inputs are there.
    pub fn run(&mut self, at: usize, weights: &Weights, prepared: Option<&Prepared>, image: Option<&[f32]>) {
        let program = self.program.clone();
        let node = &program.nodes[at];
        if let Unit::Norm(norm) = &node.unit {
            self.find_statistics(norm, at, weights);
            if norm.read_through {
                return;
            }
        }
        let mut buffers: Vec<Buffer> =
            node.outputs.iter().map(|&id| Self::take(&self.pool, &program.values[id].layout)).collect();
        match &node.unit {
            Unit::Image => {
                let layout = &program.values[node.outputs[0]].layout;
                let planar = Layout::planar(layout.dims());
                let image = image.expect("the image is kept where it is read again");
                relayout(View::new(&planar, image), &mut ViewMut::new(layout, &mut buffers[0]));
            }
            Unit::Relayout => {
                let layout = &program.values[node.outputs[0]].layout;
                relayout(self.view(node.inputs[0]), &mut ViewMut::new(layout, &mut buffers[0]));
            }
            Unit::Conv(conv) => self.conv(conv, node, weights, prepared, &mut buffers[0]),
            Unit::Norm(norm) => self.norm(norm, at, &mut buffers[0]),
            Unit::Plain { op, layer } => {
                let inputs: Vec<View> = node.inputs.iter().map(|&id| self.view(id)).collect();
                let mut outputs: Vec<ViewMut> = (node.outputs.iter().zip(&mut buffers))
                    .map(|(&id, buffer)| ViewMut::new(&program.values[id].layout, buffer))
                    .collect();
                let layer = layer.map(|layer| &weights[layer]);
                let given = unit::Given { inputs: &inputs, layer, seed: self.seed(at) };
                let (output, others) = outputs.split_first_mut().expect("an operator has an output");
                unit::known(op).forward(given, output, others);
            }
        }
        for (&id, buffer) in node.outputs.iter().zip(buffers) {
            self.values[id] = Some(buffer);
        }
    }

    /// What random numbers of a node start from; nothing is random in inference.
    pub fn seed(&self, at: usize) -> Option<Seed> {
        match self.program.mode {
            Mode::Infer => None,
            Mode::Train { .. } => Some(self.seed ^ (self.program.nodes[at].step as u64).wrapping_mul(GOLDEN_STEP)),
        }
    }

    fn conv(&mut self, conv: &Conv, node: &Node, weights: &Weights, prepared: Option<&Prepared>, buffer: &mut Buffer) {
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
        let finish = Finish { accumulate: false, bias: prepared.bias.as_deref(), relu: conv.relu, sums: conv.sums };
        let mut output = ViewMut::new(&program.values[y].layout, buffer);
        let x = self.source(conv, x);
        let sums = match (&prepared.packed, conv.kind) {
            (Weighting::Dense(packed), Kind::Spread) => spread(&conv.window, packed, x.view, &mut output, finish),
            (Weighting::Dense(packed), Kind::Gather | Kind::Depthwise) => {
                gather(&conv.window, packed, x, &mut output, finish)
            }
            (Weighting::Depthwise(packed), _) => {
                depthwise::forward(&conv.window, packed, finish.bias, conv.relu, x.view, &mut output);
                None
            }
        };
        self.sums[y] = sums;
    }

    /// A convolution's input, and the norm that it does as it reads.
    pub fn source(&self, conv: &Conv, x: ValueId) -> Source<'_> {
        let before = conv.through.map(|through| {
            let normed = self.norms[through.node].as_ref().expect("the norm's node has run");
            normed.affine.before(matches!(&self.program.nodes[through.node].unit, Unit::Norm(norm) if norm.relu))
        });
        Source { view: self.view(x), before }
    }

    /// Once a pass.
    fn find_statistics(&mut self, op: &Norm, at: usize, weights: &Weights) {
        if self.norms[at].is_some() {
            return;
        }
        let program = self.program.clone();
        let x = program.nodes[at].inputs[0];
        let layer = &weights[op.layer];
        let layout = &program.values[x].layout;
        let running = layer.running.as_ref().expect("batch norm has running statistics");
        let of_batch = program.mode != Mode::Infer && !running.frozen;
        let count = layout.n * layout.h * layout.w;
        let statistics = match (of_batch, self.sums[x].take()) {
            (true, Some(sums)) => Statistics::from_sums(&sums, count, op.epsilon),
            (true, None) => norm::statistics(self.view(x), op.epsilon),
            (false, _) => known(layer, layout, op.epsilon),
        };
        let affine = Affine::new(
            &statistics,
            &layout.spread(&layer.weight, 0.0),
            &layout.spread(layer.bias.as_deref().unwrap_or_default(), 0.0),
        );
        self.norms[at] = Some(Normed { statistics, affine, of_batch });
    }

    fn norm(&mut self, op: &Norm, at: usize, buffer: &mut Buffer) {
        let program = self.program.clone();
        let node = &program.nodes[at];
        let x = node.inputs[0];
        let normed = self.norms[at].as_ref().expect("found before");
        let mut output = ViewMut::new(&program.values[node.outputs[0]].layout, buffer);
        norm::forward(&normed.affine, op.relu, self.view(x), &mut output);
    }

    /// The batch's statistics of each norm that used them.
    pub fn statistics(&self) -> Vec<BatchStatistics> {
        let mut all = Vec::new();
        for (node, normed) in self.program.nodes.iter().zip(&self.norms) {
            if let (Unit::Norm(norm), Some(normed)) = (&node.unit, normed)
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
fn known(layer: &LayerWeights, layout: &Layout, epsilon: f64) -> Statistics {
    let running = layer.running.as_ref().expect("batch norm has running statistics");
    let slots = |values: &[f32]| -> Vec<f64> { layout.spread(values, 0.0).into_iter().map(f64::from).collect() };
    Statistics::new(&slots(&running.mean), &slots(&running.variance), epsilon)
}

/// Packs a convolution's weights for these layouts, the norm behind it folded in.
pub(super) fn prepare(conv: &Conv, x: &Layout, y: &Layout, weights: &Weights) -> Prepared {
    let layer = &weights[conv.layer];
    let kernel = Kernel { window: conv.window, weight: &layer.weight };
    let (mut scale, mut bias) = (Vec::new(), layer.bias.clone());
    if let Some(fold) = conv.fold {
        let norm = &weights[fold.layer];
        let plain = Layout { segments: vec![y.channels()], lanes: 1, ..y.clone() };
        let statistics = known(norm, &plain, fold.epsilon);
        let affine = Affine::new(&statistics, &norm.weight, norm.bias.as_deref().unwrap_or_default());
        let of = |i: usize| bias.as_ref().map_or(0.0, |bias| bias[i]);
        bias = Some(affine.summand.iter().zip(&affine.factor).enumerate().map(|(i, (s, f))| s + f * of(i)).collect());
        scale = affine.factor;
    }
    let packed = match conv.kind {
        Kind::Gather => Weighting::Dense(kernel.pack_gather(x, y, &scale)),
        Kind::Spread => Weighting::Dense(kernel.pack_spread(x, y, &scale)),
        Kind::Depthwise => Weighting::Depthwise(depthwise::pack(&conv.window, y, &layer.weight, &scale)),
    };
    Prepared { packed, bias: bias.map(|bias| y.spread(&bias, 0.0)) }
}

/// All convolutions of a program, by node.
pub(super) fn prepare_all(program: &Program, weights: &Weights) -> Vec<Option<Prepared>> {
    let of = |node: &Node| match &node.unit {
        Unit::Conv(conv) => {
            let layout = |id: ValueId| &program.values[id].layout;
            Some(prepare(conv, layout(node.inputs[0]), layout(node.outputs[0]), weights))
        }
        Unit::Image | Unit::Relayout | Unit::Norm(_) | Unit::Plain { .. } => None,
    };
    program.nodes.iter().map(of).collect()
}
