//! Whole networks: results, gradients and statistics of a training step beside the CPU engine's.

use super::dependencies::random_order;
use super::emulator::{BufferMemory, EmulatedProgram, Numbers, compiler};
use crate::support::compile::{compile_file, compile_text};
use crate::support::header::size_of;
use crate::support::repository::repository;
use npc::graph::check::CheckedGraph;
use npc::graph::plan::{Plan, plan};
use npc::internals::compute::cuda::{BufferRole, CudaOptions, ProductPrecision, dependencies, lower, place_for_graph};
use npc::internals::compute::engine::{Engine, LayerWeights, RunningStatistics};
use npc::internals::compute::fused::PassMode;
use npc::study::cost::{Convention, count};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::sync::Arc;

/// Numbers for every tensor of a plan's layers.
pub fn random_weights(plan: &Plan, random: &mut StdRng) -> Vec<LayerWeights> {
    let mut of = |spec: Option<&npc::graph::op::ParamSpec>, range: std::ops::Range<f32>| -> Option<Vec<f32>> {
        let len: usize = spec?.shape.iter().product();
        Some((0..len).map(|_| random.random_range(range.clone())).collect())
    };
    (plan.layers.iter())
        .map(|layer| {
            let spec = |name: &str| layer.params.iter().find(|spec| spec.name == name);
            let mean = of(spec("running_mean"), -0.5..0.5);
            let fan_in: usize = spec("weight").map_or(1, |spec| spec.shape.iter().skip(1).product());
            let bound = if mean.is_some() { 1.5 } else { (3.0 / fan_in as f32).sqrt() };
            LayerWeights {
                weight: of(spec("weight"), -bound..bound).unwrap_or_default(),
                bias: of(spec("bias"), -0.5..0.5),
                running: mean.map(|mean| RunningStatistics {
                    mean,
                    variance: of(spec("running_var"), 0.5..1.5).unwrap(),
                    frozen: false,
                }),
            }
        })
        .collect()
}

pub fn inputs(weights: &[LayerWeights]) -> Numbers {
    let mut numbers = Numbers::new();
    for (layer, of) in weights.iter().enumerate() {
        let mut put = |name, values: &Vec<f32>| numbers.insert(BufferRole::Weight { layer, name }, values.clone());
        put("weight", &of.weight);
        of.bias.iter().for_each(|bias| drop(put("bias", bias)));
        if let Some(running) = &of.running {
            put("running_mean", &running.mean);
            put("running_var", &running.variance);
        }
    }
    numbers
}

/// How far two lists of numbers may be apart.
#[derive(Clone, Copy)]
pub struct Tolerance {
    pub precision: ProductPrecision,
    /// Largest difference, as a share of the largest expected number.
    pub worst: f64,
    /// Root of the mean square of the differences, as a share of that of the expected numbers.
    pub root_mean_square: f64,
    /// Expected numbers below this are rounding errors: the gradient of a bias before a norm is zero.
    pub floor: f64,
}

/// Three passes of TF32: the bound of Burn's operators on a GPU.
pub const F32: Tolerance =
    Tolerance { precision: ProductPrecision::F32, worst: 1e-4, root_mean_square: 1e-4, floor: 0.0 };
/// One pass of TF32: factors keep 10 bits, and a number near zero may cross a ReLU.
const TF32: Tolerance =
    Tolerance { precision: ProductPrecision::Tf32, worst: 2e-1, root_mean_square: 1e-1, floor: 0.0 };

impl Tolerance {
    /// The same for numbers of which those below `floor` are rounding errors.
    pub fn with_floor(self, floor: f64) -> Self {
        Tolerance { floor, ..self }
    }

    /// A number that is not finite is so on both sides: some networks divide by zero.
    pub fn assert_close(&self, what: &str, found: &[f32], expected: &[f32]) {
        assert_eq!(found.len(), expected.len(), "{what}");
        assert!(found.iter().zip(expected).all(|(a, b)| a.is_finite() == b.is_finite()), "{what}: NaN");
        let numbers = || found.iter().zip(expected).map(|(a, b)| [f64::from(*a), f64::from(*b)]);
        let finite = || numbers().filter(|[_, expected]| expected.is_finite());
        let largest = finite().map(|[_, b]| b.abs()).fold(self.floor, f64::max);
        let worst = finite().map(|[a, b]| (a - b).abs()).fold(0.0, f64::max);
        let root = |squares: f64| (squares / finite().count().max(1) as f64).sqrt();
        let difference = root(finite().map(|[a, b]| (a - b).powi(2)).sum());
        let size = root(finite().map(|[_, b]| b.powi(2)).sum()).max(self.floor);
        assert!(
            worst <= self.worst * largest && difference <= self.root_mean_square * size,
            "{what}: at worst {worst:.2e} of {largest:.2e}, on average {difference:.2e} of {size:.2e}"
        );
    }
}

