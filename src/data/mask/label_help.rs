//! Help for masks whose values, indices or colours are not the labels: the edit that reads this very file.

use super::unknown_label::{UnknownLabels, ignore_entry};
use crate::data::pixels::{Pixels, SampleValues};
use crate::text::config::case_rules::{MaskLabel, colour_label};
use crate::text::config::{DataSpec, MaskRule};
use std::collections::BTreeSet;

/// Values by which masks of 8 and 16 bits mostly mark pixels without a class.
const VOID_VALUES: [f64; 2] = [255.0, 65535.0];
/// The most unknown values that may each be a class; more come from interpolation or smoothed edges.
const MAX_FURTHER: usize = 4;
/// The most colours that a message lists.
const MAX_LISTED: usize = 8;

/// Returns what to do about grey values that are no labels. `has` says whether a label is a value of the file.
pub(super) fn value_help(
    spec: &DataSpec,
    unknown: &UnknownLabels<u64, f64>,
    has: &dyn Fn(u32) -> bool,
) -> Option<String> {
    if let Some(labels) = other_labels(spec, unknown, has) {
        return Some(labels);
    }
    let values: Vec<f64> = unknown.values().collect();
    let objects = objects_help(spec, &values, has);
    if let Some((text, true)) = &objects {
        return Some(text.clone());
    }
    if let Some(void) = void_help(spec, unknown) {
        return Some(void);
    }
    let objects = objects.map_or(String::new(), |(text, _)| format!("; {text}"));
    let &[a, b] = spec.labels.as_slice() else {
        return (values.len() > 9).then(|| INTERPOLATED.to_string());
    };
    let between = values.iter().all(|&v| (f64::from(a.min(b))..=f64::from(a.max(b))).contains(&v));
    let most = values.iter().fold(f64::from(a.max(b)), |most, &v| most.max(v));
    Some(match (values.len() > MAX_FURTHER, between) {
        (true, true) => {
            "if edges are smoothed, write `mask = threshold`: a value above the mean of the labels becomes the class \
                         of the larger one"
                .to_string()
                + &objects
        }
        (true, false) => format!(
            "if edges are smoothed, write `mask = threshold({0})`: values above {0} become class `{1}`{objects}",
            (most / 2.0).floor(),
            larger_class(spec)
        ),
        (false, true) => {
            "add a class or `ignore` for the value; with `mask = threshold` a value above the mean of the labels \
                          becomes the class of the larger one"
                .into()
        }
        (false, false) => further_class(spec, &values) + &objects,
    })
}

/// Returns the edit that takes numbers of objects for one class, where two labels begin at 0, and whether the numbers have no gap, so
/// that they are hardly anything else. Two numbers may be classes as well.
fn objects_help(spec: &DataSpec, values: &[f64], has: &dyn Fn(u32) -> bool) -> Option<(String, bool)> {
    let &[a, b] = spec.labels.as_slice() else { return None };
    let whole = values.iter().all(|value| *value >= 1.0 && value.fract() == 0.0);
    if a.min(b) != 0 || !whole || values.len() < 2 {
        return None;
    }
    let largest = a.max(b);
    let most = values.iter().copied().fold(if has(largest) { f64::from(largest) } else { 0.0 }, f64::max);
    let numbers = values.len() + usize::from(has(largest));
    let dense = numbers as f64 >= 0.9 * most;
    let class = larger_class(spec);
    let text =
        format!("if the values number objects, write `mask = threshold(0)`: all above 0 becomes class `{class}`");
    // Smoothed edges of 8 bits reach 255.
    (values.len() > MAX_FURTHER || dense).then_some((text, dense && values.len() > MAX_FURTHER && most != 255.0))
}

