//! Two canonical graphs side by side: the pairing of their terms, or where they part.

use super::colour::{colours, colours_from_inputs};
use super::term::{CanonicalGraph, TermId};
use crate::graph::ir::NodeId;
use std::collections::HashMap;

/// What comparing found.
#[derive(Debug, Clone, PartialEq)]
pub enum GraphComparison {
    /// One function. Pairs of nodes whose weights play the same part.
    Equal {
        /// Node of the first graph and node of the second, for each pair.
        weights: Vec<(NodeId, NodeId)>,
    },
    /// Two functions, as far as the rules can tell, and the first place where they part.
    Different(TermDifference),
    /// Alike in every place, and no pairing was found within the limit.
    Undecided,
}

/// Where two graphs part: the first term of one side, in its order, that the other side has no equal of.
#[derive(Debug, Clone, PartialEq)]
pub struct TermDifference {
    /// Of the first graph, and what it computes in canonical spelling.
    pub a: Option<(NodeId, String)>,
    /// Of the second.
    pub b: Option<(NodeId, String)>,
}

/// Choices between alike terms that are tried before giving up.
const MAX_TRIES: usize = 100_000;

/// Looks for a pairing of the terms of two canonical graphs under which both compute the same function.
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

/// The first terms, on either side, that the other has too few of.
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

/// Inputs of two commuting terms that are still to be paired.
type CommutingInputs = (Vec<TermId>, Vec<TermId>);

struct PairingSearch<'c> {
    a: &'c CanonicalGraph,
    b: &'c CanonicalGraph,
    colours: [&'c [u64]; 2],
    to_b: Vec<Option<TermId>>,
    to_a: Vec<Option<TermId>>,
    /// Terms of `a` in the order in which they were paired.
    trail: Vec<TermId>,
    tries: usize,
}

impl PairingSearch<'_> {
    /// Pairs what must be paired, then chooses among what is alike; takes back what turns out wrong.
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
        let (s, t) = (self.a.term(x), self.b.term(y));
        let alike = s.label == t.label && s.commutes == t.commutes && s.owns_weights == t.owns_weights;
        if !alike || s.inputs.len() != t.inputs.len() {
            return false;
        }
        self.to_b[x.0] = Some(y);
        self.to_a[y.0] = Some(x);
        self.trail.push(x);
        if s.commutes {
            // An operand that stands twice must stand twice on the other side as well: colours count readers.
            let distinct = |inputs: &[TermId]| {
                let mut inputs = inputs.to_vec();
                inputs.dedup();
                inputs
            };
            open.push((distinct(&s.inputs), distinct(&t.inputs)));
        } else {
            forced.extend(s.inputs.iter().copied().zip(t.inputs.iter().copied()));
        }
        true
    }

    fn undo(&mut self, mark: usize) {
        for x in self.trail.drain(mark..) {
            if let Some(y) = self.to_b[x.0].take() {
                self.to_a[y.0] = None;
            }
        }
    }
}
