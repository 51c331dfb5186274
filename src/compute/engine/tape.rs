//! The backward pass: nodes from the last to the first, values computed again where they were not kept.

use super::forward_pass::ForwardPass;
use super::kernel::buffer::AlignedBuffer;
use super::kernel::conv_region::Epilogue;
use super::kernel::team::with_team;
use super::memory_layout::{MapLayout, MapView, MapViewMut, relayout, relayout_add};
use super::operators::batch_norm::{self, BatchNormBackward};
use super::operators::conv::{ConvKernel, correlate, correlate_transposed, weight_gradient};
use super::operators::{self, depthwise};
use super::program::{ConvKind, ConvNode, NodeOp, NormNode, Program, ProgramValueId};
use super::weights::{NetworkWeights, PassGradients, WeightGradient};
use std::sync::Arc;

/// What a training pass leaves for its backward pass.
pub struct Tape {
    pass: ForwardPass,
    weights: Arc<NetworkWeights>,
    /// By value.
    gradients: Vec<Option<AlignedBuffer>>,
    found: PassGradients,
}

impl Tape {
    pub fn new(pass: ForwardPass, weights: Arc<NetworkWeights>) -> Self {
        let gradients = std::iter::repeat_with(|| None).take(pass.program.values.len()).collect();
        Self { pass, weights, gradients, found: PassGradients::default() }
    }

    /// PassGradients of the weights from those of the results, NCHW numbers; none for a result that the loss does not read.
    /// Layers that no gradient reaches have none.
    pub fn backward(self, results: &[Option<&[f32]>]) -> PassGradients {
        with_team(|| self.run(results))
    }

    fn run(mut self, results: &[Option<&[f32]>]) -> PassGradients {
        let (program, recorder) = (self.pass.program.clone(), self.pass.recorder.clone());
        for (&id, values) in program.results.iter().zip(results) {
            let Some(values) = values else { continue };
            let planar = MapLayout::planar(program.values[id].layout.dims());
            self.write(&program, id, |into, add| {
                // Where two results are one value, their gradients add up.
                let put = if add { relayout_add } else { relayout };
                put(MapView::new(&planar, values), into);
            });
        }
        for at in (0..program.nodes.len()).rev() {
            let node = &program.nodes[at];
            if node.outputs.iter().any(|&id| self.gradients[id].is_some()) {
                recorder.backward(node.main, || self.node(&program, at));
            }
            for &id in &node.outputs {
                if let Some(gradient) = self.gradients[id].take() {
                    self.pass.pool.release(gradient);
                }
            }
            for id in 0..program.values.len() {
                if program.lifetimes.last_backward_use[id].is_none_or(|first| first >= at) {
                    self.pass.free(id);
                }
            }
        }
        (0..program.values.len()).for_each(|id| self.pass.free(id));
        std::mem::take(&mut self.found)
    }

    /// Lets `f` write or add to the gradient of a value.
    fn write(&mut self, program: &Program, id: ProgramValueId, f: impl FnOnce(&mut MapViewMut, bool)) {
        let layout = &program.values[id].gradient;
        let add = self.gradients[id].is_some();
        let mut buffer = self.gradients[id].take().unwrap_or_else(|| ForwardPass::take(&self.pass.pool, layout));
        f(&mut MapViewMut::new(layout, &mut buffer), add);
        self.gradients[id] = Some(buffer);
    }

    /// Sees to it that a value is there.
    fn demand(&mut self, program: &Program, id: ProgramValueId) {
        if self.pass.values[id].is_some() {
            return;
        }
        let producer = program.values[id].producer;
        program.nodes[producer].inputs.iter().for_each(|&input| self.demand(program, input));
        let weights = self.weights.clone();
        self.pass.run(producer, &weights, None, None);
    }

