//! Guesses the labels of masks in grey values and indices.

use super::guessed_labels::{GuessedLabels, MOST_CLASSES, MOST_SMOOTHED, guess, one_value};
use super::mask_tally::{MaskStorage, MaskTally, ValueKey};
use crate::base::count::{counted, counted_of};
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::data::survey::values::list_first;
use crate::text::config::MaskRule;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Why numbers are labels. Names of the classes in a file confirm it.
pub(super) const NUMBERS_AS_CLASSES: &str = "each number is taken for a class; if they number the objects of an image, write `labels = [0, 1]`, two \
     `classes` and `mask = threshold(0)`, with which all above 0 is one class";
/// Least width of objects in pixels, on average, by which their numbers differ from the values of a photograph.
const OBJECT_WIDTH: u64 = 3;
/// Largest value that is taken for the number of a class.
const LAST_CLASS_NUMBER: f64 = 31.0;

/// What all masks hold together.
pub(super) struct MaskValues<'a> {
    tallies: &'a [(&'a Path, &'a MaskTally)],
    values: BTreeMap<ValueKey, u64>,
    pixels: u64,
}

impl<'a> MaskValues<'a> {
    /// Merges the values of all masks. Those of few bits count as stored, unless a mask of 8 bits shows that larger values are meant.
    pub(super) fn of(tallies: &'a [(&'a Path, &'a MaskTally)]) -> MaskValues<'a> {
        let mut values: BTreeMap<ValueKey, u64> = BTreeMap::new();
        let few = |tally: &MaskTally| matches!(tally.storage, MaskStorage::FewBits(_));
        let wide = tallies.iter().filter(|(_, tally)| !few(tally));
        for (value, count) in wide.flat_map(|(_, tally)| &tally.values) {
            *values.entry(*value).or_default() += count;
        }
        let large = values.keys().any(|value| value.0 > 15.0);
        for (_, tally) in tallies.iter().filter(|(_, tally)| few(tally)) {
            let MaskStorage::FewBits(bits) = tally.storage else { continue };
            let step = if large { f64::from(255 / ((1u32 << bits) - 1)) } else { 1.0 };
            tally.values.iter().for_each(|(v, count)| *values.entry(ValueKey(v.0 * step)).or_default() += count);
        }
        let pixels = values.values().sum();
        MaskValues { tallies, values, pixels }
    }

    fn path(&self) -> &'a Path {
        self.tallies.first().map_or(Path::new(""), |(path, _)| path)
    }

    fn ends(&self) -> [f64; 2] {
        let end = |value: Option<&ValueKey>| value.map_or(0.0, |value| value.0);
        [end(self.values.keys().next()), end(self.values.keys().next_back())]
    }

    /// Share of the pixels that are neither near the smallest value nor near the largest.
    fn between(&self) -> f64 {
        let [low, high] = self.ends();
        let eighth = (high - low) / 8.0;
        let inner = self.values.iter().filter(|(v, _)| v.0 > low + eighth && v.0 < high - eighth);
        inner.map(|(_, count)| count).sum::<u64>() as f64 / self.pixels.max(1) as f64
    }

    /// Lossy compression leaves two classes that are far apart.
    pub(super) fn lossy(&self) -> Result<GuessedLabels> {
        let [low, high] = self.ends();
        if high - low < 128.0 || self.between() > MOST_SMOOTHED {
            return Err(problem!(E0713, self.path(),
                "the masks have lossy compression, and their values {low} to {high} are not two that are far apart";
                help: "store masks as PNG, TIFF or NIfTI, made from the originals and not from these files"));
        }
        let why = "lossy compression changes values, so those nearer to 255 than to 0 are the object";
        Ok(GuessedLabels {
            labels: vec![0, 255],
            ignore: Vec::new(),
            rule: MaskRule::Threshold,
            guesses: vec![guess("mask", why)],
        })
    }

