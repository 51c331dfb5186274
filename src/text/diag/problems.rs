//! The problems of a run.

use super::diagnostic::Diagnostic;

/// Problems kept of a run: a hostile file may hold a million.
const KEPT: usize = 1000;

/// The problems of a run.
#[derive(Debug, Clone, Default)]
pub struct Problems(Vec<Diagnostic>);

impl Problems {
    /// Makes a list without problems.
    pub fn new() -> Self {
        Self::default()
    }

    /// Drops what comes after the first thousand, but for the first error.
    pub fn push(&mut self, d: Diagnostic) {
        if self.0.len() < KEPT || d.is_error() && !self.has_errors() {
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

    /// As many as are kept; there may have been more.
    pub fn is_full(&self) -> bool {
        self.0.len() >= KEPT
    }

    /// Tells whether there is no problem of any severity.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells whether one of the problems is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(Diagnostic::is_error)
    }

    /// Goes through the problems in the order of the list.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }

    /// By place, then by code; problems without a place come last. Equal ones are told once.
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
