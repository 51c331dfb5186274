//! A whole training step beside the CPU engine, and the classes of pixels.

use super::emulator::{BufferMemory, EmulatedProgram, HostAction, Numbers, compiler, outputs};
use super::loss::{SCALARS, packed, scalars};
use super::loss_reference::LossCase;
use super::networks::{EVERY_OPERATOR, F32, MOST_MACS, SEED, SMALL_UNET, Tolerance, bits, inputs, random_weights};
use crate::support::compile::{compile_file, compile_text};
use crate::support::header::size_of;
use crate::support::repository::repository;
use npc::graph::check::CheckedGraph;
use npc::graph::op::Op;
use npc::graph::plan::plan;
use npc::internals::compute::cuda::{
    BufferRole, CudaOptions, FlatRegion, StepScalars, TrainingStep, lower, lower_classes, lower_step, place,
};
use npc::internals::compute::engine::{Engine, LayerWeights};
use npc::internals::compute::fused::PassMode;
use npc::study::cost::{Convention, count};
use npc::text::config::{LossSpec, LossTerm, Optimizer, WeightedLossTerm};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::sync::Arc;

/// Runs a step of a network with cross entropy and Dice, and compares loss, gradients and running statistics with those of
/// the engine. Returns whether both compute it.
fn same_step(checked: &CheckedGraph) -> bool {
    let Some(compiler) = compiler() else { return true };
    let plan = Arc::new(plan(checked));
    let mut random = StdRng::seed_from_u64(9);
    let weights = random_weights(&plan, &mut random);
    let graph = checked.graph();
    let image = graph.node(graph.input()).outputs[0].shape().dims().to_vec();
    let dims = [2, image[0], image[1], image[2]];
    let engine = Engine::new(plan.clone());
    if engine.supports(dims, PassMode::Train { to_image: false }).is_err() {
        return false;
    }
    let image: Vec<f32> = (0..dims.iter().product()).map(|_| random.random_range(-1.0..1.0)).collect();
    let expected = engine.train(Arc::new(weights.clone()), &image, dims, SEED, false).unwrap();
    // Some networks divide by zero; their losses say nothing.
    let result = &expected.results[0];
    let first = plan.results[0].1;
    let shape = plan.steps.iter().flat_map(|step| &step.outputs).find(|(value, _)| *value == first).unwrap().1.shape();
    let classes = shape.dims()[0];
    if classes < 2 || result.iter().any(|x| !x.is_finite()) {
        return false;
    }
    let pixels = result.len() / 2 / classes;
    let targets: Vec<u8> = (0..2 * pixels).map(|_| random.random_range(0..classes) as u8).collect();
    let loss = LossSpec {
        terms: [LossTerm::CROSS_ENTROPY, LossTerm::DICE].map(|term| WeightedLossTerm { weight: 1.0, term }).to_vec(),
    };
    let case = LossCase { images: 2, classes, pixels, targets: &targets, results: vec![(&result[..], 1.0)] };
    let exact = case.loss(&loss);
    let slope: Vec<f32> = exact.gradients[0].iter().map(|&g| g as f32).collect();
    let mut slopes: Vec<Option<&[f32]>> = vec![None; expected.results.len()];
    slopes[0] = Some(&slope);
    let passed = expected.tape.backward(&slopes);

    let options = CudaOptions { precision: F32.precision, ..CudaOptions::default() };
    let program = lower_step(&plan, dims, &TrainingStep { loss: loss.clone(), ..TrainingStep::default() }, &options);
    let program = match program {
        Ok(program) => program,
        Err(reason) => {
            assert!(passed.weights.is_empty(), "{}: {}", plan.name, reason.0);
            return false;
        }
    };
    let mut given = inputs(&weights);
    given.insert(BufferRole::Image, image);
    given.insert(BufferRole::Targets, packed(&targets));
    given.insert(BufferRole::Scalars, scalars(StepScalars { seed: SEED, ..SCALARS }, &Optimizer::default()));
    given.retain(|role, _| program.buffer(role).is_some());
    let emulated = EmulatedProgram::compile(compiler, &program, &place(&program));
    let actions = [
        HostAction::Give(given),
        HostAction::Run(program.pass()),
        HostAction::Run(program.update()),
        HostAction::Take(outputs(&program)),
    ];
    let found = emulated.act(&actions, BufferMemory::Guarded, 1).pop().unwrap();
    let of = |role: BufferRole| &found[&program.buffer(&role).unwrap()][..];

    let value = of(BufferRole::Loss)[0];
    assert!((f64::from(value) / exact.total - 1.0).abs() < 1e-4, "{}: {value}, not {}", plan.name, exact.total);
    let largest = passed.weights.iter().flat_map(|gradient| &gradient.values).fold(0f32, |most, x| most.max(x.abs()));
    let of_gradients = Tolerance { floor: 1e-2 * f64::from(largest), ..F32 };
    assert_eq!(
        program.layout.weights.tensors.len(),
        passed.weights.len(),
        "the engine's gradients are the trained tensors"
    );
    for gradient in &passed.weights {
        let role = BufferRole::WeightGradient { layer: gradient.layer, name: gradient.name };
        let what = format!("{}.{}", plan.layers[gradient.layer].path, gradient.name);
        of_gradients.assert_close(&what, of(role), &gradient.values);
    }
    let region = program.buffer(&BufferRole::Region(FlatRegion::Statistics));
    let statistics: &[f32] = region.map_or(&[], |id| &found[&id]);
    for batch in &expected.statistics {
        let Op::BatchNorm(norm) = &plan.layers[batch.layer].op else { unreachable!() };
        let running = weights[batch.layer].running.as_ref().unwrap();
        let unbiased = batch.count as f64 / (batch.count as f64 - 1.0).max(1.0);
        for (name, old, now, factor) in [
            ("running_mean", &running.mean, &batch.mean, 1.0),
            ("running_var", &running.variance, &batch.variance, unbiased),
        ] {
            let place = program.layout.statistics.find(batch.layer, name).unwrap();
            let moved = |(old, now): (&f32, &f32)| {
                (f64::from(*old) * (1.0 - norm.momentum) + f64::from(*now) * norm.momentum * factor) as f32
            };
            let moved: Vec<f32> = old.iter().zip(now).map(moved).collect();
            F32.assert_close(name, &statistics[place.offset..][..place.len], &moved);
        }
    }

    // Another order of the threads, in one block of memory, gives the same bits.
    let packed = emulated.act(&actions, BufferMemory::Arena, 2).pop().unwrap();
    for (id, numbers) in &found {
        let role = &program.buffers[*id].role;
        assert_eq!(bits(numbers), bits(&packed[id]), "{role:?}");
    }
    true
}

