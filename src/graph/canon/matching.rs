//! Comparison of two canonical graphs: a pairing of their terms, or the first difference.

use super::colour::{colours, colours_from_inputs};
use super::term::{CanonicalGraph, TermId};
use crate::base::count::counted;
use crate::graph::ir::NodeId;
use std::collections::HashMap;
use std::rc::Rc;

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
const MAX_TRIES: usize = 200_000;
/// The number of terms looked at after which the search gives up.
const MAX_STEPS: usize = 500_000_000;

/// Searches for a pairing of the terms of two canonical graphs under which both compute the same function.
pub fn compare(a: &CanonicalGraph, b: &CanonicalGraph) -> GraphComparison {
    if a.results.len() != b.results.len() {
        let side = |c: &CanonicalGraph| Some((c.term(*c.results.last()?).node, counted(c.results.len(), "result")));
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
        steps: 0,
    };
    let roots = a.results.iter().copied().zip(b.results.iter().copied()).collect();
    if !pairing.solve(roots) {
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

/// Inputs of two paired terms whose order does not matter.
struct CommutingInputs {
    a: Vec<TermId>,
    b: Vec<TermId>,
}

/// Inputs that are not all paired, and those that are open besides them. States of the search share it.
struct OpenInputs {
    inputs: Rc<CommutingInputs>,
    /// Number of inputs of each side behind which all are paired.
    ends: (usize, usize),
    rest: Option<Rc<OpenInputs>>,
}

/// A pair of terms to compare, and the inputs that are open after it.
type OpenPair = ((TermId, TermId), Option<Rc<OpenInputs>>);

impl Drop for OpenInputs {
    /// Drops what is open besides these one after the other, since there may be as many as terms.
    fn drop(&mut self) {
        let mut rest = self.rest.take();
        while let Some(entry) = rest {
            rest = Rc::into_inner(entry).and_then(|mut entry| entry.rest.take());
        }
    }
}

/// A term whose counterpart was chosen among several of equal colour.
struct PairingChoice {
    /// Number of pairs that were made before.
    mark: usize,
    open: Option<Rc<OpenInputs>>,
    x: TermId,
    /// Number of terms of `open` on the other side that were not tried.
    left: usize,
}

struct PairingSearch<'c> {
    a: &'c CanonicalGraph,
    b: &'c CanonicalGraph,
    colours: [&'c [u64]; 2],
    to_b: Vec<Option<TermId>>,
    to_a: Vec<Option<TermId>>,
    /// Terms of `a` in the order in which they were paired, for backtracking.
    trail: Vec<TermId>,
    tries: usize,
    /// Number of terms that were looked at.
    steps: usize,
}

impl PairingSearch<'_> {
    /// Pairs the terms in `forced`, then tries the pairings of inputs whose order does not matter by backtracking. Returns
    /// whether a pairing was found. The choices are a stack of their own, since a sum may have any number of equal operands.
    fn solve(&mut self, mut forced: Vec<(TermId, TermId)>) -> bool {
        let mut open: Option<Rc<OpenInputs>> = None;
        let mut choices: Vec<PairingChoice> = Vec::new();
        loop {
            let mut sound = true;
            while let Some((x, y)) = forced.pop() {
                sound = self.pair(x, y, &mut forced, &mut open);
                if !sound {
                    forced.clear();
                    break;
                }
            }
            if sound {
                match self.next_open(open.take()) {
                    OpenState::Closed => return true,
                    OpenState::Unequal => {}
                    OpenState::Input { x, from } => {
                        let (mark, left) = (self.trail.len(), from.ends.1);
                        choices.push(PairingChoice { mark, open: Some(from), x, left });
                    }
                }
            }
            match self.next_pair(&mut choices) {
                Some((pair, left)) => (forced, open) = (vec![pair], left),
                None => return false,
            }
        }
    }

    /// Returns the next input of `a` that is not paired.
    fn next_open(&mut self, mut open: Option<Rc<OpenInputs>>) -> OpenState {
        while let Some(entry) = open {
            let CommutingInputs { a, b } = &*entry.inputs;
            let (mut end_a, mut end_b) = entry.ends;
            while end_a > 0 && self.to_b[a[end_a - 1].0].is_some() {
                end_a -= 1;
            }
            while end_b > 0 && self.to_a[b[end_b - 1].0].is_some() {
                end_b -= 1;
            }
            self.steps += entry.ends.0 + entry.ends.1 - end_a - end_b;
            match (end_a, end_b) {
                (0, 0) => open = entry.rest.clone(),
                (0, _) | (_, 0) => return OpenState::Unequal,
                _ => {
                    let (inputs, rest) = (entry.inputs.clone(), entry.rest.clone());
                    let x = a[end_a - 1];
                    return OpenState::Input { x, from: Rc::new(OpenInputs { inputs, ends: (end_a, end_b), rest }) };
                }
            }
        }
        OpenState::Closed
    }

    /// Goes back to the last choice that has a term left to try, and returns the pair and what is open then.
    fn next_pair(&mut self, choices: &mut Vec<PairingChoice>) -> Option<OpenPair> {
        while let Some(choice) = choices.last_mut() {
            let open = choice.open.clone();
            let (mark, x, candidates) = (choice.mark, choice.x, open.as_ref().map_or(&[][..], |open| &open.inputs.b));
            self.undo(mark);
            let colour = self.colours[0][x.0];
            let fits = |y: &TermId| self.to_a[y.0].is_none() && self.colours[1][y.0] == colour;
            let at = candidates[..choice.left].iter().rposition(fits);
            self.steps += choice.left - at.unwrap_or(0);
            self.tries += 1;
            if self.tries > MAX_TRIES || self.steps > MAX_STEPS {
                return None;
            }
            match at {
                Some(at) => {
                    choice.left = at;
                    return Some(((x, candidates[at]), open));
                }
                None => drop(choices.pop()),
            }
        }
        None
    }

    /// Pairs two terms and adds their inputs to `forced` or `open`. Returns whether they can be paired.
    fn pair(
        &mut self,
        x: TermId,
        y: TermId,
        forced: &mut Vec<(TermId, TermId)>,
        open: &mut Option<Rc<OpenInputs>>,
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
            let inputs = Rc::new(CommutingInputs { a: distinct(&term_a.inputs), b: distinct(&term_b.inputs) });
            let ends = (inputs.a.len(), inputs.b.len());
            *open = Some(Rc::new(OpenInputs { inputs, ends, rest: open.take() }));
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

/// What is left to pair.
enum OpenState {
    /// Nothing.
    Closed,
    /// One side has more inputs than the other.
    Unequal,
    /// An input, among those of `from`.
    Input { x: TermId, from: Rc<OpenInputs> },
}
