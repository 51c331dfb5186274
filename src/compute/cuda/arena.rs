//! Places of buffers in one block of memory: buffers that are not needed at the same time share it.

use super::program::{BufferRole, CudaProgram, DeviceBufferId};

/// Every place is a multiple of this many bytes, as in `cudaMalloc`.
const ALIGNMENT: usize = 256;

/// The place of each buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arena {
    /// Bytes from the start of the block, by buffer.
    pub offsets: Vec<usize>,
    /// Bytes of the block.
    pub bytes: usize,
}

/// The launches during which a buffer must keep its place: from the first to the last that names it.
fn lifetimes(program: &CudaProgram) -> Vec<Option<(usize, usize)>> {
    let mut lives: Vec<Option<(usize, usize)>> = vec![None; program.buffers.len()];
    for (at, launch) in program.launches.iter().enumerate() {
        for place in launch.arguments.iter().flatten() {
            let life = lives[place.buffer].get_or_insert((at, at));
            life.1 = at;
        }
    }
    for (life, buffer) in lives.iter_mut().zip(&program.buffers) {
        match buffer.role {
            BufferRole::Temporary => {}
            // What comes from outside or is read from outside stays.
            BufferRole::Image
            | BufferRole::Result(_)
            | BufferRole::ResultGradient(_)
            | BufferRole::Weight { .. }
            | BufferRole::WeightGradient { .. }
            | BufferRole::BatchStatistics { .. }
            | BufferRole::ImageGradient
            | BufferRole::Seed => *life = Some((0, program.launches.len())),
        }
    }
    lives
}

/// Places the buffers: the largest first, each at the lowest offset where no buffer lies that lives at the same time.
pub fn place(program: &CudaProgram) -> Arena {
    let lives = lifetimes(program);
    let bytes = |id: DeviceBufferId| (program.buffers[id].len * 4).next_multiple_of(ALIGNMENT);
    let mut order: Vec<DeviceBufferId> = (0..program.buffers.len()).filter(|&id| lives[id].is_some()).collect();
    order.sort_by_key(|&id| (std::cmp::Reverse(bytes(id)), id));
    let mut offsets = vec![0; program.buffers.len()];
    let mut placed: Vec<DeviceBufferId> = Vec::new();
    let mut end = 0;
    for id in order {
        let life = lives[id].expect("`order` has none without");
        let together =
            |other: &DeviceBufferId| lives[*other].is_some_and(|(first, last)| first <= life.1 && life.0 <= last);
        let mut taken: Vec<(usize, usize)> = placed
            .iter()
            .copied()
            .filter(together)
            .map(|other| (offsets[other], offsets[other] + bytes(other)))
            .collect();
        taken.sort_unstable();
        let mut at = 0;
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
    Arena { offsets, bytes: end }
}
