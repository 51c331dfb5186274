//! The backward pass: nodes from the last to the first, values computed again where they were not kept.

use super::kernel::buffer::Buffer;
use super::kernel::conv_region::Finish;
use super::kernel::team::together;
use super::memory_layout::{Layout, View, ViewMut, relayout, relayout_add};
use super::pass::Pass;
use super::program::{Conv, Kind, Norm, Program, Unit, ValueId};
use super::unit::conv::{Kernel, gather, spread, weight_gradient};
use super::unit::norm::{self, Known};
use super::unit::{self, depthwise};
use super::weights::{Gradients, WeightGradient, Weights};
use std::sync::Arc;

/// What a training pass leaves for its backward pass.
pub struct Tape {
    pass: Pass,
    weights: Arc<Weights>,
    /// By value.
    gradients: Vec<Option<Buffer>>,
    found: Gradients,
}

impl Tape {
    pub fn new(pass: Pass, weights: Arc<Weights>) -> Self {
        let gradients = std::iter::repeat_with(|| None).take(pass.program.values.len()).collect();
        Self { pass, weights, gradients, found: Gradients::default() }
    }

    /// Gradients of the weights from those of the results, NCHW numbers; none for a result that the loss does not read.
    /// Layers that no gradient reaches have none.
    pub fn backward(self, results: &[Option<&[f32]>]) -> Gradients {
        together(|| self.run(results))
    }

    fn run(mut self, results: &[Option<&[f32]>]) -> Gradients {
        let (program, recorder) = (self.pass.program.clone(), self.pass.recorder.clone());
        for (&id, values) in program.results.iter().zip(results) {
            let Some(values) = values else { continue };
            let planar = Layout::planar(program.values[id].layout.dims());
            self.write(&program, id, |into, add| {
                // Where two results are one value, their gradients add up.
                let put = if add { relayout_add } else { relayout };
                put(View::new(&planar, values), into);
            });
        }
        for at in (0..program.nodes.len()).rev() {
            let node = &program.nodes[at];
            if node.outputs.iter().any(|&id| self.gradients[id].is_some()) {
                recorder.backward(node.main, || self.node(&program, at));
            }
            for &id in &node.outputs {
                if let Some(gradient) = self.gradients[id].take() {
                    self.pass.pool.give(gradient);
                }
            }
            for id in 0..program.values.len() {
                if program.keep.backward[id].is_none_or(|first| first >= at) {
                    self.pass.free(id);
                }
            }
        }
        (0..program.values.len()).for_each(|id| self.pass.free(id));
        std::mem::take(&mut self.found)
    }

    /// Lets `f` write or add to the gradient of a value.
    fn write(&mut self, program: &Program, id: ValueId, f: impl FnOnce(&mut ViewMut, bool)) {
        let layout = &program.values[id].gradient;
        let add = self.gradients[id].is_some();
        let mut buffer = self.gradients[id].take().unwrap_or_else(|| Pass::take(&self.pass.pool, layout));
        f(&mut ViewMut::new(layout, &mut buffer), add);
        self.gradients[id] = Some(buffer);
    }

