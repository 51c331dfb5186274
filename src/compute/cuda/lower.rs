//! From a fused program to launches: the forward pass, then the gradients from the last node to the first.

use super::builder::{CudaBuilder, CudaOptions};
use super::map::DeviceMap;
use super::program::{BufferRole, CudaProgram};
use super::relayout::relayout;
use super::{conv, norm, operators};
use crate::compute::fused::{FusedNode, FusedOp, PassMode, Unsupported, fuse};
use crate::graph::plan::Plan;

/// Largest number of numbers in a map: kernels count them in 32 bits.
const MOST_NUMBERS: usize = 1 << 31;

/// Makes the program of a plan for images `[n, c, h, w]`. Errors: the reason why the GPU's own kernels do not compute the network at this size.
pub fn lower(plan: &Plan, dims: [usize; 4], mode: PassMode, options: &CudaOptions) -> Result<CudaProgram, Unsupported> {
    let fused = fuse(plan, dims, mode)?;
    for value in &fused.values {
        let [n, c, h, w] = value.dims;
        let numbers = [h, w, DeviceMap::stored(c)].iter().try_fold(n, |all: usize, &axis| all.checked_mul(axis));
        if numbers.is_none_or(|numbers| numbers >= MOST_NUMBERS) {
            let path = &plan.steps[fused.nodes[value.producer].step].path;
            return Err(Unsupported(format!("{path}: a map of 2^31 numbers or more")));
        }
    }
    let mut b = CudaBuilder::new(plan, &fused, options);
    for (at, node) in fused.nodes.iter().enumerate() {
        b.step = node.main;
        match &node.op {
            FusedOp::Image => image(&mut b, node),
            FusedOp::Conv(op) => conv::forward(&mut b, node, op),
            FusedOp::Norm(op) => norm::forward(&mut b, at, node, op),
            FusedOp::Operator { op, layer } => operators::forward(&mut b, node, op, *layer)?,
        }
    }
    for (i, &value) in fused.results.iter().enumerate() {
        let map = b.map(value);
        let to = b.named(BufferRole::Result(i), map.pixels() * map.channels());
        relayout(&mut b, map, to, true, false);
    }
    b.end_forward();
    if mode != PassMode::Infer {
        gradients(&mut b);
    }
    Ok(b.finish())
}

fn gradients(b: &mut CudaBuilder) {
    let fused = b.fused;
    for (i, &value) in fused.results.iter().enumerate() {
        if fused.values[value].differentiable {
            let (map, add) = b.gradient_into(value);
            let from = b.named(BufferRole::ResultGradient(i), map.pixels() * map.channels());
            relayout(b, map, from, false, add);
        }
    }
    for (at, node) in fused.nodes.iter().enumerate().rev() {
        b.step = node.main;
        let Some(g) = b.gradient(node.outputs[0]) else { continue };
        match &node.op {
            FusedOp::Image => {
                let to = b.named(BufferRole::ImageGradient, g.pixels() * g.channels());
                relayout(b, g, to, true, false);
            }
            FusedOp::Conv(op) => conv::backward(b, node, op, g),
            FusedOp::Norm(op) => norm::backward(b, at, node, op, g),
            FusedOp::Operator { op, layer } => operators::backward(b, node, op, *layer, g),
        }
    }
}

fn image(b: &mut CudaBuilder, node: &FusedNode) {
    let map = b.output(node.outputs[0]);
    let from = b.named(BufferRole::Image, map.pixels() * map.channels());
    relayout(b, map, from, false, false);
}
