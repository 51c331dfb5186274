//! The loss: a weighted sum of terms. `docs/optimisation.md` has the formulas, `learn/loss` computes them.

use crate::base::count::counted;
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

/// A loss term with its weight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightedLossTerm {
    /// Weight of the term, above 0.
    pub weight: f64,
    /// The term.
    pub term: LossTerm,
}

/// A loss of logits `[n, k, h, w]` against classes `[n, h, w]`; all start from a softmax over the `k` classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LossTerm {
    /// `torch.nn.CrossEntropyLoss(weight, label_smoothing)`.
    CrossEntropy {
        /// Weight of each class; if empty, every class has weight 1.
        #[serde(default)]
        weights: Vec<f64>,
        /// Label smoothing: fraction of the target spread evenly over all classes, from 0 to 1.
        #[serde(default)]
        smoothing: f64,
    },
    /// Soft Dice (Milletari et al. 2016).
    Dice {
        /// Whether the denominator sums squared probabilities, as in the paper.
        squared: bool,
        /// Constant added to numerator and denominator.
        smooth: f64,
        /// Whether sums run over the whole batch, or over each image before the images are averaged.
        batch: bool,
        /// Whether class 0 is included.
        include_background: bool,
    },
    /// Focal loss (Lin et al. 2017).
    Focal {
        /// Exponent of `1 - p`, at least 0, where `p` is the probability of the true class; 0 is cross entropy.
        gamma: f64,
        /// Weight of a pixel by its true class.
        alpha: FocalAlpha,
    },
    /// Tversky loss (Salehi et al. 2017); with `gamma`, focal Tversky loss (Abraham and Khan 2019).
    Tversky {
        /// Weight of false positives.
        alpha: f64,
        /// Weight of false negatives.
        beta: f64,
        /// Exponent of `1 - index`.
        gamma: f64,
        /// Constant added to numerator and denominator.
        smooth: f64,
        /// Whether sums run over the whole batch, or over each image before the images are averaged.
        batch: bool,
        /// Whether class 0 is included.
        include_background: bool,
    },
    /// Lovász-softmax over the classes that are present (Berman et al. 2018).
    Lovasz {
        /// Whether the loss is computed for each image and averaged, or for the whole batch as one image.
        per_image: bool,
    },
}

/// Class weights of the focal loss.
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
    /// `cross_entropy` without arguments: every class has weight 1, no smoothing.
    pub const CROSS_ENTROPY: LossTerm = LossTerm::CrossEntropy { weights: Vec::new(), smoothing: 0.0 };
    /// `dice` without arguments: sums over the whole batch, without squares and background, as nnU-Net does for two
    /// dimensions.
    pub const DICE: LossTerm = LossTerm::Dice { squared: false, smooth: 1e-5, batch: true, include_background: false };
    /// `focal` without arguments: exponent 2, every class has weight 1.
    pub const FOCAL: LossTerm = LossTerm::Focal { gamma: 2.0, alpha: FocalAlpha::None };
    /// `tversky` without arguments: weight 0.5 for false positives and for false negatives, exponent 1; sums as in
    /// [`LossTerm::DICE`].
    pub const TVERSKY: LossTerm =
        LossTerm::Tversky { alpha: 0.5, beta: 0.5, gamma: 1.0, smooth: 1e-5, batch: true, include_background: false };
    /// `lovasz` without arguments: the whole batch as one image.
    pub const LOVASZ: LossTerm = LossTerm::Lovasz { per_image: false };

    /// Returns the name in the language.
    pub fn name(&self) -> &'static str {
        match self {
            LossTerm::CrossEntropy { .. } => "cross_entropy",
            LossTerm::Dice { .. } => "dice",
            LossTerm::Focal { .. } => "focal",
            LossTerm::Tversky { .. } => "tversky",
            LossTerm::Lovasz { .. } => "lovasz",
        }
    }

    /// Returns an upper bound on the 32-bit words per pixel that the term needs on the CPU in addition to plain cross entropy,
    /// taken from measured runs (`examples/memory.rs`).
    fn extra_words_per_pixel(&self, classes: u64) -> u64 {
        let per_class = |n: u64| classes.saturating_mul(n);
        match self {
            LossTerm::CrossEntropy { smoothing, .. } if *smoothing > 0.0 => classes,
            LossTerm::CrossEntropy { weights, .. } => u64::from(!weights.is_empty()),
            LossTerm::Dice { squared: false, .. } => per_class(2),
            LossTerm::Dice { squared: true, .. } | LossTerm::Tversky { .. } => per_class(4),
            LossTerm::Focal { alpha: FocalAlpha::None, .. } => classes.saturating_add(8),
            LossTerm::Focal { .. } => classes.saturating_add(10),
            LossTerm::Lovasz { .. } => (per_class(29) / 4).saturating_add(2),
        }
    }

    /// Returns the key and the values of the term's per-class numbers, if it has any.
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
    /// Returns the 32-bit words per pixel that all terms need in addition to plain cross entropy (`docs/memory.md`).
    pub fn extra_words_per_pixel(&self, classes: u64) -> u64 {
        self.terms.iter().map(|t| t.term.extra_words_per_pixel(classes)).fold(0, u64::saturating_add)
    }

    /// Returns the further 32-bit words per pixel that batches with ignored pixels need: a map of counted pixels for each term, and
    /// what is multiplied by it.
    pub fn ignored_words_per_pixel(&self, classes: u64) -> u64 {
        let of_term = |term: &LossTerm| match term {
            LossTerm::CrossEntropy { .. } => 2,
            LossTerm::Dice { .. } | LossTerm::Tversky { .. } | LossTerm::Focal { .. } | LossTerm::Lovasz { .. } => {
                classes.saturating_mul(2).saturating_add(3)
            }
        };
        self.terms.iter().map(|t| of_term(&t.term)).fold(0, u64::saturating_add)
    }

    /// Checks that the loss fits the number of classes; called before training. The error message names the term.
    pub fn check(&self, classes: usize) -> Result<(), String> {
        if self.terms.is_empty() {
            return Err("the loss has no terms".into());
        }
        for WeightedLossTerm { term, .. } in &self.terms {
            if let Some((key, values)) = term.per_class()
                && values.len() != classes
            {
                let (name, n) = (term.name(), values.len());
                return Err(format!(
                    "`{key}` of `{name}` has {}, the data has {}",
                    counted(n, "number"),
                    counted(classes, "class")
                ));
            }
        }
        Ok(())
    }
}

/// Reads a list of `{weight, term}`, or the word `cross_entropy` of early settings files.
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
