//! Comparison of two canonical graphs: a pairing of their terms, or the first difference.

use super::colour::{colours, colours_from_inputs};
use super::term::{CanonicalGraph, TermId};
use crate::graph::ir::NodeId;
use std::collections::HashMap;

/// The result of comparing two graphs.
#[derive(Debug, Clone, PartialEq)]
pub enum GraphComparison {
    /// Both graphs compute the same function.
    Equal {
        /// Pairs of corresponding nodes with weights: the node of the first graph and the node of the second.
        weights: Vec<(NodeId, NodeId)>,
    },
    /// The graphs differ under the rules; with the first difference.
    Different(TermDifference),
    /// No difference was found, and no pairing within the limit of the search.
    Undecided,
}

/// The first difference of two graphs: on each side the first term without a counterpart on the other side, if any.
#[derive(Debug, Clone, PartialEq)]
pub struct TermDifference {
    /// A node of the first graph, and its term in canonical spelling.
    pub a: Option<(NodeId, String)>,
    /// A node of the second graph, and its term in canonical spelling.
    pub b: Option<(NodeId, String)>,
}

/// The number of choices between terms of equal colour after which the search gives up.
const MAX_TRIES: usize = 100_000;

/// Searches for a pairing of the terms of two canonical graphs under which both compute the same function.
pub fn compare(a: &CanonicalGraph, b: &CanonicalGraph) -> GraphComparison {
    if a.results.len() != b.results.len() {
        let side = |c: &CanonicalGraph| Some((c.term(*c.results.last()?).node, format!("{} results", c.results.len())));
        return GraphComparison::Different(TermDifference { a: side(a), b: side(b) });
    }
    if let Some(difference) = first_difference(a, b, &colours_from_inputs(a), &colours_from_inputs(b)) {
        return GraphComparison::Different(difference);
    }
    let (colour_a, colour_b) = (colours(a), colours(b));
    if let Some(difference) = first_difference(a, b, &colour_a, &colour_b) {
        return GraphComparison::Different(difference);
    }
    let mut pairing = PairingSearch {
        a,
        b,
        colours: [&colour_a, &colour_b],
        to_b: vec![None; a.len()],
        to_a: vec![None; b.len()],
        trail: Vec::new(),
        tries: 0,
    };
    let roots = a.results.iter().copied().zip(b.results.iter().copied()).collect();
    if !pairing.solve(roots, Vec::new()) {
        return GraphComparison::Undecided;
    }
    let weights = a.ids().filter(|id| a.term(*id).owns_weights);
    let weights = weights.filter_map(|id| Some((a.term(id).node, b.term(pairing.to_b[id.0]?).node))).collect();
    GraphComparison::Equal { weights }
}

/// Returns the first term of each side whose colour occurs less often on the other side; `None` where there is none.
fn first_difference(
    a: &CanonicalGraph,
    b: &CanonicalGraph,
    colour_a: &[u64],
    colour_b: &[u64],
) -> Option<TermDifference> {
    let first = |canon: &CanonicalGraph, mine: &[u64], theirs: &[u64]| {
        let mut left: HashMap<u64, usize> = HashMap::new();
        theirs.iter().for_each(|c| *left.entry(*c).or_default() += 1);
        let missing = canon.ids().find(|id| match left.get_mut(&mine[id.0]) {
            Some(n) if *n > 0 => {
                *n -= 1;
                false
            }
            _ => true,
        });
        missing.map(|id| (canon.term(id).node, canon.term(id).label.clone()))
    };
    let (only_a, only_b) = (first(a, colour_a, colour_b), first(b, colour_b, colour_a));
    (only_a.is_some() || only_b.is_some()).then_some(TermDifference { a: only_a, b: only_b })
}

/// Unpaired inputs of two paired terms whose order of inputs does not matter.
type CommutingInputs = (Vec<TermId>, Vec<TermId>);

struct PairingSearch<'c> {
    a: &'c CanonicalGraph,
    b: &'c CanonicalGraph,
    colours: [&'c [u64]; 2],
    to_b: Vec<Option<TermId>>,
    to_a: Vec<Option<TermId>>,
    /// Terms of `a` in the order in which they were paired, for backtracking.
    trail: Vec<TermId>,
    tries: usize,
}

impl PairingSearch<'_> {
    /// Pairs the terms in `forced`, then tries the pairings of those in `open` by backtracking. Returns whether a pairing was
    /// found; without one the pairs that this call made are removed.
    fn solve(&mut self, mut forced: Vec<(TermId, TermId)>, mut open: Vec<CommutingInputs>) -> bool {
        let mark = self.trail.len();
        loop {
            while let Some((x, y)) = forced.pop() {
                if !self.pair(x, y, &mut forced, &mut open) {
                    self.undo(mark);
                    return false;
                }
            }
            let Some((mut xs, mut ys)) = open.pop() else { return true };
            xs.retain(|x| self.to_b[x.0].is_none());
            ys.retain(|y| self.to_a[y.0].is_none());
            if xs.len() != ys.len() {
                self.undo(mark);
                return false;
            }
            let Some(x) = xs.pop() else { continue };
            let colour = self.colours[0][x.0];
            let mut candidates: Vec<TermId> = ys.iter().copied().filter(|y| self.colours[1][y.0] == colour).collect();
            candidates.dedup();
            if let [only] = candidates[..] {
                ys.retain(|y| *y != only);
                open.push((xs, ys));
                forced.push((x, only));
                continue;
            }
            for y in candidates {
                self.tries += 1;
                if self.tries > MAX_TRIES {
                    break;
                }
                let rest: Vec<TermId> = ys.iter().copied().filter(|other| *other != y).collect();
                let open = open.iter().cloned().chain([(xs.clone(), rest)]).collect();
                if self.solve(vec![(x, y)], open) {
                    return true;
                }
            }
            self.undo(mark);
            return false;
        }
    }

    /// Pairs two terms and adds their inputs to `forced` or `open`. Returns whether they can be paired.
    fn pair(
        &mut self,
        x: TermId,
        y: TermId,
        forced: &mut Vec<(TermId, TermId)>,
        open: &mut Vec<CommutingInputs>,
    ) -> bool {
        match (self.to_b[x.0], self.to_a[y.0]) {
            (None, None) => {}
            (old, _) => return old == Some(y),
        }
        let (term_a, term_b) = (self.a.term(x), self.b.term(y));
        let alike = term_a.label == term_b.label
            && term_a.commutes == term_b.commutes
            && term_a.owns_weights == term_b.owns_weights;
        if !alike || term_a.inputs.len() != term_b.inputs.len() {
            return false;
        }
        self.to_b[x.0] = Some(y);
        self.to_a[y.0] = Some(x);
        self.trail.push(x);
        if term_a.commutes {
            // Duplicates are dropped: an operand that occurs twice does so on the other side too, since colours count users.
            let distinct = |inputs: &[TermId]| {
                let mut inputs = inputs.to_vec();
                inputs.dedup();
                inputs
            };
            open.push((distinct(&term_a.inputs), distinct(&term_b.inputs)));
        } else {
            forced.extend(term_a.inputs.iter().copied().zip(term_b.inputs.iter().copied()));
        }
        true
    }

    /// Removes the pairs after the first `mark`.
    fn undo(&mut self, mark: usize) {
        for x in self.trail.drain(mark..) {
            if let Some(y) = self.to_b[x.0].take() {
                self.to_a[y.0] = None;
            }
        }
    }
}
