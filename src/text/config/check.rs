//! Limits on the settings of runs and data sets.
//!
//! A model file and the `settings.yaml` of a run folder are held to the same limits: the schema checks what it has read
//! from a block, and [`from_yaml`](super::settings::from_yaml) what it has read from a file. Whatever is computed with a
//! setting may rely on them.

use super::case_rules::label_colour;
use super::{
    DataSource, DataSpec, FocalAlpha, GroupBy, ListedValidation, LossTerm, MaskRule, Optimizer, ScheduleCurve,
    SliceSelection, Split, TrainSpec,
};
use crate::base::count::counted;
use std::collections::BTreeSet;

/// The largest number of anything that is counted: 2^40, so that products of two counts stay far from overflow.
pub const MAX_COUNT: usize = 1 << 40;
/// The largest number of generated slices.
pub const MAX_PHANTOMS: usize = 1_000_000;
/// The longest side of an image of a data block, in pixels.
pub const MAX_SIZE: usize = 16384;
/// The largest number of compute threads.
pub const MAX_THREADS: usize = 4096;

/// A setting that is out of its limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedSetting {
    /// Key of the block.
    pub key: &'static str,
    /// What is wrong, in one line that names the value.
    pub message: String,
}

type CheckResult = Result<(), RefusedSetting>;

/// Fails with `message` unless the setting is accepted.
fn expect(accepted: bool, key: &'static str, message: impl FnOnce() -> String) -> CheckResult {
    if accepted { Ok(()) } else { Err(RefusedSetting { key, message: message() }) }
}

/// Checks a count, whose name is `name`.
fn count(key: &'static str, name: &str, n: usize, least: usize) -> CheckResult {
    expect((least..=MAX_COUNT).contains(&n), key, || {
        format!("`{name}` is {n}, but must be from {least} to {MAX_COUNT}")
    })
}

fn positive(key: &'static str, name: &str, x: f64) -> CheckResult {
    expect(x > 0.0 && x.is_finite(), key, || format!("`{name}` is {x}, but must be a number above 0"))
}

fn non_negative(key: &'static str, name: &str, x: f64) -> CheckResult {
    expect(x >= 0.0 && x.is_finite(), key, || format!("`{name}` is {x}, but must be a number of at least 0"))
}

/// Checks a number that is at least 0 and below 1.
fn below_one(key: &'static str, name: &str, x: f64) -> CheckResult {
    expect((0.0..1.0).contains(&x), key, || format!("`{name}` is {x}, but must be at least 0 and below 1"))
}

impl TrainSpec {
    /// Checks that every setting is within its limits, and that the settings fit each other. Returns the first one that does
    /// not.
    pub fn check(&self) -> CheckResult {
        count("epochs", "epochs", self.epochs, 1)?;
        count("batch", "batch", self.batch, 1)?;
        count("accumulate", "accumulate", self.accumulate, 1)?;
        check_optimizer(&self.optimizer)?;
        self.check_schedule()?;
        self.clip.map_or(Ok(()), |norm| positive("clip", "clip", norm))?;
        expect(!self.loss.terms.is_empty(), "loss", || "`loss` has no terms".into())?;
        for term in &self.loss.terms {
            positive("loss", "weight", term.weight)?;
            check_loss(&term.term)?;
        }
        for (result, weight) in &self.supervise {
            non_negative("supervise", result, *weight)?;
        }
        let supervised = self.supervise.is_empty() || self.supervise.values().any(|&weight| weight > 0.0);
        expect(supervised, "supervise", || "`supervise` needs a weight above 0".into())?;
        let frozen: BTreeSet<&String> = self.freeze.iter().collect();
        expect(frozen.len() == self.freeze.len(), "freeze", || "`freeze` lists a path twice".into())?;
        self.check_augment()?;
        self.ema.map_or(Ok(()), |decay| {
            expect(decay > 0.0 && decay < 1.0, "ema", || format!("`ema` is {decay}, but must be between 0 and 1"))
        })?;
        self.patience.map_or(Ok(()), |epochs| count("patience", "patience", epochs, 1))?;
        expect(self.patience.is_none() || self.keeps_a_best(), "patience", || {
            "`patience` needs a `best(...)` checkpoint in `keep`".into()
        })?;
        non_negative("save_every", "save_every", self.save_every)
    }

