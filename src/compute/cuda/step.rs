//! A whole training step as one program: forward, loss, backward, and the update of the weights.

use super::builder::{CudaBuilder, CudaOptions};
use super::loss::{SupervisedResult, loss};
use super::lower::{MOST_NUMBERS, backward, forward, fuse_within_limits};
use super::program::{BufferPlace, BufferRole, CudaProgram, FlatRegion, ProgramSection};
use super::region::FlatTensors;
use super::scalars::StepScalars;
use super::step_buffers::StepBuffers;
use super::update::{WeightUpdate, accumulate, update};
use crate::compute::fused::{FusedNode, FusedOp, FusedProgram, PassMode, Unsupported};
use crate::graph::op::ParamKind;
use crate::graph::plan::Plan;
use crate::text::config::{LossSpec, Optimizer};
use std::collections::{BTreeMap, HashSet};

/// What a run trains, and how. The default is that of an empty `train` block: cross entropy of the first result, and Adam.
#[derive(Debug, Clone, Default)]
pub struct TrainingStep {
    pub loss: LossSpec,
    /// Weight of the loss of each result by name; if empty, only the first result is supervised.
    pub supervise: BTreeMap<String, f64>,
    pub optimizer: Optimizer,
    /// Largest norm of the gradients.
    pub clip: Option<f64>,
    /// Decay of the moving average of the weights.
    pub average: Option<f64>,
    /// Whether a step has several batches, whose gradients are added.
    pub accumulates: bool,
    /// Dotted names of the tensors that are not trained.
    pub frozen: HashSet<String>,
}

/// Makes the program of a training step with batches `[n, c, h, w]`.
///
/// For each batch the host writes [`BufferRole::Image`], [`BufferRole::Targets`] and [`BufferRole::Scalars`] and runs
/// [`CudaProgram::pass`]; after the last batch of a step it runs [`CudaProgram::update`]. Before the first step it writes
/// zeros to the regions, and then weights, running statistics and moments to the places of [`CudaProgram::layout`]. Tensors
/// that are frozen, or that no supervised result depends on, stay as they are and have no place in a region.
///
/// Errors: an operator, a loss or a size without a kernel, and a network without a trained tensor.
pub fn lower_step(
    plan: &Plan,
    dims: [usize; 4],
    step: &TrainingStep,
    options: &CudaOptions,
) -> Result<CudaProgram, Unsupported> {
    let mut fused = fuse_within_limits(plan, dims, PassMode::Train { to_image: false })?;
    let frozen = frozen_tensors(plan, &step.frozen);
    end_gradients_at_frozen(plan, &mut fused, &frozen);
    let mut b = CudaBuilder::new(plan, &fused, options);
    let buffers = step_buffers(&mut b, frozen);
    let scalars = buffers.scalars;
    b.training = Some(buffers);
    forward(&mut b)?;
    b.begin(ProgramSection::Loss);
    loss(&mut b, &step.loss, &supervised(plan, &fused, &step.supervise)?)?;
    b.begin(ProgramSection::Backward);
    backward(&mut b);

    // The last step of the plan stands for what is of no step.
    b.step = plan.steps.len() - 1;
    let len = place_trained(&mut b)?;
    let gradients = match step.accumulates {
        true => {
            b.begin(ProgramSection::Accumulate);
            accumulate(&mut b, scalars, len);
            FlatRegion::GradientSums
        }
        false => FlatRegion::Gradients,
    };
    b.begin(ProgramSection::Update);
    let rule = WeightUpdate { optimizer: &step.optimizer, clip: step.clip, average: step.average };
    update(&mut b, rule, gradients, scalars, len);
    Ok(b.finish())
}

/// Returns the tensors that are not trained, by layer and name.
fn frozen_tensors(plan: &Plan, frozen: &HashSet<String>) -> HashSet<(usize, &'static str)> {
    let names = plan.layers.iter().enumerate().flat_map(|(at, layer)| layer.params.iter().map(move |spec| (at, spec)));
    let found = names.filter(|(at, spec)| {
        let path = &plan.layers[*at].path;
        spec.kind == ParamKind::Buffer || frozen.contains(&format!("{path}.{}", spec.name))
    });
    found.map(|(at, spec)| (at, spec.name)).collect()
}

