//! Which warnings are suppressed, and which become errors.

use super::error::WorkbenchError;
use super::selection::Selection;
use crate::base::problem::problem;
use crate::graph::resolve::{ResolvedProgram, allows, unused_allows};
use crate::text::diag::{Problems, WARNINGS, WarningFilter, did_you_mean, lints};
use std::collections::BTreeSet;

/// Names of lints as `npc explain` lists them. `warnings` among the denied means all of them.
#[derive(Debug, Clone, Default)]
pub struct LintLevels {
    /// Warnings that are suppressed.
    pub allow: Vec<String>,
    /// Warnings that become errors.
    pub deny: Vec<String>,
}

impl LintLevels {
    /// Checks that all names are lints.
    pub(crate) fn check_names(&self) -> Result<(), WorkbenchError> {
        let unknown = |message| WorkbenchError::request(problem!(E0503, "{message}"));
        self.allow.iter().try_for_each(|name| lint_name(name).map(drop)).map_err(unknown)?;
        self.deny.iter().try_for_each(|name| lint_or_all(name).map(drop)).map_err(unknown)
    }

    /// Removes warnings that an `@allow` of the file or these levels suppress, and turns denied warnings into errors.
    /// Returns the problems that are left, unsorted, with a warning for each `@allow` that suppresses nothing. Those are left out
    /// where the selection is not the file as written, or an error is left.
    pub fn apply(&self, program: &ResolvedProgram<'_>, selection: &Selection, problems: Problems) -> Problems {
        let set = |names: &[String]| names.iter().cloned().collect();
        let levels = WarningFilter { allows: allows(program), allowed: set(&self.allow), denied: set(&self.deny) };
        let mut used = BTreeSet::new();
        let mut left = levels.apply(problems, &mut used);
        // At another size, or for one model only, the warning that an `@allow` suppresses may not occur.
        let as_written = selection.size.is_empty() && selection.on.is_empty() || program.data.is_empty();
        if as_written && selection.model.is_none() && !selection.has_arguments() && !left.has_errors() {
            left.extend(levels.apply(unused_allows(program, &used), &mut BTreeSet::new()));
        }
        left
    }
}

/// Parses the name of a lint. The error suggests a similar name.
pub(crate) fn lint_name(text: &str) -> Result<String, String> {
    known_name(text, lints())
}

/// Parses the name of a lint, or `warnings` for all of them.
pub(crate) fn lint_or_all(text: &str) -> Result<String, String> {
    known_name(text, lints().chain([WARNINGS]))
}

/// Checks that a name is among the known ones.
fn known_name<'a>(text: &str, names: impl Iterator<Item = &'a str> + Clone) -> Result<String, String> {
    if names.clone().any(|n| n == text) {
        return Ok(text.to_string());
    }
    Err(match did_you_mean(text, names.clone()) {
        Some(near) => format!("there is no lint `{text}`; did you mean `{near}`?"),
        None => format!("there is no lint `{text}`; the lints are {}", names.collect::<Vec<_>>().join(", ")),
    })
}
