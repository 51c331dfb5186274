//! From steps to nodes, and from values to layouts.

use super::input_norm::fuse_input_norms;
use super::lifetimes::ActivationLifetimes;
use super::node::{ConvKind, ConvNode, FoldedNorm, NodeOp, NormNode, ProgramNode, ProgramValue, ProgramValueId};
use super::readers::{Reader, operands, readers};
use super::{PassMode, Program, Unsupported};
use crate::compute::engine::memory_layout::MapLayout;
use crate::compute::engine::operators::conv::{ConvWindow, halo};
use crate::compute::engine::operators::{self, ChannelPlacement};
use crate::graph::op::{Activation, ActivationFunction, Conv, Op};
use crate::graph::plan::{Plan, Step};
use crate::graph::ty::{Shape, TensorType};
use std::collections::HashMap;

/// Maximum number of channels for which the result of a resize is planar: a block would be mostly empty.
const FEW_CHANNELS: usize = 8;
/// Maximum number of places in a map that an index can name: 32-bit floats represent integers exactly up to this one.
const MAX_INDEXED_PIXELS: usize = 1 << 24;

/// Builds the program of a plan for images `[n, c, h, w]`.
pub(crate) fn build(plan: &Plan, dims: [usize; 4], mode: PassMode) -> Result<Program, Unsupported> {
    let types = infer_types(plan, dims)?;
    let mut builder = ProgramBuilder {
        plan,
        mode,
        readers: readers(plan, &types),
        types,
        batch: dims[0],
        nodes: Vec::new(),
        values: Vec::new(),
        value_of: HashMap::new(),
        absorbed: vec![false; plan.steps.len()],
    };
    for at in 0..plan.steps.len() {
        if !builder.absorbed[at] {
            builder.lower_step(at)?;
        }
    }
    let results: Vec<ProgramValueId> = plan.results.iter().map(|(_, id)| builder.value_of[&id.index()]).collect();
    let ProgramBuilder { mut nodes, mut values, .. } = builder;
    if mode != PassMode::Infer {
        fuse_input_norms(&mut nodes, &values, &results);
    }
    assign_halos(&nodes, &mut values);
    let lifetimes = ActivationLifetimes::of(&nodes, &values, &results);
    Ok(Program { mode, nodes, values, results, lifetimes })
}

/// Infers the type of each value at this size.
fn infer_types(plan: &Plan, [_, c, h, w]: [usize; 4]) -> Result<Vec<TensorType>, Unsupported> {
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

struct ProgramBuilder<'a> {
    plan: &'a Plan,
    mode: PassMode,
    types: Vec<TensorType>,
    readers: Vec<Vec<Reader>>,
    batch: usize,
    nodes: Vec<ProgramNode>,
    values: Vec<ProgramValue>,
    /// The program's value of each value of the plan.
    value_of: HashMap<usize, ProgramValueId>,
    /// Steps that are already part of a node.
    absorbed: Vec<bool>,
}

