//! Assigns groups of cases to roles and folds by a seeded shuffle.

use crate::data::case::SplitRole;
use crate::data::order::shuffle;

/// Cases that must have the same role.
pub(super) struct CaseGroup {
    /// Indices of the cases.
    pub cases: Vec<usize>,
    /// Index of the stratum.
    pub stratum: usize,
}

/// Fractions of the cases for validation and test; training gets the rest.
pub(super) struct SplitFractions {
    pub val: f64,
    pub test: f64,
}

/// Returns the role of each case for a random split.
///
/// The test gets `ceil(share * n)` images, as in scikit-learn's `train_test_split`, then validation likewise. With strata each
/// stratum contributes its part, by largest remainders. Whole groups are assigned in shuffled order until the part is reached,
/// so in each stratum a role may get too many images, by at most one group less one image.
pub(super) fn random_roles(groups: &[CaseGroup], shares: SplitFractions, seed: u64) -> Vec<SplitRole> {
    let order = shuffled(groups, seed);
    let mut roles = vec![SplitRole::Train; count(groups)];
    assign_fractions(groups, &order, &shares, &mut roles);
    roles
}

/// Returns the role of each case if fold number `fold` of `k` is the test. Without groups, fold sizes differ by at most one image,
/// overall and in each stratum. With groups, each group, the largest first, goes to the fold with the fewest images of its
/// stratum.
pub(super) fn fold_roles(groups: &[CaseGroup], k: usize, fold: usize, val: f64, seed: u64) -> Vec<SplitRole> {
    let mut order = shuffled(groups, seed);
    order.sort_by_key(|&u| (groups[u].stratum, std::cmp::Reverse(groups[u].cases.len())));
    let strata = groups.iter().map(|u| u.stratum + 1).max().unwrap_or(0);
    let mut in_stratum = vec![vec![0usize; k]; strata];
    let mut total = vec![0usize; k];
    let mut rest = vec![false; groups.len()];
    let mut roles = vec![SplitRole::Train; count(groups)];
    for u in order {
        let CaseGroup { cases, stratum } = &groups[u];
        let to = (0..k).min_by_key(|&f| (in_stratum[*stratum][f], total[f], f)).unwrap_or(0);
        in_stratum[*stratum][to] += cases.len();
        total[to] += cases.len();
        if to == fold {
            cases.iter().for_each(|&i| roles[i] = SplitRole::Test);
        } else {
            rest[u] = true;
        }
    }
    if val > 0.0 {
        // Shuffled again, since the order above is by size.
        let rest: Vec<usize> = shuffled(groups, seed).into_iter().filter(|&u| rest[u]).collect();
        assign_fractions(groups, &rest, &SplitFractions { val, test: 0.0 }, &mut roles);
    }
    roles
}

fn count(groups: &[CaseGroup]) -> usize {
    groups.iter().map(|u| u.cases.len()).sum()
}

fn shuffled(groups: &[CaseGroup], seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..groups.len()).collect();
    shuffle(&mut order, seed, 0);
    order
}

/// Assigns the groups of `order` to test and validation; the other roles do not change.
fn assign_fractions(groups: &[CaseGroup], order: &[usize], shares: &SplitFractions, roles: &mut [SplitRole]) {
    let strata = groups.iter().map(|u| u.stratum + 1).max().unwrap_or(0);
    let mut sizes = vec![0; strata];
    order.iter().for_each(|&u| sizes[groups[u].stratum] += groups[u].cases.len());
    let n: usize = sizes.iter().sum();
    // The subtraction compensates for rounding up: 0.07 * 100 is 7.000000000000001.
    let part = |share: f64| ((share * n as f64 - 1e-9).ceil().max(0.0) as usize).min(n);
    let test = part(shares.test);
    let val = part(shares.val).min(n - test);
    let test_of = apportion(test, &sizes);
    let left: Vec<usize> = sizes.iter().zip(&test_of).map(|(n, t)| n - t).collect();
    let val_of = apportion(val, &left);
    let mut given = vec![[0; 2]; strata];
    for &u in order {
        let CaseGroup { cases, stratum } = &groups[u];
        let [in_test, in_val] = &mut given[*stratum];
        let role = if *in_test < test_of[*stratum] {
            *in_test += cases.len();
            SplitRole::Test
        } else if *in_val < val_of[*stratum] {
            *in_val += cases.len();
            SplitRole::Val
        } else {
            continue;
        };
        cases.iter().for_each(|&i| roles[i] = role);
    }
}

/// Divides `total` in proportion to `sizes` by largest remainders (Hamilton's method); no part exceeds its size.
fn apportion(total: usize, sizes: &[usize]) -> Vec<usize> {
    let n: usize = sizes.iter().sum();
    if n == 0 {
        return vec![0; sizes.len()];
    }
    let exact = |s: usize| (total as u128 * sizes[s] as u128, n as u128);
    let mut parts: Vec<usize> = (0..sizes.len()).map(|s| (exact(s).0 / exact(s).1) as usize).collect();
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|&s| (std::cmp::Reverse(exact(s).0 % exact(s).1), s));
    let left = total - parts.iter().sum::<usize>();
    order.into_iter().take(left).for_each(|s| parts[s] += 1);
    parts
}
