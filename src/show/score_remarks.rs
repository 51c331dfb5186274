//! What readers of scores must know: `npc eval` prints it below its tables, and the report shows all of it.

use crate::metric::statistics::LEAST_UNITS;
use crate::metric::{DistanceUnit, Evaluation, Intervals, Summary, VolumeEvaluation};

/// What a reader of results from the last checkpoint must know, where a best one was to be kept.
pub(crate) const NO_BEST_CHECKPOINT: &str =
    "the run has no best checkpoint, because no epoch scored above 0 with any foreground: the last one is used";

/// Returns remarks on the scores of volumes.
pub(crate) fn volume_remarks(volumes: &VolumeEvaluation, classes: usize) -> Vec<String> {
    let s = &volumes.summary;
    let pairs = s.n * classes;
    let of = if classes > 1 { "pairs of volume and class" } else { "volumes" };
    let mut lines: Vec<String> = s.nothing_found().into_iter().collect();
    if !volumes.left_out.is_empty() {
        lines.push(format!(
            "left out, because slices of them lie in another part of the split: {}",
            volumes.left_out.join(", ")
        ));
    }
    if volumes.added_slices > 0 {
        lines.push(format!(
            "every slice counts: {} slices that are no images of the split were predicted as well",
            volumes.added_slices
        ));
    }
    let rule = s.empty_rule.explanation().replace("of an image", "of a volume");
    lines.push(format!("{rule}: {} of {pairs} {of}", s.empty));
    if s.one_sided > 0 {
        let what = "hold the class in prediction or truth alone: overlap 0, and the volume's diagonal as the distance";
        lines.push(format!("{} of {pairs} {of} {what}", s.one_sided));
    }
    lines.push(match &volumes.intervals {
        None => no_interval_remark(s, "volumes"),
        Some(i) => interval_remark(i, "volumes"),
    });
    lines.push("distances between surfaces in three dimensions, in millimetres".into());
    lines
}

/// Returns why there are no intervals over `units`.
fn no_interval_remark(s: &Summary, units: &str) -> String {
    let scored = s.n - s.ignored_images;
    let why = match s.groups {
        Some(1) => format!("all {scored} {units} are of one group"),
        Some(groups) => format!("the {scored} {units} are of {groups} groups"),
        None => format!("{scored} {units} with a score"),
    };
    let what = if s.groups.is_some() { "groups" } else { units };
    format!("no confidence intervals: {why}, and they need at least {LEAST_UNITS} {what}")
}

/// Returns how intervals over `units` were computed.
fn interval_remark(i: &Intervals, units: &str) -> String {
    let groups = if i.grouped { "groups of " } else { "" };
    let few = if i.units < 10 { "; of so few they are too narrow" } else { "" };
    format!("[95 % intervals]: percentile bootstrap over {} {groups}{units}, {} resamples{few}", i.units, i.resamples)
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
    let pairs = s.n * classes;
    let of = if classes > 1 { "pairs of image and class" } else { "images" };
    let mut lines: Vec<String> = s.nothing_found().into_iter().collect();
    lines.extend(e.without_best.then(|| NO_BEST_CHECKPOINT.to_string()));
    lines.push(format!("{}: {} of {pairs} {of}", s.empty_rule.explanation(), s.empty));
    lines.extend(ignored_remark(s, s.n * e.size[0] * e.size[1]));
    if s.one_sided > 0 {
        let what = "hold the class in prediction or truth alone: overlap 0, and the image's diagonal as the distance";
        lines.push(format!("{} of {pairs} {of} {what}", s.one_sided));
    }
    lines.push(match &e.intervals {
        None => no_interval_remark(s, "images"),
        Some(i) => interval_remark(i, "images"),
    });
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
        lines.push(format!("calibration error (ECE, {bins} bins, all pixels) {ece:.4}, worst bin {mce:.4}"));
    }
    lines
}

/// Returns a remark on ignored pixels, of which there are some; `all` is the number of pixels of all images.
fn ignored_remark(s: &Summary, all: usize) -> Option<String> {
    let share = 100.0 * s.ignored_pixels as f64 / all.max(1) as f64;
    let whole = match s.ignored_images {
        0 => String::new(),
        1 => "; 1 image has no other pixels and no score".into(),
        n => format!("; {n} images have no other pixels and no score"),
    };
    (s.ignored_pixels > 0).then(|| format!("{share:.1} % of the pixels are ignored: they count in no score{whole}"))
}