impl ProgramBuilder<'_> {
    fn dims(&self, value: usize) -> [usize; 4] {
        let dims = self.types[value].shape().dims();
        let axis = |i: usize| dims.get(i).copied().unwrap_or(1);
        [self.batch, axis(0), axis(1), axis(2)]
    }

    /// Returns the step that reads a value, if it is the only reader.
    fn only_reader(&self, value: usize) -> Option<usize> {
        match self.readers[value][..] {
            [Reader::Step(at)] => Some(at),
            _ => None,
        }
    }

    fn push_node(
        &mut self,
        op: NodeOp,
        inputs: Vec<ProgramValueId>,
        layouts: Vec<MapLayout>,
        step: usize,
    ) -> Vec<ProgramValueId> {
        let producer = self.nodes.len();
        let starts_gradient = match &op {
            NodeOp::Image => self.mode == PassMode::Train { to_image: true },
            NodeOp::Conv(_) | NodeOp::Norm(_) => true,
            NodeOp::Relayout => false,
            NodeOp::Operator { layer, .. } => layer.is_some(),
        };
        // Inference has no backward pass and saves nothing.
        let differentiable = self.mode != PassMode::Infer
            && (starts_gradient || inputs.iter().any(|&id| self.values[id].differentiable));
        let first = self.values.len();
        self.values.extend(layouts.into_iter().map(|layout| ProgramValue {
            gradient: layout.clone(),
            layout,
            producer,
            differentiable,
        }));
        let outputs: Vec<ProgramValueId> = (first..self.values.len()).collect();
        let layer = match &op {
            NodeOp::Conv(conv) => Some(conv.layer),
            NodeOp::Norm(norm) => Some(norm.layer),
            NodeOp::Image | NodeOp::Relayout | NodeOp::Operator { .. } => None,
        };
        let main = layer.and_then(|layer| self.plan.steps.iter().position(|s| s.layer == Some(layer))).unwrap_or(step);
        self.nodes.push(ProgramNode { op, inputs, outputs: outputs.clone(), step, main });
        outputs
    }

    /// Returns the value in that layout, and adds a copy if it has another.
    fn in_layout(&mut self, value: ProgramValueId, layout: MapLayout, step: usize) -> ProgramValueId {
        if self.values[value].layout == layout {
            return value;
        }
        self.push_node(NodeOp::Relayout, vec![value], vec![layout], step)[0]
    }

    /// Returns the value in blocks.
    fn in_blocks(&mut self, value: ProgramValueId, step: usize) -> ProgramValueId {
        let layout = &self.values[value].layout;
        if layout.lanes > 1 { value } else { self.in_layout(value, MapLayout::blocked(layout.dims()), step) }
    }

    fn lower_step(&mut self, at: usize) -> Result<(), Unsupported> {
        let step = &self.plan.steps[at];
        let inputs: Vec<ProgramValueId> = operands(step, &self.types).iter().map(|id| self.value_of[id]).collect();
        let outputs: Vec<usize> = step.outputs.iter().map(|(id, _)| id.index()).collect();
        let (window, kind) = match &step.op {
            Op::Input(_) => {
                self.image(outputs[0], at);
                return Ok(());
            }
            Op::Conv(op) => {
                let pad = op.pad.amount(op.kernel, op.dilation);
                let window = ConvWindow { kernel: op.kernel, stride: op.stride, dilation: op.dilation, pad };
                (window, self.conv_kind(op, step)?)
            }
            Op::ConvTranspose(op) if op.groups == 1 => (
                ConvWindow { kernel: op.kernel, stride: op.stride, dilation: op.dilation, pad: op.pad },
                ConvKind::Transposed,
            ),
            Op::ConvTranspose(_) => return Err(unsupported_groups(step)),
            Op::Linear(_) => (ConvWindow::POINT, ConvKind::Regular),
            Op::BatchNorm(op) => {
                let norm = NormNode { layer: layer(step), epsilon: op.epsilon, relu: false, statistics_only: false };
                let x = self.in_blocks(inputs[0], at);
                self.norm(norm, x, outputs[0], at);
                return Ok(());
            }
            op => return self.operator(op.clone(), inputs, &outputs, at),
        };
        let layer = layer(step);
        let conv = ConvNode { window, kind, layer, fold: None, relu: false, sums: false, input_norm: None };
        // In the weights' gradient of a transposed convolution, the input has the place of a gradient, which has blocks. So
        // the image, which is planar, is copied.
        let blocked = match kind {
            ConvKind::Regular => false,
            ConvKind::Depthwise => true,
            ConvKind::Transposed => self.mode != PassMode::Infer,
        };
        let x = if blocked { self.in_blocks(inputs[0], at) } else { inputs[0] };
        self.conv(conv, x, outputs[0], at);
        Ok(())
    }

    fn image(&mut self, output: usize, at: usize) {
        let dims = self.dims(output);
        // A gradient has blocks.
        let blocked = self.mode == PassMode::Train { to_image: true };
        let layout = if blocked { MapLayout::blocked(dims) } else { MapLayout::planar(dims) };
        let value = self.push_node(NodeOp::Image, Vec::new(), vec![layout], at)[0];
        self.value_of.insert(output, value);
    }

    fn conv_kind(&self, op: &Conv, step: &Step) -> Result<ConvKind, Unsupported> {
        let channels = self.dims(operands(step, &self.types)[0])[1];
        match op.groups {
            1 => Ok(ConvKind::Regular),
            groups if groups == op.out && groups == channels => Ok(ConvKind::Depthwise),
            _ => Err(unsupported_groups(step)),
        }
    }

    fn conv(&mut self, mut conv: ConvNode, x: ProgramValueId, mut output: usize, at: usize) {
        let plan = self.plan;
        let mut last = at;
        let mut norm = None;
        if let Some(next) = self.only_reader(output)
            && let Op::BatchNorm(op) = &plan.steps[next].op
        {
            let layer = plan.steps[next].layer.expect("plan: batch norm has a layer");
            match self.mode {
                PassMode::Infer => {
                    conv.fold = Some(FoldedNorm { layer, epsilon: op.epsilon });
                    (last, output) = (next, self.absorb(next));
                }
                PassMode::Train { .. } => {
                    conv.sums = true;
                    norm = Some((next, NormNode { layer, epsilon: op.epsilon, relu: false, statistics_only: false }));
                }
            }
        }
        if self.mode == PassMode::Infer
            && let Some(next) = self.relu_after(output)
        {
            conv.relu = true;
            (last, output) = (next, self.absorb(next));
        }
        let layout = match conv.kind {
            ConvKind::Depthwise => {
                MapLayout { segments: self.values[x].layout.segments.clone(), ..MapLayout::blocked(self.dims(output)) }
            }
            ConvKind::Regular | ConvKind::Transposed => MapLayout::blocked(self.dims(output)),
        };
        conv.sums &= conv.kind != ConvKind::Depthwise;
        let value = self.push_node(NodeOp::Conv(conv), vec![x], vec![layout], last)[0];
        self.value_of.insert(output, value);
        if let Some((next, norm)) = norm {
            let output = self.absorb(next);
            self.norm(norm, value, output, next);
        }
    }

    /// Makes a step part of the current node, and returns its output.
    fn absorb(&mut self, step: usize) -> usize {
        self.absorbed[step] = true;
        self.plan.steps[step].outputs[0].0.index()
    }

    fn relu_after(&self, value: usize) -> Option<usize> {
        let next = self.only_reader(value)?;
        let relu =
            matches!(&self.plan.steps[next].op, Op::Activation(Activation { function: ActivationFunction::Relu }));
        relu.then_some(next)
    }

    fn norm(&mut self, mut norm: NormNode, x: ProgramValueId, mut output: usize, mut at: usize) {
        if let Some(next) = self.relu_after(output) {
            norm.relu = true;
            (at, output) = (next, self.absorb(next));
        }
        let layout = self.values[x].layout.clone();
        let value = self.push_node(NodeOp::Norm(norm), vec![x], vec![layout], at)[0];
        self.value_of.insert(output, value);
    }

    fn operator(
        &mut self,
        op: Op,
        inputs: Vec<ProgramValueId>,
        outputs: &[usize],
        at: usize,
    ) -> Result<(), Unsupported> {
        let step = &self.plan.steps[at];
        let Some(unit) = operators::kernel_for(&op) else {
            return Err(Unsupported(format!("{}: no kernel for `{}`", step.path, op.name())));
        };
        let placement = unit.properties().placement;
        if let TensorType::Index { from, .. } = &self.types[*outputs.last().expect("a step has an output")]
            && from.dims().iter().skip(1).product::<usize>() > MAX_INDEXED_PIXELS
        {
            return Err(Unsupported(format!("{}: indices into a map of more than 2^24 pixels", step.path)));
        }
        let planar = matches!(op, Op::Resize(_)) && self.readers[outputs[0]] == [Reader::Caller];
        let planar = planar && self.dims(outputs[0])[1] <= FEW_CHANNELS;
        let mut blocked: Vec<ProgramValueId> = Vec::new();
        for &id in &inputs {
            let planar_of = MapLayout::planar(self.values[id].layout.dims());
            blocked.push(if planar { self.in_layout(id, planar_of, at) } else { self.in_blocks(id, at) });
        }
        if placement == ChannelPlacement::AsWidest {
            self.align_segments(&mut blocked, at);
        }
        let layouts = outputs.iter().map(|&id| self.output_layout(placement, &blocked, id, planar)).collect();
        let values = self.push_node(NodeOp::Operator { op, layer: step.layer }, blocked, layouts, at);
        for (&output, value) in outputs.iter().zip(values) {
            // An index has no gradient.
            self.values[value].differentiable &= self.types[output].tensor().is_some();
            self.value_of.insert(output, value);
        }
        Ok(())
    }

    /// Gives all operands of the full number of channels the segments of the first of them.
    fn align_segments(&mut self, operands: &mut [ProgramValueId], at: usize) {
        let channels = operands.iter().map(|&id| self.values[id].layout.channels()).max().unwrap_or(1);
        let full = operands.iter().find(|&&id| self.values[id].layout.channels() == channels);
        let segments = full.map(|&id| self.values[id].layout.segments.clone()).unwrap_or_default();
        for id in operands {
            let layout = &self.values[*id].layout;
            if layout.channels() == channels {
                let layout = MapLayout { segments: segments.clone(), ..layout.clone() };
                *id = self.in_layout(*id, layout, at);
            }
        }
    }

    fn output_layout(
        &self,
        placement: ChannelPlacement,
        inputs: &[ProgramValueId],
        output: usize,
        planar: bool,
    ) -> MapLayout {
        let dims = self.dims(output);
        if planar {
            return MapLayout::planar(dims);
        }
        let layouts: Vec<&MapLayout> = inputs.iter().map(|&id| &self.values[id].layout).collect();
        let like = |layout: &MapLayout| MapLayout { segments: layout.segments.clone(), ..MapLayout::blocked(dims) };
        match placement {
            ChannelPlacement::AsInput => like(layouts[0]),
            ChannelPlacement::AsWidest => {
                let full = layouts.iter().find(|layout| layout.channels() == dims[1]);
                like(full.unwrap_or(&layouts[0]))
            }
            ChannelPlacement::Joined => {
                MapLayout { segments: MapLayout::join_segments(&layouts), ..MapLayout::blocked(dims) }
            }
            ChannelPlacement::Dense => MapLayout::blocked(dims),
        }
    }
}

