//! Do the images of a prediction look like those that the run was trained on?

use super::data_profile::DataProfile;
use super::image::prediction_spec;
use super::image_facts::ImageFacts;
use super::survey::values::{self, NamedFacts, list_first};
use crate::base::count::{counted_of, verb_for};
use crate::text::config::DataSpec;

/// Returns what is doubtful about the images, one warning for each topic. Old runs have no `profile`; there the window and the
/// `channels` of the network say what the images should be.
pub(crate) fn prediction_warnings(
    spec: &DataSpec,
    channels: usize,
    profile: Option<&DataProfile>,
    images: &[NamedFacts<'_>],
) -> Vec<String> {
    let window = prediction_spec(spec).window;
    let mut warnings: Vec<String> = window
        .map_or_else(Vec::new, |window| values::window_findings(window, images))
        .iter()
        .map(|finding| finding.to_text())
        .collect();
    let only = |wanted: usize| profile.is_some_and(|p| p.channels.len() == 1 && p.channels.contains(&wanted));
    let grey = only(1) || profile.is_none() && (window.is_some() || channels == 1);
    let trained = if profile.is_some() { "the run was trained on" } else { "the run expects" };
    if grey {
        let what = format!("in colours, and {trained} grey images");
        warnings.extend(others(images, |facts| facts.channels == 3, &what));
    }
    if only(3) {
        warnings.extend(others(
            images,
            |facts| facts.channels == 1,
            "grey, and the run was trained on images in colours",
        ));
    }
    if let (None, Some(profile)) = (window, profile) {
        let known: Vec<&str> = profile.samples.iter().map(String::as_str).collect();
        let what = format!("of another sample type than those of training, which are {}", known.join(", "));
        warnings.extend(others(images, |facts| !profile.samples.contains(facts.samples), &what));
    }
    warnings
}

/// Returns a warning that names the images to which `differs` applies.
fn others(images: &[NamedFacts<'_>], differs: impl Fn(&ImageFacts) -> bool, what: &str) -> Option<String> {
    let names: Vec<&str> = images.iter().filter(|(_, facts)| differs(facts)).map(|(name, _)| *name).collect();
    let (n, all) = (names.len(), images.len());
    let verb = verb_for(n, "is", "are");
    (n > 0).then(|| format!("{} {verb} {what}: {}", counted_of(n, all, "image"), list_first(&names)))
}
