//! Terms of a canonical form: numbered computations, each after its inputs.

use crate::graph::ir::NodeId;
use std::collections::HashMap;

/// A canonical computation with one result.
#[derive(Debug, Clone, PartialEq)]
pub struct CanonicalTerm {
    /// Operator and settings in canonical spelling, with sizes as formulas in the image's height and width.
    pub label: String,
    pub inputs: Vec<TermId>,
    /// Whether the order of the inputs does not matter.
    pub(super) commutes: bool,
    /// Whether it has weights. Two terms with weights are never merged.
    pub owns_weights: bool,
    /// Number of channels of the result.
    pub(super) channels: usize,
    /// The node that it represents, the last one where several nodes became one term.
    pub node: NodeId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TermId(pub(super) usize);

/// A graph in canonical form: the terms that its results depend on, each after its inputs.
#[derive(Debug, Clone)]
pub struct CanonicalGraph {
    pub(super) terms: Vec<CanonicalTerm>,
    /// The results in the order in which the model declares them.
    pub(super) results: Vec<TermId>,
}

impl CanonicalGraph {
    /// Returns a term of this graph by its number.
    pub fn term(&self, id: TermId) -> &CanonicalTerm {
        &self.terms[id.0]
    }

    /// Returns the terms, each after its inputs.
    pub fn terms(&self) -> &[CanonicalTerm] {
        &self.terms
    }

    /// Returns the number of terms.
    pub fn len(&self) -> usize {
        self.terms.len()
    }

    /// Returns whether it has no terms, because the graph has no results.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    pub(super) fn ids(&self) -> impl DoubleEndedIterator<Item = TermId> + use<> {
        (0..self.terms.len()).map(TermId)
    }
}

/// Largest number of operands of a sum, a product or a concatenation that is joined from nested ones. Adding a tensor to itself
/// forty times would make 2^40 of them.
pub(super) const MAX_OPERANDS: usize = 1 << 16;
/// Largest number of operands of all joined terms together. The sums of all beginnings of a list would have a number of
/// operands that grows with the square of its length.
const MAX_ALL_OPERANDS: usize = 1 << 20;

/// The terms of a canonical form under construction. Terms without weights are deduplicated (hash-consed).
#[derive(Default)]
pub(super) struct TermInterner {
    pub(super) terms: Vec<CanonicalTerm>,
    known: HashMap<(String, Vec<TermId>), TermId>,
    /// Number of operands of all joined terms.
    joined: usize,
}

impl TermInterner {
    pub(super) fn get(&self, id: TermId) -> &CanonicalTerm {
        &self.terms[id.0]
    }

    /// Returns whether a term may join nested ones to this number of operands, and counts them. Where it may not, the nested
    /// terms stay its operands: the graph means the same, and equal graphs of another nesting are not recognised.
    pub(super) fn may_join(&mut self, operands: usize) -> bool {
        let allowed = operands <= MAX_OPERANDS && self.joined + operands <= MAX_ALL_OPERANDS;
        self.joined += if allowed { operands } else { 0 };
        allowed
    }

    /// Adds a sum or product that exactly one term reads, which takes its operands away. It is not deduplicated.
    pub(super) fn add_absorbed(&mut self, mut term: CanonicalTerm) -> TermId {
        term.inputs.sort_unstable();
        self.terms.push(term);
        TermId(self.terms.len() - 1)
    }

    /// Takes the operands of a term that was added by [`TermInterner::add_absorbed`].
    pub(super) fn take_operands(&mut self, id: TermId) -> Vec<TermId> {
        std::mem::take(&mut self.terms[id.0].inputs)
    }

    /// Interns a term without weights whose order of inputs matters.
    pub(super) fn intern_weightless(
        &mut self,
        node: NodeId,
        channels: usize,
        label: String,
        inputs: Vec<TermId>,
    ) -> TermId {
        self.intern(CanonicalTerm { label, inputs, commutes: false, owns_weights: false, channels, node })
    }

    /// Returns the id of a term: of an equal one without weights if there is one, else of a new one.
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
