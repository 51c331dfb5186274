//! Optimisers. `docs/optimisation.md` has the formulas, `learn/optim` computes them.

use serde::{Deserialize, Serialize};

/// An optimiser with its settings. The defaults are those of a model file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Optimizer {
    /// Kingma and Ba 2015, with `torch.optim.Adam`'s defaults; `weight_decay` is added to the gradient.
    Adam {
        /// Learning rate before the schedule changes it, above 0; 1e-3 by default.
        lr: f64,
        /// Decay of the mean of the gradients, at least 0 and below 1; 0.9 by default.
        beta1: f64,
        /// Decay of the mean of the squared gradients, at least 0 and below 1; 0.999 by default.
        beta2: f64,
        /// Number added to the denominator, above 0; 1e-8 by default. The language calls it `eps`.
        epsilon: f64,
        /// Factor of the weights that is added to their gradient, at least 0; 0 by default.
        weight_decay: f64,
    },
    /// Loshchilov and Hutter 2019, `torch.optim.AdamW`: the weights shrink by `lr * weight_decay` before the step.
    #[serde(rename = "adamw")]
    AdamW {
        /// Learning rate before the schedule changes it, above 0; 1e-3 by default.
        lr: f64,
        /// Decay of the mean of the gradients, at least 0 and below 1; 0.9 by default.
        beta1: f64,
        /// Decay of the mean of the squared gradients, at least 0 and below 1; 0.999 by default.
        beta2: f64,
        /// Number added to the denominator, above 0; 1e-8 by default. The language calls it `eps`.
        epsilon: f64,
        /// Decoupled weight decay: each step subtracts this times the learning rate times the weights; at least 0, 0.01 by
        /// default.
        weight_decay: f64,
    },
    /// `torch.optim.SGD` without dampening; `weight_decay` is added to the gradient.
    Sgd {
        /// Learning rate before the schedule changes it, above 0; 1e-3 by default.
        lr: f64,
        /// Factor of the velocity of earlier steps, at least 0 and below 1; 0 by default.
        momentum: f64,
        /// Whether Nesterov momentum is used, which needs a momentum above 0; `false` by default.
        nesterov: bool,
        /// Factor of the weights that is added to their gradient, at least 0; 0 by default.
        weight_decay: f64,
    },
}

impl Optimizer {
    /// All names that [`Optimizer::state`] can return.
    pub const STATES: [&str; 3] = ["adam.first", "adam.second", "sgd.momentum"];

    /// Returns the names, in checkpoints, of the state tensors of each weight. Each has the size of the weight.
    pub fn state(&self) -> &'static [&'static str] {
        match self {
            Optimizer::Adam { .. } | Optimizer::AdamW { .. } => &["adam.first", "adam.second"],
            Optimizer::Sgd { momentum, .. } if *momentum > 0.0 => &["sgd.momentum"],
            Optimizer::Sgd { .. } => &[],
        }
    }

    /// Returns the number of state tensors per weight, each of the size of the weight.
    pub fn moment_count(&self) -> u64 {
        self.state().len() as u64
    }

    /// Returns the name in the language.
    pub fn name(&self) -> &'static str {
        match self {
            Optimizer::Adam { .. } => "adam",
            Optimizer::AdamW { .. } => "adamw",
            Optimizer::Sgd { .. } => "sgd",
        }
    }

    /// Returns the learning rate that a schedule starts from.
    pub fn lr(&self) -> f64 {
        match self {
            Optimizer::Adam { lr, .. } | Optimizer::AdamW { lr, .. } | Optimizer::Sgd { lr, .. } => *lr,
        }
    }

    /// Sets the learning rate.
    pub fn set_lr(&mut self, rate: f64) {
        match self {
            Optimizer::Adam { lr, .. } | Optimizer::AdamW { lr, .. } | Optimizer::Sgd { lr, .. } => *lr = rate,
        }
    }
}

impl Default for Optimizer {
    fn default() -> Self {
        Optimizer::Adam { lr: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 }
    }
}