    /// Sees to it that a value is there.
    fn demand(&mut self, program: &Program, id: ValueId) {
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
        match &node.unit {
            Unit::Image => {
                let id = node.outputs[0];
                let gradient = self.gradients[id].as_ref().expect("the node has a gradient");
                self.found.image = Some(View::new(&program.values[id].gradient, gradient).to_nchw());
            }
            Unit::Relayout => {
                let gradient = self.gradients[node.outputs[0]].take().expect("the node has a gradient");
                let from = &program.values[node.outputs[0]].gradient;
                self.write(program, node.inputs[0], |into, add| {
                    let put = if add { relayout_add } else { relayout };
                    put(View::new(from, &gradient), into);
                });
                self.gradients[node.outputs[0]] = Some(gradient);
            }
            Unit::Conv(conv) => self.conv(program, at, conv),
            Unit::Norm(norm) => self.norm(program, at, norm),
            Unit::Plain { op, layer } => {
                let unit = unit::known(op);
                let needs = unit.form().needs;
                let inputs = node.inputs.iter().filter(|_| needs.inputs);
                let read: Vec<ValueId> = inputs.chain(node.outputs.iter().filter(|_| needs.output)).copied().collect();
                read.into_iter().for_each(|id| self.demand(program, id));
                let output = node.outputs[0];
                let gradient = self.gradients[output].take().expect("an index has no gradient");
                let g = View::new(&program.values[output].gradient, &gradient);
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
                    let mut into = buffer.unwrap_or_else(|| Pass::take(&self.pass.pool, layout));
                    let inputs: Vec<View> = node.inputs.iter().map(|&id| self.pass.view(id)).collect();
                    let y = self.pass.view(output);
                    let from = unit::From { inputs: &inputs, output: y, gradient: g, layer: of_layer, seed };
                    unit.backward(from, slot, &mut ViewMut::new(layout, &mut into), add);
                    self.gradients[id] = Some(into);
                }
                if let Some(layer) = *layer {
                    let inputs: Vec<View> = node.inputs.iter().map(|&id| self.pass.view(id)).collect();
                    let found = unit.weight_gradients(&inputs, g).into_iter();
                    let named = found.map(|(name, values)| WeightGradient { layer, name, values });
                    self.found.weights.extend(named);
                }
                self.gradients[output] = Some(gradient);
            }
        }
    }

    fn conv(&mut self, program: &Program, at: usize, conv: &Conv) {
        let node = &program.nodes[at];
        let (x, y) = (node.inputs[0], node.outputs[0]);
        self.demand(program, x);
        let weights = self.weights.clone();
        let layer = &weights[conv.layer];
        let gradient = self.gradients[y].take().expect("the node has a gradient");
        let g = View::new(&program.values[y].gradient, &gradient);
        let values = match conv.kind {
            Kind::Gather => weight_gradient(&conv.window, self.pass.source(conv, x), g),
            Kind::Spread => weight_gradient(&conv.window, g, self.pass.view(x)),
            Kind::Depthwise => depthwise::weight_gradient(&conv.window, self.pass.view(x), g),
        };
        self.found.weights.push(WeightGradient { layer: conv.layer, name: "weight", values });
        if layer.bias.is_some() {
            let sums = norm::sum(g);
            let values = g.layout.slot_of_channel().into_iter().map(|slot| sums[slot] as f32).collect();
            self.found.weights.push(WeightGradient { layer: conv.layer, name: "bias", values });
        }
        // The gradient is that of what the convolution computes with.
        let x = conv.through.map_or(x, |through| through.value);
        if program.values[x].differentiable {
            let kernel = Kernel { window: conv.window, weight: &layer.weight };
            self.write(program, x, |into, accumulate| {
                let finish = Finish { accumulate, ..Finish::default() };
                match conv.kind {
                    Kind::Gather => {
                        let packed = kernel.pack_spread(g.layout, into.layout, &[]);
                        spread(&conv.window, &packed, g, into, finish);
                    }
                    Kind::Depthwise => {
                        let packed = depthwise::pack(&conv.window, g.layout, &layer.weight, &[]);
                        depthwise::backward(&conv.window, &packed, g, into, accumulate);
                    }
                    Kind::Spread => {
                        let packed = kernel.pack_gather(g.layout, into.layout, &[]);
                        gather(&conv.window, &packed, g, into, finish);
                    }
                }
            });
        }
        self.gradients[y] = Some(gradient);
    }

    fn norm(&mut self, program: &Program, at: usize, op: &Norm) {
        let node = &program.nodes[at];
        let (x, y) = (node.inputs[0], node.outputs[0]);
        self.demand(program, x);
        let gradient = self.gradients[y].take().expect("the node has a gradient");
        let g = View::new(&program.values[y].gradient, &gradient);
        let normed = self.pass.norms[at].take().expect("the forward pass ran this norm");
        let known =
            Known { statistics: &normed.statistics, affine: &normed.affine, relu: op.relu, of_batch: normed.of_batch };
        let (weight, bias) = norm::weight_gradients(&known, self.pass.view(x), g);
        let slots = g.layout.slot_of_channel();
        for (name, sums) in [("weight", &weight), ("bias", &bias)] {
            let values = slots.iter().map(|&slot| sums[slot] as f32).collect();
            self.found.weights.push(WeightGradient { layer: op.layer, name, values });
        }
        if program.values[x].differentiable {
            let data = self.pass.values[x].take().expect("demanded above");
            let view = View::new(&program.values[x].layout, &data);
            self.write(program, x, |into, add| {
                norm::input_gradient(&known, view, g, (&weight, &bias), into, add);
            });
            self.pass.values[x] = Some(data);
        }
        self.pass.norms[at] = Some(normed);
        self.gradients[y] = Some(gradient);
    }
}