/// Runs a training step by the emulated kernels and by the engine.
fn same_step(checked: &CheckedGraph, tolerance: Tolerance) {
    let options = CudaOptions { precision: tolerance.precision, ..CudaOptions::default() };
    if let Some(compiler) = compiler() {
        step_as_engine(compiler, checked, &options, tolerance);
    }
}

/// Runs a training step by the emulated kernels and by the engine, and returns what the kernels found; `None` for a
/// network that both refuse.
fn step_as_engine(
    compiler: &str,
    checked: &CheckedGraph,
    options: &CudaOptions,
    tolerance: Tolerance,
) -> Option<Numbers> {
    let plan = Arc::new(plan(checked));
    let mut random = StdRng::seed_from_u64(7);
    let weights = random_weights(&plan, &mut random);
    let graph = checked.graph();
    let image = graph.node(graph.input()).outputs[0].shape().dims().to_vec();
    let dims = [2, image[0], image[1], image[2]];
    let mode = PassMode::Train { to_image: true };
    let mut numbers = |len: usize| -> Vec<f32> { (0..len).map(|_| random.random_range(-1.0..1.0)).collect() };
    let image = numbers(dims.iter().product());

    let engine = Engine::new(plan.clone());
    if let Err(unsupported) = engine.supports(dims, mode) {
        let refused = lower(&plan, dims, mode, options).map(drop);
        assert_eq!(refused, Err(unsupported), "what the processor refuses, the GPU refuses");
        return None;
    }
    let expected = engine.train(Arc::new(weights.clone()), &image, dims, SEED, true).unwrap();
    let gradients: Vec<Vec<f32>> = expected.results.iter().map(|result| numbers(result.len())).collect();
    let slices: Vec<Option<&[f32]>> = gradients.iter().map(|gradient| Some(&gradient[..])).collect();
    let passed = expected.tape.backward(&slices);

    let program = lower(&plan, dims, mode, options).unwrap();
    let mut given = inputs(&weights);
    given.insert(BufferRole::Image, image);
    given.insert(BufferRole::Seed, [SEED as u32, (SEED >> 32) as u32].map(f32::from_bits).to_vec());
    for (i, gradient) in gradients.into_iter().enumerate() {
        given.insert(BufferRole::ResultGradient(i), gradient);
    }
    let arena = place_for_graph(&program);
    let emulated = EmulatedProgram::compile(compiler, &program, &arena);
    let found = emulated.run(&given, BufferMemory::Guarded, 1);
    for (i, result) in expected.results.iter().enumerate() {
        tolerance.assert_close(&format!("result {i}"), &found[&BufferRole::Result(i)], result);
    }
    let largest = passed.weights.iter().flat_map(|gradient| &gradient.values).fold(0f32, |most, x| most.max(x.abs()));
    let of_gradients = tolerance.with_floor(1e-2 * f64::from(largest));
    for gradient in &passed.weights {
        let role = BufferRole::WeightGradient { layer: gradient.layer, name: gradient.name };
        let what = format!("{}.{}", plan.layers[gradient.layer].path, gradient.name);
        of_gradients.assert_close(&what, &found[&role], &gradient.values);
    }
    for statistics in &expected.statistics {
        let both = [&statistics.mean[..], &statistics.variance].concat();
        let role = BufferRole::BatchStatistics { layer: statistics.layer };
        tolerance.assert_close("statistics", &found[&role], &both);
    }
    of_gradients.assert_close("image", &found[&BufferRole::ImageGradient], passed.image.as_deref().unwrap());

    // One block of memory gives the same bits, and so do another order of the threads and another order of the launches in which each
    // waits for what it needs.
    let order = random_order(&dependencies(&program, &arena, 0..program.launches.len()), &mut random);
    let packed = emulated.run_in_order(&given, BufferMemory::Arena, 2, &order);
    for (role, numbers) in &found {
        assert_eq!(bits(numbers), bits(&packed[role]), "{role:?}");
    }
    Some(found)
}

pub fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|x| x.to_bits()).collect()
}

/// Seed of a pass.
pub const SEED: u64 = 0x0123_4567_89ab_cdef;

pub const SMALL_UNET: &str = "npc 1
model Small(x: [3, h, w]) -> [2, h, w] {
  let a = x |> conv(12, bias = false) |> bn |> relu |> conv(10, dilation = 2, bias = false) |> bn |> relu
  let b = a |> maxpool(2) |> conv(20, stride = 2) |> relu
  let c = b |> conv_transpose(12, k = 2, stride = 2, bias = false) |> bn |> up(2)
  return (a ++ c) |> conv(36, k = 1, bias = false) |> bn |> relu |> conv(2, k = 1)
}";

