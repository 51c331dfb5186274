//! Finds near-duplicate images: frames of a video, a lesion photographed twice, one file under two names.
//!
//! Candidates are pairs whose difference hashes (dHash: is each of 8 x 8 pixels brighter than its left neighbour?) differ in at
//! most [`MAX_HASH_DISTANCE`] of 64 bits. A pair is a near-duplicate if the normalised correlation of the grey versions at
//! 32 x 32 is at least [`MIN_CORRELATION`]. Copies that were resized, recompressed or brightened are found; mirrored or cropped
//! ones are not.

use super::case_facts::CaseFacts;
use super::finding::{SurveyFinding, SurveyTopic};
use super::fingerprint::Fingerprint;
use rayon::prelude::*;

/// Maximum number of differing bits of the 64-bit hashes of a pair.
pub(crate) const MAX_HASH_DISTANCE: u32 = 12;
/// Minimum normalised correlation of a pair.
pub(crate) const MIN_CORRELATION: f64 = 0.97;
/// Maximum number of pairs that are kept.
const KEPT: usize = 10_000;

/// Two nearly identical images, as indices of cases.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NearDuplicate {
    pub a: usize,
    pub b: usize,
    /// Normalised correlation, up to 1.
    pub alike: f64,
}

/// Returns all near-duplicates, pairs across the split first, and within these the most similar first.
pub(super) fn find_near_duplicates(facts: &[CaseFacts]) -> Vec<NearDuplicate> {
    let prints: Vec<(usize, &Fingerprint)> =
        facts.iter().enumerate().filter_map(|(i, f)| Some((i, f.image.as_ref()?.print.as_ref()?))).collect();
    let mut found: Vec<NearDuplicate> = prints
        .par_iter()
        .enumerate()
        .flat_map_iter(|(n, (a, first))| {
            let near = |second: &Fingerprint| (first.hash ^ second.hash).count_ones() <= MAX_HASH_DISTANCE;
            prints[n + 1..].iter().filter(move |(_, second)| near(second)).filter_map(move |(b, second)| {
                let alike = first.correlation(second);
                (alike >= MIN_CORRELATION).then_some(NearDuplicate { a: *a, b: *b, alike })
            })
        })
        .collect();
    found.sort_by(|x, y| y.alike.total_cmp(&x.alike).then((x.a, x.b).cmp(&(y.a, y.b))));
    // Pairs across the split are data leakage, so they are kept before others.
    found.sort_by_key(|p| facts[p.a].role == facts[p.b].role);
    found.truncate(KEPT);
    found
}

/// Returns a warning for each near-duplicate pair across the split.
pub(super) fn findings(facts: &[CaseFacts], pairs: &[NearDuplicate], grouped: bool) -> Vec<SurveyFinding> {
    let across: Vec<&NearDuplicate> = pairs.iter().filter(|p| facts[p.a].role != facts[p.b].role).collect();
    let mut findings = Vec::new();
    for (i, pair) in across.iter().enumerate() {
        let (a, b) = (&facts[pair.a], &facts[pair.b]);
        let message = format!(
            "`{}` in {} and `{}` in {} are nearly the same image (correlation {:.3})",
            a.stem,
            a.role.name(),
            b.stem,
            b.role.name(),
            pair.alike
        );
        let finding = SurveyFinding::warning(SurveyTopic::Duplicates, message).about([a.stem.clone(), b.stem.clone()]);
        findings.push(match (i, grouped) {
            (0, false) => finding.help(
                "data leakage: scores on such images are optimistic; keep them in one split, for example with \
                 split = random(test = 0.2, group = \"{group}_*\") if stems contain the patient or the video",
            ),
            (0, true) => finding.help(
                "data leakage: scores on such images are optimistic, and the groups do not keep them in one split",
            ),
            _ => finding,
        });
    }
    findings
}
