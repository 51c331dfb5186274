//! Optimisers: gradients to new weights.
//!
//! Knows the network through Burn's module traversal, which hands out dotted names. Burn's own optimisers are not used:
//! their settings are 32-bit, so that Adam's `1 - beta2` is off in the fifth digit, and their state hangs on ids that no
//! exchange format keeps. Here the state hangs on names, and the scalar arithmetic is 64-bit as in `torch.optim`.

mod fused;
mod gradients;
mod rule;

pub use gradients::Accumulated;

use super::network::Network;
use crate::recipe::Optimizer;
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;
use rule::Rule;
use std::collections::BTreeMap;

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

    /// One step with this learning rate (`run/schedule.rs` gives it; the optimiser's own is where the schedule starts).
    /// Tensors without a gradient stay.
    pub fn step(&mut self, network: Network, gradients: Accumulated, rate: f64) -> Network {
        self.steps += 1;
        let rule = Rule::new(&self.optimizer, rate, self.steps);
        network.map(&mut Step { rule, gradients, moments: &mut self.moments, path: Vec::new() })
    }
}

struct Step<'a> {
    rule: Rule,
    gradients: Accumulated,
    moments: &'a mut BTreeMap<String, Vec<Tensor<1>>>,
    path: Vec<String>,
}

impl ModuleMapper for Step<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.join(".");
        let Some(gradient) = self.gradients.take(&name) else {
            return param;
        };
        let old = self.moments.remove(&name).unwrap_or_default();
        param.map(|x| {
            // A leaf of its own: nothing of this step may stay in the next one's graph.
            let x = x.without_autodiff();
            let shape = x.dims();
            let count = shape.iter().product::<usize>();
            let x = x.reshape([count]);
            let (x, moments) = match fused::takes(&x, &gradient) {
                true => fused::apply(&self.rule, x, gradient, old),
                false => self.rule.apply(x, gradient, old),
            };
            if !moments.is_empty() {
                self.moments.insert(name, moments);
            }
            x.reshape(shape).autodiff().require_grad()
        })
    }
}