/// Values in several concatenations, twice in one, and with channels that fill no group.
const DENSE: &str = "npc 1
model Dense(x: [3, h, w]) -> [2, h, w] {
  let a = x |> conv(8)
  let b = a ++ (a |> conv(4) |> relu)
  let c = a ++ b ++ (b |> conv(6))
  let d = (c |> conv(4)) ++ c ++ a ++ (c |> conv(3))
  return concat(d, d) |> conv(2, k = 1)
}";

#[test]
fn a_small_unet_trains_as_on_the_processor() {
    same_step(&compile_text(SMALL_UNET, Some([12, 16]), &[]).model("Small"), F32);
}

/// Operands that are written to their channels of a concatenation give the same bits as operands that are copied there.
#[test]
fn a_concatenation_without_copies_gives_the_same_bits() {
    let Some(compiler) = compiler() else { return };
    let checked = compile_text(DENSE, Some([6, 8]), &[]).model("Dense");
    let options = |copies_operands| CudaOptions { precision: F32.precision, copies_operands, ..CudaOptions::default() };
    let [written, copied] =
        [false, true].map(|copies| step_as_engine(compiler, &checked, &options(copies), F32).unwrap());
    for (role, numbers) in &written {
        assert_eq!(bits(numbers), bits(&copied[role]), "{role:?}");
    }
    let launches = |copies| {
        lower(&plan(&checked), [2, 3, 6, 8], PassMode::Train { to_image: true }, &options(copies))
            .unwrap()
            .launches
            .len()
    };
    assert!(launches(false) + 6 < launches(true), "a copy less for each operand, forward and back");
}

/// A norm that the convolutions after it apply to what they read gives the same bits as one that is written, at borders too.
#[test]
fn norms_that_readers_apply_give_the_same_bits() {
    let Some(compiler) = compiler() else { return };
    let checked = compile_text(SMALL_UNET, Some([12, 16]), &[]).model("Small");
    let options = |writes_norms| CudaOptions { precision: F32.precision, writes_norms, ..CudaOptions::default() };
    let [read, written] =
        [false, true].map(|writes| step_as_engine(compiler, &checked, &options(writes), F32).unwrap());
    for (role, numbers) in &read {
        assert_eq!(bits(numbers), bits(&written[role]), "{role:?}");
    }
    let launches = |writes| {
        let program = lower(&plan(&checked), [2, 3, 12, 16], PassMode::Train { to_image: true }, &options(writes));
        program.unwrap().launches.len()
    };
    assert_eq!(launches(false) + 2, launches(true), "the first norm and the last have convolutions alone as readers");
}

#[test]
fn one_pass_of_tf32_keeps_three_digits() {
    same_step(&compile_text(SMALL_UNET, Some([12, 16]), &[]).model("Small"), TF32);
}

/// Multiply-adds of a network that the emulator trains in seconds.
pub const MOST_MACS: u64 = 3_000_000;

/// Trains every network of a file of `tests/graphs`, at the size in its header.
fn same_steps(file: &str) {
    let path = repository("tests/graphs").join(file);
    let size = size_of(&std::fs::read_to_string(&path).unwrap());
    for checked in compile_file(&path, size, &[]).checked {
        let macs = count(&checked, Convention::default()).macs;
        if macs < MOST_MACS {
            same_step(&checked, F32);
        }
    }
}

/// Files of `tests/graphs` that together have every operator.
pub const EVERY_OPERATOR: &[&str] = &["norms", "channels", "tuple_unpool", "pools", "vectors"];

#[test]
fn every_operator_trains_as_on_the_processor() {
    EVERY_OPERATOR.iter().for_each(|name| same_steps(&format!("{name}.model")));
}

/// Trains all networks of `tests/graphs` that are small, and those of `models` with few channels. It takes minutes.
#[test]
fn all_networks_train_as_on_the_processor() {
    if std::env::var_os("NPC_LONG").is_none() {
        return;
    }
    let mut files: Vec<_> =
        std::fs::read_dir(repository("tests/graphs")).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "model"));
    files.sort();
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        eprintln!("{name}");
        same_steps(&name);
    }
    const SMALL: &str = "[4, 8, 12, 16, 20]";
    for (file, model, with) in [
        ("npnet", "NPNet", &[("width", "[8, 12, 16]"), ("fem_out", "12"), ("fem_last", "8")][..]),
        ("unet", "UNet", &[("width", SMALL)]),
        ("attention_unet", "AttentionUNet", &[("width", SMALL)]),
        ("unetpp", "UNetPlusPlus", &[("width", SMALL)]),
        ("segnet", "SegNet", &[("width", SMALL)]),
    ] {
        eprintln!("{model}");
        let path = repository("models").join(format!("{file}.model"));
        same_step(&compile_file(&path, Some([32, 32]), with).model(model), F32);
    }
}
