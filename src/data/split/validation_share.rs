//! A validation part drawn from a training list.

use super::assign::{CaseGroup, SplitFractions, random_roles};
use super::cases_by_role::CasesByRole;
use crate::base::count::counted;
use crate::base::error::{Result, RunError};
use crate::base::problem::problem;
use crate::data::case::{Case, SplitRole};
use std::collections::BTreeSet;
use std::path::Path;

/// Moves the fraction `share` of the training cases to validation, drawn as a random split draws it: rounded up, by whole groups,
/// and by strata if `groups_of` tells some. Both parts keep the order of `list`, and the part does not depend on that order.
///
/// Errors: those of `groups_of`, and a share that leaves nothing for training; then the parts do not change.
pub(super) fn draw(
    parts: &mut CasesByRole,
    list: &Path,
    share: f64,
    seed: u64,
    groups_of: impl FnOnce(&[Case]) -> Result<Vec<CaseGroup>>,
) -> Result<()> {
    let mut sorted = parts.train.clone();
    sorted.sort_by(|a, b| a.stem.cmp(&b.stem));
    let groups = groups_of(&sorted)?;
    let roles = random_roles(&groups, SplitFractions { val: share, test: 0.0 }, seed);
    if !roles.contains(&SplitRole::Train) {
        return Err(nothing_left(list, &sorted, share, groups.len()));
    }
    let drawn: BTreeSet<&str> =
        sorted.iter().zip(&roles).filter(|(_, role)| **role == SplitRole::Val).map(|(case, _)| &*case.stem).collect();
    let train = std::mem::take(&mut parts.train);
    (parts.val, parts.train) = train.into_iter().partition(|case| drawn.contains(&*case.stem));
    Ok(())
}

fn nothing_left(list: &Path, cases: &[Case], share: f64, groups: usize) -> RunError {
    let n = cases.len();
    let images = counted(n, "image");
    let error = problem!(E0715, list, "the list has {images}, of which `val = {share}` leaves none for training");
    match cases.iter().find_map(|case| case.group.as_deref()) {
        Some(group) if groups < n => error.help(format!(
            "all images of a group, such as `{group}`, are in the same part, and the list has {}: add groups, or \
                 leave `val` out",
            counted(groups, "group")
        )),
        _ => error.help("add images to the list, lower `val`, or leave it out"),
    }
}
