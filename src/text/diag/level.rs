//! Warning levels: `@allow` in files, `--allow` and `--deny` on the command line.

use super::problems::Problems;
use crate::base::code::Code;
use crate::base::severity::Severity;
use crate::text::source::{SourceId, Span};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// One lint name of an `allow` or `@allow` in a file.
#[derive(Debug, Clone)]
pub struct AllowDirective {
    /// Name of the lint as written, such as `dead_bias`.
    pub lint: String,
    /// Span of the name.
    pub at: Span,
    /// Span of the item in which the lint is silenced.
    pub over: Span,
}

impl AllowDirective {
    /// Creates a directive for the whole file that contains the name.
    pub fn file_wide(lint: String, at: Span) -> Self {
        AllowDirective { lint, at, over: Span { source: at.source, start: 0, end: u32::MAX } }
    }

    /// Checks whether the directive applies to the whole file rather than to one item.
    pub fn is_file_wide(&self) -> bool {
        self.over.end == u32::MAX
    }
}

/// Directives indexed by lint and source, so that lookups stay fast with many directives. Items of a source do not overlap.
struct AllowIndex<'a> {
    places: HashMap<(&'a str, SourceId), SourceAllows>,
    allows: &'a [AllowDirective],
}

/// The directives for one lint in one source, as indices.
#[derive(Default)]
struct SourceAllows {
    /// The first file-wide directive.
    file: Option<usize>,
    /// The first directive of each item, by the start of the item.
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

    /// Returns the indices of the directives that silence a warning of `lint` at `place`.
    fn at(&self, lint: &str, place: Span) -> impl Iterator<Item = usize> {
        let over = self.places.get(&(lint, place.source));
        let item = over.and_then(|o| o.items.range(..=place.start).next_back()).map(|(_, &i)| i);
        let file = over.and_then(|o| o.file);
        file.into_iter().chain(item.filter(|&i| place.end <= self.allows[i].over.end))
    }
}

/// The lints that a run silences and those that it denies.
#[derive(Debug, Clone, Default)]
pub struct WarningFilter {
    /// One directive for each name in `allow` and `@allow` of the files.
    pub allows: Vec<AllowDirective>,
    /// Lint names of `--allow`.
    pub allowed: BTreeSet<String>,
    /// Lint names of `--deny`, or `warnings`.
    pub denied: BTreeSet<String>,
}

/// The name of all lints together in `--deny`.
pub const WARNINGS: &str = "warnings";

impl WarningFilter {
    /// Removes silenced warnings and turns denied warnings into errors. A warning is silenced by a directive of an item that
    /// contains one of its labels or one of the calls that led to it. The indices of the directives that silenced a warning
    /// are added to `used`.
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

/// Returns the names of all lints.
pub fn lints() -> impl Iterator<Item = &'static str> + Clone {
    Code::ALL.iter().filter_map(|c| c.lint())
}
