//! Finds near-duplicate images: frames of a video, a lesion photographed twice, one file under two names.
//!
//! Candidates are pairs whose difference hashes (dHash: is each of 8 x 8 pixels brighter than its left neighbour?) differ in at
//! most [`MAX_HASH_DISTANCE`] of 64 bits. A pair is a near-duplicate if the normalised correlation of the grey versions at
//! 32 x 32 is at least [`MIN_CORRELATION`]. Copies that were resized, recompressed or brightened are found; mirrored or cropped
//! ones are not.
//!
//! Images with equal prints are one group, and groups are compared instead of images, so that thousands of equal slices cost no
//! more than one. Hashes are compared pair by pair: 60,000 different images are 1.8 billion pairs, seconds on a processor. At most
//! [`MAX_COMPARED`] pairs of groups are correlated, and the best [`KEPT`] pairs of images are kept, so time and memory have a bound.

use super::case_facts::CaseFacts;
use super::fingerprint::Fingerprint;
use crate::data::case::SplitRole;
use rayon::prelude::*;
use std::cmp::Ordering;
use std::collections::HashMap;

/// Maximum number of differing bits of the 64-bit hashes of a pair.
pub(crate) const MAX_HASH_DISTANCE: u32 = 12;
/// Minimum normalised correlation of a pair.
pub(crate) const MIN_CORRELATION: f64 = 0.97;
/// Maximum number of pairs that are kept.
const KEPT: usize = 10_000;
/// Maximum number of pairs of groups that are correlated: all of 6,300 different images.
const MAX_COMPARED: usize = 20_000_000;

/// Two nearly identical images, as indices of cases.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NearDuplicate {
    pub a: usize,
    pub b: usize,
    /// Normalised correlation, up to 1.
    pub alike: f64,
}

/// The near-duplicates of a set.
#[derive(Debug, Default)]
pub(super) struct NearDuplicates {
    /// The best pairs: pairs across the split first, because they are data leakage, and within these the most similar first.
    pub pairs: Vec<NearDuplicate>,
    /// Number of all pairs across the split.
    pub across: u64,
    /// Number of all pairs within a split.
    pub within: u64,
    /// Number of groups that each group was compared with, if there were too many candidates to compare all.
    pub limit: Option<usize>,
}

/// Images with one fingerprint.
struct EqualPrints<'a> {
    print: &'a Fingerprint,
    /// Indices of the cases of each role, in order.
    members: [Vec<usize>; SplitRole::ALL.len()],
}

impl EqualPrints<'_> {
    fn len(&self) -> usize {
        self.members.iter().map(Vec::len).sum()
    }

    /// Returns the only role of the members, if there is one.
    fn role(&self) -> Option<usize> {
        let mut roles = (0..self.members.len()).filter(|&role| !self.members[role].is_empty());
        roles.next().filter(|_| roles.next().is_none())
    }

    /// Returns the members in order, each with its role.
    fn each(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.members.iter().enumerate().flat_map(|(role, members)| members.iter().map(move |&i| (i, role)))
    }
}

/// Returns the near-duplicates of a set.
pub(super) fn find_near_duplicates(facts: &[CaseFacts]) -> NearDuplicates {
    let prints = facts.iter().enumerate().filter_map(|(i, f)| Some((i, f.role, f.print.as_ref()?)));
    near_duplicates(&equal_prints(prints), MAX_COMPARED)
}

fn equal_prints<'a>(prints: impl Iterator<Item = (usize, SplitRole, &'a Fingerprint)>) -> Vec<EqualPrints<'a>> {
    let mut groups: Vec<EqualPrints> = Vec::new();
    let mut known: HashMap<&Fingerprint, usize> = HashMap::new();
    for (i, role, print) in prints {
        let at = *known.entry(print).or_insert(groups.len());
        if at == groups.len() {
            groups.push(EqualPrints { print, members: Default::default() });
        }
        groups[at].members[role as usize].push(i);
    }
    groups
}

fn near_duplicates(groups: &[EqualPrints], most_compared: usize) -> NearDuplicates {
    let most_each = (most_compared / groups.len().max(1)).max(1);
    let best = groups
        .par_iter()
        .enumerate()
        .fold(BestPairs::default, |mut best, (n, group)| {
            best.compare(group, &groups[n + 1..], most_each);
            best
        })
        .reduce(BestPairs::default, BestPairs::merge);
    best.finish(most_each)
}

