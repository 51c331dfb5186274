//! Hints on scores: a network that has learned nothing, one class for all pixels, a class that is never found, overfitting.
//!
//! Each needs numbers that a network which has learned does not have, so that a good run has no hint.

use super::run_hint::RunHint;
use crate::text::config::{LossSpec, LossTerm};

/// Share of foreground in the predictions from which they are called foreground everywhere.
const ALL_FOREGROUND: f64 = 0.99;
/// Largest share of foreground in the masks for which such predictions are wrong.
const MOST_TRUE_FOREGROUND: f64 = 0.9;
/// Mean Dice below which a network is said to have learned next to nothing.
pub(crate) const DICE_NEAR_ZERO: f64 = 0.1;
/// Difference of Dice between training and test images that shows overfitting.
const OVERFITTING_GAP: f64 = 0.15;

/// What helps a network that has not begun to learn.
pub(crate) const NOT_LEARNED: &str = "look at images and masks as the network gets them with `npc data show`, train for more `epochs`, and try a learning rate \
     10 times smaller or larger (`lr`)";
/// What helps against overfitting.
pub(crate) const AGAINST_OVERFITTING: &str =
    "use more images, `augment`, or weight decay (`optimizer = adamw(...)`), or stop early with `patience`";
/// What helps against class imbalance.
pub(crate) const IMBALANCE: &str = "train for more `epochs`; if it stays so, it may be class imbalance: use `loss = cross_entropy + dice`, or give the class \
     a larger weight, such as `cross_entropy(weights = [1, 10])`";

/// The same where the loss has a term of regions already.
const IMBALANCE_OF_REGIONS: &str = "train for more `epochs`; if it stays so, it may be class imbalance: give the class a larger weight, such as \
     `cross_entropy(weights = [1, 10])`";

/// What a summary of scores says of predictions and masks.
pub(super) struct ScoreSigns<'a> {
    /// Mean Dice over the images and foreground classes.
    pub dice: Option<f64>,
    /// Whether a mask has a pixel of a foreground class.
    pub is_anything_there: bool,
    /// A sentence about predictions without any foreground, if that is so.
    pub nothing_found: Option<String>,
    /// A sentence about predictions that are foreground everywhere, if that is so.
    pub only_foreground: Option<String>,
    /// Foreground classes that masks hold and that are nowhere found.
    pub never_found: &'a [String],
}

/// Returns the hints on the scores of one set of images.
pub(super) fn score_hints(signs: ScoreSigns<'_>) -> Vec<RunHint> {
    if !signs.is_anything_there {
        return Vec::new();
    }
    if let Some(seen) = signs.nothing_found {
        return vec![RunHint::new("no_foreground", seen, IMBALANCE)];
    }
    if let Some(seen) = signs.only_foreground {
        return vec![RunHint::new("all_foreground", seen, NOT_LEARNED)];
    }
    if let Some(dice) = signs.dice.filter(|dice| *dice < DICE_NEAR_ZERO) {
        return vec![RunHint::new("dice_near_zero", near_zero(dice), NOT_LEARNED)];
    }
    if signs.never_found.is_empty() {
        return Vec::new();
    }
    let names: Vec<String> = signs.never_found.iter().map(|name| format!("`{name}`")).collect();
    let what = if names.len() == 1 { "no pixel of it is found" } else { "no pixel of them is found" };
    vec![RunHint::new("class_never_found", format!("masks hold {}, and {what}", names.join(", ")), IMBALANCE)]
}

/// Returns the hint without the advice to use what the loss of the run has already.
pub(crate) fn for_loss(mut hint: RunHint, loss: &LossSpec) -> RunHint {
    let is_of_regions = |term: &LossTerm| match term {
        LossTerm::Dice { .. } | LossTerm::Tversky { .. } | LossTerm::Lovasz { .. } => true,
        LossTerm::CrossEntropy { .. } | LossTerm::Focal { .. } => false,
    };
    if hint.advice == IMBALANCE && loss.terms.iter().any(|term| is_of_regions(&term.term)) {
        hint.advice = IMBALANCE_OF_REGIONS.into();
    }
    hint
}

/// Returns what a Dice near 0 shows.
pub(crate) fn near_zero(dice: f64) -> String {
    format!("the Dice of {dice:.4} is near 0: the network has learned next to nothing")
}

/// Returns a hint where `seen`, the Dice of training images, is much higher than `unseen`, that of `others`, another part of the split.
pub(crate) fn overfitting_hint(seen: Option<f64>, unseen: Option<f64>, others: &str) -> Option<RunHint> {
    let (seen, unseen) = (seen?, unseen?);
    (seen - unseen > OVERFITTING_GAP).then(|| {
        let gap = format!("overfitting: Dice is {seen:.4} on the train images and {unseen:.4} on the {others} images");
        RunHint::new("overfitting", gap, AGAINST_OVERFITTING)
    })
}

