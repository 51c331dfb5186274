//! Do the values and channels of images fit each other, the window, and the images that a run was trained on?
//!
//! `data check` and `train` ask this of the images of a set, `predict` of those that it is given.

use super::finding::{SurveyFinding, SurveyTopic};
use crate::base::count::{counted, verb_for};
use crate::base::number::thousands;
use crate::data::image_facts::ImageFacts;
use std::collections::BTreeMap;

/// An image under the name that messages use: a stem, or a path.
pub(crate) type NamedFacts<'a> = (&'a str, &'a ImageFacts);

/// Returns what is doubtful about the images of one set: a window that they do not fit, and images of two kinds.
pub(crate) fn findings(window: Option<[f64; 2]>, images: &[NamedFacts<'_>]) -> Vec<SurveyFinding> {
    let mut findings = window.map_or_else(Vec::new, |window| window_findings(window, images));
    findings.extend(mixed_channels(images));
    findings
}

/// Returns the first names in a line: `` `a`, `b` and 3 more ``.
pub(crate) fn list_first<S: AsRef<str>>(names: &[S]) -> String {
    let mut text = names.iter().take(5).map(|s| format!("`{}`", s.as_ref())).collect::<Vec<_>>().join(", ");
    if names.len() > 5 {
        text += &format!(" and {} more", thousands(names.len() - 5));
    }
    text
}

/// Reports a window that most values lie outside of, or of which the values use a small part. Files of one kind are judged
/// together: eight-bit pictures among CT slices would otherwise hide among them.
pub(crate) fn window_findings(window: [f64; 2], images: &[NamedFacts<'_>]) -> Vec<SurveyFinding> {
    let mut kinds: BTreeMap<(&str, usize), Vec<NamedFacts<'_>>> = BTreeMap::new();
    for (name, facts) in images {
        kinds.entry((facts.samples, facts.channels)).or_default().push((name, facts));
    }
    let several = kinds.len() > 1;
    let of_kind = |((samples, channels), images): ((&str, usize), Vec<NamedFacts<'_>>)| {
        let colour = if channels == 1 { "grey" } else { "colour" };
        let names: Vec<&str> = images.iter().map(|(name, _)| *name).collect();
        let whose = match several {
            true => {
                let kind = format!("{samples} {colour} image");
                format!(" in {} ({})", counted(images.len(), &kind), list_first(&names))
            }
            false => String::new(),
        };
        window_of_kind(window, &images, &whose)
    };
    kinds.into_iter().flat_map(of_kind).collect()
}

/// Judges images of one kind. `whose` names them in messages where there are others.
fn window_of_kind([low, high]: [f64; 2], images: &[NamedFacts<'_>], whose: &str) -> Vec<SurveyFinding> {
    let n = images.len().max(1) as f64;
    let mean = |side: usize| images.iter().map(|(_, facts)| facts.outside[side]).sum::<f64>() / n;
    let least = images.iter().map(|(_, facts)| facts.least).fold(f64::INFINITY, f64::min);
    let most = images.iter().map(|(_, facts)| facts.most).fold(f64::NEG_INFINITY, f64::max);
    let mut findings = Vec::new();
    let mut report = |message: String| {
        let help =
            "the window must have the units of the files: Hounsfield units for CT; 8-bit pictures need no window";
        let about = images.iter().filter(|_| !whose.is_empty()).map(|(name, _)| name.to_string());
        findings.push(SurveyFinding::warning(SurveyTopic::Window, message).help(help).about(about));
    };
    for (side, name) in [(0, "below"), (1, "above")] {
        if mean(side) > 0.5 {
            let percent = 100.0 * mean(side);
            report(format!(
                "{percent:.0} % of the values{whose} lie {name} the window [{low}, {high}]; they span {least} to {most}"
            ));
        }
    }
    // A few defective pixels do not fill a window.
    let darkest = images.iter().map(|(_, facts)| facts.central[0]).fold(f64::INFINITY, f64::min);
    let brightest = images.iter().map(|(_, facts)| facts.central[1]).fold(f64::NEG_INFINITY, f64::max);
    let of_window = |least: f64, most: f64| (most.min(high) - least.max(low)).max(0.0) / (high - low);
    let (whole, used) = (of_window(least, most), of_window(darkest, brightest));
    // Constant images use no part of any window and are reported separately.
    if used < 0.25 && images.iter().any(|(_, facts)| !facts.constant) {
        report(match whole < 0.25 {
            true => {
                let percent = 100.0 * whole;
                format!("the values{whose} span {least} to {most}, only {percent:.0} % of the window [{low}, {high}]")
            }
            false => format!(
                "all but 1 % of the values{whose} lie between {darkest} and {brightest}, only {:.0} % of the window [{low}, {high}]",
                100.0 * used
            ),
        });
    }
    findings
}

/// Reports grey images among images in colours, or the reverse.
fn mixed_channels(images: &[NamedFacts<'_>]) -> Option<SurveyFinding> {
    let of = |wanted: usize| -> Vec<&str> {
        images.iter().filter(|(_, facts)| facts.channels == wanted).map(|(name, _)| *name).collect()
    };
    let (grey, colour) = (of(1), of(3));
    if grey.is_empty() || colour.is_empty() {
        return None;
    }
    let (few, what) = if grey.len() < colour.len() { (grey, "grey") } else { (colour, "in colours") };
    Some(minority(&few, images.len(), what))
}

fn minority(few: &[&str], all: usize, what: &str) -> SurveyFinding {
    let (count, names) = (few.len(), list_first(few));
    let verb = verb_for(count, "is", "are");
    let message =
        format!("{} of {} {verb} {what}, the others are not: {names}", thousands(count), counted(all, "image"));
    SurveyFinding::warning(SurveyTopic::Image, message).about(few.iter().map(|name| name.to_string()))
}
