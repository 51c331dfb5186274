//! The labels that masks suggest, and what the guesses by values and by colours share.

use super::data_guess::DataGuess;
use crate::base::error::RunError;
use crate::base::problem::problem;
use crate::text::config::MaskRule;
use std::path::Path;

/// The most values or colours that are taken for classes.
pub(super) const MOST_CLASSES: usize = 40;
/// Largest share of the pixels between two labels where masks have smoothed edges.
pub(super) const MOST_SMOOTHED: f64 = 0.25;

/// Labels in the order of classes, the background first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct GuessedLabels {
    pub labels: Vec<u32>,
    pub ignore: Vec<u32>,
    pub rule: MaskRule,
    pub guesses: Vec<DataGuess>,
}

pub(super) fn guess(key: &'static str, why: impl Into<String>) -> DataGuess {
    DataGuess { key, why: why.into() }
}

/// Returns the error of masks that all hold one value.
pub(super) fn one_value(path: &Path, what: &str) -> RunError {
    problem!(E0713, path, "every mask holds {what} alone, so there is nothing to segment";
        help: "check that these are the masks; `--masks` says where they are")
}
