//! The canonical form of a graph: what it computes, whatever its nodes are called and however it is written.
//!
//! Two graphs compute the same function if their weights can be put side by side, one to one, so that equal weights give
//! equal results for every image, in training and in evaluation. [`Canon`] rewrites a graph by rules that keep the
//! function ([`rules`] lists them), and [`compare`] looks for the pairing. The rules are sound and not complete: graphs
//! that [`compare`] calls equal are, in exact arithmetic; graphs that it tells apart may still agree for a reason
//! that no rule knows. Sums are taken as if order did not matter, so floating-point results may differ by rounding.
//!
//! Knows graphs, operators and shapes; nothing of syntax, counting or tensors.

mod colour;
mod delta;
mod matching;
mod rules;
mod term;

pub(crate) use delta::Delta;
pub use delta::delta;
pub(crate) use matching::Difference;
pub use matching::{Comparison, compare};
pub use term::Canon;
pub(crate) use term::TermId;

use super::ir::Graph;
use term::Builder;

impl Canon {
    /// Rewrites a graph to its canonical form. Terms that no result depends on are left out.
    pub fn new(graph: &Graph) -> Canon {
        let mut made = Builder::default();
        let mut outlets: Vec<Vec<TermId>> = Vec::with_capacity(graph.len());
        for id in graph.order() {
            let inputs: Vec<TermId> = graph.inputs(id).iter().map(|o| outlets[o.node.index()][o.slot]).collect();
            outlets.push(rules::rewrite(graph, id, &inputs, &mut made));
        }
        let results = graph.results.iter().map(|(_, o)| outlets[o.node.index()][o.slot]).collect();
        Canon { terms: made.terms, results }.reachable()
    }

    /// Equal for graphs that [`compare`] calls equal, the same on every machine and in every version that has the same
    /// rules. Different graphs differ with all likelihood of 64 bits.
    pub fn hash(&self) -> u64 {
        let colours = colour::colours(self);
        self.results.iter().fold(colour::mix(0, self.results.len() as u64), |h, r| colour::mix(h, colours[r.0]))
    }

    /// Drops what no result depends on.
    fn reachable(self) -> Canon {
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
        Canon { terms, results: self.results.into_iter().map(|r| new[r.0]).collect() }
    }
}
