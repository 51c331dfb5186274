//! Terms that compare regions: overlaps of probabilities `p` with the truth `g`, which is 0 or 1.
//!
//! Each is computed as mistakes over a whole and not as 1 less an overlap: nothing cancels where the overlap is almost
//! full. Where neither holds anything and nothing is added, the loss is 0.

use super::Soft;
use burn::tensor::Tensor;

pub(super) struct Region {
    pub smooth: f64,
    pub batch: bool,
    pub include_background: bool,
}

/// Smallest denominator.
const LEAST: f64 = 1e-8;

impl Region {
    /// `p` and `g` of the classes that count, both `[n, k', h, w]`.
    fn maps(&self, soft: &Soft) -> (Tensor<4>, Tensor<4>) {
        let (p, g) = (soft.p(), soft.hot().float());
        if self.include_background {
            return (p, g);
        }
        let count = soft.classes() - 1;
        (p.narrow(1, 1, count), g.narrow(1, 1, count))
    }

    /// Sums over the pixels of the batch, `[1, k', 1, 1]`, or of each image, `[n, k', 1, 1]`.
    fn sum(&self, map: Tensor<4>) -> Tensor<4> {
        let sums = map.sum_dim(3).sum_dim(2);
        if self.batch { sums.sum_dim(0) } else { sums }
    }
}

/// Mean over classes (and images) of
///
/// ```text
/// 1 - (2 sum p g + s) / (sum p + sum g + s)
/// ```
///
/// with `p^2` in place of `p` in the denominator where `squared` (Milletari et al. 2016; Drozdzal et al. 2016 without).
/// The numerator of the difference is `sum |p - g|`, or `sum (p - g)^2`.
pub(super) fn dice(soft: &Soft, region: &Region, squared: bool) -> Tensor<1> {
    let (p, g) = region.maps(soft);
    let whole = if squared { p.clone().mul(p.clone()) } else { p.clone() };
    let whole = region.sum(whole.add(g.clone())).add_scalar(region.smooth).clamp_min(LEAST);
    let mistakes = if squared {
        let difference = p.sub(g);
        difference.clone().mul(difference)
    } else {
        // |p - g|, linear in p since g is 0 or 1.
        p.mul(g.clone().mul_scalar(-2.0).add_scalar(1.0)).add(g)
    };
    region.sum(mistakes).div(whole).mean()
}

/// Mean over classes (and images) of `(1 - index)^gamma` with
///
/// ```text
/// index = (TP + s) / (TP + alpha FP + beta FN + s),  TP = sum p g,  FP = sum p (1 - g),  FN = sum (1 - p) g
/// ```
///
/// (Salehi et al. 2017, equation 4; the exponent is that of Abraham and Khan 2019, there written `1/gamma`.)
pub(super) fn tversky(soft: &Soft, region: &Region, [alpha, beta]: [f64; 2], gamma: f64) -> Tensor<1> {
    let (p, g) = region.maps(soft);
    let hits = region.sum(p.clone().mul(g.clone()));
    let other = g.clone().neg().add_scalar(1.0);
    let false_positives = region.sum(p.clone().mul(other));
    let false_negatives = region.sum(p.neg().add_scalar(1.0).mul(g));
    let mistakes = false_positives.mul_scalar(alpha).add(false_negatives.mul_scalar(beta));
    let whole = hits.add(mistakes.clone()).add_scalar(region.smooth).clamp_min(LEAST);
    let loss = mistakes.div(whole);
    if gamma == 1.0 {
        return loss.mean();
    }
    // Below 1 the power's slope has no bound at 0.
    loss.clamp_min(1e-12).powf_scalar(gamma).mean()
}
