//! The terms of a loss as the tables that its kernels read.

use super::constants::KernelConstants;
use crate::compute::fused::Unsupported;
use crate::text::config::{FocalAlpha, LossSpec, LossTerm};

/// A loss for `classes` classes.
#[derive(Debug, Default)]
pub(super) struct LossTerms {
    classes: usize,
    /// Of each term: kind as in `loss_finish.cu`, its number among the terms of pixels or -1, weight in the sum.
    kinds: Vec<isize>,
    pixels_of: Vec<isize>,
    weights: Vec<f64>,
    /// Of each term of regions, and placeholders of the others.
    regions: Vec<RegionTerm>,
    /// Of each term of pixels.
    pixels: Vec<PixelTerm>,
}

/// Cross entropy or focal loss, whose loss of a pixel depends on its class.
#[derive(Debug, Clone)]
struct PixelTerm {
    focal: bool,
    gamma: f64,
    /// Factor of the loss of a pixel of each class.
    factors: Vec<f64>,
    /// Factor of `-log p` of each class at every pixel: label smoothing.
    spread: Vec<f64>,
    /// Weight of a pixel of each class in the mean.
    weights: Vec<f64>,
}

/// Dice or Tversky loss.
#[derive(Debug, Clone, Copy, Default)]
struct RegionTerm {
    squared: bool,
    whole: bool,
    first_class: usize,
    smooth: f64,
    alpha: f64,
    beta: f64,
    exponent: f64,
}

impl LossTerms {
    /// Errors: a term that has no kernel.
    pub(super) fn new(spec: &LossSpec, classes: usize) -> Result<Self, Unsupported> {
        let mut terms = Self { classes, ..Self::default() };
        for summand in &spec.terms {
            terms.weights.push(summand.weight);
            match &summand.term {
                LossTerm::CrossEntropy { weights, smoothing } => {
                    terms.push_pixel(0, cross_entropy(classes, weights, *smoothing))
                }
                LossTerm::Focal { gamma, alpha } => terms.push_pixel(1, focal(classes, *gamma, alpha)),
                &LossTerm::Dice { squared, smooth, batch, include_background } => {
                    let region = RegionTerm { squared, exponent: 1.0, ..region(smooth, batch, include_background) };
                    terms.push_region(2, region);
                }
                &LossTerm::Tversky { alpha, beta, gamma, smooth, batch, include_background } => {
                    let region = region(smooth, batch, include_background);
                    terms.push_region(3, RegionTerm { alpha, beta, exponent: gamma, ..region });
                }
                LossTerm::Lovasz { .. } => return Err(Unsupported("loss: no CUDA kernel for lovasz".into())),
            }
        }
        Ok(terms)
    }

    fn push_pixel(&mut self, kind: isize, term: PixelTerm) {
        self.kinds.push(kind);
        self.pixels_of.push(self.pixels.len() as isize);
        self.pixels.push(term);
        self.regions.push(RegionTerm::default());
    }

    fn push_region(&mut self, kind: isize, term: RegionTerm) {
        self.kinds.push(kind);
        self.pixels_of.push(-1);
        self.regions.push(term);
    }

    /// Number of terms.
    pub(super) fn count(&self) -> usize {
        self.kinds.len()
    }

    /// Number of terms whose loss is a sum over pixels.
    pub(super) fn pixel_terms(&self) -> usize {
        self.pixels.len()
    }

    fn has_regions(&self) -> bool {
        self.pixels.len() < self.kinds.len()
    }

    /// Sums of each class: all four if regions are compared, else the number of pixels alone.
    pub(super) fn class_sums(&self) -> usize {
        if self.has_regions() { 4 } else { 1 }
    }

    /// Numbers that a block of pixels finds.
    pub(super) fn slots(&self) -> usize {
        self.pixels.len() + 1 + self.classes * self.class_sums()
    }

