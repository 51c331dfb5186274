//! Loss functions.
//!
//! All terms start from `log softmax(logits)` over the classes; the maximum is subtracted before the exponential, so large logits
//! do not overflow. On the CPU, cross entropy is computed by `fused`. `docs/optimisation.md` gives the formulas.

mod fused;
mod lovasz;
mod pixel;
mod region;
mod softmax;
mod targets;

pub use targets::LossTargets;

use crate::text::config::{LossSpec, LossTerm};
use burn::tensor::{Int, Tensor};
use softmax::SoftPrediction;

/// Computes the total loss: the sum over results and terms of `weight of the result * weight of the term * term`, all against the
/// same targets (deep supervision, Lee et al. 2015). Ignored pixels count in no term.
///
/// `results` are logits `[n, k, h, w]` with their weights, and are not empty; `targets` is `[n, h, w]` with classes below `k`.
/// [`LossSpec::check`] must have passed for `k` classes.
pub fn total(spec: &LossSpec, results: Vec<(Tensor<4>, f64)>, targets: &LossTargets) -> Tensor<1> {
    let mut losses = Vec::new();
    for (logits, weight) in results {
        let soft = SoftPrediction::new(logits, targets.clone());
        for summand in &spec.terms {
            let loss = term_loss(&summand.term, &soft);
            let weight = weight * summand.weight;
            losses.push(if weight == 1.0 { loss } else { loss.mul_scalar(weight) });
        }
    }
    losses.into_iter().reduce(Tensor::add).expect("a run has a loss and supervises a result: TrainSpec")
}

/// Computes the mean over all pixels of `-log softmax(logits)[class]`, as `torch.nn.CrossEntropyLoss`.
///
/// `logits` is `[n, k, h, w]`, `targets` is `[n, h, w]` with classes below `k`.
pub fn cross_entropy(logits: Tensor<4>, targets: Tensor<3, Int>) -> Tensor<1> {
    term_loss(&LossTerm::CROSS_ENTROPY, &SoftPrediction::new(logits, LossTargets::all_counted(targets)))
}

fn term_loss(term: &LossTerm, soft: &SoftPrediction) -> Tensor<1> {
    match term {
        LossTerm::CrossEntropy { weights, smoothing } if fused::supports(&soft.logits) => {
            fused::cross_entropy(&soft.logits, &soft.targets, weights, *smoothing)
        }
        LossTerm::CrossEntropy { weights, smoothing } => pixel::cross_entropy(soft, weights, *smoothing),
        LossTerm::Focal { gamma, alpha } => pixel::focal(soft, *gamma, alpha),
        &LossTerm::Dice { squared, smooth, batch, include_background } => {
            region::dice(soft, &region::RegionOptions { smooth, batch, include_background }, squared)
        }
        &LossTerm::Tversky { alpha, beta, gamma, smooth, batch, include_background } => {
            region::tversky(soft, &region::RegionOptions { smooth, batch, include_background }, [alpha, beta], gamma)
        }
        LossTerm::Lovasz { per_image } => lovasz::lovasz(soft, *per_image),
    }
}