    pub(super) fn grey(&self) -> Result<GuessedLabels> {
        let [low, high] = self.ends();
        if self.values.len() == 1 {
            return Err(one_value(self.path(), &format!("the value {low}")));
        }
        if low < 0.0 || high > 65_535.0 {
            return Err(
                problem!(E0713, self.path(), "the masks hold values from {low} to {high}; labels are 0 to 65535";
                help: "check that images and masks are not exchanged"),
            );
        }
        let whole = self.values.keys().all(|value| value.0.fract() == 0.0);
        if whole && self.are_instances() {
            let why = "the values look like numbers of objects, so all above 0 are one class";
            return Ok(one_class(why.to_string()));
        }
        if !whole || self.are_smoothed() {
            return self.smoothed(whole);
        }
        if self.values.len() > MOST_CLASSES {
            let what =
                format!("{} from {low} to {high}, more than classes can have", counted(self.values.len(), "value"));
            if self.are_many_objects() {
                let why = format!(
                    "the masks have {what}, so they are taken for numbers of objects, and all above 0 are one class"
                );
                return Ok(one_class(why));
            }
            return Err(problem!(E0713, self.path(), "the masks have {what}";
                help: "check that images and masks are not exchanged";
                help: "if the values number objects, write a data block with `labels = [0, 1]` and `mask = threshold(0)`: all above 0 is one class"));
        }
        Ok(self.classes())
    }

    fn smoothed(&self, whole: bool) -> Result<GuessedLabels> {
        let [low, high] = self.ends();
        let top = if high > 200.0 && high <= 255.0 { 255.0 } else { high };
        if self.between() > MOST_SMOOTHED || top.fract() != 0.0 || low.fract() != 0.0 || !whole && top > 1.0 {
            return Err(problem!(E0713, self.path(),
                "the masks have {} from {low} to {high}, which are neither classes nor two with smoothed edges",
                counted(self.values.len(), "value"); help: "check that images and masks are not exchanged"));
        }
        let why = format!("edges are smoothed, so values above {} are the object", (low + top) / 2.0);
        Ok(GuessedLabels {
            labels: vec![low as u32, top as u32],
            ignore: Vec::new(),
            rule: MaskRule::Threshold,
            guesses: vec![guess("mask", why)],
        })
    }

    /// Many values between two that nearly all pixels have, and not the numbers of classes.
    fn are_smoothed(&self) -> bool {
        let [_, high] = self.ends();
        let inner = self.values.len().saturating_sub(2);
        inner >= 3 && high > LAST_CLASS_NUMBER && !self.look_like_numbers() && {
            let main: Vec<u64> = [self.values.values().next(), self.values.values().next_back()]
                .into_iter()
                .flatten()
                .copied()
                .collect();
            let others = self.pixels - main.iter().sum::<u64>();
            let largest = self.values.values().skip(1).take(inner).max().copied().unwrap_or(0);
            // The object may be small, so edges are compared with it too.
            main[1] > largest
                && (others as f64) < 0.1 * self.pixels as f64
                && (inner > MOST_CLASSES || others < 2 * main[1])
        }
    }

    /// Numbers of classes from 0 or 1, and perhaps 255.
    fn look_like_numbers(&self) -> bool {
        self.values.keys().all(|value| value.0 <= LAST_CLASS_NUMBER || value.0 == 255.0)
    }

    /// More numbers than classes have, which in each mask run from 0 without a gap, with another last number in most masks.
    fn are_instances(&self) -> bool {
        let last: BTreeSet<ValueKey> =
            self.tallies.iter().filter_map(|(_, tally)| tally.values.keys().next_back().copied()).collect();
        let dense = |tally: &MaskTally| {
            let most = tally.values.keys().next_back().map_or(0.0, |value| value.0);
            tally.values.len() as f64 >= 0.9 * (most + 1.0)
        };
        let dense = self.tallies.iter().filter(|(_, tally)| dense(tally)).count();
        self.values.len() > 8 && 10 * dense >= 9 * self.tallies.len() && last.len() >= 3
    }

    /// Numbers without a gap, or of which each mask has a part, for regions as wide as objects, beside a background of 0.
    fn are_many_objects(&self) -> bool {
        let all = self.values.len();
        let is_numbered = |tally: &MaskTally| {
            let most = tally.values.keys().next_back().map_or(0.0, |value| value.0);
            let dense = tally.values.len() as f64 >= 0.9 * (most + 1.0);
            tally.values.contains_key(&ValueKey(0.0)) && (dense || 2 * tally.values.len() < all)
        };
        let [pixels, runs] = [0, 1].map(|i| self.tallies.iter().map(|(_, tally)| tally.runs[i]).sum::<u64>());
        pixels >= OBJECT_WIDTH * runs.max(1) && self.tallies.iter().all(|(_, tally)| is_numbered(tally))
    }