    fn check_schedule(&self) -> CheckResult {
        non_negative("schedule", "warmup", self.schedule.warmup)?;
        match self.schedule.curve {
            ScheduleCurve::Constant => {}
            ScheduleCurve::Poly { power } => positive("schedule", "power", power)?,
            ScheduleCurve::Cosine { min, restarts } => {
                non_negative("schedule", "min", min)?;
                expect(restarts <= MAX_COUNT as u64, "schedule", || {
                    format!("`restarts` is {restarts}, but must be at most {MAX_COUNT}")
                })?;
            }
        }
        self.schedule
            .check(self.optimizer.lr(), self.epochs)
            .map_err(|message| RefusedSetting { key: "schedule", message })
    }

    fn check_augment(&self) -> CheckResult {
        let mut seen = BTreeSet::new();
        for kind in &self.augment {
            let name = kind.name();
            kind.check().map_err(|(key, wanted)| RefusedSetting {
                key: "augment",
                message: format!("`{key}` of `{name}` takes {wanted}"),
            })?;
            expect(seen.insert(name), "augment", || format!("`augment` lists `{name}` twice"))?;
        }
        Ok(())
    }
}

fn check_optimizer(optimizer: &Optimizer) -> CheckResult {
    const KEY: &str = "optimizer";
    match *optimizer {
        Optimizer::Adam { lr, beta1, beta2, epsilon, weight_decay }
        | Optimizer::AdamW { lr, beta1, beta2, epsilon, weight_decay } => {
            positive(KEY, "lr", lr)?;
            below_one(KEY, "beta1", beta1)?;
            below_one(KEY, "beta2", beta2)?;
            positive(KEY, "eps", epsilon)?;
            non_negative(KEY, "weight_decay", weight_decay)
        }
        Optimizer::Sgd { lr, momentum, nesterov, weight_decay } => {
            positive(KEY, "lr", lr)?;
            below_one(KEY, "momentum", momentum)?;
            expect(!nesterov || momentum > 0.0, KEY, || "`nesterov` needs a momentum".into())?;
            non_negative(KEY, "weight_decay", weight_decay)
        }
    }
}

fn check_loss(term: &LossTerm) -> CheckResult {
    const KEY: &str = "loss";
    if let Some((name, weights)) = term.per_class() {
        weights.iter().try_for_each(|&weight| non_negative(KEY, name, weight))?;
        expect(weights.iter().any(|&w| w > 0.0), KEY, || format!("`{name}` needs a number above 0"))?;
    }
    match *term {
        LossTerm::CrossEntropy { smoothing, .. } => expect((0.0..=1.0).contains(&smoothing), KEY, || {
            format!("`smoothing` is {smoothing}, but must be from 0 to 1")
        }),
        LossTerm::Dice { smooth, .. } => non_negative(KEY, "smooth", smooth),
        LossTerm::Focal { gamma, ref alpha } => {
            non_negative(KEY, "gamma", gamma)?;
            match *alpha {
                FocalAlpha::Foreground(x) => {
                    expect(x > 0.0 && x < 1.0, KEY, || format!("`alpha` is {x}, but must be between 0 and 1"))
                }
                FocalAlpha::None | FocalAlpha::PerClass(_) => Ok(()),
            }
        }
        LossTerm::Tversky { alpha, beta, gamma, smooth, .. } => {
            non_negative(KEY, "alpha", alpha)?;
            non_negative(KEY, "beta", beta)?;
            expect(alpha + beta > 0.0, KEY, || "`tversky` with `alpha` and `beta` of 0 ignores all errors".into())?;
            positive(KEY, "gamma", gamma)?;
            non_negative(KEY, "smooth", smooth)
        }
        LossTerm::Lovasz { .. } => Ok(()),
    }
}

