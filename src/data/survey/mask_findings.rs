//! Masks that are one class everywhere, and masks that are equal: mistakes of the program that wrote them, mostly.

use super::case_facts::CaseFacts;
use super::finding::{SurveyFinding, SurveyTopic};
use super::values::list_first;
use crate::base::count::{counted, verb_for};
use crate::base::number::thousands;
use crate::data::case::split_slice_stem;
use crate::data::dataset::Dataset;
use crate::data::order::natural;
use crate::text::config::DataSpec;
use std::collections::BTreeMap;

/// The least number of equal masks that are reported.
const MIN_EQUAL: usize = 3;
/// The least share of the masks with an object that are equal.
const MIN_SHARE: f64 = 0.5;

/// Returns a warning about masks without background, and one about equal masks. `cases` is the number of cases of the whole set.
pub(super) fn findings(data: &Dataset, facts: &[CaseFacts], cases: usize) -> Vec<SurveyFinding> {
    let are_slices = data.parts.all().any(|(_, case)| case.slice.is_some());
    let of_read = if facts.len() < cases { format!(" of the {} that were read", facts.len()) } else { String::new() };
    full_masks(&data.spec, facts, &of_read).into_iter().chain(equal_masks(facts, are_slices, &of_read)).collect()
}

/// Checks whether every pixel that counts is of a foreground class.
fn is_full(counts: &[u64]) -> bool {
    counts.first() == Some(&0) && counts.iter().any(|n| *n > 0)
}

/// Reports masks of which every pixel is foreground.
fn full_masks(spec: &DataSpec, facts: &[CaseFacts], of_read: &str) -> Option<SurveyFinding> {
    let full = facts.iter().filter(|f| f.classes.as_deref().is_some_and(is_full));
    let full: Vec<String> = full.map(|f| f.stem.clone()).collect();
    if full.is_empty() {
        return None;
    }
    let message = format!(
        "{}{of_read} {} no `{}`: every pixel is foreground: {}",
        counted(full.len(), "mask"),
        verb_for(full.len(), "has", "have"),
        spec.classes[0],
        list_first(&full)
    );
    let help = "look at them: `npc data check --out DIR` draws them; a mask that is inverted, or written with another label, looks so";
    Some(SurveyFinding::warning(SurveyTopic::Mask, message).help(help).about(full))
}

/// The mask of a picture or of a volume.
#[derive(Default)]
struct MaskPrint {
    /// Number and hash of each slice; of a picture one without a number.
    slices: Vec<(String, u64)>,
    has_object: bool,
}

/// Returns the masks by their names; with `are_slices` the slices of a volume are one mask.
fn mask_prints(facts: &[CaseFacts], are_slices: bool) -> BTreeMap<&str, MaskPrint> {
    let mut masks: BTreeMap<&str, MaskPrint> = BTreeMap::new();
    for facts in facts {
        let (Some(print), Some(counts)) = (facts.mask_print, facts.classes.as_deref()) else { continue };
        let slice = split_slice_stem(&facts.stem).filter(|_| are_slices);
        let (name, number) = slice.unwrap_or((facts.stem.as_str(), ""));
        let mask = masks.entry(name).or_default();
        mask.slices.push((number.to_string(), print));
        mask.has_object |= !is_full(counts) && counts.iter().skip(1).any(|n| *n > 0);
    }
    masks
}

/// Reports the largest set of equal masks with an object and background.
fn equal_masks(facts: &[CaseFacts], are_slices: bool, of_read: &str) -> Option<SurveyFinding> {
    let mut equal: BTreeMap<Vec<(String, u64)>, Vec<String>> = BTreeMap::new();
    let masks = mask_prints(facts, are_slices);
    let with_object: Vec<(&str, MaskPrint)> = masks.into_iter().filter(|(_, mask)| mask.has_object).collect();
    let masks = with_object.len();
    for (name, mask) in with_object {
        equal.entry(mask.slices).or_default().push(name.to_string());
    }
    let mut largest = equal.into_values().max_by_key(Vec::len)?;
    largest.sort_by(|a, b| natural(a, b));
    let n = largest.len();
    let all = n == masks && n >= MIN_EQUAL;
    if n < MIN_EQUAL || (n as f64) < MIN_SHARE * masks as f64 {
        return None;
    }
    let count = if all { format!("all {}", thousands(n)) } else { format!("{} of {}", thousands(n), thousands(masks)) };
    let message = format!("{count} masks with an object{of_read} are equal, pixel by pixel: {}", list_first(&largest));
    let help =
        "one mask may have been written under the name of every image; a network learns its place and not the object";
    Some(SurveyFinding::warning(SurveyTopic::Mask, message).help(help).about(largest))
}
