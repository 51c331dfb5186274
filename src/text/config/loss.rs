//! What is minimised: a weighted sum of terms. `docs/optimisation.md` has the formulas, `learn/loss` computes them.

use serde::de::{SeqAccess, Visitor, value::SeqAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// `cross_entropy + 0.5 * dice`: at least one term.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct LossSpec {
    /// The summands, in the order written.
    pub terms: Vec<WeightedLossTerm>,
}

/// One summand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightedLossTerm {
    /// Above 0.
    pub weight: f64,
    /// The loss that is weighted.
    pub term: LossTerm,
}

/// A loss of logits `[n, k, h, w]` against classes `[n, h, w]`; all start from a softmax over the `k` classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LossTerm {
    /// `torch.nn.CrossEntropyLoss(weight, label_smoothing)`.
    CrossEntropy {
        /// Per class; empty: 1 for each.
        #[serde(default)]
        weights: Vec<f64>,
        /// Share of the target that is spread evenly over all classes, from 0 to 1.
        #[serde(default)]
        smoothing: f64,
    },
    /// Soft Dice (Milletari et al. 2016).
    Dice {
        /// Squares of the probabilities in the denominator, as in the paper.
        squared: bool,
        /// Added to numerator and denominator.
        smooth: f64,
        /// Sums run over the whole batch; else over each image, and the mean of the images is taken.
        batch: bool,
        /// Whether class 0 counts.
        include_background: bool,
    },
    /// Lin et al. 2017.
    Focal {
        /// Exponent of `1 - p`, at least 0, with `p` the probability of the true class; 0 leaves cross entropy.
        gamma: f64,
        /// Weight of a pixel by its true class.
        alpha: FocalAlpha,
    },
    /// Salehi et al. 2017; with `gamma`, Abraham and Khan 2019.
    Tversky {
        /// Weight of false positives.
        alpha: f64,
        /// Weight of false negatives.
        beta: f64,
        /// Exponent of `1 - index`.
        gamma: f64,
        /// These as in `Dice`.
        smooth: f64,
        /// Sums run over the whole batch; else over each image, and the mean of the images is taken.
        batch: bool,
        /// Whether class 0 counts.
        include_background: bool,
    },
    /// Lovász-softmax over the classes that are present (Berman et al. 2018).
    Lovasz {
        /// Of each image alone, then averaged; else of the batch as one image.
        per_image: bool,
    },
}

/// Focal loss's weight of a pixel by its true class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FocalAlpha {
    /// 1 for every class.
    None,
    /// `1 - alpha` for class 0, `alpha` for the others.
    Foreground(f64),
    /// One weight of at least 0 for each class, in the order of the data's classes.
    PerClass(Vec<f64>),
}

impl LossTerm {
    /// `cross_entropy`: every class with weight 1, without smoothing. This and those below are what the bare words stand
    /// for.
    pub const CROSS_ENTROPY: LossTerm = LossTerm::CrossEntropy { weights: Vec::new(), smoothing: 0.0 };
    /// `dice`: sums over the whole batch, without squares and without the background, as nnU-Net does for two dimensions.
    pub const DICE: LossTerm = LossTerm::Dice { squared: false, smooth: 1e-5, batch: true, include_background: false };
    /// `focal`: an exponent of 2, and every class with weight 1.
    pub const FOCAL: LossTerm = LossTerm::Focal { gamma: 2.0, alpha: FocalAlpha::None };
    /// `tversky`: false positives and false negatives weigh one half each, without an exponent; sums as [`LossTerm::DICE`].
    pub const TVERSKY: LossTerm =
        LossTerm::Tversky { alpha: 0.5, beta: 0.5, gamma: 1.0, smooth: 1e-5, batch: true, include_background: false };
    /// `lovasz`: the whole batch as one image.
    pub const LOVASZ: LossTerm = LossTerm::Lovasz { per_image: false };