/// The best pairs so far, and the number of all.
#[derive(Default)]
struct BestPairs {
    pairs: Vec<RankedPair>,
    /// The last pair that is good enough, once there are enough pairs.
    worst: Option<RankedPair>,
    across: u64,
    within: u64,
    limited: bool,
}

/// A pair and whether both images have the same role.
#[derive(Clone, Copy)]
struct RankedPair {
    within: bool,
    alike: f64,
    a: usize,
    b: usize,
}

impl RankedPair {
    /// Better pairs are less: across the split, then more similar, then earlier.
    fn rank(&self, other: &RankedPair) -> Ordering {
        let by_kind = self.within.cmp(&other.within).then(other.alike.total_cmp(&self.alike));
        by_kind.then((self.a, self.b).cmp(&(other.a, other.b)))
    }
}

impl BestPairs {
    /// Compares a group with itself and with at most `most` of the groups after it, those of other roles first.
    fn compare(&mut self, group: &EqualPrints, later: &[EqualPrints], most: usize) {
        // Equal prints correlate fully, unless they are constant.
        if group.len() > 1 && group.print.correlation(group.print) >= MIN_CORRELATION {
            self.add_equal(group);
        }
        let (mut across, mut within) = (Vec::new(), Vec::new());
        let role = group.role();
        for (i, other) in later.iter().enumerate() {
            if (group.print.hash ^ other.print.hash).count_ones() <= MAX_HASH_DISTANCE {
                let candidates = if role.is_some() && role == other.role() { &mut within } else { &mut across };
                match candidates.len() < most {
                    true => candidates.push(i),
                    false => self.limited = true,
                }
            }
        }
        self.limited |= across.len() + within.len() > most;
        for i in across.into_iter().chain(within).take(most) {
            let alike = group.print.correlation(later[i].print);
            if alike >= MIN_CORRELATION {
                self.add(group, &later[i], alike);
            }
        }
    }

    /// Adds all pairs of one group.
    fn add_equal(&mut self, group: &EqualPrints) {
        let n = group.len() as u64;
        let within: u64 = group.members.iter().map(|m| m.len() as u64).map(|m| m * m.saturating_sub(1) / 2).sum();
        self.within += within;
        self.across += n * (n - 1) / 2 - within;
        for kind in [false, true] {
            self.add_in_order(group.each().map(|(a, role)| (a, role, group)), kind, 1.0);
        }
    }

    /// Adds all pairs of an image of one group and an image of the other.
    fn add(&mut self, first: &EqualPrints, second: &EqualPrints, alike: f64) {
        let of_role = first.members.iter().zip(&second.members).map(|(a, b)| a.len() as u64 * b.len() as u64);
        let within: u64 = of_role.sum();
        self.within += within;
        self.across += first.len() as u64 * second.len() as u64 - within;
        let mut heads: Vec<(usize, usize, &EqualPrints)> = first.each().map(|(i, role)| (i, role, second)).collect();
        heads.extend(second.each().map(|(i, role)| (i, role, first)));
        heads.sort_unstable_by_key(|head| head.0);
        for kind in [false, true] {
            self.add_in_order(heads.iter().copied(), kind, alike);
        }
    }

