//! Which warnings are told, and which of them stop: `@allow` in files, `--allow` and `--deny` on the command line.

use super::{Code, Problems, Severity};
use crate::source::{SourceId, Span};
use std::collections::BTreeSet;

/// A lint name that a file silences.
#[derive(Debug, Clone)]
pub struct Allow {
    pub lint: String,
    /// Where the name is written.
    pub at: Span,
    /// The item that it speaks for.
    pub over: Span,
}

impl Allow {
    /// For everything in the file where the name stands.
    pub fn file_wide(lint: String, at: Span) -> Self {
        Allow { lint, at, over: Span { source: at.source, start: 0, end: u32::MAX } }
    }

    fn covers(&self, place: Span) -> bool {
        place.source == self.over.source && self.over.start <= place.start && place.end <= self.over.end
    }

    /// Whether it speaks for the whole text `source`.
    pub fn is_file_wide(&self, source: SourceId) -> bool {
        self.over.source == source && self.over.end == u32::MAX
    }
}

/// What is silenced and what is denied in a run.
#[derive(Debug, Clone, Default)]
pub struct Levels {
    pub allows: Vec<Allow>,
    /// Lint names of `--allow`.
    pub allowed: BTreeSet<String>,
    /// Lint names of `--deny`, or `warnings`.
    pub denied: BTreeSet<String>,
}

/// In place of a lint name: all of them.
pub const WARNINGS: &str = "warnings";

impl Levels {
    /// Takes out what is silenced and makes errors of what is denied. A warning is silenced by an item that holds one
    /// of its places, or one of the calls through which it came about. `used` gets the indices of the allows that
    /// silenced something.
    pub fn apply(&self, problems: Problems, used: &mut BTreeSet<usize>) -> Problems {
        let mut left = Problems::new();
        for mut d in problems {
            let Some(lint) = d.code.lint().filter(|_| d.severity == Severity::Warning) else {
                left.push(d);
                continue;
            };
            let labels = d.primary.iter().chain(&d.others).map(|l| l.span);
            let places: Vec<Span> = labels.chain(d.through.iter().copied()).collect();
            let holds = |allow: &Allow| allow.lint == lint && places.iter().any(|&p| allow.covers(p));
            let by: Vec<usize> = (0..self.allows.len()).filter(|&i| holds(&self.allows[i])).collect();
            let silenced = !by.is_empty() || self.allowed.contains(lint);
            used.extend(by);
            if silenced {
                continue;
            }
            let denied = [lint, WARNINGS].into_iter().find(|name| self.denied.contains(*name));
            if let Some(name) = denied {
                d.severity = Severity::Error;
                d = d.note(format!("a warning, denied by `--deny {name}`"));
            }
            left.push(d);
        }
        left
    }
}

/// The names of all lints.
pub fn lints() -> impl Iterator<Item = &'static str> + Clone {
    Code::ALL.iter().filter_map(|c| c.lint())
}