#[test]
fn a_step_of_a_small_unet_is_that_of_the_processor() {
    assert!(same_step(&compile_text(SMALL_UNET, Some([12, 16]), &[]).model("Small")));
}

/// The networks of some files, or with `NPC_LONG=1` all small ones of `tests/graphs`.
#[test]
fn steps_of_every_operator_are_those_of_the_processor() {
    let mut names: Vec<String> = EVERY_OPERATOR.iter().map(|name| format!("{name}.model")).collect();
    names.push("activations.model".into());
    if std::env::var_os("NPC_LONG").is_some() {
        let files = std::fs::read_dir(repository("tests/graphs")).unwrap();
        names = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name.ends_with(".model"));
        names.sort();
    }
    let mut computed = Vec::new();
    for name in names {
        let path = repository("tests/graphs").join(name);
        let size = size_of(&std::fs::read_to_string(&path).unwrap());
        for checked in compile_file(&path, size, &[]).checked {
            if count(&checked, Convention::default()).macs < MOST_MACS && same_step(&checked) {
                computed.push(checked.graph().name.clone());
            }
        }
    }
    eprintln!("{}", computed.join(", "));
    assert!(computed.len() >= 4, "{computed:?} were computed");
}

/// The classes are the first of the highest logits, and the probabilities their softmax.
#[test]
fn classes_and_probabilities_are_those_of_the_results() {
    let Some(compiler) = compiler() else { return };
    let text = "npc 1\nmodel Net(x: [3, H, W]) -> [5, H, W] = x |> conv(8) |> bn |> relu |> conv(5, k = 1)";
    let plan = plan(&compile_text(text, Some([5, 7]), &[]).model("Net"));
    let mut random = StdRng::seed_from_u64(4);
    let mut weights: Vec<LayerWeights> = random_weights(&plan, &mut random);
    // Two equal classes.
    let last = weights.last_mut().unwrap();
    let (from, to) = last.weight.split_at_mut(16);
    to[..8].copy_from_slice(&from[8..]);
    last.bias.as_mut().unwrap()[2] = last.bias.as_ref().unwrap()[1];
    let dims = [3, 3, 5, 7];
    let mut given: Numbers = inputs(&weights);
    given.insert(BufferRole::Image, (0..dims.iter().product()).map(|_| random.random_range(-1.0..1.0)).collect());
    let options = CudaOptions { precision: F32.precision, ..CudaOptions::default() };
    let run = |program: &npc::internals::compute::cuda::CudaProgram| {
        EmulatedProgram::compile(compiler, program, &place(program)).run(&given, BufferMemory::Guarded, 1)
    };
    let results = run(&lower(&plan, dims, PassMode::Infer, &options).unwrap());
    let logits = &results[&BufferRole::Result(0)];
    for probabilities in [false, true] {
        let found = run(&lower_classes(&plan, dims, probabilities, &options).unwrap());
        let bytes: Vec<u8> = found[&BufferRole::Classes].iter().flat_map(|word| word.to_bits().to_le_bytes()).collect();
        assert_eq!(bytes.len(), (3usize * 35).next_multiple_of(4));
        assert!(bytes[105..].iter().all(|&byte| byte == 0));
        for (m, &class) in bytes[..105].iter().enumerate() {
            let at = |c: usize| (m / 35 * 5 + c) * 35 + m % 35;
            let highest = (1..5).fold(0, |best, c| if logits[at(c)] > logits[at(best)] { c } else { best });
            assert_eq!(usize::from(class), highest, "pixel {m}");
            let sum: f64 = (0..5).map(|c| f64::from(logits[at(c)]).exp()).sum();
            for c in 0..if probabilities { 5 } else { 0 } {
                let exact = f64::from(logits[at(c)]).exp() / sum;
                assert!((f64::from(found[&BufferRole::Probabilities][at(c)]) - exact).abs() < 1e-6);
            }
        }
    }
}
