//! What readers of scores must know: `npc eval` prints it below its tables, and the report shows all of it.

use crate::base::count::{counted, verb_for};
use crate::base::number::thousands;
use crate::metric::statistics::LEAST_UNITS;
use crate::metric::{DistanceUnit, Evaluation, Intervals, Summary, VolumeEvaluation};
use crate::score::compare::ScoredUnit;

/// What a reader of results from the last checkpoint must know, where a best one was to be kept.
pub(crate) const NO_BEST_CHECKPOINT: &str =
    "the run has no best checkpoint, because no epoch scored above 0 with any foreground: the last one is used";

/// Returns remarks on the scores of volumes.
pub(crate) fn volume_remarks(volumes: &VolumeEvaluation, classes: usize) -> Vec<String> {
    let s = &volumes.summary;
    let of = ScoredUnit::Volumes;
    let mut lines: Vec<String> = s.nothing_found().into_iter().collect();
    if !volumes.left_out.is_empty() {
        lines.push(format!(
            "left out, because slices of them lie in another part of the split: {}",
            volumes.left_out.join(", ")
        ));
    }
    if volumes.added_slices > 0 {
        lines.push(format!(
            "every slice counts: {} that are no images of the split were predicted as well",
            counted(volumes.added_slices, "slice")
        ));
    }
    lines.push(empty_remark(s, classes, of));
    lines.extend(one_sided_remark(s, classes, of));
    lines.push(units_remark(s, volumes.intervals.as_ref(), of));
    lines.push("distances between surfaces in three dimensions, in millimetres".into());
    lines
}

/// Returns what has a score for a class: `12 images`, or `24 pairs of image and class` for several classes.
fn scored_pairs(s: &Summary, classes: usize, of: ScoredUnit) -> String {
    if classes > 1 {
        format!("{} of {} and class", counted(s.n * classes, "pair"), of.one())
    } else {
        counted(s.n, of.one())
    }
}

/// Returns the rule for empty masks, and how often it was met.
fn empty_remark(s: &Summary, classes: usize, of: ScoredUnit) -> String {
    let rule = s.empty_rule.explanation(of.with_article());
    format!("{rule}: {} of {}", thousands(s.empty), scored_pairs(s, classes, of))
}

/// Returns a remark on classes in prediction or truth alone, of which there are some.
fn one_sided_remark(s: &Summary, classes: usize, of: ScoredUnit) -> Option<String> {
    let (pairs, one) = (scored_pairs(s, classes, of), of.one());
    let hold = verb_for(s.one_sided, "holds", "hold");
    let what =
        format!("{hold} the class in prediction or truth alone: overlap 0, and the {one}'s diagonal as the distance");
    (s.one_sided > 0).then(|| format!("{} of {pairs} {what}", thousands(s.one_sided)))
}

/// Returns how intervals were computed, or why there are none.
fn units_remark(s: &Summary, intervals: Option<&Intervals>, of: ScoredUnit) -> String {
    match intervals {
        None => no_interval_remark(s, of),
        Some(i) => interval_remark(i, of),
    }
}

/// Returns why there are no intervals over images or volumes.
fn no_interval_remark(s: &Summary, of: ScoredUnit) -> String {
    let scored = s.n - s.ignored_images;
    let (units, are) = (counted(scored, of.one()), verb_for(scored, "is", "are"));
    let why = match s.groups {
        Some(1) if scored > 1 => format!("all {units} are of one group"),
        Some(groups) => format!("the {units} {are} of {}", counted(groups, "group")),
        None => format!("{units} with a score"),
    };
    let what = if s.groups.is_some() { "groups" } else { of.name() };
    format!("no confidence intervals: {why}, and they need at least {LEAST_UNITS} {what}")
}

/// Returns how intervals over images or volumes, or groups of them, were computed.
fn interval_remark(i: &Intervals, of: ScoredUnit) -> String {
    let units =
        if i.grouped { format!("{} of {}", counted(i.units, "group"), of.name()) } else { counted(i.units, of.one()) };
    let few = if i.units < 10 { "; of so few they are too narrow" } else { "" };
    format!("[95 % intervals]: percentile bootstrap over {units}, {}{few}", counted(i.resamples, "resample"))
}

/// Returns everything that readers of an evaluation must know: remarks on the scores of images and of volumes, and warnings about
/// files. `npc eval` and the report print them.
pub(crate) fn all_remarks(e: &Evaluation, classes: usize) -> Vec<String> {
    let of_volumes = e.volumes.iter().flat_map(|volumes| volume_remarks(volumes, classes));
    let of_volumes = of_volumes.map(|remark| format!("volumes: {remark}"));
    remarks(e, classes).into_iter().chain(of_volumes).chain(e.file_warnings.iter().cloned()).collect()
}

/// Returns remarks on how the scores were computed.
pub(crate) fn remarks(e: &Evaluation, classes: usize) -> Vec<String> {
    let s = &e.summary;
    let of = ScoredUnit::Images;
    let mut lines: Vec<String> = s.hints.iter().map(|hint| format!("hint: {hint}")).collect();
    if s.hints.iter().all(|hint| hint.kind != "no_foreground") {
        lines.extend(s.nothing_found());
    }
    lines.extend(e.origin_warnings.iter().cloned());
    lines.extend(e.without_best.then(|| NO_BEST_CHECKPOINT.to_string()));
    lines.push(empty_remark(s, classes, of));
    lines.extend(ignored_remark(s, s.n * e.size[0] * e.size[1]));
    lines.extend(one_sided_remark(s, classes, of));
    lines.push(units_remark(s, e.intervals.as_ref(), of));
    let [h, w] = e.size;
    lines.push(match s.unit {
        DistanceUnit::Px => format!("distances in pixels at {h}x{w}; `spacing` in the data block gives millimetres"),
        DistanceUnit::Mm => "distances in millimetres".into(),
    });
    if e.chosen_here {
        lines.push("the weights were chosen by their score on these images, so the scores are optimistic (no `val` in the split)".into());
    }
    if let (Some(ece), Some(mce)) = (e.calibration.ece, e.calibration.mce) {
        let bins = e.calibration.bins.len();
        lines.push(format!(
            "calibration error (ECE, {}, all pixels) {ece:.4}, worst bin {mce:.4}",
            counted(bins, "bin")
        ));
    }
    lines
}

/// Returns a remark on ignored pixels, of which there are some; `all` is the number of pixels of all images.
fn ignored_remark(s: &Summary, all: usize) -> Option<String> {
    let share = 100.0 * s.ignored_pixels as f64 / all.max(1) as f64;
    let whole = match s.ignored_images {
        0 => String::new(),
        n => format!("; {} {} no other pixels and no score", counted(n, "image"), verb_for(n, "has", "have")),
    };
    (s.ignored_pixels > 0).then(|| format!("{share:.1} % of the pixels are ignored: they count in no score{whole}"))
}
