//! From a fused program to launches: the forward pass, then the gradients from the last node to the first.

use super::builder::{CudaBuilder, KernelCall, Precision};
use super::constants::KernelConstants;
use super::map::DeviceMap;
use super::program::{BufferPlace, BufferRole, CudaProgram};
use super::{conv, norm, operators};
use crate::compute::fused::{FusedNode, FusedOp, PassMode, Unsupported, fuse};
use crate::graph::plan::Plan;

const RELAYOUT: &[&str] = &[include_str!("kernels/relayout.cu")];

/// Largest number of numbers in a map: kernels count them in 32 bits.
const MOST_NUMBERS: usize = 1 << 31;

/// Makes the program of a plan for images `[n, c, h, w]`. `frozen` lists the layers whose batch norm keeps its running
/// statistics in training. Errors: the reason why the GPU's own kernels do not compute the network at this size.
pub fn lower(
    plan: &Plan,
    dims: [usize; 4],
    mode: PassMode,
    precision: Precision,
    frozen: &[usize],
) -> Result<CudaProgram, Unsupported> {
    let fused = fuse(plan, dims, mode)?;
    for value in &fused.values {
        let [n, c, h, w] = value.dims;
        let numbers = [h, w, DeviceMap::stored(c)].iter().try_fold(n, |all: usize, &axis| all.checked_mul(axis));
        if numbers.is_none_or(|numbers| numbers >= MOST_NUMBERS) {
            let path = &plan.steps[fused.nodes[value.producer].step].path;
            return Err(Unsupported(format!("{path}: a map of 2^31 numbers or more")));
        }
    }
    let mut b = CudaBuilder::new(plan, &fused, precision, frozen);
    for (at, node) in fused.nodes.iter().enumerate() {
        b.step = node.main;
        match &node.op {
            FusedOp::Image => image(&mut b, node),
            FusedOp::Conv(op) => conv::forward(&mut b, node, op)?,
            FusedOp::Norm(op) => norm::forward(&mut b, at, node, op),
            FusedOp::Operator { op, .. } => operators::forward(&mut b, node, op)?,
        }
    }
    for (i, &value) in fused.results.iter().enumerate() {
        let map = b.map(value);
        let to = b.named(BufferRole::Result(i), map.pixels() * map.channels());
        relayout(&mut b, map, to, true, false);
    }
    b.end_forward();
    if mode != PassMode::Infer {
        gradients(&mut b)?;
    }
    Ok(b.finish())
}

fn gradients(b: &mut CudaBuilder) -> Result<(), Unsupported> {
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
            FusedOp::Conv(op) => conv::backward(b, node, op, g)?,
            FusedOp::Norm(op) => norm::backward(b, at, node, op, g),
            FusedOp::Operator { op, .. } => operators::backward(b, node, op, g)?,
        }
    }
    Ok(())
}

fn image(b: &mut CudaBuilder, node: &FusedNode) {
    let map = b.output(node.outputs[0]);
    let from = b.named(BufferRole::Image, map.pixels() * map.channels());
    relayout(b, map, from, false, false);
}

/// Copies between a map and numbers in the order `[n][c][h][w]`.
fn relayout(b: &mut CudaBuilder, map: DeviceMap, planar: BufferPlace, to_planar: bool, add: bool) {
    let constants = KernelConstants::new()
        .ints([("N", map.dims[0]), ("AREA", map.area()), ("C", map.channels())])
        .ints([("C4", map.stored_channels()), ("PITCH", map.pitch)])
        .flag("TO_PLANAR", to_planar)
        .flag("ADD", add);
    let places = if to_planar { [map.place(), Some(planar)] } else { [Some(planar), map.place()] };
    let call = KernelCall::of_items("relayout", RELAYOUT, constants, map.pixels() * map.stored_channels());
    b.launch(call, places.into());
}
