//! Softmax of logits and the targets, shared by the terms of a loss.

use super::targets::LossTargets;
use crate::compute::tensor_sum::{mean, sum_all};
use burn::tensor::{Bool, Tensor, TensorData, activation};
use std::cell::OnceCell;

/// Logits with their softmax, and the targets.
pub(super) struct SoftPrediction {
    /// Shape `[n, k, h, w]`.
    pub(super) logits: Tensor<4>,
    /// See [`SoftPrediction::log_p`]; computed when first needed.
    log_p: OnceCell<Tensor<4>>,
    pub(super) targets: LossTargets,
}

impl SoftPrediction {
    pub(super) fn new(logits: Tensor<4>, targets: LossTargets) -> Self {
        Self { logits, log_p: OnceCell::new(), targets }
    }

    pub(super) fn classes(&self) -> usize {
        self.logits.dims()[1]
    }

    /// Returns `log softmax(logits)`, `[n, k, h, w]`.
    pub(super) fn log_p(&self) -> Tensor<4> {
        self.log_p.get_or_init(|| activation::log_softmax(self.logits.clone(), 1)).clone()
    }

    /// Returns the probabilities `softmax(logits)`, `[n, k, h, w]`.
    pub(super) fn p(&self) -> Tensor<4> {
        self.log_p().exp()
    }

    /// Returns `log p` of each pixel's true class, `[n, 1, h, w]`; of class 0 where the pixel is ignored.
    pub(super) fn true_class_log_p(&self) -> Tensor<4> {
        self.log_p().gather(1, self.targets.indices().unsqueeze_dim(1))
    }

    /// Returns the one-hot encoding of the targets, `[n, k, h, w]`; no class where the pixel is ignored.
    pub(super) fn one_hot(&self) -> Tensor<4, Bool> {
        let classes = 0..self.classes() as i64;
        Tensor::stack(classes.map(|class| self.targets.classes.clone().equal_elem(class)).collect(), 1)
    }

    /// Returns the element of `values` of each pixel's true class, `[n, 1, h, w]`; 0 where the pixel is ignored.
    pub(super) fn by_class(&self, values: &[f64]) -> Tensor<4> {
        let [n, _, h, w] = self.logits.dims();
        let indices = self.targets.indices().reshape([n * h * w]);
        self.without_ignored(self.constants(values).select(0, indices).reshape([n, 1, h, w]))
    }

    /// Sets a map `[n, c, h, w]` to 0 where the pixel is ignored.
    pub(super) fn without_ignored(&self, map: Tensor<4>) -> Tensor<4> {
        match self.targets.counted_map() {
            None => map,
            Some(counted) => map.mul(counted),
        }
    }

    /// Returns the mean of a map `[n, c, h, w]` over channels and the pixels that are not ignored.
    pub(super) fn pixel_mean(&self, map: Tensor<4>) -> Tensor<1> {
        if self.targets.counted.is_none() {
            return mean(map);
        }
        let channels = map.dims()[1] as f64;
        sum_all(self.without_ignored(map)).mul_scalar(self.targets.share() / channels)
    }

    pub(super) fn constants(&self, values: &[f64]) -> Tensor<1> {
        Tensor::from_data(TensorData::from(values), &self.logits.device())
    }
}
