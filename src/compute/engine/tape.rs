//! The backward pass: visits nodes from the last to the first and recomputes values that were not saved.

use super::forward_pass::ForwardPass;
use super::kernel::buffer::AlignedBuffer;
use super::kernel::conv_region::Epilogue;
use super::kernel::team::with_team;
use super::memory_layout::{MapLayout, MapView, MapViewMut, WriteMode, relayout_into};
use super::operators::batch_norm::{self, BatchNormBackward};
use super::operators::conv::{ConvKernel, correlate, correlate_transposed, weight_gradient};
use super::operators::{self, depthwise};
use super::program::{LaidOutConv, NodeOp, Program, ProgramNode, ProgramValueId};
use super::weights::{LayerWeights, NetworkWeights, PassGradients, WeightGradient};
use crate::compute::fused::{ConvKind, ConvNode, NormNode};
use crate::graph::op::Op;
use std::sync::Arc;

/// The state that a training pass leaves for its backward pass.
pub struct Tape {
    pass: ForwardPass,
    weights: Arc<NetworkWeights>,
    /// Gradients of values, by value.
    gradients: Vec<Option<AlignedBuffer>>,
    result: PassGradients,
}

impl Tape {
    pub fn new(pass: ForwardPass, weights: Arc<NetworkWeights>) -> Self {
        let gradients = std::iter::repeat_with(|| None).take(pass.program.values.len()).collect();
        Self { pass, weights, gradients, result: PassGradients::default() }
    }

    /// Returns the gradients of the weights from those of the results, NCHW numbers; `None` for a result that the loss does
    /// not read. Layers that no gradient reaches have no entry.
    pub fn backward(self, results: &[Option<&[f32]>]) -> PassGradients {
        with_team(|| self.run(results))
    }