    /// As the language calls it.
    pub fn name(&self) -> &'static str {
        match self {
            LossTerm::CrossEntropy { .. } => "cross_entropy",
            LossTerm::Dice { .. } => "dice",
            LossTerm::Focal { .. } => "focal",
            LossTerm::Tversky { .. } => "tversky",
            LossTerm::Lovasz { .. } => "lovasz",
        }
    }

    /// Words a pixel that the CPU holds at the most while it is taken over so many classes, beside those of plain cross
    /// entropy: read off measured runs (`examples/memory.rs`), from above.
    fn extra_words_per_pixel(&self, classes: u64) -> u64 {
        let of_classes = |n: u64| classes.saturating_mul(n);
        match self {
            LossTerm::CrossEntropy { smoothing, .. } if *smoothing > 0.0 => classes,
            LossTerm::CrossEntropy { weights, .. } => u64::from(!weights.is_empty()),
            LossTerm::Dice { squared: false, .. } => of_classes(2),
            LossTerm::Dice { squared: true, .. } | LossTerm::Tversky { .. } => of_classes(4),
            LossTerm::Focal { alpha: FocalAlpha::None, .. } => classes.saturating_add(8),
            LossTerm::Focal { .. } => classes.saturating_add(10),
            LossTerm::Lovasz { .. } => (of_classes(29) / 4).saturating_add(2),
        }
    }

    /// The numbers that it has for each class, with the key that they are given under.
    pub fn per_class(&self) -> Option<(&'static str, &[f64])> {
        match self {
            LossTerm::CrossEntropy { weights, .. } if !weights.is_empty() => Some(("weights", weights)),
            LossTerm::Focal { alpha: FocalAlpha::PerClass(alpha), .. } => Some(("alpha", alpha)),
            LossTerm::CrossEntropy { .. } | LossTerm::Focal { .. } => None,
            LossTerm::Dice { .. } | LossTerm::Tversky { .. } | LossTerm::Lovasz { .. } => None,
        }
    }
}

impl Default for LossSpec {
    fn default() -> Self {
        Self { terms: vec![WeightedLossTerm { weight: 1.0, term: LossTerm::CROSS_ENTROPY }] }
    }
}

impl LossSpec {
    /// Words a pixel that its terms hold beside those of plain cross entropy, for `docs/memory.md`.
    pub fn extra_words_per_pixel(&self, classes: u64) -> u64 {
        self.terms.iter().map(|t| t.term.extra_words_per_pixel(classes)).fold(0, u64::saturating_add)
    }

    /// Why this cannot be a loss over so many classes; to be asked before training. The message names the term.
    pub fn check(&self, classes: usize) -> Result<(), String> {
        if self.terms.is_empty() {
            return Err("the loss has no terms".into());
        }
        for WeightedLossTerm { term, .. } in &self.terms {
            if let Some((key, values)) = term.per_class()
                && values.len() != classes
            {
                let (name, n) = (term.name(), values.len());
                let numbers = if n == 1 { "number" } else { "numbers" };
                return Err(format!("`{key}` of `{name}` has {n} {numbers}, the data has {classes} classes"));
            }
        }
        Ok(())
    }
}

/// A list of `{weight, term}`, or `cross_entropy` as the first settings files have it.
impl<'de> Deserialize<'de> for LossSpec {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct LossSpecVisitor;
        impl<'de> Visitor<'de> for LossSpecVisitor {
            type Value = LossSpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "`cross_entropy`, or a list of terms such as `- {weight: 1, term: {lovasz: {per_image: false}}}`",
                )
            }

            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<LossSpec, E> {
                match word {
                    "cross_entropy" => Ok(LossSpec::default()),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(word), &self)),
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<LossSpec, A::Error> {
                Ok(LossSpec { terms: Vec::deserialize(SeqAccessDeserializer::new(seq))? })
            }
        }
        from.deserialize_any(LossSpecVisitor)
    }
}
