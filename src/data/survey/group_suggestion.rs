//! Suggests groups where stems look as if they contain the patient or the video.

use super::case_facts::CaseFacts;
use crate::data::group::capture_group;
use std::collections::{BTreeMap, BTreeSet};

/// Characters that separate the parts of a stem.
const SEPARATORS: [char; 4] = ['_', '-', '.', ' '];
/// The largest part of the images that one group may have.
const LARGEST: f64 = 0.9;
/// How many parts behind the group are tried.
const LEVELS: usize = 3;
/// The least fraction of near-duplicate pairs that the groups must hold together.
const HELD: f64 = 0.95;

/// A pattern for the key `group`.
pub(in crate::data) struct SuggestedGroup {
    /// Such as `{group}_z*`.
    pub pattern: String,
    /// Number of groups that it makes.
    pub groups: usize,
    /// The first of them.
    pub example: String,
}

/// Returns the finest pattern that gives every stem a group, makes two groups or more of two images or more on average, and
/// holds nearly all `pairs` of near-duplicates, indices into `facts`, together.
pub(in crate::data) fn suggest_group(facts: &[CaseFacts], pairs: &[[usize; 2]]) -> Option<SuggestedGroup> {
    if pairs.is_empty() || facts.iter().any(|f| f.group.is_some()) {
        return None;
    }
    let stems: Vec<&str> = facts.iter().map(|f| f.stem.as_str()).collect();
    suggest(&stems, |groups| {
        let held = pairs.iter().filter(|[a, b]| groups[*a] == groups[*b]).count();
        held as f64 >= HELD * pairs.len() as f64
    })
}

/// Returns the finest pattern that gives every stem a group, and makes two groups or more of two stems or more on average that
/// `accepts` takes: it is called with the group of each stem.
pub(in crate::data) fn suggest(stems: &[&str], accepts: impl Fn(&[String]) -> bool) -> Option<SuggestedGroup> {
    SEPARATORS.into_iter().flat_map(|sep| patterns(sep, stems)).find_map(|pattern| {
        let groups: Vec<String> = stems.iter().map(|stem| capture_group(&pattern, stem)).collect::<Option<_>>()?;
        let distinct: BTreeSet<&String> = groups.iter().collect();
        let fits = 2 * distinct.len() <= groups.len() && divides(&groups) && accepts(&groups);
        fits.then(|| SuggestedGroup { groups: distinct.len(), example: groups[0].clone(), pattern })
    })
}

/// Checks whether there are several groups, and none has all or nearly all images.
fn divides(groups: &[String]) -> bool {
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    groups.iter().for_each(|group| *sizes.entry(group).or_default() += 1);
    let largest = sizes.values().max().copied().unwrap_or(0);
    sizes.len() > 1 && largest as f64 <= LARGEST * groups.len() as f64
}

/// Checks whether a pattern gives every stem a group, and no group nearly all of them.
pub(in crate::data) fn divides_stems(pattern: &str, stems: &[&str]) -> bool {
    let groups: Option<Vec<String>> = stems.iter().map(|stem| capture_group(pattern, stem)).collect();
    groups.is_some_and(|groups| divides(&groups))
}

/// Returns the patterns with this separator, the finest first.
fn patterns(sep: char, stems: &[&str]) -> Vec<String> {
    if stems.is_empty() || !stems.iter().all(|stem| stem.contains(sep)) {
        return Vec::new();
    }
    let letters = |stem: &str| -> String {
        let last = stem.rsplit(sep).next().unwrap_or_default();
        last.chars().take_while(|c| c.is_alphabetic()).collect()
    };
    let first = letters(stems[0]);
    let shared = if stems.iter().all(|stem| letters(stem) == first) { first } else { String::new() };
    let tail = |level: usize| -> String { format!("{sep}*").repeat(level) };
    (1..=LEVELS).map(|level| format!("{{group}}{}{sep}{shared}*", tail(level - 1))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_pattern_puts_nearly_all_images_into_one_group() {
        let of = |stems: &[String]| {
            let stems: Vec<&str> = stems.iter().map(String::as_str).collect();
            (suggest(&stems, |_| true).map(|group| group.pattern), divides_stems("{group}_*", &stems))
        };
        let named = |n: usize, group: &dyn Fn(usize) -> usize| -> Vec<String> {
            (0..n).map(|i| format!("img{}_{i:03}", group(i))).collect()
        };
        assert_eq!(of(&named(40, &|_| 0)), (None, false));
        assert_eq!(of(&named(40, &|i| usize::from(i == 0))), (None, false));
        assert_eq!(of(&named(40, &|i| i / 10)), (Some("{group}_*".into()), true));
    }
}