    /// Adds the first [`KEPT`] pairs of one kind. A head is an image with its role and the group of its partners, and heads are in
    /// order; a partner comes after its head.
    fn add_in_order<'a>(
        &mut self,
        heads: impl Iterator<Item = (usize, usize, &'a EqualPrints<'a>)>,
        within: bool,
        alike: f64,
    ) {
        let best = RankedPair { within, alike, a: 0, b: 0 };
        if self.worst.is_some_and(|worst| best.rank(&worst).is_gt()) {
            return;
        }
        let mut left = KEPT;
        for (a, role, partners) in heads {
            let mut found = 0;
            for (_, members) in partners.members.iter().enumerate().filter(|(of, _)| (*of == role) == within) {
                let after = members.partition_point(|&b| b <= a);
                for &b in members[after..].iter().take(left) {
                    self.push(RankedPair { within, alike, a, b });
                    found += 1;
                }
            }
            left = left.saturating_sub(found);
            if left == 0 {
                return;
            }
        }
    }

    fn push(&mut self, pair: RankedPair) {
        if self.worst.is_some_and(|worst| pair.rank(&worst).is_ge()) {
            return;
        }
        self.pairs.push(pair);
        if self.pairs.len() >= 4 * KEPT {
            self.shorten();
        }
    }

    fn shorten(&mut self) {
        if self.pairs.len() > KEPT {
            self.pairs.select_nth_unstable_by(KEPT - 1, RankedPair::rank);
            self.pairs.truncate(KEPT);
            self.worst = self.pairs.last().copied();
        }
    }

    fn merge(mut self, other: BestPairs) -> BestPairs {
        self.pairs.extend(other.pairs);
        self.worst = None;
        self.shorten();
        self.across += other.across;
        self.within += other.within;
        self.limited |= other.limited;
        self
    }

    fn finish(mut self, limit: usize) -> NearDuplicates {
        self.shorten();
        self.pairs.sort_unstable_by(RankedPair::rank);
        NearDuplicates {
            pairs: self.pairs.iter().map(|&RankedPair { a, b, alike, .. }| NearDuplicate { a, b, alike }).collect(),
            across: self.across,
            within: self.within,
            limit: self.limited.then_some(limit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fingerprint::SIDE;
    use super::*;
    use crate::base::hash::splitmix64;

    /// Returns the fingerprints of `n` pictures, of which about half are one of a few with little or no noise.
    fn prints(n: usize, seed: u64) -> Vec<(SplitRole, Fingerprint)> {
        let mut state = seed;
        let mut draw = |most: u64| splitmix64(&mut state) % most;
        let shapes: Vec<Vec<u16>> = (0..4).map(|_| (0..64).map(|_| draw(60_000) as u16).collect()).collect();
        let picture = |draw: &mut dyn FnMut(u64) -> u64| -> Vec<u16> {
            let (which, noise) = (draw(8) as usize, draw(3) * 700);
            let own: Vec<u16> = (0..64).map(|_| draw(60_000) as u16).collect();
            let blocks = shapes.get(which).unwrap_or(&own);
            let at = |i: usize| blocks[i / SIDE / 4 * 8 + i % SIDE / 4];
            (0..SIDE * SIDE).map(|i| at(i) + draw(noise + 1) as u16).collect()
        };
        (0..n).map(|_| (SplitRole::ALL[draw(3) as usize], Fingerprint::of(&picture(&mut draw)))).collect()
    }

    #[test]
    fn groups_find_what_all_pairs_would() {
        for (n, seed) in [(2, 0), (40, 1), (300, 2), (300, 3)] {
            let prints = prints(n, seed);
            let groups = equal_prints(prints.iter().enumerate().map(|(i, (role, print))| (i, *role, print)));
            let found = near_duplicates(&groups, MAX_COMPARED);
            let mut wanted: Vec<RankedPair> = Vec::new();
            for (a, (role, first)) in prints.iter().enumerate() {
                for (b, (other, second)) in prints.iter().enumerate().skip(a + 1) {
                    let alike = first.correlation(second);
                    let near = (first.hash ^ second.hash).count_ones() <= MAX_HASH_DISTANCE;
                    if near && alike >= MIN_CORRELATION {
                        wanted.push(RankedPair { within: role == other, alike, a, b });
                    }
                }
            }
            let across = wanted.iter().filter(|pair| !pair.within).count();
            assert_eq!([found.across, found.within], [across as u64, (wanted.len() - across) as u64]);
            wanted.sort_by(RankedPair::rank);
            wanted.truncate(KEPT);
            let wanted: Vec<_> = wanted.iter().map(|p| NearDuplicate { a: p.a, b: p.b, alike: p.alike }).collect();
            assert_eq!(found.pairs, wanted, "{n} images of seed {seed}");
            assert!(n < 300 || across > 100, "{across}");
            assert_eq!(found.limit, None);
        }
    }

    #[test]
    fn thousands_of_equal_images_and_too_many_candidates_end() {
        let picture: Vec<u16> = (0..SIDE * SIDE).map(|i| (i * 37 % 60_000) as u16).collect();
        let print = Fingerprint::of(&picture);
        let roles = (0..60_000).map(|i| (i, SplitRole::ALL[i % 3], &print));
        let found = near_duplicates(&equal_prints(roles), MAX_COMPARED);
        assert_eq!((found.pairs.len(), found.across + found.within), (KEPT, 60_000 * 59_999 / 2));
        assert_eq!(found.pairs[..2], [(0, 1), (0, 2)].map(|(a, b)| NearDuplicate { a, b, alike: 1.0 }));
        let prints = prints(300, 5);
        let groups = equal_prints(prints.iter().enumerate().map(|(i, (role, print))| (i, *role, print)));
        let found = near_duplicates(&groups, 600);
        assert!(found.limit.is_some_and(|limit| limit >= 1) && !found.pairs.is_empty());
    }
}
