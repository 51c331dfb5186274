//! From a fused program to the processor's: a layout for each value, and copies where layouts differ.

use super::Program;
use super::input_norm::fuse_input_norms;
use super::lifetimes::ActivationLifetimes;
use super::node::{LaidOutConv, LaidOutNorm, NodeOp, ProgramNode, ProgramValue, ProgramValueId};
use crate::compute::engine::memory_layout::MapLayout;
use crate::compute::engine::operators::conv::halo;
use crate::compute::engine::operators::{self, ChannelPlacement};
use crate::compute::fused::{
    ConvKind, ConvNode, FusedNode, FusedOp, FusedProgram, FusedValueId, PassMode, Unsupported, fuse,
};
use crate::graph::op::Op;
use crate::graph::plan::Plan;

/// Maximum number of channels for which the result of a resize is planar: a block would be mostly empty.
const FEW_CHANNELS: usize = 8;

/// Builds the program of a plan for images `[n, c, h, w]`.
pub(crate) fn build(plan: &Plan, dims: [usize; 4], mode: PassMode) -> Result<Program, Unsupported> {
    let fused = fuse(plan, dims, mode)?;
    let mut builder = LayoutBuilder {
        fused: &fused,
        nodes: Vec::new(),
        values: Vec::new(),
        value_of: vec![ProgramValueId::MAX; fused.values.len()],
    };
    for node in &fused.nodes {
        builder
            .place(node)
            .map_err(|Unsupported(reason)| Unsupported(format!("{}: {reason}", plan.steps[node.step].path)))?;
    }
    let results: Vec<ProgramValueId> = fused.results.iter().map(|&id| builder.value_of[id]).collect();
    let LayoutBuilder { mut nodes, mut values, .. } = builder;
    if mode != PassMode::Infer {
        fuse_input_norms(&mut nodes, &values, &results);
    }
    assign_halos(&nodes, &mut values);
    let lifetimes = ActivationLifetimes::of(&nodes, &values, &results);
    Ok(Program { mode, nodes, values, results, lifetimes })
}

struct LayoutBuilder<'a> {
    fused: &'a FusedProgram,
    nodes: Vec<ProgramNode>,
    values: Vec<ProgramValue>,
    /// The laid-out value of each value of the fused program.
    value_of: Vec<ProgramValueId>,
}

