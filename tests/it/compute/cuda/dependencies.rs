//! Which launches wait for which: two that touch the same memory, one of them to write, are always in order.

use crate::support::compile::compile_file;
use crate::support::repository::repository;
use npc::graph::plan::plan;
use npc::internals::compute::cuda::{
    BufferPlace, BufferRole, CudaOptions, CudaProgram, Dependencies, DeviceBuffer, Kernel, Launch, dependencies, lower,
    place, place_apart, place_for_graph,
};
use npc::internals::compute::fused::PassMode;
use proptest::prelude::*;
use rand::Rng;
use rand::rngs::StdRng;
use std::collections::HashSet;

/// Launches in a random order in which each comes after those that it waits for.
pub fn random_order(dependencies: &Dependencies, random: &mut StdRng) -> Vec<usize> {
    let mut left: Vec<usize> = (0..dependencies.before.len()).collect();
    let mut order = Vec::new();
    while !left.is_empty() {
        let is_ready = |launch: &usize| dependencies.before[*launch].iter().all(|before| order.contains(before));
        let ready: Vec<usize> = (0..left.len()).filter(|&i| is_ready(&left[i])).collect();
        order.push(left.remove(ready[random.random_range(0..ready.len())]));
    }
    order
}

/// A kernel that reads through its first argument and writes through its second.
fn copying() -> Kernel {
    let text = "KERNEL run(const float* __restrict__ from, float* __restrict__ to) {}".to_owned();
    Kernel { name: "copy", text, threads: 32, shared_bytes: 0, has_barriers: false }
}

fn launch(from: usize, to: usize) -> Launch {
    let place = |buffer| Some(BufferPlace { buffer, offset: 0 });
    Launch { kernel: 0, grid: [1, 1], arguments: vec![place(from), place(to)], step: 0, part: None }
}

fn program(lens: &[usize], copies: &[(usize, usize)]) -> CudaProgram {
    let buffer = |&len: &usize| DeviceBuffer { role: BufferRole::Temporary, len, inside: None };
    CudaProgram {
        kernels: vec![copying()],
        buffers: lens.iter().map(buffer).collect(),
        launches: copies.iter().map(|&(from, to)| launch(from, to)).collect(),
        ..CudaProgram::default()
    }
}

fn found(program: &CudaProgram) -> Dependencies {
    dependencies(program, &place_apart(program), 0..program.launches.len())
}

#[test]
fn a_reader_waits_for_the_writer_and_the_next_writer_for_all_readers() {
    let copies = [(0, 1), (1, 2), (1, 3), (0, 1), (2, 3), (0, 4), (4, 0)];
    let of = found(&program(&[64; 5], &copies));
    let expected: [&[usize]; 7] = [&[], &[0], &[0], &[1, 2], &[1, 2], &[], &[3, 5]];
    assert_eq!(of.before, expected);
    assert_eq!(of.longest_path(), 4);
}

/// Parts of one result wait for what was before and between them, and not for each other.
#[test]
fn parts_of_a_result_do_not_wait_for_each_other() {
    let copies = [(0, 1), (1, 2), (3, 1), (4, 1), (1, 5), (0, 1), (0, 1)];
    let mut program = program(&[64; 6], &copies);
    [2, 3, 5].into_iter().for_each(|at| program.launches[at].part = Some(7));
    // 2 and 3 write parts, 4 reads them all, 5 is a part too, 6 writes everything.
    let expected: [&[usize]; 7] = [&[], &[0], &[1], &[1], &[2, 3], &[4], &[5]];
    assert_eq!(found(&program).before, expected);
}

#[test]
fn a_kernel_writes_through_pointers_that_are_not_to_constants() {
    assert_eq!(copying().writes(), [false, true]);
}

#[test]
fn branches_of_a_network_may_run_at_the_same_time() {
    let checked = compile_file(&repository("models/npnet.model"), Some([64, 64]), &[]).model("NPNet");
    let mode = PassMode::Train { to_image: false };
    let program = lower(&plan(&checked), [2, 3, 64, 64], mode, &CudaOptions::default()).unwrap();
    let all = 0..program.launches.len();
    let [shared, for_graph, apart] = [place(&program), place_for_graph(&program), place_apart(&program)];
    let path = |arena| dependencies(&program, arena, all.clone()).longest_path();
    assert_eq!(path(&for_graph), path(&apart), "a shared place makes no launch wait");
    assert!(path(&for_graph) * 2 < program.launches.len(), "{} of {}", path(&for_graph), program.launches.len());
    assert!(for_graph.bytes * 4 < apart.bytes * 3 && shared.bytes <= for_graph.bytes, "{}", for_graph.bytes);
}

fn copies() -> impl Strategy<Value = CudaProgram> {
    prop::collection::vec(1usize..3000, 2..12).prop_flat_map(|lens| {
        let copy = (0..lens.len(), 0..lens.len());
        prop::collection::vec(copy, 1..40).prop_map(move |copies| program(&lens, &copies))
    })
}

proptest! {
    /// Where places are shared for a graph, launches wait as if none were shared.
    #[test]
    fn a_place_for_a_graph_makes_no_launch_wait(program in copies()) {
        let arena = place_for_graph(&program);
        prop_assert_eq!(dependencies(&program, &arena, 0..program.launches.len()), found(&program));
    }

    #[test]
    fn conflicts_are_in_order_and_nothing_waits_twice(program in copies()) {
        let (arena, count) = (place(&program), program.launches.len());
        let of = dependencies(&program, &arena, 0..count);
        // By launch: all that it waits for, also through others.
        let mut path: Vec<HashSet<usize>> = Vec::new();
        for (at, before) in of.before.iter().enumerate() {
            prop_assert!(before.iter().all(|&earlier| earlier < at));
            path.push(before.iter().flat_map(|&earlier| path[earlier].iter().copied().chain([earlier])).collect());
        }
        let range = |launch: &Launch, argument: usize| {
            let id = launch.arguments[argument].unwrap().buffer;
            (arena.offsets[id], arena.offsets[id] + program.buffers[id].len * 4)
        };
        for late in 0..count {
            for (early, launch) in program.launches[..late].iter().enumerate() {
                let overlap = [(0, 1), (1, 0), (1, 1)].iter().any(|&(a, b)| {
                    let (x, y) = (range(launch, a), range(&program.launches[late], b));
                    x.0 < y.1 && y.0 < x.1
                });
                prop_assert!(!overlap || path[late].contains(&early), "{late} does not wait for {early}");
            }
            for (i, &a) in of.before[late].iter().enumerate() {
                prop_assert!(of.before[late].iter().skip(i + 1).all(|&b| !path[b].contains(&a)), "{late} need not wait for {a}");
            }
        }
    }
}
