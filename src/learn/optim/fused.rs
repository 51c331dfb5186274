//! Applies a rule in one pass over a tensor on the CPU, where Burn's operators need about a dozen.
//!
//! The operations on 32-bit numbers and their order are the same as in `rule.rs`, so the bits are the same.

use super::rule::{Adam, Sgd, UpdateRule};
use crate::compute::device::is_cpu;
use crate::compute::engine::kernel::vectorised::vectorised;
use burn::tensor::{DType, Tensor, TensorData};
use rayon::prelude::*;

/// Numbers per parallel chunk.
const PART: usize = 1 << 16;

/// Checks whether [`apply`] supports these tensors.
pub(super) fn supports(x: &Tensor<1>, gradient: &Tensor<1>) -> bool {
    is_cpu(&x.device()) && x.dtype() == DType::F32 && gradient.dtype() == DType::F32
}

/// Computes the same as [`UpdateRule::apply`].
pub(super) fn apply(
    rule: &UpdateRule,
    x: Tensor<1>,
    gradient: Tensor<1>,
    old: Vec<Tensor<1>>,
) -> (Tensor<1>, Vec<Tensor<1>>) {
    let device = x.device();
    let numbers = |tensor: Tensor<1>| -> Vec<f32> {
        tensor.into_data().convert::<f32>().try_into_vec().expect("converted to 32 bits just before")
    };
    let (mut x, gradient) = (numbers(x), numbers(gradient));
    let mut state: Vec<Vec<f32>> = old.into_iter().map(numbers).collect();
    match rule {
        UpdateRule::Adam(adam) => {
            // At the first step both averages start from 0.
            state.resize_with(2, || vec![0.0; x.len()]);
            let (first, second) = state.split_at_mut(1);
            let parts = x.par_chunks_mut(PART).zip(gradient.par_chunks(PART));
            let moments = first[0].par_chunks_mut(PART).zip(second[0].par_chunks_mut(PART));
            let settings = AdamSettings::new(adam);
            parts.zip(moments).for_each(|((x, g), (m, v))| adam_step(x, g, m, v, &settings));
        }
        UpdateRule::Sgd(sgd) => {
            let first = state.is_empty();
            if sgd.momentum != 0.0 {
                state.resize_with(1, || vec![0.0; x.len()]);
            }
            let settings = SgdSettings::new(sgd, first);
            match state.first_mut() {
                Some(velocity) => {
                    let parts = x.par_chunks_mut(PART).zip(gradient.par_chunks(PART));
                    let parts = parts.zip(velocity.par_chunks_mut(PART));
                    parts.for_each(|((x, g), v)| momentum_step(x, g, v, &settings));
                }
                None => {
                    let parts = x.par_chunks_mut(PART).zip(gradient.par_chunks(PART));
                    parts.for_each(|(x, g)| plain_step(x, g, &settings));
                }
            }
        }
    }
    let tensor = |values: Vec<f32>| {
        let n = values.len();
        Tensor::from_data(TensorData::new(values, [n]), &device)
    };
    (tensor(x), state.into_iter().map(tensor).collect())
}

/// The rule's settings in 32 bits, as Burn's operators use them.
struct AdamSettings {
    decay: f32,
    shrink: f32,
    first: f32,
    keep_second: f32,
    second: f32,
    epsilon: f32,
    step_size: f32,
    correction: f32,
}

impl AdamSettings {
    fn new(adam: &Adam) -> Self {
        Self {
            decay: adam.decay as f32,
            shrink: adam.shrink as f32,
            first: (1.0 - adam.beta1) as f32,
            keep_second: adam.beta2 as f32,
            second: (1.0 - adam.beta2) as f32,
            epsilon: adam.epsilon as f32,
            step_size: adam.step_size as f32,
            correction: adam.correction as f32,
        }
    }
}

vectorised! {
    fn adam_step(x: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32], s: &AdamSettings) {
        for (((x, g), m), v) in x.iter_mut().zip(g).zip(m).zip(v) {
            // `g + 0 * x` is g, except for infinite weights.
            let g = if s.decay == 0.0 { *g } else { *g + *x * s.decay };
            *m += (g - *m) * s.first;
            *v = *v * s.keep_second + g * g * s.second;
            let spread = v.sqrt() / s.correction + s.epsilon;
            *x = *x * s.shrink - *m / spread * s.step_size;
        }
    }
}

struct SgdSettings {
    rate: f32,
    decay: f32,
    /// Factor of the old velocity: 0 at the first step, when there is none.
    carry: f32,
    momentum: f32,
    nesterov: bool,
}

impl SgdSettings {
    fn new(sgd: &Sgd, first: bool) -> Self {
        let momentum = sgd.momentum as f32;
        let carry = if first { 0.0 } else { momentum };
        Self { rate: sgd.rate as f32, decay: sgd.decay as f32, carry, momentum, nesterov: sgd.nesterov }
    }
}

vectorised! {
    fn momentum_step(x: &mut [f32], g: &[f32], v: &mut [f32], s: &SgdSettings) {
        for ((x, g), v) in x.iter_mut().zip(g).zip(v) {
            let g = if s.decay == 0.0 { *g } else { *g + *x * s.decay };
            *v = *v * s.carry + g;
            let along = if s.nesterov { g + *v * s.momentum } else { *v };
            *x -= along * s.rate;
        }
    }
}

vectorised! {
    fn plain_step(x: &mut [f32], g: &[f32], s: &SgdSettings) {
        for (x, g) in x.iter_mut().zip(g) {
            let g = if s.decay == 0.0 { *g } else { *g + *x * s.decay };
            *x -= g * s.rate;
        }
    }
}
