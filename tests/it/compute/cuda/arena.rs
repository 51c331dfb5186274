//! Places of buffers: two that live at the same time never overlap, and parts lie inside what they are parts of.

use super::networks::SMALL_UNET;
use crate::support::compile::compile_text;
use npc::graph::plan::plan;
use npc::internals::compute::cuda::{
    Arena, BufferPlace, BufferRole, CudaOptions, CudaProgram, DeviceBuffer, FlatRegion, Launch, TrainingStep,
    lower_step, place,
};
use proptest::prelude::*;

/// Numbers of the buffer that others are parts of.
const WHOLE: usize = 20_000;

/// Lets every buffer with a true flag be a part of the first one, behind the parts before it, while there is room.
fn with_parts(mut buffers: Vec<DeviceBuffer>, flags: Vec<bool>) -> Vec<DeviceBuffer> {
    let mut offset = 0;
    buffers[0].len = WHOLE;
    for (buffer, flag) in buffers.iter_mut().zip(flags).skip(1) {
        if flag && offset + buffer.len <= WHOLE {
            buffer.inside = Some(BufferPlace { buffer: 0, offset });
            offset = (offset + buffer.len).next_multiple_of(64);
        }
    }
    buffers
}

/// A program of launches that name random buffers.
fn programs() -> impl Strategy<Value = CudaProgram> {
    let buffer = (1usize..5000, 0..8).prop_map(|(len, kind)| DeviceBuffer {
        role: match kind {
            0 => BufferRole::Result(len),
            1 => BufferRole::Region(FlatRegion::Moment(len)),
            _ => BufferRole::Temporary,
        },
        len,
        inside: None,
    });
    let parts = prop::collection::vec(prop::bool::weighted(0.3), 40);
    let buffers = (prop::collection::vec(buffer, 1..40), parts).prop_map(|(buffers, flags)| with_parts(buffers, flags));
    buffers.prop_flat_map(|buffers| {
        let launch = prop::collection::vec(0..buffers.len(), 1..4).prop_map(|named| Launch {
            kernel: 0,
            grid: [1, 1],
            arguments: named.into_iter().map(|buffer| Some(BufferPlace { buffer, offset: 0 })).collect(),
            step: 0,
            part: None,
        });
        prop::collection::vec(launch, 1..60).prop_map(move |launches| CudaProgram {
            buffers: buffers.clone(),
            launches,
            ..CudaProgram::default()
        })
    })
}

/// First and last launch that need the numbers of a buffer or of its parts.
fn life(program: &CudaProgram, id: usize) -> Option<(usize, usize)> {
    let is_part = |place: &BufferPlace| program.outermost(place.buffer).buffer == id;
    let names = |launch: &Launch| launch.arguments.iter().flatten().any(is_part);
    match program.buffers[id].role {
        BufferRole::Temporary => {
            let first = program.launches.iter().position(names)?;
            Some((first, program.launches.iter().rposition(names)?))
        }
        _ => Some((0, usize::MAX)),
    }
}

/// Returns two buffers that live at the same time and overlap, or one that is at a wrong place.
fn misplaced(program: &CudaProgram, arena: &Arena) -> Option<(usize, usize)> {
    let range = |id: usize| (arena.offsets[id], arena.offsets[id] + program.buffers[id].len * 4);
    for a in 0..program.buffers.len() {
        if program.buffers[a].inside.is_some() {
            let outer = program.outermost(a);
            let right = arena.offsets[a] == arena.offsets[outer.buffer] + 4 * outer.offset;
            if !right || range(a).1 > range(outer.buffer).1 {
                return Some((a, outer.buffer));
            }
            continue;
        }
        let Some(of_a) = life(program, a) else { continue };
        if !arena.offsets[a].is_multiple_of(256) || range(a).1 > arena.bytes {
            return Some((a, a));
        }
        let overlaps = |&b: &usize| {
            let Some(of_b) = life(program, b) else { return false };
            let together = of_a.0 <= of_b.1 && of_b.0 <= of_a.1;
            together && range(a).1 > range(b).0 && range(b).1 > range(a).0
        };
        let outermost = (0..a).filter(|&b| program.buffers[b].inside.is_none());
        if let Some(b) = outermost.into_iter().find(overlaps) {
            return Some((a, b));
        }
    }
    None
}

proptest! {
    #[test]
    fn no_two_live_buffers_overlap(program in programs()) {
        prop_assert_eq!(misplaced(&program, &place(&program)), None);
    }
}

/// All trained tensors lie in the regions without overlap, in the order of the layers.
#[test]
fn a_training_step_has_its_tensors_side_by_side() {
    let plan = plan(&compile_text(SMALL_UNET, Some([12, 16]), &[]).model("Small"));
    let program = lower_step(&plan, [2, 3, 12, 16], &TrainingStep::default(), &CudaOptions::default()).unwrap();
    let arena = place(&program);
    assert_eq!(misplaced(&program, &arena), None);
    let tensors = &program.layout.weights.tensors;
    let trained = plan.layers.iter().flat_map(|layer| &layer.params).filter(|spec| !spec.name.starts_with("running"));
    assert_eq!(tensors.len(), trained.count());
    let mut end = 0;
    for tensor in tensors {
        assert!(tensor.offset >= end && tensor.offset.is_multiple_of(64), "{tensor:?}");
        end = tensor.offset + tensor.len;
        for (role, region) in [
            (BufferRole::Weight { layer: tensor.layer, name: tensor.name }, FlatRegion::Weights),
            (BufferRole::WeightGradient { layer: tensor.layer, name: tensor.name }, FlatRegion::Gradients),
        ] {
            let [part, whole] = [role, BufferRole::Region(region)].map(|role| program.buffer(&role).unwrap());
            assert_eq!(arena.offsets[part], arena.offsets[whole] + 4 * tensor.offset);
        }
    }
    assert!(end <= program.layout.weights.len);
}
