//! Places of buffers: two that live at the same time never overlap.

use npc::internals::compute::cuda::{BufferPlace, BufferRole, CudaProgram, DeviceBuffer, Launch, place};
use proptest::prelude::*;

/// A program of launches that name random buffers.
fn programs() -> impl Strategy<Value = CudaProgram> {
    let buffer = (1usize..5000, 0..8).prop_map(|(len, kind)| DeviceBuffer {
        role: if kind == 0 { BufferRole::Result(len) } else { BufferRole::Temporary },
        len,
    });
    prop::collection::vec(buffer, 1..40).prop_flat_map(|buffers| {
        let launch = prop::collection::vec(0..buffers.len(), 1..4).prop_map(|named| Launch {
            kernel: 0,
            grid: [1, 1],
            arguments: named.into_iter().map(|buffer| Some(BufferPlace { buffer, offset: 0 })).collect(),
            step: 0,
            part: None,
        });
        prop::collection::vec(launch, 1..60).prop_map(move |launches| CudaProgram {
            kernels: Vec::new(),
            buffers: buffers.clone(),
            launches,
            backward: 0,
        })
    })
}

/// First and last launch that need a buffer's numbers.
fn life(program: &CudaProgram, id: usize) -> Option<(usize, usize)> {
    let names = |launch: &Launch| launch.arguments.iter().flatten().any(|place| place.buffer == id);
    match program.buffers[id].role {
        BufferRole::Temporary => {
            let first = program.launches.iter().position(names)?;
            Some((first, program.launches.iter().rposition(names)?))
        }
        _ => Some((0, usize::MAX)),
    }
}

proptest! {
    #[test]
    fn no_two_live_buffers_overlap(program in programs()) {
        let arena = place(&program);
        let range = |id: usize| (arena.offsets[id], arena.offsets[id] + program.buffers[id].len * 4);
        for a in 0..program.buffers.len() {
            let Some(of_a) = life(&program, a) else { continue };
            prop_assert!(arena.offsets[a].is_multiple_of(256) && range(a).1 <= arena.bytes);
            for b in 0..a {
                let Some(of_b) = life(&program, b) else { continue };
                let together = of_a.0 <= of_b.1 && of_b.0 <= of_a.1;
                let apart = range(a).1 <= range(b).0 || range(b).1 <= range(a).0;
                prop_assert!(!together || apart, "{a} and {b}");
            }
        }
    }
}
