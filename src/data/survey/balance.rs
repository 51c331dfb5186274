//! Class balance of each split.

use super::case_facts::CaseFacts;
use super::finding::{SurveyFinding, SurveyTopic};
use super::values::list_first;
use crate::base::count::{counted, counted_of, verb_for};
use crate::base::number::thousands;
use crate::data::case::SplitRole;
use crate::text::config::DataSpec;
use std::collections::BTreeSet;

/// Class balance of one split.
pub(crate) struct SplitBalance {
    pub role: SplitRole,
    pub images: usize,
    /// Number of groups; 0 if there are none.
    pub groups: usize,
    /// Share of each class among the pixels that are not ignored.
    pub share: Vec<f64>,
    /// Share of ignored pixels among all pixels.
    pub ignored: f64,
    /// Number of masks with at least one pixel of each class.
    pub present: Vec<usize>,
    /// Number of masks with the first class only.
    pub empty: usize,
}

/// Returns the class balance of each split that has images.
pub(crate) fn balance(spec: &DataSpec, facts: &[CaseFacts]) -> Vec<SplitBalance> {
    let balance_of = |role: SplitRole| {
        let facts: Vec<&CaseFacts> = facts.iter().filter(|f| f.role == role).collect();
        let masks: Vec<&Vec<u64>> = facts.iter().filter_map(|f| f.classes.as_ref()).collect();
        let classes = 0..spec.classes.len();
        let all: u64 = masks.iter().map(|m| m.iter().sum::<u64>()).sum();
        let sum = |class: usize| masks.iter().map(|m| m[class]).sum::<u64>();
        let ignored: u64 = facts.iter().map(|f| f.ignored).sum();
        let groups: BTreeSet<&str> = facts.iter().filter_map(|f| f.group.as_deref()).collect();
        SplitBalance {
            role,
            images: facts.len(),
            groups: groups.len(),
            share: classes.clone().map(|class| sum(class) as f64 / all.max(1) as f64).collect(),
            ignored: ignored as f64 / (all + ignored).max(1) as f64,
            present: classes.map(|class| masks.iter().filter(|m| m[class] > 0).count()).collect(),
            empty: masks.iter().filter(|m| is_empty(m)).count(),
        }
    };
    SplitRole::ALL.into_iter().map(balance_of).filter(|balance| balance.images > 0).collect()
}

/// Checks whether a mask has the first class and no other.
fn is_empty(mask: &[u64]) -> bool {
    mask.first().is_some_and(|n| *n > 0) && mask.iter().skip(1).all(|n| *n == 0)
}

/// Reports masks of which every pixel is ignored.
fn ignored_masks(facts: &[CaseFacts]) -> Option<SurveyFinding> {
    let is_ignored = |f: &&CaseFacts| f.ignored > 0 && f.classes.iter().flatten().all(|n| *n == 0);
    let ignored: Vec<String> = facts.iter().filter(is_ignored).map(|f| f.stem.clone()).collect();
    let (count, names) = (ignored.len(), list_first(&ignored));
    if count == 0 {
        return None;
    }
    let message = format!("{} {} ignored pixels only: {names}", counted(count, "mask"), verb_for(count, "has", "have"));
    let help = "such an image teaches nothing and has no score: check `ignore`, or leave the image out";
    Some(SurveyFinding::warning(SurveyTopic::Mask, message).help(help).about(ignored))
}

/// Reports classes without pixels, and empty masks. `cases` is the number of cases of the whole set; where `facts` are of
/// fewer, a class may be in the others, so it is reported only if no mask of any role has it.
pub(super) fn findings(spec: &DataSpec, facts: &[CaseFacts], cases: usize) -> Vec<SurveyFinding> {
    let mut findings = Vec::new();
    let read = facts.iter().filter(|f| f.classes.is_some()).count();
    let partial = facts.len() < cases;
    let of_read = if partial { format!(" of the {} that were read", thousands(read)) } else { String::new() };
    let empty: Vec<String> =
        facts.iter().filter(|f| f.classes.as_deref().is_some_and(is_empty)).map(|f| f.stem.clone()).collect();
    if !empty.is_empty() {
        let message = format!(
            "{}{of_read} {} no class but `{}`: {}",
            counted(empty.len(), "mask"),
            verb_for(empty.len(), "has", "have"),
            spec.classes[0],
            list_first(&empty)
        );
        let help = "the key `empty` sets how such images are scored; masks that are empty by mistake teach the network to miss objects";
        findings.push(SurveyFinding::warning(SurveyTopic::Balance, message).help(help).about(empty));
    }
    findings.extend(ignored_masks(facts));
    // Unreadable masks are reported already.
    let readable = |role| facts.iter().any(|f| f.role == role && f.classes.is_some());
    let balances: Vec<SplitBalance> = balance(spec, facts).into_iter().filter(|b| readable(b.role)).collect();
    let absent = |b: &SplitBalance, class: usize| b.present[class] == 0;
    let missing = |message: String| {
        SurveyFinding::warning(SurveyTopic::Balance, message).help("check that `labels` match the files")
    };
    for (class, name) in spec.classes.iter().enumerate() {
        if !partial {
            let without = balances.iter().filter(|b| absent(b, class));
            findings.extend(
                without.map(|b| missing(format!("no mask in {} contains `{name}` (class {class})", b.role.name()))),
            );
        } else if read > 0 && balances.iter().all(|b| absent(b, class)) {
            findings.push(missing(format!(
                "none of the {} that were read contains `{name}` (class {class})",
                counted_of(read, cases, "mask")
            )));
        }
    }
    findings
}
