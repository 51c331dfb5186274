//! Which launches wait for which: a launch may start when all that it reads is written, and when nothing that it writes is
//! still read. Launches without a path between them may run at the same time, and the numbers are the same in every
//! such order.

use super::places::Arena;
use super::program::{CudaProgram, Launch};
use std::collections::BTreeMap;

/// The launches that each launch waits for, among those of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependencies {
    /// By launch: earlier launches, in ascending order, without those that another of them waits for.
    pub before: Vec<Vec<usize>>,
}

impl Dependencies {
    /// Returns the number of launches on the longest path. It bounds the time of a program whose kernels are small.
    pub fn longest_path(&self) -> usize {
        let mut depth: Vec<usize> = Vec::with_capacity(self.before.len());
        for before in &self.before {
            depth.push(1 + before.iter().map(|&earlier| depth[earlier]).max().unwrap_or(0));
        }
        depth.into_iter().max().unwrap_or(0)
    }
}

impl Dependencies {
    /// Returns for each launch all launches that it waits for, also through others.
    pub(super) fn ancestors(&self) -> Vec<LaunchSet> {
        let mut all: Vec<LaunchSet> = Vec::with_capacity(self.before.len());
        for before in &self.before {
            let mut own = LaunchSet::new(self.before.len());
            for &launch in before {
                own.add_all(&all[launch]);
                own.add(launch);
            }
            all.push(own);
        }
        all
    }
}

/// The last launches that touched a piece of memory.
#[derive(Debug, Clone, Default)]
struct LastAccess {
    /// The last one that wrote it, or the last ones, if they are parts of one result.
    writers: Vec<usize>,
    part: Option<usize>,
    /// What every part waits for: launches before the writers, and between them.
    before: Vec<usize>,
    /// Launches that read what the writers have written.
    readers: Vec<usize>,
}

impl LastAccess {
    fn is_part(&self, launch: &Launch) -> bool {
        launch.part.is_some() && launch.part == self.part
    }

    /// Returns what a launch waits for.
    fn waits(&self, launch: &Launch, is_write: bool) -> impl Iterator<Item = usize> {
        let (writers, readers, before) = match (is_write, is_write && self.is_part(launch)) {
            (_, true) => (&[][..], &self.readers[..], &self.before[..]),
            (true, false) => (&self.writers[..], &self.readers[..], &[][..]),
            (false, false) => (&self.writers[..], &[][..], &[][..]),
        };
        writers.iter().chain(readers).chain(before).copied()
    }

    /// Enters a launch that has waited.
    fn enter(&mut self, at: usize, launch: &Launch, is_write: bool) {
        if !is_write {
            self.readers.push(at);
        } else if self.is_part(launch) {
            self.before.append(&mut self.readers);
            self.writers.push(at);
        } else {
            let mut before = std::mem::take(&mut self.writers);
            before.append(&mut self.readers);
            *self = Self { writers: vec![at], part: launch.part, before, readers: Vec::new() };
        }
    }
}

/// A set of launches, one bit each.
#[derive(Clone)]
pub(super) struct LaunchSet(Vec<u64>);

impl LaunchSet {
    fn new(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    pub(super) fn has(&self, launch: usize) -> bool {
        self.0[launch / 64] >> (launch % 64) & 1 == 1
    }

    fn add(&mut self, launch: usize) {
        self.0[launch / 64] |= 1 << (launch % 64);
    }

    pub(super) fn intersection(mut self, other: Self) -> Self {
        self.0.iter_mut().zip(&other.0).for_each(|(own, other)| *own &= other);
        self
    }

    fn add_all(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(own, other)| *own |= other);
    }
}

/// Finds what each launch of `range` waits for; numbers count from the range's first launch. Memory counts by whole buffers, at
/// their places in the arena, so that buffers that share a place wait for each other too.
pub fn dependencies(program: &CudaProgram, arena: &Arena, range: std::ops::Range<usize>) -> Dependencies {
    let writes: Vec<Vec<bool>> = program.kernels.iter().map(|kernel| kernel.writes()).collect();
    let launches = &program.launches[range];
    let mut pieces = pieces_of_memory(program, arena, launches);
    let mut before: Vec<Vec<usize>> = Vec::with_capacity(launches.len());
    let mut ancestors: Vec<LaunchSet> = Vec::with_capacity(launches.len());
    for (at, launch) in launches.iter().enumerate() {
        let mut waits: Vec<usize> = Vec::new();
        let accesses = || accesses(program, arena, launch, &writes[launch.kernel]);
        for (first, last, is_write) in accesses() {
            for (_, piece) in pieces.range(first..last) {
                waits.extend(piece.waits(launch, is_write));
            }
        }
        for (first, last, is_write) in accesses() {
            for (_, piece) in pieces.range_mut(first..last) {
                piece.enter(at, launch, is_write);
            }
        }
        // The latest first: what it waits for need not be named.
        waits.sort_unstable_by(|a, b| b.cmp(a));
        let mut known = LaunchSet::new(launches.len());
        let mut needed: Vec<usize> = Vec::new();
        for wait in waits {
            if wait < at && !known.has(wait) {
                known.add_all(&ancestors[wait]);
                known.add(wait);
                needed.push(wait);
            }
        }
        needed.reverse();
        before.push(needed);
        ancestors.push(known);
    }
    Dependencies { before }
}

/// Returns the memory that a launch touches: first byte, byte after the last, and whether it may write there.
fn accesses<'a>(
    program: &'a CudaProgram,
    arena: &'a Arena,
    launch: &'a Launch,
    writes: &'a [bool],
) -> impl Iterator<Item = (usize, usize, bool)> + 'a {
    assert_eq!(launch.arguments.len(), writes.len(), "a launch has the arguments of its kernel");
    launch.arguments.iter().zip(writes).filter_map(|(place, &is_write)| {
        let id = place.as_ref()?.buffer;
        let first = arena.offsets[id];
        Some((first, first + program.buffers[id].len * 4, is_write))
    })
}

/// Cuts memory where a buffer of these launches begins or ends; each piece is named by its first byte.
fn pieces_of_memory(program: &CudaProgram, arena: &Arena, launches: &[Launch]) -> BTreeMap<usize, LastAccess> {
    let mut pieces = BTreeMap::new();
    for place in launches.iter().flat_map(|launch| launch.arguments.iter().flatten()) {
        let first = arena.offsets[place.buffer];
        pieces.insert(first, LastAccess::default());
        pieces.insert(first + program.buffers[place.buffer].len * 4, LastAccess::default());
    }
    pieces
}
