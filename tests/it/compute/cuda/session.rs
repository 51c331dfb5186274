//! What a session asks of a driver, and when.

use super::recording_driver::{NameCompiler, RecordingDriver};
use crate::support::compile::compile_text;
use npc::graph::plan::plan;
use npc::internals::base::error::Result;
use npc::internals::compute::cuda::session::{DeviceSession, SessionOptions};
use npc::internals::compute::cuda::{BufferRole, CudaOptions, CudaProgram, lower, place};
use npc::internals::compute::fused::PassMode;
use std::sync::Arc;

const DROPPED: &str = "npc 1
model Dropped(x: [3, h, w]) -> [2, h, w] = x |> conv(8) |> relu |> dropout(0.5) |> conv(2, k = 1)";

fn program() -> CudaProgram {
    let checked = compile_text(DROPPED, Some([4, 8]), &[]).model("Dropped");
    lower(&plan(&checked), [1, 3, 4, 8], PassMode::Train { to_image: false }, &CudaOptions::default()).unwrap()
}

fn open(driver: Arc<RecordingDriver>, program: &CudaProgram) -> Result<DeviceSession> {
    let (backward, all) = (program.backward, program.launches.len());
    let fed = vec![BufferRole::Image, BufferRole::Seed, BufferRole::ResultGradient(0)];
    let fetched = vec![BufferRole::Result(0)];
    let options = SessionOptions { sections: vec![0..backward, backward..all], fed, fetched };
    DeviceSession::open(driver, &NameCompiler, program, &place(program), &options)
}

/// Feeds a pass whose seed begins with this number, runs it and reads its result.
fn pass(session: &mut DeviceSession, seed: f32) -> Result<()> {
    let (image, gradient) = (vec![0.5; 96], vec![0.25; 64]);
    session.feed(&[
        (BufferRole::Image, &image),
        (BufferRole::Seed, &[seed, 0.0]),
        (BufferRole::ResultGradient(0), &gradient),
    ])?;
    session.run(&[0, 1])?;
    let ticket = session.fetch()?;
    session.results(ticket, &BufferRole::Result(0)).map(drop)
}

fn count(calls: &[String], start: &str) -> usize {
    calls.iter().filter(|call| call.starts_with(start)).count()
}

#[test]
fn passes_are_launched_and_then_replayed() {
    let (driver, program) = (Arc::new(RecordingDriver::new(None)), program());
    let launches = program.launches.len();
    let mut session = open(driver.clone(), &program).unwrap();
    let opened = driver.take_calls();
    assert_eq!(count(&opened, "load"), program.kernels.len());
    assert_eq!(count(&opened, "allocate "), 3 + 5, "state, arena, place of a feed; five pinned blocks");

    pass(&mut session, 1.0).unwrap();
    let first = driver.take_calls();
    assert_eq!([count(&first, "launch"), count(&first, "graph"), count(&first, "replay")], [launches, 0, 0]);

    pass(&mut session, 2.0).unwrap();
    let second = driver.take_calls();
    assert_eq!(
        ["launch", "graph", "replay"].map(|start| count(&second, start)),
        [0, 2, 2],
        "each section becomes a graph once"
    );
    for seed in 3..8 {
        pass(&mut session, seed as f32).unwrap();
        let calls = driver.take_calls();
        for made in ["allocate", "create", "load", "graph", "launch", "synchronise"] {
            assert_eq!(count(&calls, made), 0, "{made} in a later pass: {calls:?}");
        }
        let seed = format!("[{seed}.0, 0.0]");
        let fresh = calls.iter().position(|call| call.starts_with("write pinned") && call.ends_with(&seed));
        let upload = calls.iter().position(|call| call.starts_with("upload") && call.ends_with("in Transfer"));
        let copied = calls.iter().position(|call| call.starts_with("copy 2 "));
        let replayed = calls.iter().position(|call| call.starts_with("replay"));
        assert!(fresh < upload && upload < copied && copied < replayed && fresh.is_some(), "{calls:?}");
    }
}

/// The calls of a pass in their order: the copy of a batch waits until the one before was taken, the kernels wait for the copy.
#[test]
fn a_pass_waits_for_its_batch() {
    let (driver, program) = (Arc::new(RecordingDriver::new(None)), program());
    let mut session = open(driver.clone(), &program).unwrap();
    (0..3).for_each(|seed| pass(&mut session, seed as f32).unwrap());
    driver.take_calls();
    pass(&mut session, 4.0).unwrap();
    let calls = driver.take_calls();
    let words: Vec<&str> = calls.iter().map(|call| call.split_whitespace().next().unwrap()).collect();
    let expected = [
        "wait", "write", "write", "write", "Transfer", "upload", "record", // feed
        "Compute", "copy", "copy", "copy", "record", "replay", "replay", // run
        "download", "record", "wait", "read", // fetch and results
    ];
    assert_eq!(words, expected, "{calls:?}");
    // Pinned blocks take turns.
    let block = |calls: &[String]| calls.iter().find(|call| call.starts_with("upload")).unwrap().clone();
    pass(&mut session, 5.0).unwrap();
    assert_ne!(block(&driver.take_calls()), block(&calls));
}

