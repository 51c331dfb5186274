//! Learning-rate schedules. `learn/schedule.rs` computes them.

use serde::{Deserialize, Serialize};

/// A learning-rate schedule: a warm-up, then a curve. The default is a constant rate without warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Learning rate after the warm-up.
    pub curve: ScheduleCurve,
    /// Length of the linear warm-up to the optimiser's rate, in epochs; may be fractional.
    pub warmup: f64,
}

/// The learning rate after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleCurve {
    /// Always the optimiser's rate.
    Constant,
    /// Polynomial decay to 0 at the end of the run.
    Poly {
        /// Exponent of the fraction of remaining steps, above 0; 0.9 by default.
        power: f64,
    },
    /// Half a cosine down to `min`. With `restarts`, the run after the warm-up is cut into `restarts + 1` equal parts, each of
    /// which starts from the optimiser's rate.
    Cosine {
        /// Rate at the end of each part, at least 0 and at most the optimiser's; 0 by default.
        min: f64,
        /// Number of restarts; 0 by default.
        restarts: u64,
    },
}

impl Default for Schedule {
    fn default() -> Self {
        Self { curve: ScheduleCurve::Constant, warmup: 0.0 }
    }
}

impl Schedule {
    /// Checks that the schedule fits a learning rate of `lr` and a number of epochs; the error is a message.
    pub fn check(&self, lr: f64, epochs: usize) -> Result<(), String> {
        if self.warmup > 0.0 && self.warmup >= epochs as f64 {
            return Err(format!("`warmup` of {} epochs is not shorter than the run of {epochs}", self.warmup));
        }
        match self.curve {
            ScheduleCurve::Cosine { min, .. } if min > lr => {
                Err(format!("`min` is {min}, above the initial learning rate {lr}"))
            }
            ScheduleCurve::Constant | ScheduleCurve::Poly { .. } | ScheduleCurve::Cosine { .. } => Ok(()),
        }
    }
}