    fn node(&mut self, program: &Program, at: usize) {
        let node = &program.nodes[at];
        match &node.op {
            NodeOp::Image => {
                let id = node.outputs[0];
                let gradient = self.gradients[id].as_ref().expect("the node has a gradient");
                self.found.image = Some(MapView::new(&program.values[id].gradient, gradient).to_nchw());
            }
            NodeOp::Relayout => {
                let gradient = self.gradients[node.outputs[0]].take().expect("the node has a gradient");
                let from = &program.values[node.outputs[0]].gradient;
                self.write(program, node.inputs[0], |into, add| {
                    let put = if add { relayout_add } else { relayout };
                    put(MapView::new(from, &gradient), into);
                });
                self.gradients[node.outputs[0]] = Some(gradient);
            }
            NodeOp::Conv(conv) => self.conv(program, at, conv),
            NodeOp::Norm(norm) => self.norm(program, at, norm),
            NodeOp::Operator { op, layer } => {
                let unit = operators::expect_kernel(op);
                let needs = unit.properties().needs;
                let inputs = node.inputs.iter().filter(|_| needs.inputs);
                let read: Vec<ProgramValueId> =
                    inputs.chain(node.outputs.iter().filter(|_| needs.output)).copied().collect();
                read.into_iter().for_each(|id| self.demand(program, id));
                let output = node.outputs[0];
                let gradient = self.gradients[output].take().expect("an index has no gradient");
                let g = MapView::new(&program.values[output].gradient, &gradient);
                let seed = self.pass.seed(at);
                let weights = self.weights.clone();
                let of_layer = layer.map(|layer| &weights[layer]);
                for (slot, &id) in node.inputs.iter().enumerate() {
                    if !program.values[id].differentiable {
                        continue;
                    }
                    // Two inputs may be one value: its gradient is taken and put back for each.
                    let buffer = self.gradients[id].take();
                    let add = buffer.is_some();
                    let layout = &program.values[id].gradient;
                    let mut into = buffer.unwrap_or_else(|| ForwardPass::take(&self.pass.pool, layout));
                    let inputs: Vec<MapView> = node.inputs.iter().map(|&id| self.pass.view(id)).collect();
                    let y = self.pass.view(output);
                    let from =
                        operators::BackwardArgs { inputs: &inputs, output: y, gradient: g, layer: of_layer, seed };
                    unit.backward(from, slot, &mut MapViewMut::new(layout, &mut into), add);
                    self.gradients[id] = Some(into);
                }
                if let Some(layer) = *layer {
                    let inputs: Vec<MapView> = node.inputs.iter().map(|&id| self.pass.view(id)).collect();
                    let found = unit.weight_gradients(&inputs, g).into_iter();
                    let named = found.map(|(name, values)| WeightGradient { layer, name, values });
                    self.found.weights.extend(named);
                }
                self.gradients[output] = Some(gradient);
            }
        }
    }

    fn conv(&mut self, program: &Program, at: usize, conv: &ConvNode) {
        let node = &program.nodes[at];
        let (x, y) = (node.inputs[0], node.outputs[0]);
        self.demand(program, x);
        let weights = self.weights.clone();
        let layer = &weights[conv.layer];
        let gradient = self.gradients[y].take().expect("the node has a gradient");
        let g = MapView::new(&program.values[y].gradient, &gradient);
        let values = match conv.kind {
            ConvKind::Regular => weight_gradient(&conv.window, self.pass.source(conv, x), g),
            ConvKind::Transposed => weight_gradient(&conv.window, g, self.pass.view(x)),
            ConvKind::Depthwise => depthwise::weight_gradient(&conv.window, self.pass.view(x), g),
        };
        self.found.weights.push(WeightGradient { layer: conv.layer, name: "weight", values });
        if layer.bias.is_some() {
            let sums = batch_norm::sum(g);
            let values = g.layout.slot_of_channel().into_iter().map(|slot| sums[slot] as f32).collect();
            self.found.weights.push(WeightGradient { layer: conv.layer, name: "bias", values });
        }
        // The gradient is that of what the convolution computes with.
        let x = conv.input_norm.map_or(x, |through| through.value);
        if program.values[x].differentiable {
            let kernel = ConvKernel { window: conv.window, weight: &layer.weight };
            self.write(program, x, |into, accumulate| {
                let epilogue = Epilogue { accumulate, ..Epilogue::default() };
                match conv.kind {
                    ConvKind::Regular => {
                        let packed = kernel.pack_transposed(g.layout, into.layout, &[]);
                        correlate_transposed(&conv.window, &packed, g, into, epilogue);
                    }
                    ConvKind::Depthwise => {
                        let packed = depthwise::pack(&conv.window, g.layout, &layer.weight, &[]);
                        depthwise::backward(&conv.window, &packed, g, into, accumulate);
                    }
                    ConvKind::Transposed => {
                        let packed = kernel.pack(g.layout, into.layout, &[]);
                        correlate(&conv.window, &packed, g, into, epilogue);
                    }
                }
            });
        }
        self.gradients[y] = Some(gradient);
    }

    fn norm(&mut self, program: &Program, at: usize, op: &NormNode) {
        let node = &program.nodes[at];
        let (x, y) = (node.inputs[0], node.outputs[0]);
        self.demand(program, x);
        let gradient = self.gradients[y].take().expect("the node has a gradient");
        let g = MapView::new(&program.values[y].gradient, &gradient);
        let normed = self.pass.norms[at].take().expect("the forward pass ran this norm");
        let known = BatchNormBackward {
            statistics: &normed.statistics,
            affine: &normed.affine,
            relu: op.relu,
            of_batch: normed.of_batch,
        };
        let (weight, bias) = batch_norm::weight_gradients(&known, self.pass.view(x), g);
        let slots = g.layout.slot_of_channel();
        for (name, sums) in [("weight", &weight), ("bias", &bias)] {
            let values = slots.iter().map(|&slot| sums[slot] as f32).collect();
            self.found.weights.push(WeightGradient { layer: op.layer, name, values });
        }
        if program.values[x].differentiable {
            let data = self.pass.values[x].take().expect("demanded above");
            let view = MapView::new(&program.values[x].layout, &data);
            self.write(program, x, |into, add| {
                batch_norm::input_gradient(&known, view, g, (&weight, &bias), into, add);
            });
            self.pass.values[x] = Some(data);
        }
        self.pass.norms[at] = Some(normed);
        self.gradients[y] = Some(gradient);
    }
}
