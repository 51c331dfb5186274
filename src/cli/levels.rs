//! `--allow` and `--deny`: which warnings are told, and which make the command fail.

use super::load::Choice;
use crate::graph::resolve::{Program, allows, unused_allows};
use crate::text::diag::{Levels, Problems, WARNINGS, did_you_mean, lints};
use clap::Args;
use std::collections::BTreeSet;

/// What is done with warnings.
#[derive(Args, Clone, Default)]
pub struct LevelOpts {
    /// Leave these warnings out, for example --allow gridding,unused_binding
    #[arg(long, value_name = "LINT,...", value_delimiter = ',', value_parser = lint_name)]
    allow: Vec<String>,
    /// Make errors of these warnings; `warnings` stands for all of them
    #[arg(long, value_name = "LINT,...", value_delimiter = ',', value_parser = lint_or_all)]
    deny: Vec<String>,
}

fn lint_name(text: &str) -> Result<String, String> {
    known(text, lints())
}

fn lint_or_all(text: &str) -> Result<String, String> {
    known(text, lints().chain([WARNINGS]))
}

fn known<'a>(text: &str, names: impl Iterator<Item = &'a str> + Clone) -> Result<String, String> {
    if names.clone().any(|n| n == text) {
        return Ok(text.to_string());
    }
    Err(match did_you_mean(text, names.clone()) {
        Some(near) => format!("there is no lint `{text}`; did you mean `{near}`?"),
        None => format!("there is no lint `{text}`; there is {}", names.collect::<Vec<_>>().join(", ")),
    })
}

impl LevelOpts {
    /// Takes out what the file or the command line silences, and makes errors of what is denied.
    pub fn apply(&self, program: &Program<'_>, choice: &Choice, problems: Problems) -> Problems {
        let set = |names: &[String]| names.iter().cloned().collect();
        let levels = Levels { allows: allows(program), allowed: set(&self.allow), denied: set(&self.deny) };
        let mut used = BTreeSet::new();
        let mut left = levels.apply(problems, &mut used);
        // At another size, or for one model, what an `allow` is there for may not come up.
        let sized = choice.size.is_empty() && choice.on.is_empty() || program.data.is_empty();
        if sized && choice.model.is_none() && choice.with.is_empty() && !left.has_errors() {
            left.extend(levels.apply(unused_allows(program, &used), &mut BTreeSet::new()));
        }
        left
    }
}
