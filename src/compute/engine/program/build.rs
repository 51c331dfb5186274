//! Steps to nodes, values to layouts.

use super::keep::Keep;
use super::node::{Conv, Fold, Kind, Node, Norm, Unit, Value, ValueId};
use super::reads::{operands, readers};
use super::through::read_through;
use super::{Mode, Program, Unsupported};
use crate::compute::engine::memory_layout::Layout;
use crate::compute::engine::unit::conv::{Window, halo};
use crate::compute::engine::unit::{self, Placement};
use crate::graph::op::{Activation, Function, Op};
use crate::graph::plan::Plan;
use crate::graph::ty::{Shape, TensorType};
use std::collections::HashMap;

/// Results with no more channels than this end planar when a resize makes them: a block would be mostly empty.
const FEW_CHANNELS: usize = 8;
/// Places in a map that an index can name: the numbers that 32-bit floats count exactly.
const INDICES: usize = 1 << 24;

/// `dims` is `[n, c, h, w]` of the image.
pub(crate) fn build(plan: &Plan, dims: [usize; 4], mode: Mode) -> Result<Program, Unsupported> {
    let types = types(plan, dims)?;
    let mut builder = Builder {
        plan,
        mode,
        readers: readers(plan, &types),
        types,
        batch: dims[0],
        nodes: Vec::new(),
        values: Vec::new(),
        made: HashMap::new(),
        done: vec![false; plan.steps.len()],
    };
    for at in 0..plan.steps.len() {
        if !builder.done[at] {
            builder.step(at)?;
        }
    }
    let results: Vec<ValueId> = plan.results.iter().map(|(_, id)| builder.made[&id.index()]).collect();
    let Builder { mut nodes, mut values, .. } = builder;
    if mode != Mode::Infer {
        read_through(&mut nodes, &values, &results);
    }
    halos(&nodes, &mut values);
    let keep = Keep::plan(&nodes, &values, &results);
    Ok(Program { mode, nodes, values, results, keep })
}

/// The type of each value at this size.
fn types(plan: &Plan, [_, c, h, w]: [usize; 4]) -> Result<Vec<TensorType>, Unsupported> {
    let mut types: Vec<Option<TensorType>> = vec![None; plan.values];
    for step in &plan.steps {
        let inputs: Vec<TensorType> = (step.inputs.iter())
            .map(|id| types[id.index()].clone().expect("plan: a step reads what earlier steps wrote"))
            .collect();
        let outputs = match &step.op {
            Op::Input(_) => vec![TensorType::Tensor(Shape::new(vec![c, h, w]))],
            op => op.infer(&inputs).map_err(|refusal| Unsupported(format!("{}: {}", step.path, refusal.message)))?,
        };
        for ((id, _), ty) in step.outputs.iter().zip(outputs) {
            types[id.index()] = Some(ty);
        }
    }
    Ok(types.into_iter().map(|ty| ty.expect("plan: each value is written")).collect())
}

struct Builder<'a> {
    plan: &'a Plan,
    mode: Mode,
    types: Vec<TensorType>,
    readers: Vec<Vec<usize>>,
    batch: usize,
    nodes: Vec<Node>,
    values: Vec<Value>,
    /// The plan's value to ours.
    made: HashMap<usize, ValueId>,
    /// Steps that are part of a node.
    done: Vec<bool>,
}

