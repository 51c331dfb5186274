//! Colours of terms: hashes that are equal for corresponding terms of equal graphs.
//!
//! This is the colour refinement of Weisfeiler and Leman on a graph without cycles. One pass from the inputs makes a term's
//! colour depend on everything that it is computed from, one pass from the results on everything that uses it. Both are
//! repeated until the number of colours no longer grows. Without cycles one pass carries a difference through the whole
//! graph.

use super::term::CanonicalGraph;
use crate::base::hash::{fnv1a, splitmix64};
use std::collections::HashSet;

/// Combines two hashes, depending on their order: splitmix64 of the sum of the first, rotated, and the second.
pub(super) fn combine_hashes(a: u64, b: u64) -> u64 {
    splitmix64(&mut a.rotate_left(23).wrapping_add(b))
}

/// Returns the colour of each term by its inputs alone: equal for terms that compute the same if their weights are equal.
pub(super) fn colours_from_inputs(canon: &CanonicalGraph) -> Vec<u64> {
    let start: Vec<u64> = canon.terms.iter().map(|t| fnv1a(&t.label)).collect();
    refine_from_inputs(canon, &start)
}

/// Returns new colours that depend on the old colour of a term and on the new ones of its inputs.
fn refine_from_inputs(canon: &CanonicalGraph, start: &[u64]) -> Vec<u64> {
    let mut colours: Vec<u64> = Vec::with_capacity(start.len());
    for (term, &own) in canon.terms.iter().zip(start) {
        let mut inputs: Vec<u64> = term.inputs.iter().map(|i| colours[i.0]).collect();
        if term.commutes {
            inputs.sort_unstable();
        }
        colours.push(inputs.into_iter().fold(combine_hashes(1, own), combine_hashes));
    }
    colours
}

/// Returns new colours that depend on the old colour of a term and on the new ones of its users.
fn refine_from_users(canon: &CanonicalGraph, start: &[u64]) -> Vec<u64> {
    let mut readers: Vec<Vec<u64>> = vec![Vec::new(); start.len()];
    for (place, result) in canon.results.iter().enumerate() {
        readers[result.0].push(combine_hashes(2, place as u64));
    }
    let mut colours = vec![0; start.len()];
    for (id, term) in canon.terms.iter().enumerate().rev() {
        let mut above = std::mem::take(&mut readers[id]);
        above.sort_unstable();
        colours[id] = above.into_iter().fold(combine_hashes(3, start[id]), combine_hashes);
        for (slot, input) in term.inputs.iter().enumerate() {
            let slot = if term.commutes { 0 } else { slot as u64 };
            readers[input.0].push(combine_hashes(colours[id], slot));
        }
    }
    colours
}

/// Returns the colour of each term by everything that it depends on and that depends on it.
pub(super) fn colours(canon: &CanonicalGraph) -> Vec<u64> {
    let mut colours = colours_from_inputs(canon);
    let mut kinds = 0;
    // Each round but the last finds at least one more colour. Graphs of real networks need few rounds.
    for _ in 0..64 {
        colours = refine_from_inputs(canon, &refine_from_users(canon, &colours));
        let now = colours.iter().collect::<HashSet<_>>().len();
        if now == kinds {
            break;
        }
        kinds = now;
    }
    colours
}
