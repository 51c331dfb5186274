//! Softmax of logits and the targets, shared by the terms of a loss.

use burn::tensor::{Bool, Int, Tensor, TensorData, activation};
use std::cell::OnceCell;

/// Logits with their softmax, and the targets.
pub(super) struct SoftPrediction {
    /// Shape `[n, k, h, w]`.
    pub(super) logits: Tensor<4>,
    /// See [`SoftPrediction::log_p`]; computed when first needed.
    log_p: OnceCell<Tensor<4>>,
    /// Shape `[n, h, w]`.
    pub(super) targets: Tensor<3, Int>,
}

impl SoftPrediction {
    pub(super) fn new(logits: Tensor<4>, targets: Tensor<3, Int>) -> Self {
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

    /// Returns `log p` of each pixel's true class, `[n, 1, h, w]`.
    pub(super) fn true_class_log_p(&self) -> Tensor<4> {
        self.log_p().gather(1, self.targets.clone().unsqueeze_dim(1))
    }

    /// Returns the one-hot encoding of the targets, `[n, k, h, w]`.
    pub(super) fn one_hot(&self) -> Tensor<4, Bool> {
        let classes = 0..self.classes() as i64;
        Tensor::stack(classes.map(|class| self.targets.clone().equal_elem(class)).collect(), 1)
    }

    /// Returns the element of `values` of each pixel's true class, `[n, 1, h, w]`.
    pub(super) fn by_class(&self, values: &[f64]) -> Tensor<4> {
        let [n, _, h, w] = self.logits.dims();
        self.constants(values).select(0, self.targets.clone().reshape([n * h * w])).reshape([n, 1, h, w])
    }

    pub(super) fn constants(&self, values: &[f64]) -> Tensor<1> {
        Tensor::from_data(TensorData::from(values), &self.logits.device())
    }
}
