//! Places of buffers in one block of memory: buffers that are not needed at the same time share it.

use super::dependencies::{LaunchSet, dependencies};
use super::places::Arena;
use super::program::{BufferRole, CudaProgram, DeviceBufferId};

/// Every place is a multiple of this many bytes, as in `cudaMalloc`.
const ALIGNMENT: usize = 256;

/// The launches during which a buffer must keep its place: from the first to the last that names it or a part of it.
/// Parts of other buffers have no life of their own.
fn lifetimes(program: &CudaProgram) -> Vec<Option<(usize, usize)>> {
    let mut lives: Vec<Option<(usize, usize)>> = vec![None; program.buffers.len()];
    for (at, launch) in program.launches.iter().enumerate() {
        for place in launch.arguments.iter().flatten() {
            let life = lives[program.outermost(place.buffer).buffer].get_or_insert((at, at));
            life.1 = at;
        }
    }
    for (life, buffer) in lives.iter_mut().zip(&program.buffers) {
        if buffer.inside.is_none() && BufferLife::of(&buffer.role) != BufferLife::Launches {
            *life = Some((0, program.launches.len()));
        }
    }
    lives
}

/// How long a buffer's numbers are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BufferLife {
    /// By some launches, one after the other.
    Launches,
    /// Through a pass: they come from outside, or are read from outside.
    Pass,
    /// From pass to pass and from step to step.
    State,
}

impl BufferLife {
    fn of(role: &BufferRole) -> Self {
        match role {
            BufferRole::Temporary => BufferLife::Launches,
            BufferRole::Image
            | BufferRole::Targets
            | BufferRole::Scalars
            | BufferRole::Result(_)
            | BufferRole::ResultGradient(_)
            | BufferRole::Classes
            | BufferRole::Probabilities
            | BufferRole::WeightGradient { .. }
            | BufferRole::BatchStatistics { .. }
            | BufferRole::ImageGradient
            | BufferRole::Seed => BufferLife::Pass,
            BufferRole::Weight { .. } | BufferRole::Region(_) | BufferRole::Loss | BufferRole::Report => {
                BufferLife::State
            }
        }
    }
}

/// Places the state one after the other, in an order that does not depend on the size of the images. Returns the end.
fn place_state(program: &CudaProgram, offsets: &mut [usize]) -> usize {
    let of_state = |id: &DeviceBufferId| {
        program.buffers[*id].inside.is_none() && BufferLife::of(&program.buffers[*id].role) == BufferLife::State
    };
    let mut state: Vec<DeviceBufferId> = (0..program.buffers.len()).filter(of_state).collect();
    state.sort_by_key(|&id| format!("{:?}", program.buffers[id].role));
    let mut end = 0;
    for id in state {
        offsets[id] = end;
        end += (program.buffers[id].len * 4).next_multiple_of(ALIGNMENT);
    }
    end
}

/// Gives every buffer a place that no other buffer has.
pub fn place_apart(program: &CudaProgram) -> Arena {
    place_where(program, |id| program.buffers[id].inside.is_none(), |_, _| true)
}

/// Places the buffers for launches that run one after the other.
pub fn place(program: &CudaProgram) -> Arena {
    let lives = lifetimes(program);
    let needed = |id: DeviceBufferId| lives[id].is_some();
    place_where(program, needed, |a, b| match (lives[a], lives[b]) {
        (Some(a), Some(b)) => a.0 <= b.1 && b.0 <= a.1,
        (Some(_) | None, None) | (None, Some(_)) => false,
    })
}

/// Places the buffers for launches that run as soon as what they need is there: buffers share a place only where all launches that
/// name the one wait for those that name the other anyway, so that no launch waits because of its place.
pub fn place_for_graph(program: &CudaProgram) -> Arena {
    let waits = dependencies(program, &place_apart(program), 0..program.launches.len());
    let ancestors = waits.ancestors();
    let lives = lifetimes(program);
    let mut named: Vec<Vec<usize>> = vec![Vec::new(); program.buffers.len()];
    for (at, launch) in program.launches.iter().enumerate() {
        launch.arguments.iter().flatten().for_each(|place| named[program.outermost(place.buffer).buffer].push(at));
    }
    // What all launches that name a buffer wait for.
    let waited: Vec<Option<LaunchSet>> = named
        .iter()
        .map(|launches| launches.iter().map(|&launch| ancestors[launch].clone()).reduce(LaunchSet::intersection))
        .collect();
    let is_after = |late: DeviceBufferId, early: DeviceBufferId| {
        waited[late].as_ref().is_some_and(|waited| named[early].iter().all(|&launch| waited.has(launch)))
    };
    let keeps = |id: DeviceBufferId| BufferLife::of(&program.buffers[id].role) != BufferLife::Launches;
    place_where(program, |id| lives[id].is_some(), |a, b| keeps(a) || keeps(b) || !(is_after(a, b) || is_after(b, a)))
}

/// Places the needed buffers: the largest first, each at the lowest offset where no buffer lies that it must not share memory with.
fn place_where(
    program: &CudaProgram,
    needed: impl Fn(DeviceBufferId) -> bool,
    are_together: impl Fn(DeviceBufferId, DeviceBufferId) -> bool,
) -> Arena {
    let bytes = |id: DeviceBufferId| (program.buffers[id].len * 4).next_multiple_of(ALIGNMENT);
    let mut offsets = vec![0; program.buffers.len()];
    let state_bytes = place_state(program, &mut offsets);
    let is_placed = |id: DeviceBufferId| needed(id) && BufferLife::of(&program.buffers[id].role) != BufferLife::State;
    let mut order: Vec<DeviceBufferId> = (0..program.buffers.len()).filter(|&id| is_placed(id)).collect();
    order.sort_by_key(|&id| (std::cmp::Reverse(bytes(id)), id));
    let mut placed: Vec<DeviceBufferId> = Vec::new();
    let mut end = state_bytes;
    for id in order {
        let mut taken: Vec<(usize, usize)> = placed
            .iter()
            .copied()
            .filter(|&other| are_together(id, other))
            .map(|other| (offsets[other], offsets[other] + bytes(other)))
            .collect();
        taken.sort_unstable();
        let mut at = state_bytes;
        for (first, last) in taken {
            if at + bytes(id) <= first {
                break;
            }
            at = at.max(last);
        }
        offsets[id] = at;
        end = end.max(at + bytes(id));
        placed.push(id);
    }
    place_parts(program, &mut offsets);
    Arena { offsets, bytes: end, state_bytes }
}

/// Places buffers that are parts of others.
fn place_parts(program: &CudaProgram, offsets: &mut [usize]) {
    for (id, buffer) in program.buffers.iter().enumerate() {
        if buffer.inside.is_some() {
            let outer = program.outermost(id);
            offsets[id] = offsets[outer.buffer] + 4 * outer.offset;
        }
    }
}