impl LayoutBuilder<'_> {
    fn dims(&self, value: FusedValueId) -> [usize; 4] {
        self.fused.values[value].dims
    }

    /// Adds the node that computes `node` from these inputs.
    fn push_node(&mut self, op: NodeOp, node: &FusedNode, inputs: Vec<ProgramValueId>, layouts: Vec<MapLayout>) {
        let producer = self.nodes.len();
        let first = self.values.len();
        for (&output, layout) in node.outputs.iter().zip(layouts) {
            self.value_of[output] = self.values.len();
            let differentiable = self.fused.values[output].differentiable;
            self.values.push(ProgramValue { gradient: layout.clone(), layout, producer, differentiable });
        }
        let outputs = (first..self.values.len()).collect();
        self.nodes.push(ProgramNode { op, inputs, outputs, step: node.step, main: node.main });
    }

    /// Returns the value in that layout, and adds a copy if it has another.
    fn in_layout(&mut self, value: ProgramValueId, layout: MapLayout, step: usize) -> ProgramValueId {
        if self.values[value].layout == layout {
            return value;
        }
        let (producer, copy) = (self.nodes.len(), self.values.len());
        let differentiable = self.values[value].differentiable;
        self.values.push(ProgramValue { gradient: layout.clone(), layout, producer, differentiable });
        self.nodes.push(ProgramNode {
            op: NodeOp::Relayout,
            inputs: vec![value],
            outputs: vec![copy],
            step,
            main: step,
        });
        copy
    }

    /// Returns the value in blocks.
    fn in_blocks(&mut self, value: ProgramValueId, step: usize) -> ProgramValueId {
        let layout = &self.values[value].layout;
        if layout.lanes > 1 { value } else { self.in_layout(value, MapLayout::blocked(layout.dims()), step) }
    }

    fn place(&mut self, node: &FusedNode) -> Result<(), Unsupported> {
        let inputs: Vec<ProgramValueId> = node.inputs.iter().map(|&id| self.value_of[id]).collect();
        match &node.op {
            FusedOp::Image => {
                let dims = self.dims(node.outputs[0]);
                // A gradient has blocks.
                let blocked = self.fused.mode == PassMode::Train { to_image: true };
                let layout = if blocked { MapLayout::blocked(dims) } else { MapLayout::planar(dims) };
                self.push_node(NodeOp::Image, node, inputs, vec![layout]);
            }
            FusedOp::Conv(conv) => self.conv(conv, node, inputs[0]),
            FusedOp::Norm(norm) => {
                let x = self.in_blocks(inputs[0], node.step);
                let layout = self.values[x].layout.clone();
                let norm = LaidOutNorm { norm: norm.clone(), statistics_only: false };
                self.push_node(NodeOp::Norm(norm), node, vec![x], vec![layout]);
            }
            FusedOp::Operator { op, layer } => self.operator(op, *layer, node, inputs)?,
        }
        Ok(())
    }

    fn conv(&mut self, conv: &ConvNode, node: &FusedNode, x: ProgramValueId) {
        // In the weights' gradient of a transposed convolution, the input has the place of a gradient, which has blocks. So
        // the image, which is planar, is copied.
        let blocked = match conv.kind {
            ConvKind::Regular => false,
            ConvKind::Depthwise => true,
            ConvKind::Transposed => self.fused.mode != PassMode::Infer,
        };
        let x = if blocked { self.in_blocks(x, node.step) } else { x };
        let dims = self.dims(node.outputs[0]);
        let layout = match conv.kind {
            ConvKind::Depthwise => {
                MapLayout { segments: self.values[x].layout.segments.clone(), ..MapLayout::blocked(dims) }
            }
            ConvKind::Regular | ConvKind::Transposed => MapLayout::blocked(dims),
        };
        let sums = conv.before_norm && conv.kind != ConvKind::Depthwise;
        let conv = LaidOutConv { conv: conv.clone(), sums, input_norm: None };
        self.push_node(NodeOp::Conv(conv), node, vec![x], vec![layout]);
    }

    fn operator(
        &mut self,
        op: &Op,
        layer: Option<usize>,
        node: &FusedNode,
        inputs: Vec<ProgramValueId>,
    ) -> Result<(), Unsupported> {
        let Some(kernel) = operators::kernel_for(op) else {
            return Err(Unsupported(format!("no kernel for `{}`", op.name())));
        };
        let placement = kernel.properties().placement;
        let planar = matches!(op, Op::Resize(_)) && self.is_result_alone(node.outputs[0]);
        let planar = planar && self.dims(node.outputs[0])[1] <= FEW_CHANNELS;
        let mut blocked: Vec<ProgramValueId> = Vec::new();
        for &id in &inputs {
            let planar_of = MapLayout::planar(self.values[id].layout.dims());
            blocked.push(match planar {
                true => self.in_layout(id, planar_of, node.step),
                false => self.in_blocks(id, node.step),
            });
        }
        if placement == ChannelPlacement::AsWidest {
            self.align_segments(&mut blocked, node.step);
        }
        let layouts =
            node.outputs.iter().map(|&id| self.output_layout(placement, &blocked, self.dims(id), planar)).collect();
        self.push_node(NodeOp::Operator { op: op.clone(), layer }, node, blocked, layouts);
        Ok(())
    }

    /// Whether a value is a result once and no node reads it.
    fn is_result_alone(&self, value: FusedValueId) -> bool {
        let read = self.fused.nodes.iter().any(|node| node.inputs.contains(&value));
        !read && self.fused.results.iter().filter(|&&id| id == value).count() == 1
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
        dims: [usize; 4],
        planar: bool,
    ) -> MapLayout {
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
