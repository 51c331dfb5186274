//! How the learning rate changes while a run goes on. `learn/schedule.rs` computes it.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    pub curve: Curve,
    /// Epochs, or a part of one, in which the rate rises in a line to the optimiser's.
    pub warmup: f64,
}

/// The rate after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Curve {
    Constant,
    /// To 0 at the end of the run.
    Poly {
        power: f64,
    },
    /// Half a cosine to `min`; with `restarts` the rest of the run is cut into `restarts + 1` equal parts, each of which
    /// starts from the optimiser's rate again.
    Cosine {
        min: f64,
        restarts: u64,
    },
}

impl Default for Schedule {
    fn default() -> Self {
        Self { curve: Curve::Constant, warmup: 0.0 }
    }
}

impl Schedule {
    /// Why a run of so many epochs cannot follow it from a rate of `lr`.
    pub fn check(&self, lr: f64, epochs: usize) -> Result<(), String> {
        if self.warmup > 0.0 && self.warmup >= epochs as f64 {
            return Err(format!("a warm-up of {} epochs leaves nothing of {epochs}", self.warmup));
        }
        match self.curve {
            Curve::Cosine { min, .. } if min > lr => {
                Err(format!("`min` is {min}, above the rate that it falls from, {lr}"))
            }
            Curve::Constant | Curve::Poly { .. } | Curve::Cosine { .. } => Ok(()),
        }
    }
}
