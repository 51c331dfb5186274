//! From a fused program to launches: the forward pass, then the gradients from the last node to the first.

use super::builder::{CudaBuilder, CudaOptions, KernelCall};
use super::constants::KernelConstants;
use super::loss::{MOST_CLASSES, SOFTMAX_OF};
use super::map::DeviceMap;
use super::program::{BufferRole, CudaProgram, ProgramSection};
use super::relayout::relayout;
use super::{conv, norm, operators};
use crate::base::count::counted;
use crate::compute::fused::{FusedNode, FusedOp, FusedProgram, PassMode, Unsupported, fuse};
use crate::graph::plan::Plan;

/// Largest number of numbers in a map: kernels count them in 32 bits.
pub(super) const MOST_NUMBERS: usize = 1 << 31;

const CLASSES: &[&str] = &[SOFTMAX_OF, include_str!("kernels/classes.cu")];

/// Makes the program of a plan for images `[n, c, h, w]`. Errors: the reason why the GPU's own kernels do not compute the network at this size.
pub fn lower(plan: &Plan, dims: [usize; 4], mode: PassMode, options: &CudaOptions) -> Result<CudaProgram, Unsupported> {
    let fused = fuse_within_limits(plan, dims, mode)?;
    let mut b = CudaBuilder::new(plan, &fused, options);
    forward(&mut b)?;
    for (i, &value) in fused.results.iter().enumerate() {
        let map = b.map(value);
        let to = b.named(BufferRole::Result(i), map.pixels() * map.channels());
        relayout(&mut b, map, to, true, false);
    }
    if mode != PassMode::Infer {
        b.begin(ProgramSection::Backward);
        for (i, &value) in fused.results.iter().enumerate() {
            if fused.values[value].differentiable {
                let (map, add) = b.gradient_into(value);
                let from = b.named(BufferRole::ResultGradient(i), map.pixels() * map.channels());
                relayout(&mut b, map, from, false, add);
            }
        }
        backward(&mut b);
    }
    Ok(b.finish())
}

/// Makes the program that finds the class of each pixel of images `[n, c, h, w]`: the highest of the first result, and
/// with `probabilities` its softmax. Errors: as [`lower`], and a result of more classes than a byte holds.
pub fn lower_classes(
    plan: &Plan,
    dims: [usize; 4],
    probabilities: bool,
    options: &CudaOptions,
) -> Result<CudaProgram, Unsupported> {
    let fused = fuse_within_limits(plan, dims, PassMode::Infer)?;
    let mut b = CudaBuilder::new(plan, &fused, options);
    forward(&mut b)?;
    let Some(&result) = fused.results.first() else { return Err(Unsupported("the network has no result".into())) };
    let map = b.map(result);
    let classes = map.channels();
    if classes > MOST_CLASSES {
        let found = counted(classes, "class");
        return Err(Unsupported(format!("no CUDA kernel for {found}, more than a byte holds")));
    }
    b.begin(ProgramSection::Classes);
    let words = map.pixels().div_ceil(4);
    let to = b.named(BufferRole::Classes, words);
    let of_classes = probabilities.then(|| b.named(BufferRole::Probabilities, map.pixels() * classes));
    let constants = KernelConstants::new()
        .ints([("C", classes), ("IMAGES", map.dims[0]), ("AREA", map.area()), ("XP", map.pitch)])
        .flag("PROBABILITIES", probabilities);
    let call = KernelCall::of_items("classes", CLASSES, constants, words);
    b.launch(call, vec![map.place(), Some(to), of_classes]);
    Ok(b.finish())
}

/// Fuses a plan. Errors: a map that kernels cannot count.
pub(super) fn fuse_within_limits(plan: &Plan, dims: [usize; 4], mode: PassMode) -> Result<FusedProgram, Unsupported> {
    let fused = fuse(plan, dims, mode)?;
    for value in &fused.values {
        let [n, c, h, w] = value.dims;
        let numbers = [h, w, DeviceMap::stored(c)].iter().try_fold(n, |all: usize, &axis| all.checked_mul(axis));
        if numbers.is_none_or(|numbers| numbers >= MOST_NUMBERS) {
            let path = &plan.steps[fused.nodes[value.producer].step].path;
            return Err(Unsupported(format!("{path}: a map of 2^31 numbers or more")));
        }
    }
    Ok(fused)
}

/// Adds the launches from the images to the results.
pub(super) fn forward(b: &mut CudaBuilder) -> Result<(), Unsupported> {
    let fused = b.fused;
    for (at, node) in fused.nodes.iter().enumerate() {
        b.step = node.main;
        match &node.op {
            FusedOp::Image => image(b, node),
            FusedOp::Conv(op) => conv::forward(b, node, op),
            FusedOp::Norm(op) => norm::forward(b, at, node, op),
            FusedOp::Operator { op, layer } => operators::forward(b, node, op, *layer)?,
        }
    }
    Ok(())
}

/// Adds the launches from the gradients of the results to those of the weights.
pub(super) fn backward(b: &mut CudaBuilder) {
    let fused = b.fused;
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
