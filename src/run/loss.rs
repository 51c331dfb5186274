//! Losses: numbers that a gradient starts from.
//!
//! Knows tensors only.

use burn::tensor::{Int, Tensor, activation};

/// Sum over results of `weight * cross_entropy`, all against the same targets: deep supervision (Lee et al. 2015).
/// `weighted` is not empty.
pub fn supervised(weighted: Vec<(Tensor<4>, f64)>, targets: &Tensor<3, Int>) -> Tensor<1> {
    let losses = weighted.into_iter().map(|(logits, weight)| {
        let loss = cross_entropy(logits, targets.clone());
        if weight == 1.0 { loss } else { loss.mul_scalar(weight) }
    });
    losses.reduce(Tensor::add).expect("a run supervises a result: TrainSpec")
}

/// Mean over all pixels of `-log softmax(logits)[class]`, as `torch.nn.CrossEntropyLoss`.
///
/// `logits` is `[n, k, h, w]`, `targets` is `[n, h, w]` with classes below `k`. The maximum over classes is taken out
/// before the exponential, so that large logits do not overflow.
pub fn cross_entropy(logits: Tensor<4>, targets: Tensor<3, Int>) -> Tensor<1> {
    let chosen = activation::log_softmax(logits, 1).gather(1, targets.unsqueeze_dim(1));
    chosen.mean().neg()
}