/// Returns what to do about indices of a palette that are no labels: with the colours of this file.
pub(super) fn palette_help(
    spec: &DataSpec,
    unknown: &UnknownLabels<u64, f64>,
    pixels: &Pixels,
    palette: &[[u8; 3]],
) -> Vec<String> {
    let SampleValues::U8(values) = &pixels.values else { return Vec::new() };
    let used: BTreeSet<u8> = values.iter().copied().collect();
    let colour = |index: &u8| palette.get(usize::from(*index)).map(|colour| MaskLabel(colour_label(*colour)).written());
    let colours: Vec<String> = used.iter().filter_map(colour).collect();
    let entries = match used.len() == spec.classes.len() && colours.len() == used.len() {
        true => {
            let indices: Vec<String> = used.iter().map(u8::to_string).collect();
            format!(
                "write the indices as labels, `labels = [{}]`, or the colours, `labels = [{}]`, in the order of the classes",
                indices.join(", "),
                colours.join(", ")
            )
        }
        false => {
            let shown: Vec<String> =
                used.iter().take(MAX_LISTED).filter_map(|i| Some(format!("{i} ({})", colour(i)?))).collect();
            let more =
                if used.len() > MAX_LISTED { format!(" and {} more", used.len() - MAX_LISTED) } else { String::new() };
            format!("write a label for each index of the file, or for each colour: {}{more}", shown.join(", "))
        }
    };
    let rule =
        format!("labels that are numbers are compared with the index of a palette, not with its colour; {entries}");
    std::iter::once(rule).chain(void_help(spec, unknown)).collect()
}

/// Returns what to do about a mask in colours where grey values are labels: with the colours of this file.
pub(super) fn colour_help(spec: &DataSpec, pixels: &Pixels) -> Option<String> {
    let SampleValues::U8(values) = &pixels.values else { return None };
    let mut colours: BTreeSet<[u8; 3]> = BTreeSet::new();
    for pixel in values.chunks_exact(3) {
        colours.insert([pixel[0], pixel[1], pixel[2]]);
        if colours.len() > MAX_LISTED {
            let rule = if spec.classes.len() == 2 {
                "`mask = threshold(127)` cuts at the brightest channel"
            } else {
                INTERPOLATED
            };
            return Some(format!("the file has more than {MAX_LISTED} colours: {rule}"));
        }
    }
    let listed: Vec<String> = colours.iter().map(|colour| MaskLabel(colour_label(*colour)).written()).collect();
    let listed = listed.join(", ");
    Some(match colours.len() == spec.classes.len() {
        true => format!("use the colours as labels, in the order of the classes: labels = [{listed}]"),
        false => format!("use the colours as labels, one for each class; those of this file are {listed}"),
    })
}

pub(super) const INTERPOLATED: &str =
    "the mask may have been resized with interpolation; resize masks by nearest neighbour";

/// Returns the labels of a file of two values, of which the smaller is a label and the other is none: it is that of the other class.
/// To ignore it would leave no pixel of that class.
fn other_labels(spec: &DataSpec, unknown: &UnknownLabels<u64, f64>, has: &dyn Fn(u32) -> bool) -> Option<String> {
    let &[a, b] = spec.labels.as_slice() else { return None };
    let values: Vec<f64> = unknown.values().collect();
    let &[value] = values.as_slice() else { return None };
    if has(a.max(b)) || value <= f64::from(a.min(b)) || value.fract() != 0.0 || value > 65535.0 {
        return None;
    }
    let labels = if a < b { format!("[{a}, {value}]") } else { format!("[{value}, {b}]") };
    Some(format!("if {value} is class `{}`, write `labels = {labels}`", larger_class(spec)))
}

/// Returns the entry that ignores a value that mostly marks pixels without a class.
fn void_help(spec: &DataSpec, unknown: &UnknownLabels<u64, f64>) -> Option<String> {
    let value = unknown.values().find(|value| VOID_VALUES.contains(value))?;
    Some(format!("if {value} marks pixels without a class, write `{}`", ignore_entry(spec, &[value.to_string()])))
}

/// Returns the name of the class with the larger one of two labels.
fn larger_class(spec: &DataSpec) -> &str {
    let second = spec.labels.first() < spec.labels.get(1);
    spec.classes.get(usize::from(second)).map_or("", String::as_str)
}

/// Returns the edits for a few values beyond the labels.
pub(super) fn further_class(spec: &DataSpec, values: &[f64]) -> String {
    let labels = spec.labels.iter().map(|&label| f64::from(label)).chain(values.iter().copied());
    let labels: Vec<String> = labels.map(|label| label.to_string()).collect();
    let these = if values.len() == 1 { "it is a class" } else { "they are classes" };
    let ignored: Vec<String> = values.iter().map(f64::to_string).collect();
    let rule = if spec.mask_rule == MaskRule::Exact { "" } else { " without `mask`" };
    format!(
        "if {these}, add a name to `classes` for each and write `labels = [{}]`{rule}; if not, write `{}`",
        labels.join(", "),
        ignore_entry(spec, &ignored)
    )
}
