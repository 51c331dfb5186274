//! Guesses the labels of masks, and the rule that turns their pixels into classes.

use super::data_guess::DataGuess;
use super::mask_tally::{MaskStorage, MaskTally, ValueKey};
use crate::base::error::{Result, RunError};
use crate::base::problem::problem;
use crate::text::config::MaskRule;
use crate::text::config::case_rules::colour_label;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The most values or colours that are taken for classes.
const MOST_CLASSES: usize = 40;
/// Largest value that is taken for the number of a class.
const LAST_CLASS_NUMBER: f64 = 31.0;
/// Largest share of the pixels between two labels where masks have smoothed edges.
const MOST_SMOOTHED: f64 = 0.25;

/// Labels in the order of classes, the background first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct GuessedLabels {
    pub labels: Vec<u32>,
    pub ignore: Vec<u32>,
    pub rule: MaskRule,
    pub guesses: Vec<DataGuess>,
}

/// What all masks hold together.
struct MaskValues<'a> {
    tallies: &'a [(&'a Path, &'a MaskTally)],
    values: BTreeMap<ValueKey, u64>,
    pixels: u64,
}

/// Guesses labels and rule. Errors: no rule of a data block fits the masks, or they hold one value alone.
pub(super) fn guess_labels(tallies: &[(&Path, &MaskTally)]) -> Result<GuessedLabels> {
    let all = |holds: fn(&MaskTally) -> bool| tallies.iter().all(|(_, tally)| holds(tally));
    let any = |holds: fn(&MaskTally) -> bool| tallies.iter().find(|(_, tally)| holds(tally)).map(|(path, _)| *path);
    if let Some(path) = any(|tally| tally.transparent) {
        return match all(|tally| tally.alpha) {
            true => Ok(alpha()),
            false => {
                Err(problem!(E0713, path, "the mask is partly transparent, and other masks have no alpha channel";
                help: "flatten the masks with alpha, for example with ImageMagick: `magick IN.png -alpha off OUT.png`"))
            }
        };
    }
    let coloured = any(|tally| tally.storage == MaskStorage::Colour).is_some();
    let palettes_differ = palettes_differ(tallies);
    if coloured || palettes_differ {
        return colours(tallies, palettes_differ && !coloured);
    }
    let set = MaskValues::of(tallies);
    if any(|tally| tally.lossy).is_some() {
        return set.lossy();
    }
    set.grey()
}

fn guess(key: &'static str, why: impl Into<String>) -> DataGuess {
    DataGuess { key, why: why.into() }
}

fn alpha() -> GuessedLabels {
    let why = "parts of the masks are transparent, so opaque pixels are taken for the object";
    GuessedLabels { labels: vec![0, 255], ignore: Vec::new(), rule: MaskRule::Alpha, guesses: vec![guess("mask", why)] }
}

/// Checks whether one index of a palette has several colours.
fn palettes_differ(tallies: &[(&Path, &MaskTally)]) -> bool {
    let mut known: BTreeMap<u8, [u8; 3]> = BTreeMap::new();
    tallies
        .iter()
        .flat_map(|(_, tally)| &tally.palette)
        .any(|(index, colour)| known.insert(*index, *colour).is_some_and(|before| before != *colour))
}

/// Guesses the labels of masks in colours.
fn colours(tallies: &[(&Path, &MaskTally)], of_palettes: bool) -> Result<GuessedLabels> {
    let path = tallies.first().map_or(Path::new(""), |(path, _)| path);
    let mut counts: BTreeMap<[u8; 3], u64> = BTreeMap::new();
    for (_, tally) in tallies {
        tally.colours.iter().for_each(|(colour, count)| *counts.entry(*colour).or_default() += count);
        if tally.colours.is_empty() {
            // A grey mask among coloured ones.
            let grey = |value: &ValueKey| [value.0.clamp(0.0, 255.0) as u8; 3];
            tally.values.iter().for_each(|(value, count)| *counts.entry(grey(value)).or_default() += count);
        }
    }
    let lossy = tallies.iter().any(|(_, tally)| tally.lossy);
    if !lossy && counts.len() <= MOST_CLASSES {
        return exact_colours(path, counts, of_palettes);
    }
    // The two main colours are far apart; those between them are edges.
    let all: u64 = counts.values().sum();
    let mut main: Vec<([u8; 3], u64)> = counts.into_iter().collect();
    main.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let brightness = |colour: [u8; 3]| u32::from(*colour.iter().max().unwrap_or(&0));
    let first = main[0].0;
    let far = |colour: &[u8; 3]| (0..3).any(|c| colour[c].abs_diff(first[c]) > 64);
    let second = main.iter().find(|(colour, _)| far(colour)).map(|(colour, _)| *colour);
    let near = |colour: &[u8; 3], main: [u8; 3]| (0..3).all(|c| colour[c].abs_diff(main[c]) <= 48);
    let explained = |second: [u8; 3]| -> f64 {
        let near_one = main.iter().filter(|(colour, _)| near(colour, first) || near(colour, second));
        near_one.map(|(_, count)| count).sum::<u64>() as f64 / all.max(1) as f64
    };
    match second {
        Some(second)
            if explained(second) > 1.0 - MOST_SMOOTHED && brightness(first).abs_diff(brightness(second)) > 64 =>
        {
            let threshold = u32::midpoint(brightness(first), brightness(second));
            let why = "the masks have two main colours and smoothed edges; pixels whose brightest channel is above the number \
                       are the object";
            Ok(GuessedLabels {
                labels: vec![0, 255],
                ignore: Vec::new(),
                rule: MaskRule::ThresholdAt(threshold),
                guesses: vec![guess("mask", why)],
            })
        }
        _ => Err(
            problem!(E0713, path, "the masks have {} colours, more than classes can have, and not two main ones", main.len();
            help: "save the masks without smoothed edges and without lossy compression, with one colour a class"),
        ),
    }
}

