//! Optimisers: update weights from gradients.
//!
//! Tensors are visited by Burn's module traversal, which gives dotted names. Burn's own optimisers are not used: their settings
//! have 32 bits, so Adam's `1 - beta2` is wrong in the fifth digit, and their state is keyed by ids that no exchange format keeps.
//! Here the state is keyed by names, and scalar arithmetic has 64 bits as in `torch.optim`.

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

/// An optimiser with its state: the rule, the number of steps, and for each tensor name the flattened tensors that
/// [`Optimizer::state`] lists, in that order.
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

    /// Makes one step with this learning rate, which `learn/schedule.rs` computes from the optimiser's base rate. Tensors without
    /// a gradient do not change.
    pub fn step(&mut self, network: Network, gradients: AccumulatedGradients, rate: f64) -> Network {
        self.steps += 1;
        let rule = UpdateRule::new(&self.optimizer, rate, self.steps);
        let mut collector =
            GradientCollector { gradients, moments: &mut self.moments, parameters: Vec::new(), path: Vec::new() };
        network.visit(&mut collector);
        // On the CPU tensors are updated in parallel; the operations of other devices are queued in order anyway.
        let (here, elsewhere): (Vec<ParameterState>, Vec<ParameterState>) =
            collector.parameters.into_iter().partition(|parameter| fused::supports(&parameter.x, &parameter.gradient));
        let mut moved: HashMap<String, UpdatedParameter> =
            here.into_par_iter().map(|parameter| parameter.updated_by(&rule, fused::apply)).collect();
        moved.extend(elsewhere.into_iter().map(|parameter| parameter.updated_by(&rule, UpdateRule::apply)));
        network.map(&mut ParameterWriter { moved, moments: &mut self.moments, path: Vec::new() })
    }
}

/// A flattened tensor with its gradient and the rule's state for it.
struct ParameterState {
    name: String,
    x: Tensor<1>,
    gradient: Tensor<1>,
    old: Vec<Tensor<1>>,
}

/// The tensor after the step, and the rule's new state.
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

/// Collects all tensors that have a gradient.
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
        // Detached, so that the next step's graph does not keep this one.
        let x = param.val().without_autodiff();
        let count = x.dims().iter().product::<usize>();
        self.parameters.push(ParameterState { name, x: x.reshape([count]), gradient, old });
    }
}

/// Writes the updated tensors to the network.
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
