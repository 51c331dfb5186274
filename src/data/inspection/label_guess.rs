//! Guesses the labels of masks, and the rule that turns their pixels into classes.

use super::colour_guess::{colours, palettes_differ};
use super::guessed_labels::{GuessedLabels, guess};
use super::mask_tally::{MaskStorage, MaskTally};
use super::value_guess::MaskValues;
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::text::config::MaskRule;
use std::path::Path;

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

fn alpha() -> GuessedLabels {
    let why = "parts of the masks are transparent, so opaque pixels are taken for the object";
    GuessedLabels { labels: vec![0, 255], ignore: Vec::new(), rule: MaskRule::Alpha, guesses: vec![guess("mask", why)] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::inspection::mask_tally::ValueKey;
    use std::collections::BTreeMap;

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
            // Objects that are ten pixels wide.
            runs: [1000, 100],
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
        // 255 in masks of their own is the object, written in another way.
        let mixed = [(Grey, &[(0.0, 90), (1.0, 10)][..]), (Grey, &[(0.0, 90), (255.0, 10)])];
        assert_guess(&mixed, &[0, 1], &[], MaskRule::ThresholdAt(0));
        let classes = [(Grey, &[(0.0, 90), (1.0, 10), (2.0, 10)][..]), (Grey, &[(0.0, 90), (255.0, 10)])];
        assert_guess(&classes, &[0, 1, 2], &[255], MaskRule::Exact);
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

    /// Numbers of objects that all masks share, more than classes have; photographs are no masks.
    #[test]
    fn the_same_numbers_of_objects_in_every_mask() {
        use MaskStorage::Grey;
        let objects = |n: u32| -> Vec<(f64, u64)> { (0..=n).map(|i| (f64::from(i), 30)).collect() };
        let [some, many] = [60, 300].map(objects);
        for of in [&some[..], &many] {
            assert_guess(&[(Grey, of), (Grey, of), (Grey, of)], &[0, 1], &[], MaskRule::ThresholdAt(0));
        }
        // Twenty numbers of 250 in each mask.
        let sparse = |step: u32| -> Vec<(f64, u64)> {
            [(0.0, 900)].into_iter().chain((0..20).map(|i| (f64::from(1 + (i * step) % 250), 30))).collect()
        };
        let [a, b, c, d] = [7, 11, 13, 17].map(sparse);
        assert_guess(&[(Grey, &a), (Grey, &b), (Grey, &c), (Grey, &d)], &[0, 1], &[], MaskRule::ThresholdAt(0));
        // Few numbers may be classes, and the guess says so.
        let few = objects(8);
        let named = tally(Grey, &few);
        let found = guess_labels(&[(Path::new("m.png"), &named)]).unwrap();
        assert_eq!(found.labels, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert!(found.guesses[0].why.contains("`mask = threshold(0)`"), "{}", found.guesses[0].why);
        let photograph = MaskTally { runs: [1000, 800], ..tally(Grey, &objects(254)) };
        let error = guess_labels(&[(Path::new("m.png"), &photograph)]).unwrap_err();
        assert!(
            error.message.contains("the masks have 255 values from 0 to 254, more than classes can have"),
            "{error}"
        );
    }

    #[test]
    fn masks_without_an_object_are_refused() {
        let empty = tally(MaskStorage::Grey, &[(0.0, 64)]);
        let error = guess_labels(&[(Path::new("m.png"), &empty)]).unwrap_err();
        assert_eq!(error.message, "every mask holds the value 0 alone, so there is nothing to segment");
    }
}
