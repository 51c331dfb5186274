//! Can the scores of two runs be compared? They must be of the same images, masks, classes and rules.

use super::evaluated_run::{EvaluatedRun, ScoredUnit};
use crate::base::count::counted;
use crate::base::error::Result;
use crate::base::number::thousands;
use crate::base::problem::problem;
use crate::metric::{DistanceUnit, Evaluation};
use std::collections::{BTreeMap, BTreeSet};

/// Returns the first five names, and the number of the others.
fn abbreviated_list(names: &[&str]) -> String {
    let shown = names[..names.len().min(5)].join(", ");
    if names.len() > 5 { format!("{shown} and {} more", thousands(names.len() - 5)) } else { shown }
}

/// Fails if the scores of two runs are not comparable. The error names the difference.
pub(super) fn check_comparable(a: &EvaluatedRun, b: &EvaluatedRun) -> Result<()> {
    check_same_images(a, b)?;
    let (first, second) = (a.folder.display(), b.folder.display());
    let (left, right) = (&a.evaluation.summary, &b.evaluation.summary);
    if a.cases.classes != b.cases.classes {
        let (here, there) = (a.cases.classes.join(", "), b.cases.classes.join(", "));
        return Err(problem!(E0740, "{first} and {second} have different classes: {here} and {there}";
            help: "compare runs that segment the same classes"));
    }
    let (here, there) = (&a.settings.data, &b.settings.data);
    if here.source == there.source && here.labels != there.labels {
        return Err(
            problem!(E0740, "{first} and {second} give the classes different labels in the same masks: {:?} and {:?}",
                here.labels, there.labels;
                help: "compare runs whose classes mean the same pixels"),
        );
    }
    if left.empty_rule != right.empty_rule {
        let (here, there) = (left.empty_rule.name(), right.empty_rule.name());
        return Err(
            problem!(E0740, "{first} and {second} score empty masks differently: `empty = {here}` and `empty = {there}`";
            help: "set the same `empty` in the data blocks' settings and evaluate again"),
        );
    }
    let same_size = a.evaluation.size == b.evaluation.size;
    let [here, there] = [left.ignored_pixels, right.ignored_pixels];
    if here != there && (same_size || here == 0 || there == 0) {
        return Err(
            problem!(E0740, "{first} and {second} were not scored on the same pixels: {here} and {} are ignored", counted(there, "pixel");
            help: "write the same `ignore` in the data blocks, and evaluate again"),
        );
    }
    check_same_masks(a, b)?;
    if a.cases.groups.is_some() != b.cases.groups.is_some() {
        return Err(
            problem!(E0740, "only one of {first} and {second} has groups of images"; help: "evaluate both runs again"),
        );
    }
    Ok(())
}

/// Fails if two runs were evaluated on different masks: at one size their classes have the same number of pixels in each image.
/// Whole volumes have one size. At two sizes the shares of the pixels differ a little, and are not compared.
fn check_same_masks(a: &EvaluatedRun, b: &EvaluatedRun) -> Result<()> {
    if a.of == ScoredUnit::Images && a.evaluation.size != b.evaluation.size {
        return Ok(());
    }
    let (first, second) = (a.folder.display(), b.folder.display());
    let places: BTreeMap<&str, usize> = b.cases.stems.iter().enumerate().map(|(i, stem)| (stem.as_str(), i)).collect();
    let mut different: Vec<String> = Vec::new();
    for (i, stem) in a.cases.stems.iter().enumerate() {
        let Some(&j) = places.get(stem.as_str()) else { continue };
        let pixels = a.cases.truth.iter().zip(&b.cases.truth).zip(&a.cases.classes);
        let differing = pixels.map(|((here, there), class)| (here[i], there[j], class)).find(|(here, there, _)| {
            // Tables without these counts say nothing.
            !here.is_nan() && !there.is_nan() && here != there
        });
        different
            .extend(differing.map(|(here, there, class)| {
                format!("{stem} ({class}: {here} and {})", counted(there as u64, "pixel"))
            }));
    }
    if different.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = different.iter().map(String::as_str).collect();
    Err(problem!(E0740, "{first} and {second} were not scored on the same masks; {} of {} differ: {}",
            thousands(names.len()), thousands(a.cases.stems.len()), abbreviated_list(&names);
            help: "a paired comparison needs the same data: evaluate both runs again with one `--data-root`"))
}

