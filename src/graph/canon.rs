//! The canonical form of a graph. It represents what the graph computes, independent of names and spelling.
//!
//! Two graphs compute the same function if their weights can be paired one to one so that equal weights give equal results
//! for every image, in training and in evaluation. [`CanonicalGraph`] rewrites a graph by rules that preserve the function
//! ([`rules`] lists them), and [`compare`] searches for the pairing. The rules are sound but not complete: graphs that
//! [`compare`] calls equal are equal in exact arithmetic; graphs that it calls different may still be equal for a reason that
//! is not among the rules. The order of sums is ignored, so floating-point results may differ by rounding.
//!
//! The module knows graphs, operators and shapes, and nothing of syntax, counting or tensors.

mod colour;
mod diff;
mod matching;
mod rules;
mod term;

pub(crate) use diff::GraphDiff;
pub use diff::diff_graphs;
pub(crate) use matching::TermDifference;
pub use matching::{GraphComparison, compare};
pub use term::CanonicalGraph;
pub(crate) use term::TermId;

use super::ir::Graph;
use term::TermInterner;

impl CanonicalGraph {
    /// Rewrites a graph to its canonical form. Terms that no result depends on are left out.
    pub fn new(graph: &Graph) -> CanonicalGraph {
        let mut interner = TermInterner::default();
        let absorbed = rules::absorbed_nodes(graph);
        let mut outlets: Vec<Vec<TermId>> = Vec::with_capacity(graph.len());
        for id in graph.order() {
            let inputs: Vec<TermId> = graph.inputs(id).iter().map(|o| outlets[o.node.index()][o.slot]).collect();
            outlets.push(rules::rewrite(graph, id, &inputs, &absorbed, &mut interner));
        }
        let results = graph.results.iter().map(|(_, o)| outlets[o.node.index()][o.slot]).collect();
        CanonicalGraph { terms: interner.terms, results }.reachable()
    }

    /// Returns a hash that is equal for graphs that [`compare`] calls equal, and the same on every machine and in every version
    /// with the same rules. Graphs that differ collide with the probability of a 64-bit hash.
    pub fn hash(&self) -> u64 {
        let colours = colour::colours(self);
        self.results
            .iter()
            .fold(colour::combine_hashes(0, self.results.len() as u64), |h, r| colour::combine_hashes(h, colours[r.0]))
    }

    /// Removes the terms that no result depends on.
    fn reachable(self) -> CanonicalGraph {
        let mut wanted = vec![false; self.terms.len()];
        self.results.iter().for_each(|r| wanted[r.0] = true);
        for id in (0..self.terms.len()).rev() {
            if wanted[id] {
                self.terms[id].inputs.iter().for_each(|i| wanted[i.0] = true);
            }
        }
        let mut new = vec![TermId(0); self.terms.len()];
        let mut terms = Vec::new();
        for (id, mut term) in self.terms.into_iter().enumerate().filter(|(id, _)| wanted[*id]) {
            new[id] = TermId(terms.len());
            term.inputs.iter_mut().for_each(|i| *i = new[i.0]);
            terms.push(term);
        }
        CanonicalGraph { terms, results: self.results.into_iter().map(|r| new[r.0]).collect() }
    }
}