/// Every call fails once. The error comes out, and nothing is kept.
#[test]
fn every_error_comes_out_and_everything_is_freed() {
    let program = program();
    let all = {
        let driver = Arc::new(RecordingDriver::new(None));
        let mut session = open(driver.clone(), &program).unwrap();
        (0..3).for_each(|seed| pass(&mut session, seed as f32).unwrap());
        session.write(&BufferRole::Weight { layer: 0, name: "bias" }, &[0.5; 8]).unwrap();
        session.clear(&BufferRole::Image).unwrap();
        session.read(&BufferRole::WeightGradient { layer: 0, name: "bias" }).unwrap();
        let calls = driver.take_calls().len();
        drop(session);
        assert_eq!(driver.held(), 0);
        calls
    };
    for failing in 0..all {
        let driver = Arc::new(RecordingDriver::new(Some(failing)));
        let ran = open(driver.clone(), &program).and_then(|mut session| {
            (0..3).try_for_each(|seed| pass(&mut session, seed as f32))?;
            session.write(&BufferRole::Weight { layer: 0, name: "bias" }, &[0.5; 8])?;
            session.clear(&BufferRole::Image)?;
            session.read(&BufferRole::WeightGradient { layer: 0, name: "bias" }).map(drop)
        });
        let calls = driver.take_calls();
        let message = ran.expect_err(&calls[failing]).message;
        assert_eq!(message, "a kernel failed on the GPU: CUDA_ERROR_LAUNCH_FAILED from cuRecorded");
        assert_eq!(driver.held(), 0, "after {}", calls[failing]);
    }
}

#[test]
fn mistakes_of_the_caller_are_problems() {
    let (driver, program) = (Arc::new(RecordingDriver::new(None)), program());
    let mut session = open(driver.clone(), &program).unwrap();
    let message = |result: Result<()>| result.unwrap_err().message;
    let image = vec![0.0; 96];
    assert_eq!(message(session.feed(&[(BufferRole::Image, &image)])), "Seed takes 2 numbers, a pass was given 0");
    let weight = BufferRole::Weight { layer: 0, name: "bias" };
    assert_eq!(
        message(session.feed(&[(weight.clone(), &image)])),
        "Weight { layer: 0, name: \"bias\" } is not what a pass gets anew"
    );
    assert_eq!(
        message(session.write(&weight, &[1.0])),
        "Weight { layer: 0, name: \"bias\" } takes 8 numbers, 1 were given"
    );
    assert_eq!(message(session.run(&[0])), "section 0 ran again without new numbers");
    pass(&mut session, 1.0).unwrap();
    assert_eq!(message(session.run(&[1])), "section 1 ran again without new numbers");
    assert_eq!(message(session.run(&[7])), "a program of 2 sections has no section 7");
    let old = session.fetch().unwrap();
    assert!(session.results(old, &BufferRole::Result(0)).is_ok());
    let _ = [session.fetch().unwrap(), session.fetch().unwrap()];
    assert_eq!(
        session.results(old, &BufferRole::Result(0)).unwrap_err().message,
        "the results of pass 1 of 4 are not kept"
    );
    assert_eq!(
        session.results(old, &BufferRole::Result(5)).unwrap_err().message,
        "the results of pass 1 of 4 are not kept"
    );
}

#[test]
fn what_the_gpu_cannot_hold_is_refused_before_anything_is_allocated() {
    let (driver, mut program) = (Arc::new(RecordingDriver::new(None)), program());
    program.kernels[0].shared_bytes = 1 << 20;
    let refused = open(driver.clone(), &program).err().unwrap().message;
    assert_eq!(refused, "the kernel relayout needs 1,048,576 bytes of shared memory, Recorder has 232,448");
    program.kernels[0].shared_bytes = 0;
    let image = program.buffer(&BufferRole::Image).unwrap();
    program.buffers[image].len = 1 << 28;
    let refused = open(driver.clone(), &program).err().unwrap().message;
    assert!(refused.starts_with("the network needs 2049 MiB of memory on Recorder, 1024 MiB are free"), "{refused}");
    assert_eq!(driver.take_calls(), ["free bytes"]);
}
