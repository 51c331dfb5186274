//! The list of problems of a run.

use super::diagnostic::Diagnostic;

/// Maximum number of problems kept: a hostile file may cause a million.
const MAX_PROBLEMS: usize = 1000;

/// A list of problems.
#[derive(Debug, Clone, Default)]
pub struct Problems(Vec<Diagnostic>);

impl Problems {
    /// Creates an empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a problem. Problems after the first thousand are dropped, except the first error.
    pub fn push(&mut self, d: Diagnostic) {
        if self.0.len() < MAX_PROBLEMS || d.is_error() && !self.has_errors() {
            self.0.push(d);
        }
    }

    /// Replaces the problem that was added last.
    pub fn amend_last(&mut self, f: impl FnOnce(Diagnostic) -> Diagnostic) {
        if let Some(last) = self.0.pop() {
            self.0.push(f(last));
        }
    }

    /// Adds the problems of another list in their order, as [`push`](Problems::push) does.
    pub fn extend(&mut self, other: Problems) {
        other.0.into_iter().for_each(|d| self.push(d));
    }

    /// Checks whether the list has reached its limit, so that problems may have been dropped.
    pub fn is_full(&self) -> bool {
        self.0.len() >= MAX_PROBLEMS
    }

    /// Checks whether the list has no problem of any severity.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks whether one of the problems is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(Diagnostic::is_error)
    }

    /// Iterates over the problems in the order of the list.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }

    /// Sorts by place, then by code; problems without a place come last. Duplicates are removed.
    pub fn sorted(mut self) -> Problems {
        let key = |d: &Diagnostic| {
            let span = d.primary.as_ref().map(|l| l.span);
            (span.is_none(), span, d.code.id(), d.message.clone())
        };
        self.0.sort_by_key(key);
        self.0.dedup_by_key(|d| key(d));
        self
    }
}

impl From<Diagnostic> for Problems {
    fn from(d: Diagnostic) -> Self {
        Problems(vec![d])
    }
}

impl FromIterator<Diagnostic> for Problems {
    fn from_iter<T: IntoIterator<Item = Diagnostic>>(all: T) -> Self {
        Problems(all.into_iter().collect())
    }
}

impl IntoIterator for Problems {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
