//! Learning rates by step.
//!
//! A rate depends only on the settings and the number of the step, so a resumed run continues with the same rates.

use crate::text::config::{Schedule, ScheduleCurve};
use std::f64::consts::PI;

/// Returns the learning rate of optimiser step `step`, counted from 0 over the whole run of `epochs * steps_per_epoch` steps.
///
/// With `w = warmup * steps_per_epoch` (rounded), `t = step - w` and `u` steps after the warm-up:
///
/// | | rate / base | PyTorch |
/// |---|---|---|
/// | warm-up | `(step + 1) / (w + 1)` | `LinearLR(start_factor = 1 / (w + 1), total_iters = w)` |
/// | constant | `1` | |
/// | poly | `(1 - t / u)^power` | `PolynomialLR(total_iters = u)` |
/// | cosine | `min + (base - min) (1 + cos(pi t / u)) / 2`, over `base` | `CosineAnnealingLR(T_max = u, eta_min = min)` |
/// | cosine with `r` restarts | the same with `t` modulo `u / (r + 1)` | `CosineAnnealingWarmRestarts(T_0 = u / (r + 1))` |
///
/// After the last step the rate is constant.
pub fn rate(schedule: &Schedule, base: f64, step: u64, steps_per_epoch: u64, epochs: u64) -> f64 {
    let warmup = (schedule.warmup * steps_per_epoch as f64).round() as u64;
    if step < warmup {
        return base * (step + 1) as f64 / (warmup + 1) as f64;
    }
    let t = step - warmup;
    let total = steps_per_epoch.saturating_mul(epochs).saturating_sub(warmup).max(1);
    match schedule.curve {
        ScheduleCurve::Constant => base,
        ScheduleCurve::Poly { power } => base * (1.0 - t.min(total) as f64 / total as f64).powf(power),
        ScheduleCurve::Cosine { min, restarts } => {
            // In integers, so that restarts are exact whatever the rounding.
            let turns = u128::from(t) * (u128::from(restarts) + 1);
            let phase = if t >= total { 1.0 } else { (turns % u128::from(total)) as f64 / total as f64 };
            min + (base - min) * (1.0 + (PI * phase).cos()) / 2.0
        }
    }
}
