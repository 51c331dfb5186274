//! Terms: one computation each, numbered, after those that they read.

use crate::graph::ir::NodeId;
use std::collections::HashMap;

/// A canonical computation with one result.
#[derive(Debug, Clone, PartialEq)]
pub struct CanonicalTerm {
    /// Operator and settings in one spelling, sizes as formulas in the image's height and width.
    pub label: String,
    pub inputs: Vec<TermId>,
    /// The order of the inputs does not matter.
    pub(super) commutes: bool,
    /// It has tensors of its own: two of them are never one.
    pub owns_weights: bool,
    /// Of the result.
    pub(super) channels: usize,
    /// The node that it stands for; the last one where several became one.
    pub node: NodeId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TermId(pub(super) usize);

/// A graph in canonical form: the terms that its results depend on, each after its inputs.
#[derive(Debug, Clone)]
pub struct CanonicalGraph {
    pub(super) terms: Vec<CanonicalTerm>,
    /// In the order of the model's promise.
    pub(super) results: Vec<TermId>,
}

impl CanonicalGraph {
    /// Returns a term of this graph by its number.
    pub fn term(&self, id: TermId) -> &CanonicalTerm {
        &self.terms[id.0]
    }

    /// The terms, each after its inputs.
    pub fn terms(&self) -> &[CanonicalTerm] {
        &self.terms
    }

    /// Returns the number of terms.
    pub fn len(&self) -> usize {
        self.terms.len()
    }

    /// Whether no term is left, because the graph has no results.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    pub(super) fn ids(&self) -> impl DoubleEndedIterator<Item = TermId> + use<> {
        (0..self.terms.len()).map(TermId)
    }
}

/// Terms so far; what has no weights and is there already is not made again.
#[derive(Default)]
pub(super) struct TermInterner {
    pub(super) terms: Vec<CanonicalTerm>,
    known: HashMap<(String, Vec<TermId>), TermId>,
}

impl TermInterner {
    pub(super) fn get(&self, id: TermId) -> &CanonicalTerm {
        &self.terms[id.0]
    }

    /// A term without weights.
    pub(super) fn intern_weightless(
        &mut self,
        node: NodeId,
        channels: usize,
        label: String,
        inputs: Vec<TermId>,
    ) -> TermId {
        self.intern(CanonicalTerm { label, inputs, commutes: false, owns_weights: false, channels, node })
    }

    pub(super) fn intern(&mut self, mut term: CanonicalTerm) -> TermId {
        if term.commutes {
            term.inputs.sort_unstable();
        }
        if term.owns_weights {
            self.terms.push(term);
            return TermId(self.terms.len() - 1);
        }
        let key = (term.label.clone(), term.inputs.clone());
        if let Some(&id) = self.known.get(&key) {
            return id;
        }
        self.terms.push(term);
        let id = TermId(self.terms.len() - 1);
        self.known.insert(key, id);
        id
    }
}
