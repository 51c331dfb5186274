//! From steps to fused nodes.

use super::readers::{Reader, operands, readers};
use super::{
    ConvKind, ConvNode, ConvWindow, FoldedNorm, FusedNode, FusedOp, FusedProgram, FusedValue, FusedValueId, NormNode,
    PassMode, Unsupported,
};
use crate::graph::op::{Activation, ActivationFunction, Conv, Op};
use crate::graph::plan::{Plan, Step};
use crate::graph::ty::{Shape, TensorType};
use std::collections::HashMap;

/// Maximum number of places in a map that an index can name: 32-bit floats represent integers exactly up to this one.
const MAX_INDEXED_PIXELS: usize = 1 << 24;

/// Fuses the steps of a plan for images `[n, c, h, w]`.
pub(crate) fn fuse(plan: &Plan, dims: [usize; 4], mode: PassMode) -> Result<FusedProgram, Unsupported> {
    let types = infer_types(plan, dims)?;
    let mut builder = FusedBuilder {
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
    let results = plan.results.iter().map(|(_, id)| builder.value_of[&id.index()]).collect();
    let FusedBuilder { nodes, values, .. } = builder;
    Ok(FusedProgram { mode, nodes, values, results })
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

struct FusedBuilder<'a> {
    plan: &'a Plan,
    mode: PassMode,
    types: Vec<TensorType>,
    readers: Vec<Vec<Reader>>,
    batch: usize,
    nodes: Vec<FusedNode>,
    values: Vec<FusedValue>,
    /// The program's value of each value of the plan.
    value_of: HashMap<usize, FusedValueId>,
    /// Steps that are already part of a node.
    absorbed: Vec<bool>,
}

impl FusedBuilder<'_> {
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

    /// Adds a node that writes these values of the plan.
    fn push_node(&mut self, op: FusedOp, inputs: Vec<FusedValueId>, outputs: &[usize], step: usize) {
        let producer = self.nodes.len();
        let starts_gradient = match &op {
            FusedOp::Image => self.mode == PassMode::Train { to_image: true },
            FusedOp::Conv(_) | FusedOp::Norm(_) => true,
            FusedOp::Operator { layer, .. } => layer.is_some(),
        };
        // Inference has no backward pass and saves nothing.
        let has_gradient = self.mode != PassMode::Infer
            && (starts_gradient || inputs.iter().any(|&id| self.values[id].differentiable));
        let first = self.values.len();
        for &output in outputs {
            // An index has no gradient.
            let differentiable = has_gradient && self.types[output].tensor().is_some();
            self.value_of.insert(output, self.values.len());
            self.values.push(FusedValue { dims: self.dims(output), producer, differentiable });
        }
        let layer = match &op {
            FusedOp::Conv(conv) => Some(conv.layer),
            FusedOp::Norm(norm) => Some(norm.layer),
            FusedOp::Image | FusedOp::Operator { .. } => None,
        };
        let main = layer.and_then(|layer| self.plan.steps.iter().position(|s| s.layer == Some(layer))).unwrap_or(step);
        self.nodes.push(FusedNode { op, inputs, outputs: (first..self.values.len()).collect(), step, main });
    }

    fn lower_step(&mut self, at: usize) -> Result<(), Unsupported> {
        let step = &self.plan.steps[at];
        let inputs: Vec<FusedValueId> = operands(step, &self.types).iter().map(|id| self.value_of[id]).collect();
        let outputs: Vec<usize> = step.outputs.iter().map(|(id, _)| id.index()).collect();
        let (window, kind) = match &step.op {
            Op::Input(_) => {
                self.push_node(FusedOp::Image, Vec::new(), &outputs, at);
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
                let norm = NormNode { layer: layer(step), epsilon: op.epsilon, relu: false };
                self.norm(norm, inputs[0], outputs[0], at);
                return Ok(());
            }
            op => return self.operator(op.clone(), inputs, &outputs, at),
        };
        let layer = layer(step);
        let conv = ConvNode { window, kind, layer, fold: None, relu: false, before_norm: false };
        self.conv(conv, inputs[0], outputs[0], at);
        Ok(())
    }

    fn conv_kind(&self, op: &Conv, step: &Step) -> Result<ConvKind, Unsupported> {
        let channels = self.dims(operands(step, &self.types)[0])[1];
        match op.groups {
            1 => Ok(ConvKind::Regular),
            groups if groups == op.out && groups == channels => Ok(ConvKind::Depthwise),
            _ => Err(unsupported_groups(step)),
        }
    }

    fn conv(&mut self, mut conv: ConvNode, x: FusedValueId, mut output: usize, at: usize) {
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
                    conv.before_norm = true;
                    norm = Some((next, NormNode { layer, epsilon: op.epsilon, relu: false }));
                }
            }
        }
        if self.mode == PassMode::Infer
            && let Some(next) = self.relu_after(output)
        {
            conv.relu = true;
            (last, output) = (next, self.absorb(next));
        }
        self.push_node(FusedOp::Conv(conv), vec![x], &[output], last);
        if let Some((next, norm)) = norm {
            let x = self.value_of[&output];
            let output = self.absorb(next);
            self.norm(norm, x, output, next);
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

    fn norm(&mut self, mut norm: NormNode, x: FusedValueId, mut output: usize, mut at: usize) {
        if let Some(next) = self.relu_after(output) {
            norm.relu = true;
            (at, output) = (next, self.absorb(next));
        }
        self.push_node(FusedOp::Norm(norm), vec![x], &[output], at);
    }

    fn operator(&mut self, op: Op, inputs: Vec<FusedValueId>, outputs: &[usize], at: usize) -> Result<(), Unsupported> {
        let step = &self.plan.steps[at];
        if let TensorType::Index { from, .. } = &self.types[*outputs.last().expect("a step has an output")]
            && from.dims().iter().skip(1).product::<usize>() > MAX_INDEXED_PIXELS
        {
            return Err(Unsupported(format!("{}: indices into a map of more than 2^24 pixels", step.path)));
        }
        self.push_node(FusedOp::Operator { op, layer: step.layer }, inputs, outputs, at);
        Ok(())
    }
}

fn layer(step: &Step) -> usize {
    step.layer.expect("plan: an operator with parameters has a layer")
}

fn unsupported_groups(step: &Step) -> Unsupported {
    Unsupported(format!("{}: grouped convolution", step.path))
}
