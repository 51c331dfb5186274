//! Things of a library by numbers: a number that is not in the table is an error, never a wild pointer.

use crate::base::error::Result;
use crate::base::problem::problem;
use std::collections::HashMap;

pub(super) struct HandleTable<T> {
    what: &'static str,
    next: u64,
    entries: HashMap<u64, T>,
}

impl<T: Copy> HandleTable<T> {
    /// An empty table; `what` names its things in messages.
    pub(super) fn of(what: &'static str) -> Self {
        Self { what, next: 1, entries: HashMap::new() }
    }

    pub(super) fn insert(&mut self, thing: T) -> u64 {
        let id = self.next;
        self.next += 1;
        self.entries.insert(id, thing);
        id
    }

    pub(super) fn get(&self, id: u64) -> Result<T> {
        let found = self.entries.get(&id).copied();
        found.ok_or_else(|| problem!(E0799, "the GPU has no {} {id}", self.what))
    }

    pub(super) fn remove(&mut self, id: u64) -> Option<T> {
        self.entries.remove(&id)
    }

    /// Takes everything out.
    pub(super) fn drain(&mut self) -> Vec<T> {
        self.entries.drain().map(|(_, thing)| thing).collect()
    }
}
