//! Which warnings are told, and which of them stop: `@allow` in files, `--allow` and `--deny` on the command line.

use super::problems::Problems;
use crate::base::code::Code;
use crate::base::severity::Severity;
use crate::text::source::{SourceId, Span};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A lint name that a file silences.
#[derive(Debug, Clone)]
pub struct AllowDirective {
    /// Name of the lint as written, such as `dead_bias`.
    pub lint: String,
    /// Where the name is written.
    pub at: Span,
    /// The item that it speaks for.
    pub over: Span,
}

impl AllowDirective {
    /// For everything in the file where the name stands.
    pub fn file_wide(lint: String, at: Span) -> Self {
        AllowDirective { lint, at, over: Span { source: at.source, start: 0, end: u32::MAX } }
    }

    /// Tells whether the whole file is silenced, rather than one item.
    pub fn is_file_wide(&self) -> bool {
        self.over.end == u32::MAX
    }
}

/// Allows by name and text, so that many of them cost little. Items of a text do not overlap.
struct AllowIndex<'a> {
    places: HashMap<(&'a str, SourceId), SourceAllows>,
    allows: &'a [AllowDirective],
}

/// What one name is silenced by in one text.
#[derive(Default)]
struct SourceAllows {
    /// The first file-wide allow.
    file: Option<usize>,
    /// The first allow of each item, by where the item starts.
    items: BTreeMap<u32, usize>,
}

impl<'a> AllowIndex<'a> {
    fn new(allows: &'a [AllowDirective]) -> Self {
        let mut places: HashMap<_, SourceAllows> = HashMap::new();
        for (i, allow) in allows.iter().enumerate() {
            let over = places.entry((allow.lint.as_str(), allow.over.source)).or_default();
            if allow.is_file_wide() {
                over.file.get_or_insert(i);
            } else {
                over.items.entry(allow.over.start).or_insert(i);
            }
        }
        AllowIndex { places, allows }
    }

    /// The allows that speak for a warning of `lint` at `place`.
    fn at(&self, lint: &str, place: Span) -> impl Iterator<Item = usize> {
        let over = self.places.get(&(lint, place.source));
        let item = over.and_then(|o| o.items.range(..=place.start).next_back()).map(|(_, &i)| i);
        let file = over.and_then(|o| o.file);
        file.into_iter().chain(item.filter(|&i| place.end <= self.allows[i].over.end))
    }
}

/// What is silenced and what is denied in a run.
#[derive(Debug, Clone, Default)]
pub struct WarningFilter {
    /// What files silence: one entry for each name in `allow` and `@allow`.
    pub allows: Vec<AllowDirective>,
    /// Lint names of `--allow`.
    pub allowed: BTreeSet<String>,
    /// Lint names of `--deny`, or `warnings`.
    pub denied: BTreeSet<String>,
}

/// In place of a lint name: all of them.
pub const WARNINGS: &str = "warnings";

impl WarningFilter {
    /// Takes out what is silenced and makes errors of what is denied. A warning is silenced by an item that holds one
    /// of its places, or one of the calls through which it came about. `used` gets the indices of the allows that
    /// silenced something.
    pub fn apply(&self, problems: Problems, used: &mut BTreeSet<usize>) -> Problems {
        let mut left = Problems::new();
        let index = AllowIndex::new(&self.allows);
        for mut d in problems {
            let Some(lint) = d.code.lint().filter(|_| d.severity == Severity::Warning) else {
                left.push(d);
                continue;
            };
            let labels = d.primary.iter().chain(&d.others).map(|l| l.span);
            let places = labels.chain(d.through.iter().copied());
            let by: Vec<usize> = places.flat_map(|place| index.at(lint, place)).collect();
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