    /// Each value is a class; 255 beside the numbers of classes marks pixels without one.
    fn classes(&self) -> GuessedLabels {
        let mut order: Vec<(f64, u64)> = self.values.iter().map(|(value, count)| (value.0, *count)).collect();
        let mut guesses = Vec::new();
        let mut ignore = Vec::new();
        let numbers = order.iter().filter(|(value, _)| *value <= LAST_CLASS_NUMBER).count();
        if order.len() >= 3 && self.look_like_numbers() && numbers + 1 == order.len() {
            if let Some(rule) = self.two_ways_of_writing(order[0].0) {
                return rule;
            }
            ignore.push(255);
            order.retain(|(value, _)| *value != 255.0);
            guesses.push(guess("ignore", self.why_ignored()));
        }
        if order[0].0 != 0.0 {
            let most = (0..order.len()).max_by_key(|&i| order[i].1).unwrap_or(0);
            let background = order.remove(most);
            order.insert(0, background);
            let why = "no mask holds 0, so the most frequent value is taken for the background";
            guesses.push(guess("labels", why));
        }
        let labels: Vec<u32> = order.iter().map(|(value, _)| *value as u32).collect();
        let palettes = self.tallies.iter().any(|(_, tally)| tally.storage == MaskStorage::Palette);
        if !palettes && labels.len() > 2 && labels.iter().enumerate().all(|(i, label)| *label as usize == i) {
            guesses.push(guess("labels", NUMBERS_AS_CLASSES));
        }
        GuessedLabels { labels, ignore, rule: MaskRule::Exact, guesses }
    }

    /// Returns the names of the masks with 255, and how many of them have no class besides it and the background.
    fn with_void(&self, background: f64) -> (Vec<String>, usize) {
        let void = ValueKey(255.0);
        let of_void = || self.tallies.iter().filter(|(_, tally)| tally.values.contains_key(&void));
        let alone = |tally: &MaskTally| tally.values.keys().all(|value| *value == void || value.0 == background);
        (of_void().map(|(path, _)| path.display().to_string()).collect(), of_void().filter(|(_, t)| alone(t)).count())
    }

    /// Masks of one object that hold 0 and 1, and others that hold 0 and 255: no mask has both, so 255 is the object too. To ignore
    /// it would leave these masks without an object. `background` is the smallest value.
    fn two_ways_of_writing(&self, background: f64) -> Option<GuessedLabels> {
        let (names, alone) = self.with_void(background);
        // A threshold cannot cut indices of a palette.
        let palettes = self.tallies.iter().any(|(_, tally)| tally.storage == MaskStorage::Palette);
        if palettes || self.values.len() != 3 || background != 0.0 || names.is_empty() || alone < names.len() {
            return None;
        }
        let why = format!(
            "{} hold 255 where the others hold another number, and none holds both, so all above 0 is the object: {}",
            counted_of(names.len(), self.tallies.len(), "mask"),
            list_first(&names)
        );
        Some(one_class(why))
    }

    /// Says which masks hold 255, and of which it takes every object.
    fn why_ignored(&self) -> String {
        let background = self.values.keys().next().map_or(0.0, |value| value.0);
        let (names, alone) = self.with_void(background);
        let (n, all, listed) = (names.len(), self.tallies.len(), list_first(&names));
        let mut why = format!(
            "255 beside numbers of classes mostly marks pixels without a class; {}: {listed}",
            counted_of(n, all, "mask")
        );
        if alone > 0 {
            why += &format!(
                "; {alone} of them hold no class besides it, so nothing of {} is learnt: give 255 a label if it is a class",
                if alone == 1 { "that image" } else { "those images" }
            );
        }
        why
    }
}

/// All values above 0 are one class.
fn one_class(why: String) -> GuessedLabels {
    GuessedLabels {
        labels: vec![0, 1],
        ignore: Vec::new(),
        rule: MaskRule::ThresholdAt(0),
        guesses: vec![guess("mask", why)],
    }
}