impl Builder<'_> {
    fn dims(&self, value: usize) -> [usize; 4] {
        let dims = self.types[value].shape().dims();
        let axis = |i: usize| dims.get(i).copied().unwrap_or(1);
        [self.batch, axis(0), axis(1), axis(2)]
    }

    /// The step that reads a value, if it is the only reader.
    fn only_reader(&self, value: usize) -> Option<usize> {
        match self.readers[value][..] {
            [at] if at != usize::MAX => Some(at),
            _ => None,
        }
    }

    fn add(&mut self, unit: Unit, inputs: Vec<ValueId>, layouts: Vec<Layout>, step: usize) -> Vec<ValueId> {
        let producer = self.nodes.len();
        let learns = match &unit {
            Unit::Image => self.mode == Mode::Train { to_image: true },
            Unit::Conv(_) | Unit::Norm(_) => true,
            Unit::Relayout => false,
            Unit::Plain { layer, .. } => layer.is_some(),
        };
        // Inference has no way back: nothing is kept for it.
        let differentiable =
            self.mode != Mode::Infer && (learns || inputs.iter().any(|&id| self.values[id].differentiable));
        let first = self.values.len();
        self.values.extend(layouts.into_iter().map(|layout| Value {
            gradient: layout.clone(),
            layout,
            producer,
            differentiable,
        }));
        let outputs: Vec<ValueId> = (first..self.values.len()).collect();
        let layer = match &unit {
            Unit::Conv(conv) => Some(conv.layer),
            Unit::Norm(norm) => Some(norm.layer),
            Unit::Image | Unit::Relayout | Unit::Plain { .. } => None,
        };
        let main = layer.and_then(|layer| self.plan.steps.iter().position(|s| s.layer == Some(layer))).unwrap_or(step);
        self.nodes.push(Node { unit, inputs, outputs: outputs.clone(), step, main });
        outputs
    }

    /// The value in that layout, copied if it is in another.
    fn in_layout(&mut self, value: ValueId, layout: Layout, step: usize) -> ValueId {
        if self.values[value].layout == layout {
            return value;
        }
        self.add(Unit::Relayout, vec![value], vec![layout], step)[0]
    }

    /// The value in blocks.
    fn blocked(&mut self, value: ValueId, step: usize) -> ValueId {
        let layout = &self.values[value].layout;
        if layout.lanes > 1 { value } else { self.in_layout(value, Layout::blocked(layout.dims()), step) }
    }

    fn step(&mut self, at: usize) -> Result<(), Unsupported> {
        let step = &self.plan.steps[at];
        let inputs: Vec<ValueId> = operands(step, &self.types).iter().map(|id| self.made[id]).collect();
        let outputs: Vec<usize> = step.outputs.iter().map(|(id, _)| id.index()).collect();
        let layer = || step.layer.expect("plan: an operator with parameters has a layer");
        let (window, kind) = match &step.op {
            Op::Input(_) => {
                let dims = self.dims(outputs[0]);
                // A gradient comes in blocks.
                let blocked = self.mode == Mode::Train { to_image: true };
                let layout = if blocked { Layout::blocked(dims) } else { Layout::planar(dims) };
                let made = self.add(Unit::Image, Vec::new(), vec![layout], at);
                self.made.insert(outputs[0], made[0]);
                return Ok(());
            }
            Op::Conv(op) if op.groups == 1 => {
                let pad = op.pad.amount(op.kernel, op.dilation);
                (Window { kernel: op.kernel, stride: op.stride, dilation: op.dilation, pad }, Kind::Gather)
            }
            Op::ConvTranspose(op) if op.groups == 1 => {
                (Window { kernel: op.kernel, stride: op.stride, dilation: op.dilation, pad: op.pad }, Kind::Spread)
            }
            Op::Conv(op) if op.groups == op.out && op.groups == self.dims(operands(step, &self.types)[0])[1] => {
                let pad = op.pad.amount(op.kernel, op.dilation);
                (Window { kernel: op.kernel, stride: op.stride, dilation: op.dilation, pad }, Kind::Depthwise)
            }
            Op::Conv(_) | Op::ConvTranspose(_) => {
                return Err(Unsupported(format!("{}: groups of channels", step.path)));
            }
            Op::Linear(_) => (Window::POINT, Kind::Gather),
            Op::BatchNorm(op) => {
                let norm = Norm { layer: layer(), epsilon: op.epsilon, relu: false, read_through: false };
                let x = self.blocked(inputs[0], at);
                self.norm(norm, x, outputs[0], at);
                return Ok(());
            }
            op => {
                let op = op.clone();
                return self.plain(op, inputs, &outputs, at);
            }
        };
        let conv = Conv { window, kind, layer: layer(), fold: None, relu: false, sums: false, through: None };
        let x = if kind == Kind::Depthwise { self.blocked(inputs[0], at) } else { inputs[0] };
        self.conv(conv, x, outputs[0], at);
        Ok(())
    }

    fn conv(&mut self, mut conv: Conv, x: ValueId, mut output: usize, at: usize) {
        let plan = self.plan;
        let mut last = at;
        let mut norm = None;
        if let Some(next) = self.only_reader(output)
            && let Op::BatchNorm(op) = &plan.steps[next].op
        {
            let layer = plan.steps[next].layer.expect("plan: batch norm has a layer");
            match self.mode {
                Mode::Infer => {
                    conv.fold = Some(Fold { layer, epsilon: op.epsilon });
                    (last, output) = (next, self.take_along(next));
                }
                Mode::Train { .. } => {
                    conv.sums = true;
                    norm = Some((next, Norm { layer, epsilon: op.epsilon, relu: false, read_through: false }));
                }
            }
        }
        if self.mode == Mode::Infer
            && let Some(next) = self.relu_behind(output)
        {
            conv.relu = true;
            (last, output) = (next, self.take_along(next));
        }
        let layout = match conv.kind {
            Kind::Depthwise => {
                Layout { segments: self.values[x].layout.segments.clone(), ..Layout::blocked(self.dims(output)) }
            }
            Kind::Gather | Kind::Spread => Layout::blocked(self.dims(output)),
        };
        conv.sums &= conv.kind != Kind::Depthwise;
        let made = self.add(Unit::Conv(conv), vec![x], vec![layout], last)[0];
        self.made.insert(output, made);
        if let Some((next, norm)) = norm {
            let output = self.take_along(next);
            self.norm(norm, made, output, next);
        }
    }

    /// Makes a step part of the node at hand; its output.
    fn take_along(&mut self, step: usize) -> usize {
        self.done[step] = true;
        self.plan.steps[step].outputs[0].0.index()
    }

    fn relu_behind(&self, value: usize) -> Option<usize> {
        let next = self.only_reader(value)?;
        let relu = matches!(&self.plan.steps[next].op, Op::Activation(Activation { function: Function::Relu }));
        relu.then_some(next)
    }

    fn norm(&mut self, mut norm: Norm, x: ValueId, mut output: usize, mut at: usize) {
        if let Some(next) = self.relu_behind(output) {
            norm.relu = true;
            (at, output) = (next, self.take_along(next));
        }
        let layout = self.values[x].layout.clone();
        let made = self.add(Unit::Norm(norm), vec![x], vec![layout], at)[0];
        self.made.insert(output, made);
    }

    fn plain(&mut self, op: Op, inputs: Vec<ValueId>, outputs: &[usize], at: usize) -> Result<(), Unsupported> {
        let step = &self.plan.steps[at];
        let Some(unit) = unit::of(&op) else {
            return Err(Unsupported(format!("{}: `{}` has no kernel of its own", step.path, op.name())));
        };
        let placement = unit.form().placement;
        if let TensorType::Index { from, .. } = &self.types[*outputs.last().expect("a step has an output")]
            && from.dims().iter().skip(1).product::<usize>() > INDICES
        {
            return Err(Unsupported(format!("{}: a map too large for its indices", step.path)));
        }
        let planar = matches!(op, Op::Resize(_)) && self.readers[outputs[0]] == [usize::MAX];
        let planar = planar && self.dims(outputs[0])[1] <= FEW_CHANNELS;
        let mut blocked: Vec<ValueId> = Vec::new();
        for &id in &inputs {
            let planar_of = Layout::planar(self.values[id].layout.dims());
            blocked.push(if planar { self.in_layout(id, planar_of, at) } else { self.blocked(id, at) });
        }
        if placement == Placement::AsWidest {
            self.align(&mut blocked, at);
        }
        let layouts = outputs.iter().map(|&id| self.layout(placement, &blocked, id, planar)).collect();
        let made = self.add(Unit::Plain { op, layer: step.layer }, blocked, layouts, at);
        for (&output, made) in outputs.iter().zip(made) {
            // No gradient flows to an index.
            self.values[made].differentiable &= self.types[output].tensor().is_some();
            self.made.insert(output, made);
        }
        Ok(())
    }

    /// Gives operands with as many channels the segments of the first of them.
    fn align(&mut self, operands: &mut [ValueId], at: usize) {
        let channels = operands.iter().map(|&id| self.values[id].layout.channels()).max().unwrap_or(1);
        let full = operands.iter().find(|&&id| self.values[id].layout.channels() == channels);
        let segments = full.map(|&id| self.values[id].layout.segments.clone()).unwrap_or_default();
        for id in operands {
            let layout = &self.values[*id].layout;
            if layout.channels() == channels {
                let layout = Layout { segments: segments.clone(), ..layout.clone() };
                *id = self.in_layout(*id, layout, at);
            }
        }
    }

    fn layout(&self, placement: Placement, inputs: &[ValueId], output: usize, planar: bool) -> Layout {
        let dims = self.dims(output);
        if planar {
            return Layout::planar(dims);
        }
        let layouts: Vec<&Layout> = inputs.iter().map(|&id| &self.values[id].layout).collect();
        let like = |layout: &Layout| Layout { segments: layout.segments.clone(), ..Layout::blocked(dims) };
        match placement {
            Placement::AsInput => like(layouts[0]),
            Placement::AsWidest => {
                let full = layouts.iter().find(|layout| layout.channels() == dims[1]);
                like(full.unwrap_or(&layouts[0]))
            }
            Placement::Joined => Layout { segments: Layout::join(&layouts), ..Layout::blocked(dims) },
            Placement::Dense => Layout::blocked(dims),
        }
    }
}

/// Gives each map the halo that the convolutions which read it, or read its gradient, want.
fn halos(nodes: &[Node], values: &mut [Value]) {
    for node in nodes {
        let Unit::Conv(conv) = &node.unit else { continue };
        let (x, y) = (node.inputs[0], node.outputs[0]);
        let size = |layout: &Layout| [layout.h, layout.w];
        let (from, to) = (size(&values[x].layout), size(&values[y].layout));
        let (ahead, back) = match conv.kind {
            Kind::Depthwise => (0, 0),
            Kind::Gather => (halo(&[conv.window.gather(to)], from[1]), halo(&conv.window.spread(from), to[1])),
            Kind::Spread => (halo(&conv.window.spread(to), from[1]), halo(&[conv.window.gather(from)], to[1])),
        };
        // What a norm makes of the halo is no padding.
        let ahead = if conv.through.is_some() { 0 } else { ahead };
        values[x].layout.halo = values[x].layout.halo.max(ahead);
        values[y].gradient.halo = values[y].gradient.halo.max(back);
    }
}
