//! Values and colours of a mask that are no labels, and the message about them.

use crate::base::count::counted;
use crate::base::error::RunError;
use crate::base::problem::problem;
use crate::text::config::DataSpec;
use crate::text::config::case_rules::MaskLabel;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;

/// Values or colours without a class: the value, the index of its first pixel, and its number of pixels.
pub(super) struct UnknownLabels<K, V>(BTreeMap<K, (V, usize, usize)>);

impl<K: Ord, V: Copy> UnknownLabels<K, V> {
    pub(super) fn new() -> Self {
        UnknownLabels(BTreeMap::new())
    }

    /// Counts a pixel with this value.
    pub(super) fn add(&mut self, key: K, value: V, at: usize) {
        self.0.entry(key).or_insert((value, at, 0)).2 += 1;
    }

    pub(super) fn values(&self) -> impl Iterator<Item = V> {
        self.0.values().map(|(value, ..)| *value)
    }

    /// Returns the value that comes first in reading order; the message gives its details.
    pub(super) fn first(&self) -> Option<UnknownLabel<V>> {
        let &(value, at, count) = self.0.values().min_by_key(|(_, at, _)| *at)?;
        Some(UnknownLabel { value, at, count, others: self.0.len() - 1 })
    }
}

/// A value or colour of a mask that is not a label.
pub(super) struct UnknownLabel<V> {
    pub(super) value: V,
    /// Index of its first pixel.
    at: usize,
    /// Number of pixels with this value.
    count: usize,
    /// Number of other unknown values.
    pub(super) others: usize,
}

impl<V> UnknownLabel<V> {
    /// Returns the error; `what` names the kind of value, and `shown` is the value.
    pub(super) fn error(
        &self,
        path: &Path,
        what: &str,
        shown: &dyn Display,
        width: usize,
        spec: &DataSpec,
    ) -> RunError {
        let others = match self.others {
            0 => String::new(),
            1 => "; 1 other is not a label either".to_string(),
            more => format!("; {} are not labels either", counted(more, "other")),
        };
        let place = pixel_count(self.count, self.at, width);
        problem!(
            E0713,
            path,
            "mask {what} {shown} is not the label of any class: {place}{others}";
            help: "the labels are {}", labels_text(spec)
        )
    }
}

/// Returns `3 pixels, the first at x 4, y 2`.
pub(super) fn pixel_count(count: usize, at: usize, width: usize) -> String {
    format!("{}, the first at x {}, y {}", counted(count, "pixel"), at % width, at / width)
}

/// Returns all labels with their classes, and the ignored values.
fn labels_text(spec: &DataSpec) -> String {
    let labels: Vec<String> =
        spec.labels.iter().zip(&spec.classes).map(|(l, class)| format!("{} ({class})", MaskLabel(*l))).collect();
    let ignored: Vec<String> = spec.ignore.iter().map(|value| MaskLabel(*value).to_string()).collect();
    let ignored = if ignored.is_empty() { String::new() } else { format!("; ignored: {}", ignored.join(", ")) };
    format!("{}{ignored}", labels.join(", "))
}

/// Returns the entry of the data block that ignores further values; `values` are written as in the language.
pub(super) fn ignore_entry(spec: &DataSpec, values: &[String]) -> String {
    let known = spec.ignore.iter().map(|label| MaskLabel(*label).written());
    let all: Vec<String> = known.chain(values.iter().cloned()).collect();
    match all.as_slice() {
        [one] => format!("ignore = {one}"),
        several => format!("ignore = [{}]", several.join(", ")),
    }
}