fn exact_colours(path: &Path, counts: BTreeMap<[u8; 3], u64>, of_palettes: bool) -> Result<GuessedLabels> {
    let mut order: Vec<([u8; 3], u64)> = counts.into_iter().collect();
    if let [(only, _)] = order[..] {
        return Err(one_value(path, &format!("the colour {only:?}")));
    }
    // Black is the background where it occurs, else the most frequent colour.
    order.sort_by_key(|(colour, count)| (*colour != [0; 3], std::cmp::Reverse(*count)));
    if order[0].0 == [0; 3] {
        order[1..].sort_by_key(|(colour, _)| *colour);
    }
    let mut guesses = Vec::new();
    let named = if order[0].0 == [0; 3] { "black" } else { "the most frequent colour" };
    guesses.push(guess("labels", format!("each colour of the masks is a class, and {named} is the background")));
    if of_palettes {
        guesses.push(guess("mask", "one index has several colours in the palettes, so the colours count"));
    }
    // White beside colours marks pixels without a class more often than a class.
    let ignore: Vec<u32> = match order.len() {
        3.. if order[0].0 == [0; 3] && order.iter().any(|(c, _)| *c == [224, 224, 192]) => {
            guesses.push(guess("ignore", "#e0e0c0 marks pixels without a class in masks of PASCAL VOC"));
            order.retain(|(c, _)| *c != [224, 224, 192]);
            vec![colour_label([224, 224, 192])]
        }
        _ => Vec::new(),
    };
    let labels = order.iter().map(|(colour, _)| colour_label(*colour)).collect();
    Ok(GuessedLabels { labels, ignore, rule: MaskRule::Colour, guesses })
}

fn one_value(path: &Path, what: &str) -> RunError {
    problem!(E0713, path, "every mask holds {what} alone, so there is nothing to segment";
        help: "check that these are the masks; `--masks` says where they are")
}