/// Takes the gradient from values that depend on no trained tensor: the backward pass stops there.
fn end_gradients_at_frozen(plan: &Plan, fused: &mut FusedProgram, frozen: &HashSet<(usize, &'static str)>) {
    let trains = |node: &FusedNode| {
        let layer = match &node.op {
            FusedOp::Image => None,
            FusedOp::Conv(conv) => Some(conv.layer),
            FusedOp::Norm(norm) => Some(norm.layer),
            FusedOp::Operator { layer, .. } => *layer,
        };
        layer.is_some_and(|at| plan.layers[at].params.iter().any(|spec| !frozen.contains(&(at, spec.name))))
    };
    for node in &fused.nodes {
        let reached = trains(node) || node.inputs.iter().any(|&input| fused.values[input].differentiable);
        for &output in &node.outputs {
            fused.values[output].differentiable &= reached;
        }
    }
}

/// Adds the buffers that kernels of the pass use besides those of a network.
fn step_buffers(b: &mut CudaBuilder, frozen: HashSet<(usize, &'static str)>) -> StepBuffers {
    let scalars = b.named(BufferRole::Scalars, StepScalars::WORDS);
    b.part(BufferRole::Seed, 2, BufferPlace { offset: StepScalars::SEED, ..scalars });
    let mut statistics = FlatTensors::default();
    let plan = b.plan;
    for (at, layer) in plan.layers.iter().enumerate() {
        let buffers =
            layer.params.iter().filter(|spec| spec.kind == ParamKind::Buffer && !b.options.frozen.contains(&at));
        for spec in buffers {
            statistics.push(at, spec.name, spec.shape.iter().product());
        }
    }
    let regions = (statistics.len > 0).then(|| {
        [FlatRegion::Statistics, FlatRegion::PendingStatistics]
            .map(|region| b.named(BufferRole::Region(region), statistics.len))
    });
    if let Some([running, _]) = regions {
        for tensor in &statistics.tensors {
            let role = BufferRole::Weight { layer: tensor.layer, name: tensor.name };
            b.part(role, tensor.len, BufferPlace { offset: tensor.offset, ..running });
        }
    }
    b.layout.statistics = statistics.clone();
    StepBuffers { scalars, statistics, regions, frozen }
}

/// Returns the results of the loss with their weights.
fn supervised(
    plan: &Plan,
    fused: &FusedProgram,
    weights: &BTreeMap<String, f64>,
) -> Result<Vec<SupervisedResult>, Unsupported> {
    let all = plan.results.iter().zip(&fused.results).enumerate();
    let found: Vec<SupervisedResult> = all
        .filter_map(|(i, ((name, _), &value))| {
            let weight = if weights.is_empty() { f64::from(u8::from(i == 0)) } else { *weights.get(name)? };
            (weight > 0.0).then_some(SupervisedResult { value, weight })
        })
        .collect();
    if found.is_empty() { Err(Unsupported("the loss supervises no result".into())) } else { Ok(found) }
}

/// Gives every tensor with a gradient its place in the regions. Returns their length. Errors: there is no such tensor, or
/// too many.
fn place_trained(b: &mut CudaBuilder) -> Result<usize, Unsupported> {
    let mut tensors = FlatTensors::default();
    let plan = b.plan;
    for (layer, spec) in plan.layers.iter().enumerate() {
        for spec in &spec.params {
            let name = spec.name;
            if b.trains(layer, name) && b.existing(&BufferRole::WeightGradient { layer, name }).is_some() {
                tensors.push(layer, name, spec.shape.iter().product());
            }
        }
    }
    if tensors.len == 0 || tensors.len >= MOST_NUMBERS {
        let found = if tensors.len == 0 { "no tensor is trained" } else { "2^31 trained numbers or more" };
        return Err(Unsupported(found.into()));
    }
    let [weights, gradients] =
        [FlatRegion::Weights, FlatRegion::Gradients].map(|region| b.named(BufferRole::Region(region), tensors.len));
    for tensor in &tensors.tensors {
        let (layer, name) = (tensor.layer, tensor.name);
        let place = |region: BufferPlace| BufferPlace { offset: tensor.offset, ..region };
        b.part(BufferRole::Weight { layer, name }, tensor.len, place(weights));
        b.part(BufferRole::WeightGradient { layer, name }, tensor.len, place(gradients));
    }
    let len = tensors.len;
    b.layout.weights = tensors;
    Ok(len)
}
