//! Optimisers: gradients to new weights.
//!
//! Knows the network through Burn's module traversal, which hands out dotted names. Burn's own optimisers are not used:
//! their settings are 32-bit, so that Adam's `1 - beta2` is off in the fifth digit, and their state hangs on ids that no
//! exchange format keeps. Here the state hangs on names, and the scalar arithmetic is 64-bit as in `torch.optim`.

mod fused;
mod gradients;
mod rule;

pub use gradients::AccumulatedGradients;

use crate::compute::network::Network;
use crate::text::config::Optimizer;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;
use rayon::prelude::*;
use rule::UpdateRule;
use std::collections::{BTreeMap, HashMap};

/// An optimiser with what it has gathered so far: the rule, the number of steps, and by tensor name what
/// [`Optimizer::state`] lists, flattened, in that order.
#[derive(Debug, Clone)]
pub struct OptimState {
    pub optimizer: Optimizer,
    pub steps: u64,
    pub moments: BTreeMap<String, Vec<Tensor<1>>>,
}

impl OptimState {
    pub fn new(optimizer: Optimizer) -> Self {
        Self { optimizer, steps: 0, moments: BTreeMap::new() }
    }

    /// One step with this learning rate (`learn/schedule.rs` gives it; the optimiser's own is where the schedule starts).
    /// Tensors without a gradient stay.
    pub fn step(&mut self, network: Network, gradients: AccumulatedGradients, rate: f64) -> Network {
        self.steps += 1;
        let rule = UpdateRule::new(&self.optimizer, rate, self.steps);
        let mut collector =
            GradientCollector { gradients, moments: &mut self.moments, parameters: Vec::new(), path: Vec::new() };
        network.visit(&mut collector);
        // On the processor tensors go on all threads; the operations of a device are in one line anyway.
        let (here, elsewhere): (Vec<ParameterState>, Vec<ParameterState>) =
            collector.parameters.into_iter().partition(|parameter| fused::supports(&parameter.x, &parameter.gradient));
        let mut moved: HashMap<String, UpdatedParameter> =
            here.into_par_iter().map(|parameter| parameter.updated_by(&rule, fused::apply)).collect();
        moved.extend(elsewhere.into_iter().map(|parameter| parameter.updated_by(&rule, UpdateRule::apply)));
        network.map(&mut ParameterWriter { moved, moments: &mut self.moments, path: Vec::new() })
    }
}

/// A tensor that has a gradient, flattened, with what the rule has gathered for it.
struct ParameterState {
    name: String,
    x: Tensor<1>,
    gradient: Tensor<1>,
    old: Vec<Tensor<1>>,
}

/// The tensor after the step, and what the rule goes on with.
type UpdatedParameter = (Tensor<1>, Vec<Tensor<1>>);

impl ParameterState {
    fn updated_by(
        self,
        rule: &UpdateRule,
        apply: impl Fn(&UpdateRule, Tensor<1>, Tensor<1>, Vec<Tensor<1>>) -> UpdatedParameter,
    ) -> (String, UpdatedParameter) {
        (self.name, apply(rule, self.x, self.gradient, self.old))
    }
}

/// Takes all tensors that have a gradient.
struct GradientCollector<'a> {
    gradients: AccumulatedGradients,
    moments: &'a mut BTreeMap<String, Vec<Tensor<1>>>,
    parameters: Vec<ParameterState>,
    path: Vec<String>,
}

impl ModuleVisitor for GradientCollector<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.join(".");
        let Some(gradient) = self.gradients.take(&name) else { return };
        let old = self.moments.remove(&name).unwrap_or_default();
        // A leaf of its own: nothing of this step may stay in the next one's graph.
        let x = param.val().without_autodiff();
        let count = x.dims().iter().product::<usize>();
        self.parameters.push(ParameterState { name, x: x.reshape([count]), gradient, old });
    }
}

/// Puts them into the network.
struct ParameterWriter<'a> {
    moved: HashMap<String, UpdatedParameter>,
    moments: &'a mut BTreeMap<String, Vec<Tensor<1>>>,
    path: Vec<String>,
}

impl ModuleMapper for ParameterWriter<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.join(".");
        let Some((x, moments)) = self.moved.remove(&name) else {
            return param;
        };
        if !moments.is_empty() {
            self.moments.insert(name, moments);
        }
        param.map(|old| x.reshape(old.dims()).autodiff().require_grad())
    }
}