/// Returns a sentence about predictions that are foreground in nearly every pixel, where the masks are not. `predicted` and `truth` are
/// the shares of foreground, 0 to 1; `everywhere` is the Dice of masks that are foreground everywhere, where there is one.
pub(super) fn only_foreground(predicted: Option<f64>, truth: Option<f64>, everywhere: Option<f64>) -> Option<String> {
    let (predicted, truth) = (predicted?, truth?);
    if predicted < ALL_FOREGROUND || truth > MOST_TRUE_FOREGROUND {
        return None;
    }
    let dice = everywhere
        .map_or(String::new(), |dice| format!(", and a mask which is foreground everywhere has a Dice of {dice:.4}"));
    let [predicted, truth] = [predicted, truth].map(|share| 100.0 * share);
    Some(format!("the predictions are foreground in {predicted:.1} % of the pixels, the masks in {truth:.1} %{dice}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{CaseScore, PixelCounts, Summary};
    use crate::text::config::{EmptyClassRule, WeightedLossTerm};

    /// The summary of one image of 1000 pixels with two classes: `tp`, `fp` and `fn` of the object.
    fn summary(tp: u64, fp: u64, missed: u64) -> Summary {
        let tn = 1000 - tp - fp - missed;
        let object = PixelCounts { tp, fp, fn_: missed, tn };
        let background = PixelCounts { tp: tn, fp: missed, fn_: fp, tn: tp };
        let names = ["background", "object"].map(String::from);
        Summary::new(&[CaseScore::new("a", vec![background, object])], &names, EmptyClassRule::One).unwrap()
    }

    fn kinds(s: &Summary) -> Vec<&str> {
        s.hints.iter().map(|hint| hint.kind.as_str()).collect()
    }

    #[test]
    fn predictions_of_one_class() {
        assert_eq!(kinds(&summary(200, 800, 0)), ["all_foreground"]);
        assert_eq!(kinds(&summary(200, 791, 0)), ["all_foreground"]);
        assert_eq!(kinds(&summary(200, 780, 0)), [""; 0]);
        // The masks are foreground nearly everywhere too.
        assert_eq!(kinds(&summary(950, 50, 0)), [""; 0]);
        assert_eq!(kinds(&summary(0, 0, 200)), ["no_foreground"]);
        // Nothing is there, and nothing is found.
        assert_eq!(kinds(&summary(0, 0, 0)), [""; 0]);
        // Programs find the key where there are no hints.
        assert_eq!(serde_json::to_value(summary(0, 0, 0)).unwrap()["hints"], serde_json::json!([]));
        let text = summary(200, 800, 0).hints[0].to_string();
        assert!(
            text.starts_with("the predictions are foreground in 100.0 % of the pixels, the masks in 20.0 %"),
            "{text}"
        );
        assert!(text.contains("a mask which is foreground everywhere has a Dice of 0.3333; look at"), "{text}");
    }

    /// With several classes a mask that is foreground everywhere could hold any of them, so none is named.
    #[test]
    fn predictions_of_one_of_several_classes() {
        let counts = |tp, fp, missed| PixelCounts { tp, fp, fn_: missed, tn: 1000 - tp - fp - missed };
        let case = CaseScore::new("a", vec![counts(0, 0, 500), counts(300, 700, 0), counts(0, 0, 200)]);
        let names = ["background", "liver", "tumour"].map(String::from);
        let summary = Summary::new(&[case], &names, EmptyClassRule::One).unwrap();
        assert_eq!(kinds(&summary), ["all_foreground"]);
        assert!(!summary.hints[0].seen.contains("everywhere"), "{}", summary.hints[0]);
    }

    #[test]
    fn a_loss_with_dice_is_not_advised_to_add_it() {
        let hint = || RunHint::new("no_foreground", "nothing", IMBALANCE);
        let of = |terms: &[LossTerm]| {
            let terms = terms.iter().map(|term| WeightedLossTerm { weight: 1.0, term: term.clone() }).collect();
            for_loss(hint(), &LossSpec { terms }).advice
        };
        let entropy = LossTerm::CrossEntropy { weights: Vec::new(), smoothing: 0.0 };
        assert!(of(std::slice::from_ref(&entropy)).contains("cross_entropy + dice"));
        let both = of(&[entropy, LossTerm::Lovasz { per_image: false }]);
        assert!(!both.contains("cross_entropy + dice") && both.contains("weights = [1, 10]"), "{both}");
    }

    #[test]
    fn a_dice_near_zero() {
        assert_eq!(kinds(&summary(9, 100, 91)), ["dice_near_zero"]);
        assert_eq!(kinds(&summary(11, 100, 89)), [""; 0]);
    }

    #[test]
    fn a_class_that_is_never_found() {
        let counts = |tp, missed| PixelCounts { tp, fp: 0, fn_: missed, tn: 1000 - tp - missed };
        let of = |second: PixelCounts| {
            let case = CaseScore::new("a", vec![counts(700, 0), counts(200, 0), second]);
            Summary::new(&[case], &["b", "liver", "tumour"].map(String::from), EmptyClassRule::One).unwrap()
        };
        assert_eq!(kinds(&of(counts(0, 100))), ["class_never_found"]);
        assert!(of(counts(0, 100)).hints[0].seen.contains("masks hold `tumour`, and no pixel of it is found"));
        assert_eq!(kinds(&of(counts(1, 99))), [""; 0]);
        assert_eq!(kinds(&of(counts(0, 0))), [""; 0]);
    }

    #[test]
    fn training_images_that_are_far_better() {
        let hint = |train: f64, test: f64| overfitting_hint(Some(train), Some(test), "test");
        assert_eq!(hint(0.95, 0.79).unwrap().kind, "overfitting");
        assert_eq!(hint(0.95, 0.81), None);
        assert_eq!(hint(0.7, 0.95), None);
        assert_eq!(overfitting_hint(Some(0.9), None, "test"), None);
    }
}