    /// Constants of the kernels that go over pixels.
    pub(super) fn pixel_constants(&self) -> KernelConstants {
        let sums: Vec<f32> = self.pixels.iter().map(|term| term.spread.iter().sum::<f64>() as f32).collect();
        let gammas: Vec<f32> = self.pixels.iter().map(|term| term.gamma as f32).collect();
        let flag = |set: bool| isize::from(set);
        KernelConstants::new()
            .ints([("C", self.classes), ("PIXEL_TERMS", self.pixels.len()), ("CLASS_SUMS", self.class_sums())])
            .flag("REGIONS", self.has_regions())
            .flag("ANY_FOCAL", self.pixels.iter().any(|term| term.focal))
            .table("FOCAL", self.pixels.iter().map(|term| flag(term.focal)))
            .table("SMOOTHED", self.pixels.iter().map(|term| flag(term.spread.iter().any(|&share| share > 0.0))))
            .weights("GAMMAS", &gammas)
            .weights("CLASS_FACTORS", &self.by_class(|term| &term.factors))
            .weights("SPREAD", &self.by_class(|term| &term.spread))
            .weights("SPREAD_SUMS", &sums)
    }

    fn by_class(&self, of: impl Fn(&PixelTerm) -> &Vec<f64>) -> Vec<f32> {
        self.pixels.iter().flat_map(of).map(|&number| number as f32).collect()
    }

    /// Constants of the kernel that makes the loss of the sums.
    pub(super) fn term_constants(&self, result_weights: &[f64]) -> KernelConstants {
        let weights: Vec<f64> = self.pixels.iter().flat_map(|term| &term.weights).copied().collect();
        let numbers = |of: fn(&RegionTerm) -> f64| -> Vec<f64> { self.regions.iter().map(of).collect() };
        KernelConstants::new()
            .ints([("C", self.classes), ("PIXEL_TERMS", self.pixels.len()), ("CLASS_SUMS", self.class_sums())])
            .ints([("SLOTS", self.slots()), ("TERMS", self.count()), ("RESULTS", result_weights.len())])
            .flag("REGIONS", self.has_regions())
            .table("KINDS", self.kinds.iter().copied())
            .table("PIXELS_OF", self.pixels_of.iter().copied())
            .table("SQUARED", self.regions.iter().map(|term| isize::from(term.squared)))
            .table("WHOLE", self.regions.iter().map(|term| isize::from(term.whole)))
            .table("FIRST_CLASS", self.regions.iter().map(|term| term.first_class as isize))
            .numbers("SMOOTH", &numbers(|term| term.smooth))
            .numbers("ALPHAS", &numbers(|term| term.alpha))
            .numbers("BETAS", &numbers(|term| term.beta))
            .numbers("EXPONENTS", &numbers(|term| term.exponent))
            .numbers("CLASS_WEIGHTS", &weights)
            .numbers("WEIGHTS", &self.weights)
            .numbers("RESULT_WEIGHTS", result_weights)
    }
}

fn cross_entropy(classes: usize, weights: &[f64], smoothing: f64) -> PixelTerm {
    let weights = if weights.is_empty() { vec![1.0; classes] } else { weights.to_vec() };
    let scaled = |factor: f64| weights.iter().map(|weight| factor * weight).collect();
    let (factors, spread) = (scaled(1.0 - smoothing), scaled(smoothing / classes as f64));
    PixelTerm { focal: false, gamma: 0.0, factors, spread, weights }
}

fn focal(classes: usize, gamma: f64, alpha: &FocalAlpha) -> PixelTerm {
    let factors = match alpha {
        FocalAlpha::None => vec![1.0; classes],
        FocalAlpha::PerClass(alpha) => alpha.clone(),
        FocalAlpha::Foreground(alpha) => {
            let mut all = vec![*alpha; classes];
            all[0] = 1.0 - alpha;
            all
        }
    };
    PixelTerm { focal: true, gamma, factors, spread: vec![0.0; classes], weights: vec![1.0; classes] }
}

fn region(smooth: f64, batch: bool, include_background: bool) -> RegionTerm {
    RegionTerm { smooth, whole: batch, first_class: usize::from(!include_background), ..RegionTerm::default() }
}
