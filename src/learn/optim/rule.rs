//! The arithmetic of one step for one tensor, in the order of `torch.optim`'s single-tensor implementation.

use crate::compute::adam_step::AdamStep;
use crate::text::config::Optimizer;
use burn::tensor::Tensor;

/// An optimiser's rule with the constants of one step.
pub(super) enum UpdateRule {
    Adam(Adam),
    Sgd(Sgd),
}

/// Kingma and Ba 2015, algorithm 1.
pub(super) struct Adam {
    /// Weight decay that is added to the gradient, times the weights.
    pub(super) decay: f64,
    /// Factor of the weights: 1 for Adam, `1 - lr * weight_decay` for AdamW (Loshchilov and Hutter 2019, algorithm 2).
    pub(super) shrink: f64,
    pub(super) beta1: f64,
    pub(super) beta2: f64,
    pub(super) epsilon: f64,
    /// `lr / (1 - beta1^t)`
    pub(super) step_size: f64,
    /// `sqrt(1 - beta2^t)`
    pub(super) correction: f64,
}

/// Sutskever et al. 2013 in the form of `torch.optim.SGD`, dampening 0: `v = momentum v + g`, `x = x - lr v`, with
/// Nesterov `x = x - lr (g + momentum v)`.
pub(super) struct Sgd {
    pub(super) rate: f64,
    pub(super) decay: f64,
    pub(super) momentum: f64,
    pub(super) nesterov: bool,
}

impl UpdateRule {
    /// Computes the constants of step `t`, counted from 1.
    pub(super) fn new(optimizer: &Optimizer, rate: f64, t: u64) -> Self {
        // The decay of Adam is part of the gradient, that of AdamW shrinks the weights.
        let adam = |beta1, beta2, epsilon, decay, apart| {
            let AdamStep { step_size, correction, shrink } = AdamStep::new(rate, [beta1, beta2], apart, t);
            UpdateRule::Adam(Adam { decay, shrink, beta1, beta2, epsilon, step_size, correction })
        };
        match *optimizer {
            Optimizer::Adam { lr: _, beta1, beta2, epsilon, weight_decay } => {
                adam(beta1, beta2, epsilon, weight_decay, 0.0)
            }
            Optimizer::AdamW { lr: _, beta1, beta2, epsilon, weight_decay } => {
                adam(beta1, beta2, epsilon, 0.0, weight_decay)
            }
            Optimizer::Sgd { lr: _, momentum, nesterov, weight_decay } => {
                UpdateRule::Sgd(Sgd { rate, decay: weight_decay, momentum, nesterov })
            }
        }
    }

    /// Computes new weights and new state. `old` is empty at a tensor's first step, else as long as [`Optimizer::state`].
    pub(super) fn apply(&self, x: Tensor<1>, gradient: Tensor<1>, old: Vec<Tensor<1>>) -> (Tensor<1>, Vec<Tensor<1>>) {
        match self {
            UpdateRule::Adam(adam) => adam.apply(x, gradient, old),
            UpdateRule::Sgd(sgd) => sgd.apply(x, gradient, old),
        }
    }
}

fn decayed(gradient: Tensor<1>, x: &Tensor<1>, decay: f64) -> Tensor<1> {
    if decay == 0.0 { gradient } else { gradient.add(x.clone().mul_scalar(decay)) }
}

impl Adam {
    fn apply(&self, x: Tensor<1>, gradient: Tensor<1>, old: Vec<Tensor<1>>) -> (Tensor<1>, Vec<Tensor<1>>) {
        let gradient = decayed(gradient, &x, self.decay);
        let square = gradient.clone().mul(gradient.clone()).mul_scalar(1.0 - self.beta2);
        let (first, second) = match <[Tensor<1>; 2]>::try_from(old) {
            Ok([first, second]) => {
                let change = gradient.sub(first.clone()).mul_scalar(1.0 - self.beta1);
                (first.add(change), second.mul_scalar(self.beta2).add(square))
            }
            Err(_) => (gradient.mul_scalar(1.0 - self.beta1), square),
        };
        let spread = second.clone().sqrt().div_scalar(self.correction).add_scalar(self.epsilon);
        let change = first.clone().div(spread).mul_scalar(self.step_size);
        // Computed last, when the gradient is freed, since it makes a copy.
        let x = if self.shrink == 1.0 { x } else { x.mul_scalar(self.shrink) };
        (x.sub(change), vec![first, second])
    }
}

impl Sgd {
    fn apply(&self, x: Tensor<1>, gradient: Tensor<1>, old: Vec<Tensor<1>>) -> (Tensor<1>, Vec<Tensor<1>>) {
        let gradient = decayed(gradient, &x, self.decay);
        if self.momentum == 0.0 {
            return (x.sub(gradient.mul_scalar(self.rate)), Vec::new());
        }
        let velocity = match old.into_iter().next() {
            Some(old) => old.mul_scalar(self.momentum).add(gradient.clone()),
            None => gradient.clone(),
        };
        let along = match self.nesterov {
            true => gradient.add(velocity.clone().mul_scalar(self.momentum)),
            false => velocity.clone(),
        };
        (x.sub(along.mul_scalar(self.rate)), vec![velocity])
    }
}
