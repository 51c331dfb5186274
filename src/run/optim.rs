//! Optimisers: gradients to new weights.
//!
//! Knows the network through Burn's module traversal, which hands out dotted names. Burn's own Adam is not used: its
//! betas are 32-bit, so that `1 - beta2` is off in the fifth digit, and its state hangs on ids that no exchange format
//! keeps. Here the state hangs on names, and the scalar arithmetic is 64-bit as in `torch.optim.Adam`.

use super::network::Network;
use crate::recipe::Optimizer;
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Gradients, Tensor};
use std::collections::BTreeMap;

/// Running means of one tensor's gradient and of its square, flattened.
#[derive(Debug, Clone)]
pub struct Moments {
    pub first: Tensor<1>,
    pub second: Tensor<1>,
}

/// An optimiser with what it has gathered so far: the rule, the number of steps, the moments by tensor name.
#[derive(Debug, Clone)]
pub struct OptimState {
    pub optimizer: Optimizer,
    pub steps: u64,
    pub moments: BTreeMap<String, Moments>,
}

impl OptimState {
    pub fn new(optimizer: Optimizer) -> Self {
        Self { optimizer, steps: 0, moments: BTreeMap::new() }
    }

    /// One step along `gradients`, which came from a loss of this network. Tensors without a gradient stay.
    pub fn step(&mut self, network: Network, gradients: Gradients) -> Network {
        self.steps += 1;
        let rule = Rule::new(&self.optimizer, self.steps);
        network.map(&mut Step { rule, gradients, moments: &mut self.moments, path: Vec::new() })
    }
}

/// Adam (Kingma and Ba 2015, algorithm 1) at one step, in the order of `torch.optim.Adam`'s single-tensor code.
struct Rule {
    weight_decay: f64,
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    /// `lr / (1 - beta1^t)`
    step_size: f64,
    /// `sqrt(1 - beta2^t)`
    correction: f64,
}

impl Rule {
    fn new(optimizer: &Optimizer, t: u64) -> Self {
        let Optimizer::Adam { lr, beta1, beta2, epsilon, weight_decay } = *optimizer;
        let t = t as f64;
        let step_size = lr / (1.0 - beta1.powf(t));
        Self { weight_decay, beta1, beta2, epsilon, step_size, correction: (1.0 - beta2.powf(t)).sqrt() }
    }

    fn apply(&self, x: Tensor<1>, gradient: Tensor<1>, old: Option<Moments>) -> (Tensor<1>, Moments) {
        let gradient = match self.weight_decay {
            0.0 => gradient,
            decay => gradient.add(x.clone().mul_scalar(decay)),
        };
        let square = gradient.clone().mul(gradient.clone()).mul_scalar(1.0 - self.beta2);
        let (first, second) = match old {
            Some(Moments { first, second }) => {
                let change = gradient.sub(first.clone()).mul_scalar(1.0 - self.beta1);
                (first.add(change), second.mul_scalar(self.beta2).add(square))
            }
            None => (gradient.mul_scalar(1.0 - self.beta1), square),
        };
        let spread = second.clone().sqrt().div_scalar(self.correction).add_scalar(self.epsilon);
        let x = x.sub(first.clone().div(spread).mul_scalar(self.step_size));
        (x, Moments { first, second })
    }
}

struct Step<'a> {
    rule: Rule,
    gradients: Gradients,
    moments: &'a mut BTreeMap<String, Moments>,
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
        let Some(gradient) = param.val().grad_remove(&mut self.gradients) else {
            return param;
        };
        let name = self.path.join(".");
        let old = self.moments.remove(&name);
        param.map(|x| {
            // A leaf of its own: nothing of this step may stay in the next one's graph.
            let x = x.without_autodiff();
            let shape = x.dims();
            let count = shape.iter().product::<usize>();
            let (x, moments) = self.rule.apply(x.reshape([count]), gradient.reshape([count]), old);
            self.moments.insert(name, moments);
            x.reshape(shape).autodiff().require_grad()
        })
    }
}
