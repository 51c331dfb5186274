//! Losses: numbers that a gradient starts from.
//!
//! Knows tensors only.

use burn::tensor::{Int, Tensor, activation};

/// Mean over all pixels of `-log softmax(logits)[class]`, as `torch.nn.CrossEntropyLoss`.
///
/// `logits` is `[n, k, h, w]`, `targets` is `[n, h, w]` with classes below `k`. The maximum over classes is taken out
/// before the exponential, so that large logits do not overflow.
pub fn cross_entropy(logits: Tensor<4>, targets: Tensor<3, Int>) -> Tensor<1> {
    let chosen = activation::log_softmax(logits, 1).gather(1, targets.unsqueeze_dim(1));
    chosen.mean().neg()
}
