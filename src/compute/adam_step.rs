//! The constants of one step of Adam and AdamW, which the processor and a GPU compute alike.

/// Constants of a step in 64 bits (Kingma and Ba 2015, algorithm 1; Loshchilov and Hutter 2019, algorithm 2).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct AdamStep {
    /// `lr / (1 - beta1^t)`
    pub step_size: f64,
    /// `sqrt(1 - beta2^t)`
    pub correction: f64,
    /// Factor of the weights before they move: `1 - lr * decay`.
    pub shrink: f64,
}

impl AdamStep {
    /// Computes the constants of step `t`, counted from 1. `decay` is AdamW's weight decay, and 0 for Adam, whose decay is part of the
    /// gradient.
    pub(crate) fn new(rate: f64, [beta1, beta2]: [f64; 2], decay: f64, t: u64) -> Self {
        let t = t as f64;
        let (step_size, correction) = (rate / (1.0 - beta1.powf(t)), (1.0 - beta2.powf(t)).sqrt());
        Self { step_size, correction, shrink: 1.0 - rate * decay }
    }
}
