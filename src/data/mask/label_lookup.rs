//! The class that a grey value has by the labels.

use crate::text::config::DataSpec;
use crate::text::config::case_rules::IGNORED_CLASS;

/// Largest label that may be a class number.
pub(super) const MAX_CLASS_NUMBER: u32 = 31;

/// Returns the class of a grey value, or [`IGNORED_CLASS`]; `None` if the value is neither a label nor ignored.
pub(super) fn class_of_value(spec: &DataSpec, value: f64) -> Option<u8> {
    let is_value = |label: &u32| f64::from(*label) == value;
    let class = spec.labels.iter().position(is_value).map(|class| class as u8);
    class.or_else(|| spec.ignore.iter().any(is_value).then_some(IGNORED_CLASS))
}