impl<'a> MaskValues<'a> {
    /// Merges the values of all masks. Those of few bits count as stored, unless a mask of 8 bits shows that larger values are meant.
    fn of(tallies: &'a [(&'a Path, &'a MaskTally)]) -> MaskValues<'a> {
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
    fn lossy(&self) -> Result<GuessedLabels> {
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

    fn grey(&self) -> Result<GuessedLabels> {
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
            return Ok(GuessedLabels {
                labels: vec![0, 1],
                ignore: Vec::new(),
                rule: MaskRule::ThresholdAt(0),
                guesses: vec![guess("mask", why)],
            });
        }
        if !whole || self.are_smoothed() {
            return self.smoothed(whole);
        }
        if self.values.len() > MOST_CLASSES {
            return Err(
                problem!(E0713, self.path(), "the masks have {} values, more than classes can have", self.values.len();
                help: "check that images and masks are not exchanged"),
            );
        }
        Ok(self.classes())
    }

    fn smoothed(&self, whole: bool) -> Result<GuessedLabels> {
        let [low, high] = self.ends();
        let top = if high > 200.0 && high <= 255.0 { 255.0 } else { high };
        if self.between() > MOST_SMOOTHED || top.fract() != 0.0 || low.fract() != 0.0 || !whole && top > 1.0 {
            return Err(problem!(E0713, self.path(),
                "the masks have {} values from {low} to {high}, which are neither classes nor two with smoothed edges",
                self.values.len(); help: "check that images and masks are not exchanged"));
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
            // The object may be small, so edges are compared with it too.
            (others as f64) < 0.1 * self.pixels as f64 && (inner > MOST_CLASSES || others < 2 * main[1])
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

    /// Each value is a class; 255 beside the numbers of classes marks pixels without one.
    fn classes(&self) -> GuessedLabels {
        let mut order: Vec<(f64, u64)> = self.values.iter().map(|(value, count)| (value.0, *count)).collect();
        let mut guesses = Vec::new();
        let mut ignore = Vec::new();
        let numbers = order.iter().filter(|(value, _)| *value <= LAST_CLASS_NUMBER).count();
        if order.len() >= 3 && self.look_like_numbers() && numbers + 1 == order.len() {
            ignore.push(255);
            order.retain(|(value, _)| *value != 255.0);
            guesses.push(guess("ignore", "255 beside numbers of classes mostly marks pixels without a class"));
        }
        if order[0].0 != 0.0 {
            let most = (0..order.len()).max_by_key(|&i| order[i].1).unwrap_or(0);
            let background = order.remove(most);
            order.insert(0, background);
            let why = "no mask holds 0, so the most frequent value is taken for the background";
            guesses.push(guess("labels", why));
        }
        let labels = order.iter().map(|(value, _)| *value as u32).collect();
        GuessedLabels { labels, ignore, rule: MaskRule::Exact, guesses }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(storage: MaskStorage, values: &[(f64, u64)]) -> MaskTally {
        MaskTally {
            storage,
            values: values.iter().map(|(value, count)| (ValueKey(*value), *count)).collect(),
            colours: BTreeMap::new(),
            palette: BTreeMap::new(),
            lossy: false,
            transparent: false,
            alpha: false,
            size: [8, 8],
            slices: 0,
            labelled: 0,
        }
    }

    #[track_caller]
    fn assert_guess(masks: &[(MaskStorage, &[(f64, u64)])], labels: &[u32], ignore: &[u32], rule: MaskRule) {
        let tallies: Vec<MaskTally> = masks.iter().map(|(storage, values)| tally(*storage, values)).collect();
        let named: Vec<(&Path, &MaskTally)> = tallies.iter().map(|tally| (Path::new("m.png"), tally)).collect();
        let found = guess_labels(&named).unwrap();
        assert_eq!((&found.labels[..], &found.ignore[..], found.rule), (labels, ignore, rule));
    }

    #[test]
    fn values_become_labels() {
        use MaskStorage::{FewBits, Grey};
        assert_guess(&[(Grey, &[(0.0, 90), (255.0, 10)])], &[0, 255], &[], MaskRule::Exact);
        assert_guess(&[(Grey, &[(0.0, 90), (1.0, 10), (2.0, 3)])], &[0, 1, 2], &[], MaskRule::Exact);
        assert_guess(&[(Grey, &[(0.0, 90), (1.0, 10), (255.0, 3)])], &[0, 1], &[255], MaskRule::Exact);
        assert_guess(&[(Grey, &[(0.0, 90), (128.0, 10), (255.0, 3)])], &[0, 128, 255], &[], MaskRule::Exact);
        assert_guess(&[(Grey, &[(1.0, 10), (2.0, 90)])], &[2, 1], &[], MaskRule::Exact);
        assert_guess(&[(FewBits(1), &[(0.0, 90), (1.0, 10)])], &[0, 1], &[], MaskRule::Exact);
        let mixed = [(FewBits(1), &[(0.0, 90), (1.0, 10)][..]), (Grey, &[(0.0, 80), (255.0, 20)])];
        assert_guess(&mixed, &[0, 255], &[], MaskRule::Exact);
    }

    #[test]
    fn smoothed_edges_and_numbers_of_objects() {
        let edges: Vec<(f64, u64)> =
            [(0.0, 5000), (255.0, 900)].into_iter().chain((1..30).map(|i| (f64::from(i) * 8.0, 3))).collect();
        assert_guess(&[(MaskStorage::Grey, &edges)], &[0, 255], &[], MaskRule::Threshold);
        let objects = |n: u32| -> Vec<(f64, u64)> { (0..=n).map(|i| (f64::from(i), 30)).collect() };
        let [a, b, c] = [12, 40, 25].map(objects);
        let masks = [(MaskStorage::Grey, &a[..]), (MaskStorage::Grey, &b), (MaskStorage::Grey, &c)];
        assert_guess(&masks, &[0, 1], &[], MaskRule::ThresholdAt(0));
        assert_guess(&[(MaskStorage::Grey, &[(0.0, 90), (0.5, 3), (1.0, 40)])], &[0, 1], &[], MaskRule::Threshold);
    }

    #[test]
    fn masks_without_an_object_are_refused() {
        let empty = tally(MaskStorage::Grey, &[(0.0, 64)]);
        let error = guess_labels(&[(Path::new("m.png"), &empty)]).unwrap_err();
        assert_eq!(error.message, "every mask holds the value 0 alone, so there is nothing to segment");
    }
}
