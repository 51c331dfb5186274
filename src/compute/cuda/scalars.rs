//! The numbers that change from pass to pass and from step to step. Kernels read them from a buffer, so that no text
//! depends on them and a recorded step can be replayed.

use super::constants::KernelConstants;
use crate::compute::adam_step::AdamStep;
use crate::text::config::Optimizer;

/// What a pass and an update read of their step.
///
/// | word | number |
/// |---:|---|
/// | 0, 1 | the seed of the pass, lower half first, as integers |
/// | 2 | share of the batch in its step: images of the batch / images of the step |
/// | 3 | 1 at the first batch of a step, else 0 |
/// | 4 | learning rate |
/// | 5 | Adam: learning rate / (1 - beta1^t) |
/// | 6 | Adam: sqrt(1 - beta2^t) |
/// | 7 | factor of the weights before they move: 1, or AdamW's 1 - rate * weight_decay |
/// | 8 | 1 at the optimiser's first step, which finds no state, else 0 |
/// | 9 | 1 at the first step of the moving average, else 0 |
///
/// The other words are 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepScalars {
    /// Seed of the pass's dropout.
    pub seed: u64,
    /// Images of the batch / images of the step.
    pub share: f64,
    /// Whether the batch is the first of its step.
    pub first_batch: bool,
    /// Learning rate of the step.
    pub rate: f64,
    /// Number of the step, counted from 1.
    pub step: u64,
    /// Whether the optimiser has no state yet.
    pub first_step: bool,
    /// Whether there is no average of the weights yet.
    pub first_average: bool,
}

impl StepScalars {
    /// Length of the buffer in 32-bit words.
    pub const WORDS: usize = 16;
    /// The word where the seed begins.
    pub(super) const SEED: usize = 0;

    /// Returns the words of the buffer. Numbers are computed in 64 bits and rounded last.
    pub fn words(&self, optimizer: &Optimizer) -> [u32; Self::WORDS] {
        let adam = |betas, decay| {
            let AdamStep { step_size, correction, shrink } = AdamStep::new(self.rate, betas, decay, self.step);
            [step_size, correction, shrink]
        };
        let [step_size, correction, shrink] = match *optimizer {
            Optimizer::Adam { beta1, beta2, .. } => adam([beta1, beta2], 0.0),
            Optimizer::AdamW { beta1, beta2, weight_decay, .. } => adam([beta1, beta2], weight_decay),
            Optimizer::Sgd { .. } => [0.0, 0.0, 1.0],
        };
        let flag = |set: bool| if set { 1.0 } else { 0.0 };
        let numbers = [
            self.share,
            flag(self.first_batch),
            self.rate,
            step_size,
            correction,
            shrink,
            flag(self.first_step),
            flag(self.first_average),
        ];
        let mut words = [0; Self::WORDS];
        words[0] = self.seed as u32;
        words[1] = (self.seed >> 32) as u32;
        words[2..10].copy_from_slice(&numbers.map(|number| (number as f32).to_bits()));
        words
    }

    /// Adds the positions of the words to a kernel.
    pub(super) fn positions(constants: KernelConstants) -> KernelConstants {
        constants.ints([("AT_SHARE", 2), ("AT_FIRST_BATCH", 3), ("AT_RATE", 4), ("AT_STEP_SIZE", 5)]).ints([
            ("AT_CORRECTION", 6),
            ("AT_SHRINK", 7),
            ("AT_FIRST_STEP", 8),
            ("AT_FIRST_AVERAGE", 9),
        ])
    }
}
