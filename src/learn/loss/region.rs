//! Terms that compare regions: overlaps of probabilities `p` with the ground truth `g`, which is 0 or 1.
//!
//! Each is 1 minus an overlap. A quotient of errors would be more precise near 0, but the gradient of an absent class would cancel.

use super::softmax::SoftPrediction;
use burn::tensor::Tensor;

/// Options of region losses.
pub(super) struct RegionOptions {
    /// Added to numerator and denominator.
    pub smooth: f64,
    /// Whether overlaps are of the whole batch instead of each image.
    pub batch: bool,
    pub include_background: bool,
}

/// Smallest denominator, as in nnU-Net: without smoothing, a class absent from both prediction and truth has loss 1.
const LEAST: f64 = 1e-8;

impl RegionOptions {
    /// Returns `p` and `g` of the counted classes, both `[n, k', h, w]` and 0 where a pixel is ignored.
    fn maps(&self, soft: &SoftPrediction) -> (Tensor<4>, Tensor<4>) {
        let (p, g) = (soft.without_ignored(soft.p()), soft.one_hot().float());
        if self.include_background {
            return (p, g);
        }
        let count = soft.classes() - 1;
        (p.narrow(1, 1, count), g.narrow(1, 1, count))
    }

    /// Sums over the pixels of the batch to `[1, k', 1, 1]`, or of each image to `[n, k', 1, 1]`.
    fn sum(&self, map: Tensor<4>) -> Tensor<4> {
        let sums = map.sum_dim(3).sum_dim(2);
        if self.batch { sums.sum_dim(0) } else { sums }
    }

    /// Computes `1 - (part + s) / (whole + s)`.
    fn rest(&self, part: Tensor<4>, whole: Tensor<4>) -> Tensor<4> {
        let whole = whole.add_scalar(self.smooth).clamp_min(LEAST);
        part.add_scalar(self.smooth).div(whole).neg().add_scalar(1.0)
    }
}

/// Computes the Dice loss, the mean over classes (and images) of
///
/// ```text
/// 1 - (2 sum p g + s) / (sum p + sum g + s)
/// ```
///
/// with `p^2` instead of `p` in the denominator if `squared` (Milletari et al. 2016; without: Drozdzal et al. 2016).
pub(super) fn dice(soft: &SoftPrediction, region: &RegionOptions, squared: bool) -> Tensor<1> {
    let (p, g) = region.maps(soft);
    let both = region.sum(p.clone().mul(g.clone()));
    let p = if squared { p.clone().mul(p) } else { p };
    soft.targets.mean_of_images(region.rest(both.mul_scalar(2.0), region.sum(p.add(g))))
}

/// Computes the Tversky loss, the mean over classes (and images) of `(1 - index)^gamma` with
///
/// ```text
/// index = (TP + s) / (TP + alpha FP + beta FN + s),  TP = sum p g,  FP = sum p (1 - g),  FN = sum (1 - p) g
/// ```
///
/// (Salehi et al. 2017, equation 4; the exponent is that of Abraham and Khan 2019, there written `1/gamma`.)
pub(super) fn tversky(soft: &SoftPrediction, region: &RegionOptions, [alpha, beta]: [f64; 2], gamma: f64) -> Tensor<1> {
    let (p, g) = region.maps(soft);
    let hits = region.sum(p.clone().mul(g.clone()));
    let false_positives = region.sum(p.clone().mul(g.clone().neg().add_scalar(1.0)));
    let false_negatives = region.sum(p.neg().add_scalar(1.0).mul(g));
    let mistakes = false_positives.mul_scalar(alpha).add(false_negatives.mul_scalar(beta));
    let loss = region.rest(hits.clone(), hits.add(mistakes));
    if gamma == 1.0 {
        return soft.targets.mean_of_images(loss);
    }
    // Rounding may give less than 0, where a power below 1 has an unbounded derivative.
    soft.targets.mean_of_images(loss.clamp_min(1e-12).powf_scalar(gamma))
}
