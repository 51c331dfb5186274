//! Objects that masks lose when they are resized to the size of the data block.
//!
//! Training and scores see masks at that size, so an object that no pixel of it hits is neither learnt nor scored.

use super::case_facts::CaseFacts;
use super::finding::{SurveyFinding, SurveyTopic};
use super::values::list_first;
use crate::base::count::{counted, verb_for};
use crate::text::config::DataSpec;

/// Part of the area of a class that it must keep; below it the mask is reported.
const MIN_KEPT: f64 = 0.5;

/// Checks whether a class keeps less than half of its share of the pixels. `counts` are those of one mask, by class.
fn loses_most(counts: &[u64], resized: &[u64], class: usize) -> bool {
    let share = |counts: &[u64]| counts[class] as f64 / counts.iter().sum::<u64>().max(1) as f64;
    share(resized) < MIN_KEPT * share(counts)
}

/// Reports for each class but the first the masks that have it at their own size, and not at that of the block, or only a small part.
pub(super) fn findings(spec: &DataSpec, facts: &[CaseFacts], cases: usize) -> Vec<SurveyFinding> {
    let masks: Vec<(&CaseFacts, &[u64], &[u64])> =
        facts.iter().filter_map(|f| Some((f, f.classes.as_deref()?, f.resized.as_deref()?))).collect();
    let of_read = if facts.len() < cases { format!(" of the {} that were read", facts.len()) } else { String::new() };
    let [height, width] = spec.size;
    let mut findings = Vec::new();
    for (class, name) in spec.classes.iter().enumerate().skip(1) {
        let stems = |gone: bool| -> Vec<String> {
            let loses = masks.iter().filter(|(_, counts, resized)| {
                counts[class] > 0 && (resized[class] == 0) == gone && loses_most(counts, resized, class)
            });
            loses.map(|(facts, ..)| facts.stem.clone()).collect()
        };
        for (gone, one, several) in [(true, "loses", "lose"), (false, "loses most of", "lose most of")] {
            let stems = stems(gone);
            if stems.is_empty() {
                continue;
            }
            let message = format!(
                "{}{of_read} {} `{name}` at the block's size of {height} x {width} (height x width): {}",
                counted(stems.len(), "mask"),
                verb_for(stems.len(), one, several),
                list_first(&stems)
            );
            let help =
                "training and scores see the masks at that size: choose a larger `size`, or leave such images out";
            findings.push(SurveyFinding::warning(SurveyTopic::Balance, message).help(help).about(stems));
        }
    }
    findings
}
