//! Chains of dilated convolutions that read a lattice of pixels and skip those between (gridding).
//!
//! Wang et al., "Understanding Convolution for Semantic Segmentation" (WACV 2018), require that the rates of a group
//! share no factor. Here the offsets themselves are tracked, along each axis, from the last change of the map's size: as an interval
//! while every offset in it is reached, and after the first gap as the residues that are reached modulo the common factor
//! of the rates. Branches are united, so a parallel or earlier rate of 1 that closes the gaps is taken into account.

use super::facts::LintFacts;
use super::finding::LintFinding;
use crate::base::count::counted;
use crate::base::integer::gcd;
use crate::graph::ir::NodeId;
use crate::graph::op::{KernelTaps, Op, ReadPattern};
use crate::text::diag::Code;
use std::collections::BTreeSet;
use std::rc::Rc;

/// Largest rate that is tracked.
const MAX_RATE: usize = 256;

/// Offsets reached from the stage's map.
#[derive(Clone)]
enum ReachedOffsets {
    /// Every offset of `first..=last`.
    Solid([i64; 2]),
    Lattice(Rc<OffsetLattice>),
}

struct OffsetLattice {
    /// Whether each residue, modulo their number, is reached.
    residues: Vec<bool>,
    rates: BTreeSet<usize>,
    /// Number of dilated convolutions in the chain.
    depth: usize,
    last: NodeId,
}

const START: ReachedOffsets = ReachedOffsets::Solid([0, 0]);

pub(super) fn gridding(facts: &LintFacts) -> Vec<LintFinding> {
    let dilated = |id: &&NodeId| matches!(&facts.graph.node(**id).op, Op::Conv(c) if c.dilation.iter().any(|&d| d > 1));
    if facts.order.iter().find(dilated).is_none() {
        return Vec::new();
    }
    [0, 1].into_iter().flat_map(|axis| gridding_on_axis(facts, axis)).collect()
}

fn gridding_on_axis(facts: &LintFacts, axis: usize) -> Vec<LintFinding> {
    let mut offsets: Vec<ReachedOffsets> = vec![START; facts.graph.len()];
    let mut found = Vec::new();
    for &id in &facts.order {
        let mut joined: Option<ReachedOffsets> = None;
        for (slot, from) in facts.inputs[id.index()].iter().enumerate() {
            let from = &offsets[from.node.index()];
            let through = match facts.reads(id, slot)[axis] {
                ReadPattern::Nothing | ReadPattern::All => continue,
                ReadPattern::Same | ReadPattern::SameAndAll => from.clone(),
                ReadPattern::Shift(by) => shift_offsets(from, by),
                ReadPattern::Window(taps) if taps.stride == 1 => offsets_through(from, taps, id),
                ReadPattern::Window(_)
                | ReadPattern::Transposed(_)
                | ReadPattern::Interpolated { .. }
                | ReadPattern::Bins { .. }
                | ReadPattern::Unpooled => {
                    found.extend(gridding_finding(from));
                    START
                }
            };
            joined = Some(joined.map_or(through.clone(), |known| union_offsets(&known, &through)));
        }
        offsets[id.index()] = joined.unwrap_or(START);
        if facts.is_result[id.index()] {
            found.extend(gridding_finding(&offsets[id.index()]));
        }
    }
    found
}

/// Returns the finding for the offsets at the end of a stage, if they have gaps.
fn gridding_finding(offsets: &ReachedOffsets) -> Option<LintFinding> {
    let ReachedOffsets::Lattice(lattice) = offsets else { return None };
    let (reached, of) = (lattice.residues.iter().filter(|r| **r).count(), lattice.residues.len());
    if lattice.depth < 2 || reached == of {
        return None;
    }
    let rates = lattice.rates.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let message = match lattice.rates.len() {
        1 => format!("{} with dilation {rates} in a row leave pixels unread", counted(lattice.depth, "convolution")),
        _ => format!(
            "{} in a row with dilations {rates}, which share the factor {of}, leave pixels unread",
            counted(lattice.depth, "convolution")
        ),
    };
    let label = format!("a pixel of this result reads {reached} of {} along an axis", counted(of, "pixel"));
    let help =
        "use rates without a common factor, such as 1, 2, 3, or a convolution without dilation among them".into();
    Some(LintFinding { id: lattice.last, code: Code::W0405, weight: (of - reached) as u64, message, label, help })
}

