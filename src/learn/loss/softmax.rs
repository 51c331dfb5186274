//! What the terms of a loss start from.

use burn::tensor::{Bool, Int, Tensor, TensorData, activation};
use std::cell::OnceCell;

/// A result as probabilities, beside the truth.
pub(super) struct SoftPrediction {
    /// `[n, k, h, w]`
    pub(super) logits: Tensor<4>,
    /// See [`SoftPrediction::log_p`]; computed for the first term that asks.
    log_p: OnceCell<Tensor<4>>,
    /// `[n, h, w]`.
    pub(super) targets: Tensor<3, Int>,
}

impl SoftPrediction {
    pub(super) fn new(logits: Tensor<4>, targets: Tensor<3, Int>) -> Self {
        Self { logits, log_p: OnceCell::new(), targets }
    }

    pub(super) fn classes(&self) -> usize {
        self.logits.dims()[1]
    }

    /// `log softmax(logits)`, `[n, k, h, w]`.
    pub(super) fn log_p(&self) -> Tensor<4> {
        self.log_p.get_or_init(|| activation::log_softmax(self.logits.clone(), 1)).clone()
    }

    /// `[n, k, h, w]`
    pub(super) fn p(&self) -> Tensor<4> {
        self.log_p().exp()
    }

    /// `log p` of each pixel's true class, `[n, 1, h, w]`.
    pub(super) fn true_class_log_p(&self) -> Tensor<4> {
        self.log_p().gather(1, self.targets.clone().unsqueeze_dim(1))
    }

    /// Where the class is the true one, `[n, k, h, w]`.
    pub(super) fn one_hot(&self) -> Tensor<4, Bool> {
        let classes = 0..self.classes() as i64;
        Tensor::stack(classes.map(|class| self.targets.clone().equal_elem(class)).collect(), 1)
    }

    /// The number that `values` has for each pixel's true class, `[n, 1, h, w]`.
    pub(super) fn by_class(&self, values: &[f64]) -> Tensor<4> {
        let [n, _, h, w] = self.logits.dims();
        self.constants(values).select(0, self.targets.clone().reshape([n * h * w])).reshape([n, 1, h, w])
    }

    pub(super) fn constants(&self, values: &[f64]) -> Tensor<1> {
        Tensor::from_data(TensorData::from(values), &self.logits.device())
    }
}