impl DataSpec {
    /// Checks that every setting is within its limits, and that the settings fit each other. Returns the first one that does
    /// not. No file is opened.
    pub fn check(&self) -> CheckResult {
        if let DataSource::Phantoms { count, .. } = self.source {
            expect((1..=MAX_PHANTOMS).contains(&count), "source", || {
                format!("`count` is {count}, but must be from 1 to {MAX_PHANTOMS}")
            })?;
        }
        let [height, width] = self.size;
        expect(self.size.iter().all(|side| (1..=MAX_SIZE).contains(side)), "size", || {
            format!("`size` is {height} x {width}, but each side must be from 1 to {MAX_SIZE}")
        })?;
        self.check_classes()?;
        self.check_split()?;
        if let SliceSelection::Every(n) = self.slicing.slices {
            count("slices", "every", n, 1)?;
        }
        self.window.map_or(Ok(()), |[low, high]| {
            expect(low < high && low.is_finite() && high.is_finite(), "window", || {
                format!("`window` is [{low}, {high}], but must be two numbers, the lower first")
            })
        })?;
        for (key, values) in [("mean", &self.mean), ("std", &self.std)] {
            let accepted = matches!(values.len(), 1 | 3) && values.iter().all(|x| x.is_finite());
            expect(accepted, key, || {
                format!("`{key}` is {values:?}, but must be one number, or one for each of 3 channels")
            })?;
        }
        self.std.iter().try_for_each(|&std| positive("std", "std", std))?;
        count("cache_mb", "cache_mb", self.cache_mb, 0)?;
        self.limit.map_or(Ok(()), |images| count("limit", "limit", images, 1))?;
        self.spacing.map_or(Ok(()), |sides| sides.iter().try_for_each(|&mm| positive("spacing", "spacing", mm)))
    }

    fn check_classes(&self) -> CheckResult {
        let (classes, labels) = (self.classes.len(), self.labels.len());
        expect((2..=255).contains(&classes), "classes", || {
            format!("`classes` has {classes} names, but must have 2 to 255, the background first")
        })?;
        expect(classes == labels, "labels", || {
            format!("{} for {}", counted(labels, "label"), counted(classes, "class"))
        })?;
        let unlike =
            |n: usize, key, what: &str| expect(n == classes, key, || format!("two classes have the same {what}"));
        unlike(self.classes.iter().collect::<BTreeSet<_>>().len(), "classes", "name")?;
        unlike(self.labels.iter().collect::<BTreeSet<_>>().len(), "labels", "label")?;
        let colours = self.labels.iter().filter(|label| label_colour(**label).is_some()).count();
        expect(colours == 0 || colours == labels, "labels", || {
            "some labels are colours and some are grey values".into()
        })?;
        let large = self.labels.iter().find(|label| label_colour(**label).is_none() && **label > 65535);
        expect(large.is_none(), "labels", || {
            format!("the label {} is not a pixel value of at most 65535", large.copied().unwrap_or(0))
        })?;
        let (of_two, of_colours) = match self.mask_rule {
            MaskRule::Threshold | MaskRule::ThresholdAt(_) => (true, Some(false)),
            MaskRule::Alpha => (true, None),
            MaskRule::Exact => (false, Some(false)),
            MaskRule::Colour => (false, Some(true)),
        };
        expect(!of_two || classes == 2, "mask", || "this rule for masks is only for two classes".into())?;
        expect(of_colours.is_none_or(|of_colours| of_colours == (colours > 0)), "mask", || {
            "colours as labels need `mask = colour`, and grey values another rule".into()
        })
    }

    fn check_split(&self) -> CheckResult {
        const KEY: &str = "split";
        match self.split {
            Split::Random { train, val, test, .. } => {
                let shares = [train, val, test];
                let sum: f64 = shares.iter().sum();
                expect(shares.iter().all(|s| (0.0..=1.0).contains(s)) && (sum - 1.0).abs() <= 1e-9, KEY, || {
                    format!("shares must sum to 1, found {sum}")
                })?;
            }
            Split::Kfold { k, fold, val, .. } => {
                count(KEY, "k", k, 2)?;
                expect(fold < k, KEY, || format!("`fold = {fold}` is out of range for {}", counted(k, "fold")))?;
                below_one(KEY, "val", val)?;
            }
            Split::Lists { val: Some(ListedValidation::Share { share, .. }), .. } => {
                expect(share > 0.0 && share < 1.0, KEY, || {
                    format!("`val` is {share}, but must be a list or a share above 0 and below 1")
                })?;
            }
            Split::Lists { .. } | Split::Column | Split::ColumnOrRandom => {}
        }
        if let Some(GroupBy::Pattern(pattern)) = &self.grouping.group {
            expect(pattern.matches("{group}").count() == 1, KEY, || {
                format!("`group` is \"{pattern}\", but must be a pattern over stems with `{{group}}` once")
            })?;
        }
        Ok(())
    }
}