fn shift_offsets(from: &ReachedOffsets, by: i64) -> ReachedOffsets {
    match from {
        ReachedOffsets::Solid([first, last]) => {
            ReachedOffsets::Solid([first.saturating_add(by), last.saturating_add(by)])
        }
        ReachedOffsets::Lattice(lattice) => {
            let n = lattice.residues.len();
            let mut residues = lattice.residues.clone();
            residues.rotate_right(by.rem_euclid(n as i64) as usize);
            ReachedOffsets::Lattice(Rc::new(OffsetLattice { residues, rates: lattice.rates.clone(), ..**lattice }))
        }
    }
}

/// Returns the offsets after a window of stride 1.
fn offsets_through(from: &ReachedOffsets, taps: KernelTaps, id: NodeId) -> ReachedOffsets {
    let KernelTaps { count, dilation, pad, .. } = taps;
    if count == 1 && pad == 0 {
        return from.clone();
    }
    let from = shift_offsets(from, -(pad as i64));
    let width = |[first, last]: [i64; 2]| last.saturating_sub(first).saturating_add(1);
    match from {
        _ if count == 1 => from,
        ReachedOffsets::Solid(solid) if width(solid) >= dilation as i64 => {
            let reach = ((count - 1) as i64).saturating_mul(dilation as i64);
            ReachedOffsets::Solid([solid[0], solid[1].saturating_add(reach)])
        }
        _ if dilation > MAX_RATE => START,
        ReachedOffsets::Solid(solid) => {
            let mut residues = vec![false; dilation];
            (solid[0]..=solid[1]).for_each(|at| residues[at.rem_euclid(dilation as i64) as usize] = true);
            ReachedOffsets::Lattice(Rc::new(OffsetLattice { residues, rates: [dilation].into(), depth: 1, last: id }))
        }
        ReachedOffsets::Lattice(lattice) => {
            // A rate of 1 closes gaps and opens none, so the common factor does not change.
            let dilated = dilation > 1;
            let n = if dilated { gcd(lattice.residues.len(), dilation) } else { lattice.residues.len() };
            let mut residues = vec![false; n];
            for (at, _) in lattice.residues.iter().enumerate().filter(|(_, reached)| **reached) {
                (0..count.min(n)).for_each(|t| residues[(at + t * dilation) % n] = true);
            }
            let mut rates = lattice.rates.clone();
            let (mut depth, mut last) = (lattice.depth, lattice.last);
            if dilated {
                rates.insert(dilation);
                (depth, last) = (depth + 1, id);
            }
            ReachedOffsets::Lattice(Rc::new(OffsetLattice { residues, rates, depth, last }))
        }
    }
}

/// Returns the offsets that either of two branches reaches.
fn union_offsets(a: &ReachedOffsets, b: &ReachedOffsets) -> ReachedOffsets {
    match (a, b) {
        (ReachedOffsets::Solid(a), ReachedOffsets::Solid(b)) => ReachedOffsets::Solid([a[0].min(b[0]), a[1].max(b[1])]),
        (ReachedOffsets::Lattice(lattice), ReachedOffsets::Solid(solid))
        | (ReachedOffsets::Solid(solid), ReachedOffsets::Lattice(lattice)) => {
            let n = lattice.residues.len();
            let mut residues = lattice.residues.clone();
            let last = solid[1].min(solid[0].saturating_add(n as i64 - 1));
            (solid[0]..=last).for_each(|at| residues[at.rem_euclid(n as i64) as usize] = true);
            ReachedOffsets::Lattice(Rc::new(OffsetLattice { residues, rates: lattice.rates.clone(), ..**lattice }))
        }
        (ReachedOffsets::Lattice(a), ReachedOffsets::Lattice(b)) => {
            let n = gcd(a.residues.len(), b.residues.len());
            let mut residues = vec![false; n];
            let both = a.residues.iter().enumerate().chain(b.residues.iter().enumerate());
            both.filter(|(_, r)| **r).for_each(|(at, _)| residues[at % n] = true);
            let deeper = if a.depth >= b.depth { a } else { b };
            let rates = a.rates.union(&b.rates).copied().collect();
            ReachedOffsets::Lattice(Rc::new(OffsetLattice { residues, rates, depth: deeper.depth, last: deeper.last }))
        }
    }
}