/// Fails if two runs were evaluated on different images. The error lists images of only one run.
fn check_same_images(a: &EvaluatedRun, b: &EvaluatedRun) -> Result<()> {
    let stems = |run: &EvaluatedRun| -> BTreeSet<String> { run.cases.stems.iter().cloned().collect() };
    let (here, there) = (stems(a), stems(b));
    if here == there {
        return Ok(());
    }
    let only = |x: &BTreeSet<String>, y: &BTreeSet<String>| -> String {
        let only: Vec<&str> = x.difference(y).map(String::as_str).collect();
        if only.is_empty() { "none".into() } else { format!("{} ({})", only.len(), abbreviated_list(&only)) }
    };
    let (first, second) = (a.folder.display(), b.folder.display());
    let (in_first, in_second) = (only(&here, &there), only(&there, &here));
    Err(
        problem!(E0740, "{first} and {second} were not scored on the same images; only in the first: {in_first}, only in the second: {in_second}";
        help: "a paired comparison needs the same split: use `split = lists(..)`, or the same seed for both runs"),
    )
}

/// Returns why distances of these runs cannot be compared: they are in two units, in pixels of two sizes, or in millimetres by two
/// spacings. `None` if they can.
pub(super) fn distance_obstacle(runs: &[EvaluatedRun]) -> Option<String> {
    let first = runs.first()?;
    runs[1..].iter().find_map(|other| {
        let (left, right) = (&first.evaluation, &other.evaluation);
        let (here, there) = (left.summary.unit, right.summary.unit);
        if here != there {
            return Some(format!(
                "they are in {} and in {}; write `spacing` in both data blocks and evaluate again",
                here.name(),
                there.name()
            ));
        }
        let size = |e: &Evaluation| format!("{}x{}", e.size[0], e.size[1]);
        let spacings = [first.settings.data.spacing, other.settings.data.spacing];
        match here {
            DistanceUnit::Px if left.size != right.size => Some(format!(
                "they are in pixels at {} and at {}; `spacing` in the data blocks gives millimetres",
                size(left),
                size(right)
            )),
            DistanceUnit::Mm if spacings[0] != spacings[1] => Some("the data blocks give different `spacing`".into()),
            DistanceUnit::Px | DistanceUnit::Mm => None,
        }
    })
}

/// Returns remarks on differences between the runs that weaken the comparison.
pub(super) fn comparison_notes(runs: &[EvaluatedRun], group_seeds: bool) -> Vec<String> {
    let mut notes = Vec::new();
    let mut differ = |what: &str, of: &dyn Fn(&EvaluatedRun) -> String| {
        let values: BTreeSet<String> = runs.iter().map(of).collect();
        if values.len() > 1 {
            let list: Vec<&str> = values.iter().map(String::as_str).collect();
            notes.push(format!("the runs differ in {what}: {}", list.join("; ")));
        }
    };
    let images = runs.iter().all(|run| run.of == ScoredUnit::Images);
    // Volumes are scored on the grid of their files.
    let what = if images { "the size at which they were scored" } else { "the size of the data block" };
    differ(what, &|r| format!("{}x{}", r.evaluation.size[0], r.evaluation.size[1]));
    differ("test-time flips", &|r| if r.evaluation.flips { "with" } else { "without" }.into());
    differ("the weights that were scored", &|r| r.evaluation.checkpoint.clone());
    let chosen = runs.iter().filter(|r| r.evaluation.chosen_here).count();
    if chosen > 0 {
        let of = if chosen == runs.len() { "all runs".into() } else { counted(chosen, "run") };
        notes.push(format!(
            "the weights of {of} were chosen by their score on these images: their means are optimistic"
        ));
    }
    for run in runs {
        notes.extend(run.evaluation.origin_warnings.iter().map(|text| format!("{}: {text}", run.folder.display())));
    }
    if !group_seeds {
        notes.push(
            "intervals cover the variation of the images: training with another seed may change a mean by more (`--group-seeds`)"
                .into(),
        );
    }
    notes
}