fn layer(step: &Step) -> usize {
    step.layer.expect("plan: an operator with parameters has a layer")
}

fn unsupported_groups(step: &Step) -> Unsupported {
    Unsupported(format!("{}: grouped convolution", step.path))
}

/// Gives each map the halo that the convolutions which read it or its gradient need.
fn assign_halos(nodes: &[ProgramNode], values: &mut [ProgramValue]) {
    for node in nodes {
        let NodeOp::Conv(conv) = &node.op else { continue };
        let (x, y) = (node.inputs[0], node.outputs[0]);
        let size = |layout: &MapLayout| [layout.h, layout.w];
        let (from, to) = (size(&values[x].layout), size(&values[y].layout));
        let (ahead, back) = match conv.kind {
            ConvKind::Depthwise => (0, 0),
            ConvKind::Regular => {
                (halo(&[conv.window.region(to)], from[1]), halo(&conv.window.transposed_regions(from), to[1]))
            }
            ConvKind::Transposed => {
                (halo(&conv.window.transposed_regions(to), from[1]), halo(&[conv.window.region(from)], to[1]))
            }
        };
        // A fused norm's results for the zeros of the halo are not padding.
        let ahead = if conv.input_norm.is_some() { 0 } else { ahead };
        values[x].layout.halo = values[x].layout.halo.max(ahead);
        values[y].gradient.halo = values[y].gradient.halo.max(back);
    }
}