    fn run(mut self, results: &[Option<&[f32]>]) -> PassGradients {
        let (program, recorder) = (self.pass.program.clone(), self.pass.recorder.clone());
        for (&id, values) in program.results.iter().zip(results) {
            let Some(values) = values else { continue };
            let planar = MapLayout::planar(program.values[id].layout.dims());
            // If two results are the same value, their gradients add up.
            self.accumulate_gradient(&program, id, |into, write| {
                relayout_into(MapView::new(&planar, values), into, write);
            });
        }
        for at in (0..program.nodes.len()).rev() {
            let node = &program.nodes[at];
            if node.outputs.iter().any(|&id| self.gradients[id].is_some()) {
                recorder.backward(node.main, || self.run_node(&program, at));
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
        std::mem::take(&mut self.result)
    }

    /// Calls `f` with the gradient of a value, which the first caller overwrites and later callers add to.
    fn accumulate_gradient(
        &mut self,
        program: &Program,
        id: ProgramValueId,
        f: impl FnOnce(&mut MapViewMut, WriteMode),
    ) {
        let layout = &program.values[id].gradient;
        let write = WriteMode::after(self.gradients[id].is_some());
        let mut buffer = self.gradients[id].take().unwrap_or_else(|| ForwardPass::acquire_map(&self.pass.pool, layout));
        f(&mut MapViewMut::new(layout, &mut buffer), write);
        self.gradients[id] = Some(buffer);
    }

    /// Recomputes a value, and the values that it is computed from, unless it is in memory.
    fn rematerialize(&mut self, program: &Program, id: ProgramValueId) {
        if self.pass.values[id].is_some() {
            return;
        }
        let producer = program.values[id].producer;
        program.nodes[producer].inputs.iter().for_each(|&input| self.rematerialize(program, input));
        let weights = self.weights.clone();
        self.pass.run(producer, &weights, None, None);
    }

    fn run_node(&mut self, program: &Program, at: usize) {
        let node = &program.nodes[at];
        match &node.op {
            NodeOp::Image => {
                let id = node.outputs[0];
                let gradient = self.gradients[id].as_ref().expect("the node has a gradient");
                self.result.image = Some(MapView::new(&program.values[id].gradient, gradient).to_nchw());
            }
            NodeOp::Relayout => {
                let gradient = self.gradients[node.outputs[0]].take().expect("the node has a gradient");
                let from = &program.values[node.outputs[0]].gradient;
                self.accumulate_gradient(program, node.inputs[0], |into, write| {
                    relayout_into(MapView::new(from, &gradient), into, write);
                });
                self.gradients[node.outputs[0]] = Some(gradient);
            }
            NodeOp::Conv(conv) => self.conv(program, node, conv),
            NodeOp::Norm(norm) => self.norm(program, at, norm),
            NodeOp::Operator { op, layer } => self.operator(program, at, op, *layer),
        }
    }

    fn operator(&mut self, program: &Program, at: usize, op: &Op, layer: Option<usize>) {
        let node = &program.nodes[at];
        let kernel = operators::expect_kernel(op);
        let needs = kernel.properties().needs;
        let inputs = node.inputs.iter().filter(|_| needs.inputs);
        inputs.chain(node.outputs.iter().filter(|_| needs.output)).for_each(|&id| self.rematerialize(program, id));
        let output = node.outputs[0];
        let gradient = self.gradients[output].take().expect("an index has no gradient");
        let gradient_view = MapView::new(&program.values[output].gradient, &gradient);
        let seed = self.pass.seed(at);
        let weights = self.weights.clone();
        let layer_weights = layer.map(|layer| &weights[layer]);
        for (slot, &id) in node.inputs.iter().enumerate().filter(|(_, id)| program.values[**id].differentiable) {
            // If two inputs are the same value, its gradient is taken and put back for each.
            let buffer = self.gradients[id].take();
            let write = WriteMode::after(buffer.is_some());
            let layout = &program.values[id].gradient;
            let mut into = buffer.unwrap_or_else(|| ForwardPass::acquire_map(&self.pass.pool, layout));
            let inputs: Vec<MapView> = node.inputs.iter().map(|&id| self.pass.view(id)).collect();
            let output = self.pass.view(output);
            let args = operators::BackwardArgs {
                inputs: &inputs,
                output,
                gradient: gradient_view,
                layer: layer_weights,
                seed,
            };
            kernel.backward(args, slot, &mut MapViewMut::new(layout, &mut into), write);
            self.gradients[id] = Some(into);
        }
        if let Some(layer) = layer {
            let inputs: Vec<MapView> = node.inputs.iter().map(|&id| self.pass.view(id)).collect();
            let gradients = kernel.weight_gradients(&inputs, gradient_view).into_iter();
            let named = gradients.map(|(name, values)| WeightGradient { layer, name, values });
            self.result.weights.extend(named);
        }
        self.gradients[output] = Some(gradient);
    }

    fn conv(&mut self, program: &Program, node: &ProgramNode, conv: &LaidOutConv) {
        let (x, y) = (node.inputs[0], node.outputs[0]);
        self.rematerialize(program, x);
        let weights = self.weights.clone();
        let layer = &weights[conv.layer];
        let gradient = self.gradients[y].take().expect("the node has a gradient");
        let gradient_view = MapView::new(&program.values[y].gradient, &gradient);
        self.conv_weight_gradients(conv, layer, x, gradient_view);
        // With a fused norm, this is the gradient of the norm's output, which the convolution computes with.
        let x = conv.input_norm.map_or(x, |norm| norm.value);
        if program.values[x].differentiable {
            self.accumulate_gradient(program, x, |into, write| {
                conv_input_gradient(conv, layer, gradient_view, into, write);
            });
        }
        self.gradients[y] = Some(gradient);
    }

    fn conv_weight_gradients(
        &mut self,
        conv: &LaidOutConv,
        layer: &LayerWeights,
        x: ProgramValueId,
        gradient: MapView,
    ) {
        let values = match conv.kind {
            ConvKind::Regular => weight_gradient(&conv.window, self.pass.conv_input(conv, x), gradient),
            ConvKind::Transposed => weight_gradient(&conv.window, gradient, self.pass.view(x)),
            ConvKind::Depthwise => depthwise::weight_gradient(&conv.window, self.pass.view(x), gradient),
        };
        self.result.weights.push(WeightGradient { layer: conv.layer, name: "weight", values });
        if layer.bias.is_some() {
            let sums = batch_norm::sum(gradient);
            let values = gradient.layout.slot_of_channel().into_iter().map(|slot| sums[slot] as f32).collect();
            self.result.weights.push(WeightGradient { layer: conv.layer, name: "bias", values });
        }
    }

    fn norm(&mut self, program: &Program, at: usize, op: &NormNode) {
        let node = &program.nodes[at];
        let (x, y) = (node.inputs[0], node.outputs[0]);
        self.rematerialize(program, x);
        let gradient = self.gradients[y].take().expect("the node has a gradient");
        let gradient_view = MapView::new(&program.values[y].gradient, &gradient);
        let state = self.pass.norms[at].take().expect("the forward pass ran this norm");
        let norm = BatchNormBackward {
            statistics: &state.statistics,
            affine: &state.affine,
            relu: op.relu,
            of_batch: state.of_batch,
        };
        let (weight, bias) = batch_norm::weight_gradients(&norm, self.pass.view(x), gradient_view);
        let slots = gradient_view.layout.slot_of_channel();
        for (name, sums) in [("weight", &weight), ("bias", &bias)] {
            let values = slots.iter().map(|&slot| sums[slot] as f32).collect();
            self.result.weights.push(WeightGradient { layer: op.layer, name, values });
        }
        if program.values[x].differentiable {
            let data = self.pass.values[x].take().expect("`rematerialize` computed it");
            let view = MapView::new(&program.values[x].layout, &data);
            self.accumulate_gradient(program, x, |into, write| {
                batch_norm::input_gradient(&norm, view, gradient_view, (&weight, &bias), into, write);
            });
            self.pass.values[x] = Some(data);
        }
        self.pass.norms[at] = Some(state);
        self.gradients[y] = Some(gradient);
    }
}

/// Writes the gradient of a convolution's input, or adds it.
fn conv_input_gradient(
    conv: &ConvNode,
    layer: &LayerWeights,
    gradient: MapView,
    into: &mut MapViewMut,
    write: WriteMode,
) {
    let kernel = ConvKernel { window: conv.window, weight: &layer.weight };
    let epilogue = Epilogue { accumulate: write == WriteMode::Accumulate, ..Epilogue::default() };
    match conv.kind {
        ConvKind::Regular => {
            let packed = kernel.pack_transposed(gradient.layout, into.layout, &[]);
            correlate_transposed(&conv.window, &packed, gradient, into, epilogue);
        }
        ConvKind::Depthwise => {
            let packed = depthwise::pack(&conv.window, gradient.layout, &layer.weight, &[]);
            depthwise::backward(&conv.window, &packed, gradient, into, write);
        }
        ConvKind::Transposed => {
            let packed = kernel.pack(gradient.layout, into.layout, &[]);
            correlate(&conv.window, &packed, gradient, into, epilogue);
        }
    }
}
