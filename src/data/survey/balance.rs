//! Class balance of each split, and the range of the images' values.

use super::case_facts::{CaseFacts, ImageFacts};
use super::finding::{SurveyFinding, SurveyTopic};
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
    let message = match count {
        0 => return None,
        1 => format!("1 mask has ignored pixels only: {names}"),
        _ => format!("{count} masks have ignored pixels only: {names}"),
    };
    let help = "such an image teaches nothing and has no score: check `ignore`, or leave the image out";
    Some(SurveyFinding::warning(SurveyTopic::Mask, message).help(help).about(ignored))
}

/// Reports classes without pixels, empty masks, a mix of grey and colour images, and values that the window does not fit.
pub(super) fn findings(spec: &DataSpec, facts: &[CaseFacts]) -> Vec<SurveyFinding> {
    let mut findings = Vec::new();
    let empty: Vec<String> =
        facts.iter().filter(|f| f.classes.as_deref().is_some_and(is_empty)).map(|f| f.stem.clone()).collect();
    if !empty.is_empty() {
        let (s, verb) = if empty.len() == 1 { ("", "has") } else { ("s", "have") };
        let message =
            format!("{} mask{s} {verb} no class but `{}`: {}", empty.len(), spec.classes[0], list_first(&empty));
        let help = "the key `empty` sets how such images are scored; masks that are empty by mistake teach the network to miss objects";
        findings.push(SurveyFinding::warning(SurveyTopic::Balance, message).help(help).about(empty));
    }
    findings.extend(ignored_masks(facts));
    for balance in balance(spec, facts) {
        for (class, name) in spec.classes.iter().enumerate().filter(|(class, _)| balance.present[*class] == 0) {
            // Unreadable masks are reported already.
            if facts.iter().any(|f| f.role == balance.role && f.classes.is_some()) {
                let message = format!("no mask in {} contains `{name}` (class {class})", balance.role.name());
                findings.push(SurveyFinding::warning(SurveyTopic::Balance, message));
            }
        }
    }
    findings.extend(window_findings(spec, facts));
    let channels = |wanted: usize| -> Vec<String> {
        let has = |f: &&CaseFacts| f.image.as_ref().is_some_and(|i| i.channels == wanted);
        facts.iter().filter(has).map(|f| f.stem.clone()).collect()
    };
    let (grey, colour) = (channels(1), channels(3));
    if !grey.is_empty() && !colour.is_empty() {
        let (few, what) = if grey.len() < colour.len() { (grey, "grey") } else { (colour, "in colours") };
        let (count, names) = (few.len(), list_first(&few));
        let verb = if count == 1 { "is" } else { "are" };
        let message = format!("{count} of {} images {verb} {what}, the others are not: {names}", facts.len());
        findings.push(SurveyFinding::warning(SurveyTopic::Image, message).about(few));
    }
    findings
}

fn list_first(stems: &[String]) -> String {
    let mut text = stems.iter().take(5).map(|s| format!("`{s}`")).collect::<Vec<_>>().join(", ");
    if stems.len() > 5 {
        text += &format!(" and {} more", stems.len() - 5);
    }
    text
}

/// Reports a window that most values lie outside of, or of which the values use a small part.
fn window_findings(spec: &DataSpec, facts: &[CaseFacts]) -> Vec<SurveyFinding> {
    let Some([low, high]) = spec.window else { return Vec::new() };
    let images: Vec<_> = facts.iter().filter_map(|f| f.image.as_ref()).collect();
    if images.is_empty() {
        return Vec::new();
    }
    let mean = |side: usize| images.iter().map(|i| i.outside[side]).sum::<f64>() / images.len() as f64;
    let least = images.iter().map(|i| i.least).fold(f64::INFINITY, f64::min);
    let most = images.iter().map(|i| i.most).fold(f64::NEG_INFINITY, f64::max);
    let mut findings = Vec::new();
    let mut report = |message: String| {
        let help =
            "the window must have the units of the files: Hounsfield units for CT; 8-bit pictures need no window";
        findings.push(SurveyFinding::warning(SurveyTopic::Window, message).help(help));
    };
    for (side, name) in [(0, "below"), (1, "above")] {
        if mean(side) > 0.5 {
            let percent = 100.0 * mean(side);
            report(format!(
                "{percent:.0} % of the values lie {name} the window [{low}, {high}]; they span {least} to {most}"
            ));
        }
    }
    let used = (most.min(high) - least.max(low)).max(0.0) / (high - low);
    if used < 0.25 && some_vary(&images) {
        report(format!("the values span {least} to {most}, only {:.0} % of the window [{low}, {high}]", 100.0 * used));
    }
    findings
}

/// Checks whether any image is not constant. Constant images use no part of any window and are reported separately.
fn some_vary(images: &[&ImageFacts]) -> bool {
    images.iter().any(|i| !i.constant)
}
