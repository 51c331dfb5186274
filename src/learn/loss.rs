//! Losses: numbers that a gradient starts from.
//!
//! Knows tensors and the terms of a recipe only. All terms start from `log softmax(logits)` over the classes, whose
//! maximum is taken out before the exponential: large logits do not overflow. Cross entropy has a way of its own on the
//! processor, `fused`. `docs/optimisation.md` has the formulas.

mod fused;
mod lovasz;
mod pixel;
mod region;

use crate::text::recipe::{LossSpec, Term};
use burn::tensor::{Bool, Int, Tensor, activation};
use std::cell::OnceCell;

/// Sum over results and terms of `weight of the result * weight of the term * term`, all against the same targets: deep
/// supervision (Lee et al. 2015).
///
/// Results are logits `[n, k, h, w]` with the weight of each, and are not empty; `targets` is `[n, h, w]` with classes
/// below `k`. [`LossSpec::check`] has passed for `k` classes.
pub fn total(spec: &LossSpec, results: Vec<(Tensor<4>, f64)>, targets: &Tensor<3, Int>) -> Tensor<1> {
    let mut losses = Vec::new();
    for (logits, weight) in results {
        let soft = Soft::new(logits, targets.clone());
        for summand in &spec.terms {
            let loss = term(&summand.term, &soft);
            let weight = weight * summand.weight;
            losses.push(if weight == 1.0 { loss } else { loss.mul_scalar(weight) });
        }
    }
    losses.into_iter().reduce(Tensor::add).expect("a run has a loss and supervises a result: TrainSpec")
}

/// Mean over all pixels of `-log softmax(logits)[class]`, as `torch.nn.CrossEntropyLoss`.
///
/// `logits` is `[n, k, h, w]`, `targets` is `[n, h, w]` with classes below `k`.
pub fn cross_entropy(logits: Tensor<4>, targets: Tensor<3, Int>) -> Tensor<1> {
    term(&Term::CROSS_ENTROPY, &Soft::new(logits, targets))
}

fn term(term: &Term, soft: &Soft) -> Tensor<1> {
    match term {
        Term::CrossEntropy { weights, smoothing } if fused::takes(&soft.logits) => {
            fused::cross_entropy(&soft.logits, &soft.targets, weights, *smoothing)
        }
        Term::CrossEntropy { weights, smoothing } => pixel::cross_entropy(soft, weights, *smoothing),
        Term::Focal { gamma, alpha } => pixel::focal(soft, *gamma, alpha),
        &Term::Dice { squared, smooth, batch, include_background } => {
            region::dice(soft, &region::Region { smooth, batch, include_background }, squared)
        }
        &Term::Tversky { alpha, beta, gamma, smooth, batch, include_background } => {
            region::tversky(soft, &region::Region { smooth, batch, include_background }, [alpha, beta], gamma)
        }
        Term::Lovasz { per_image } => lovasz::lovasz(soft, *per_image),
    }
}

/// A result as probabilities, beside the truth.
struct Soft {
    /// `[n, k, h, w]`
    logits: Tensor<4>,
    /// See [`Soft::log_p`]; computed for the first term that asks.
    log_p: OnceCell<Tensor<4>>,
    /// `[n, h, w]`.
    targets: Tensor<3, Int>,
}

impl Soft {
    fn new(logits: Tensor<4>, targets: Tensor<3, Int>) -> Self {
        Self { logits, log_p: OnceCell::new(), targets }
    }

    fn classes(&self) -> usize {
        self.logits.dims()[1]
    }

    /// `log softmax(logits)`, `[n, k, h, w]`.
    fn log_p(&self) -> Tensor<4> {
        self.log_p.get_or_init(|| activation::log_softmax(self.logits.clone(), 1)).clone()
    }

    /// `[n, k, h, w]`
    fn p(&self) -> Tensor<4> {
        self.log_p().exp()
    }

    /// `log p` of each pixel's true class, `[n, 1, h, w]`.
    fn chosen(&self) -> Tensor<4> {
        self.log_p().gather(1, self.targets.clone().unsqueeze_dim(1))
    }

    /// Where the class is the true one, `[n, k, h, w]`.
    fn hot(&self) -> Tensor<4, Bool> {
        let classes = 0..self.classes() as i64;
        Tensor::stack(classes.map(|class| self.targets.clone().equal_elem(class)).collect(), 1)
    }

    /// The number that `values` has for each pixel's true class, `[n, 1, h, w]`.
    fn by_class(&self, values: &[f64]) -> Tensor<4> {
        let [n, _, h, w] = self.logits.dims();
        self.constants(values).select(0, self.targets.clone().reshape([n * h * w])).reshape([n, 1, h, w])
    }

    fn constants(&self, values: &[f64]) -> Tensor<1> {
        Tensor::from_data(burn::tensor::TensorData::from(values), &self.logits.device())
    }
}
