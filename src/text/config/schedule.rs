//! How the learning rate changes while a run goes on. `learn/schedule.rs` computes it.

use serde::{Deserialize, Serialize};

/// How the learning rate changes from step to step: a warm-up, then a curve. A constant rate without warm-up by
/// default.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The rate after the warm-up.
    pub curve: ScheduleCurve,
    /// Epochs, or a part of one, in which the rate rises in a line to the optimiser's.
    pub warmup: f64,
}

/// The rate after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleCurve {
    /// The optimiser's rate throughout.
    Constant,
    /// To 0 at the end of the run.
    Poly {
        /// Exponent of the share of steps that are left, above 0; 0.9 where the language says nothing.
        power: f64,
    },
    /// Half a cosine to `min`; with `restarts` the rest of the run is cut into `restarts + 1` equal parts, each of which
    /// starts from the optimiser's rate again.
    Cosine {
        /// Rate at the end of each part, at least 0 and at most the optimiser's; 0 where the language says nothing.
        min: f64,
        /// How many times the curve starts again; 0 where the language says nothing.
        restarts: u64,
    },
}

impl Default for Schedule {
    fn default() -> Self {
        Self { curve: ScheduleCurve::Constant, warmup: 0.0 }
    }
}

impl Schedule {
    /// Why a run of so many epochs cannot follow it from a rate of `lr`.
    pub fn check(&self, lr: f64, epochs: usize) -> Result<(), String> {
        if self.warmup > 0.0 && self.warmup >= epochs as f64 {
            return Err(format!("a warm-up of {} epochs leaves nothing of {epochs}", self.warmup));
        }
        match self.curve {
            ScheduleCurve::Cosine { min, .. } if min > lr => {
                Err(format!("`min` is {min}, above the rate that it falls from, {lr}"))
            }
            ScheduleCurve::Constant | ScheduleCurve::Poly { .. } | ScheduleCurve::Cosine { .. } => Ok(()),
        }
    }
}
