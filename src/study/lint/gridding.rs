//! Chains of dilated convolutions that read a lattice of pixels and none between.
//!
//! Wang et al., "Understanding Convolution for Semantic Segmentation" (WACV 2018), ask that the rates of a group share no
//! factor. Here the offsets themselves are followed, along each axis, from where a map's size was last changed: as an
//! interval while every offset in it is reached, and from the first gap on as the residues that are reached modulo the
//! common factor of the rates. Branches add theirs together, so a parallel or earlier rate of 1 that closes the gaps counts.

use super::facts::Facts;
use super::finding::Finding;
use crate::base::integer::gcd;
use crate::graph::ir::NodeId;
use crate::graph::op::{Op, Reads, Taps};
use crate::text::diag::Code;
use std::collections::BTreeSet;
use std::rc::Rc;

/// Larger rates are no chain that anyone builds.
const MOST: usize = 256;

/// Offsets reached from the stage's map.
#[derive(Clone)]
enum Offsets {
    /// All of `first..=last`.
    Solid([i64; 2]),
    Lattice(Rc<Lattice>),
}

struct Lattice {
    /// Which residues modulo their number are reached.
    residues: Vec<bool>,
    rates: BTreeSet<usize>,
    /// Dilated convolutions one behind the other.
    depth: usize,
    last: NodeId,
}

const START: Offsets = Offsets::Solid([0, 0]);

pub(super) fn gridding(facts: &Facts) -> Vec<Finding> {
    let dilated = |id: &&NodeId| matches!(&facts.graph.node(**id).op, Op::Conv(c) if c.dilation.iter().any(|&d| d > 1));
    if facts.order.iter().find(dilated).is_none() {
        return Vec::new();
    }
    [0, 1].into_iter().flat_map(|axis| on_axis(facts, axis)).collect()
}

fn on_axis(facts: &Facts, axis: usize) -> Vec<Finding> {
    let mut offsets: Vec<Offsets> = vec![START; facts.graph.len()];
    let mut found = Vec::new();
    for &id in &facts.order {
        let mut joined: Option<Offsets> = None;
        for (slot, from) in facts.inputs[id.index()].iter().enumerate() {
            let from = &offsets[from.node.index()];
            let through = match facts.reads(id, slot)[axis] {
                Reads::Nothing | Reads::All => continue,
                Reads::Same | Reads::SameAndAll => from.clone(),
                Reads::Shift(by) => moved(from, by),
                Reads::Window(taps) if taps.stride == 1 => read(from, taps, id),
                Reads::Window(_)
                | Reads::Transposed(_)
                | Reads::Interpolated { .. }
                | Reads::Bins { .. }
                | Reads::Unpooled => {
                    found.extend(gaps(from));
                    START
                }
            };
            joined = Some(joined.map_or(through.clone(), |known| union(&known, &through)));
        }
        offsets[id.index()] = joined.unwrap_or(START);
        if facts.is_result[id.index()] {
            found.extend(gaps(&offsets[id.index()]));
        }
    }
    found
}

/// What is wrong with offsets that leave a stage.
fn gaps(offsets: &Offsets) -> Option<Finding> {
    let Offsets::Lattice(lattice) = offsets else { return None };
    let (reached, of) = (lattice.residues.iter().filter(|r| **r).count(), lattice.residues.len());
    if lattice.depth < 2 || reached == of {
        return None;
    }
    let rates = lattice.rates.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let message = match lattice.rates.len() {
        1 => format!("{} convolutions with dilation {rates} in a row leave pixels unread", lattice.depth),
        _ => format!(
            "{} convolutions in a row with dilations {rates}, which share the factor {of}, leave pixels unread",
            lattice.depth
        ),
    };
    let label = format!("a pixel of this result reads {reached} of {of} pixels along an axis");
    let help =
        "use rates without a common factor, such as 1, 2, 3, or a convolution without dilation among them".into();
    Some(Finding { id: lattice.last, code: Code::W0405, weight: (of - reached) as u64, message, label, help })
}

fn moved(from: &Offsets, by: i64) -> Offsets {
    match from {
        Offsets::Solid([first, last]) => Offsets::Solid([first.saturating_add(by), last.saturating_add(by)]),
        Offsets::Lattice(lattice) => {
            let n = lattice.residues.len();
            let mut residues = lattice.residues.clone();
            residues.rotate_right(by.rem_euclid(n as i64) as usize);
            Offsets::Lattice(Rc::new(Lattice { residues, rates: lattice.rates.clone(), ..**lattice }))
        }
    }
}

/// A window of stride 1 over a map.
fn read(from: &Offsets, taps: Taps, id: NodeId) -> Offsets {
    let Taps { count, dilation, pad, .. } = taps;
    if count == 1 && pad == 0 {
        return from.clone();
    }
    let from = moved(from, -(pad as i64));
    let width = |[first, last]: [i64; 2]| last.saturating_sub(first).saturating_add(1);
    match from {
        _ if count == 1 => from,
        Offsets::Solid(solid) if width(solid) >= dilation as i64 => {
            let reach = ((count - 1) as i64).saturating_mul(dilation as i64);
            Offsets::Solid([solid[0], solid[1].saturating_add(reach)])
        }
        _ if dilation > MOST => START,
        Offsets::Solid(solid) => {
            let mut residues = vec![false; dilation];
            (solid[0]..=solid[1]).for_each(|at| residues[at.rem_euclid(dilation as i64) as usize] = true);
            Offsets::Lattice(Rc::new(Lattice { residues, rates: [dilation].into(), depth: 1, last: id }))
        }
        Offsets::Lattice(lattice) => {
            // A rate of 1 closes gaps and opens none: the factor of the others stays.
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
            Offsets::Lattice(Rc::new(Lattice { residues, rates, depth, last }))
        }
    }
}

/// What either of two branches reaches.
fn union(a: &Offsets, b: &Offsets) -> Offsets {
    match (a, b) {
        (Offsets::Solid(a), Offsets::Solid(b)) => Offsets::Solid([a[0].min(b[0]), a[1].max(b[1])]),
        (Offsets::Lattice(lattice), Offsets::Solid(solid)) | (Offsets::Solid(solid), Offsets::Lattice(lattice)) => {
            let n = lattice.residues.len();
            let mut residues = lattice.residues.clone();
            let last = solid[1].min(solid[0].saturating_add(n as i64 - 1));
            (solid[0]..=last).for_each(|at| residues[at.rem_euclid(n as i64) as usize] = true);
            Offsets::Lattice(Rc::new(Lattice { residues, rates: lattice.rates.clone(), ..**lattice }))
        }
        (Offsets::Lattice(a), Offsets::Lattice(b)) => {
            let n = gcd(a.residues.len(), b.residues.len());
            let mut residues = vec![false; n];
            let both = a.residues.iter().enumerate().chain(b.residues.iter().enumerate());
            both.filter(|(_, r)| **r).for_each(|(at, _)| residues[at % n] = true);
            let deeper = if a.depth >= b.depth { a } else { b };
            let rates = a.rates.union(&b.rates).copied().collect();
            Offsets::Lattice(Rc::new(Lattice { residues, rates, depth: deeper.depth, last: deeper.last }))
        }
    }
}
