//! Chooses the cases that a sheet of samples shows.
//!
//! Most slices of a volume hold no class, so a random choice of a few would show nothing of what is learnt. Slices with classes come
//! first, and of several classes each is shown.

use super::case::SplitRole;
use super::class_counts::count_classes;
use super::dataset::Dataset;
use super::order::epoch_order;
use crate::base::error::Result;
use rayon::prelude::*;

/// The most slices whose masks are read for the choice.
const LOOKED_AT: usize = 256;

/// The chosen cases.
pub(crate) struct ShownCases {
    /// Indices of the cases.
    pub cases: Vec<usize>,
    /// Whether slices with classes were preferred.
    pub by_class: bool,
}

/// Returns `count` cases of a role at random. Of slices of volumes those with a class come first, in the random order; if there are
/// several classes, the first slices show each of them where a slice that was looked at has it. Error: a mask cannot be read.
pub(crate) fn choose_shown(data: &Dataset, role: SplitRole, count: usize, seed: u64) -> Result<ShownCases> {
    let order = epoch_order(data.len(role), seed, 0);
    let are_slices = data.cases(role).iter().any(|case| case.slice.is_some());
    if !are_slices || count >= order.len() {
        return Ok(ShownCases { cases: order.into_iter().take(count).collect(), by_class: false });
    }
    let classes = data.spec().classes.len();
    let mut looked_at: Vec<usize> = order.iter().copied().take(LOOKED_AT.max(count)).collect();
    // In the order of the files, so that neighbours share one read of their volume.
    looked_at.sort_unstable();
    let present = |&index: &usize| -> Result<(usize, Vec<bool>)> {
        let counts = count_classes(&data.truth(role, index)?.0);
        Ok((index, counts[..classes].iter().map(|n| *n > 0).collect()))
    };
    let read: Vec<Result<_>> = looked_at.par_iter().map(present).collect();
    let present: std::collections::BTreeMap<usize, Vec<bool>> = read.into_iter().collect::<Result<_>>()?;
    let has = |index: &usize, class: usize| present.get(index).is_some_and(|classes| classes[class]);
    let mut cases: Vec<usize> = Vec::new();
    for class in 1..classes {
        if !cases.iter().any(|index| has(index, class)) {
            cases.extend(order.iter().copied().find(|index| has(index, class)));
        }
    }
    let with_class = |index: &&usize| (1..classes).any(|class| has(index, class));
    let rest: Vec<usize> = order.iter().filter(with_class).chain(&order).copied().collect();
    for index in rest {
        if cases.len() >= count {
            break;
        }
        if !cases.contains(&index) {
            cases.push(index);
        }
    }
    cases.truncate(count);
    Ok(ShownCases { cases, by_class: true })
}
