//! Whole networks: results, gradients and statistics of a training step beside the CPU engine's.

use super::emulator::{BufferMemory, EmulatedProgram, Numbers, compiler};
use crate::support::compile::compile_text;
use npc::graph::plan::{Plan, plan};
use npc::internals::compute::cuda::{BufferRole, Precision, lower, place};
use npc::internals::compute::engine::{Engine, LayerWeights, RunningStatistics};
use npc::internals::compute::fused::PassMode;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::sync::Arc;

/// Numbers for every tensor of a plan's layers.
fn random_weights(plan: &Plan, random: &mut StdRng) -> Vec<LayerWeights> {
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

fn inputs(weights: &[LayerWeights]) -> Numbers {
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
struct Tolerance {
    precision: Precision,
    /// Largest difference, as a share of the largest expected number.
    worst: f64,
    /// Root of the mean square of the differences, as a share of that of the expected numbers.
    root_mean_square: f64,
    /// Expected numbers below this are rounding errors: the gradient of a bias before a norm is zero.
    floor: f64,
}

/// Three passes of TF32: the bound of Burn's operators on a GPU.
const F32: Tolerance = Tolerance { precision: Precision::F32, worst: 1e-4, root_mean_square: 1e-4, floor: 0.0 };
/// One pass of TF32: factors keep 10 bits, and a number near zero may cross a ReLU.
const TF32: Tolerance = Tolerance { precision: Precision::Tf32, worst: 2e-1, root_mean_square: 5e-2, floor: 0.0 };

impl Tolerance {
    fn assert_close(&self, what: &str, found: &[f32], expected: &[f32]) {
        assert_eq!(found.len(), expected.len(), "{what}");
        assert!(found.iter().all(|x| x.is_finite()), "{what}: {found:?}");
        let largest = |numbers: &mut dyn Iterator<Item = f64>| numbers.map(f64::abs).fold(self.floor, f64::max);
        let mean_square = |numbers: &mut dyn Iterator<Item = f64>| {
            (numbers.map(|x| x * x).sum::<f64>() / expected.len() as f64).sqrt().max(self.floor)
        };
        let differences = || found.iter().zip(expected).map(|(a, b)| f64::from(*a) - f64::from(*b));
        let numbers = || expected.iter().map(|x| f64::from(*x));
        let worst = differences().map(f64::abs).fold(0.0, f64::max) / largest(&mut numbers());
        let of_all = (differences().map(|x| x * x).sum::<f64>() / expected.len() as f64).sqrt();
        let of_all = of_all / mean_square(&mut numbers());
        assert!(
            worst <= self.worst && of_all <= self.root_mean_square,
            "{what}: at worst {worst:.2e} of the largest number, on average {of_all:.2e}"
        );
    }
}

/// Runs a training step by the emulated kernels and by the engine.
fn same_step(text: &str, model: &str, size: [usize; 2], tolerance: Tolerance) {
    let Some(compiler) = compiler() else { return };
    let checked = compile_text(text, Some(size), &[]).model(model);
    let plan = Arc::new(plan(&checked));
    let mut random = StdRng::seed_from_u64(7);
    let weights = random_weights(&plan, &mut random);
    let graph = checked.graph();
    let channels = graph.node(graph.input()).outputs[0].shape().channels();
    let dims = [2, channels, size[0], size[1]];
    let mode = PassMode::Train { to_image: true };
    let mut numbers = |len: usize| -> Vec<f32> { (0..len).map(|_| random.random_range(-1.0..1.0)).collect() };
    let image = numbers(dims.iter().product());

    let engine = Engine::new(plan.clone());
    let expected = engine.train(Arc::new(weights.clone()), &image, dims, 1, true).unwrap();
    let gradients: Vec<Vec<f32>> = expected.results.iter().map(|result| numbers(result.len())).collect();
    let slices: Vec<Option<&[f32]>> = gradients.iter().map(|gradient| Some(&gradient[..])).collect();
    let passed = expected.tape.backward(&slices);

    let program = lower(&plan, dims, mode, tolerance.precision, &[]).unwrap();
    let mut given = inputs(&weights);
    given.insert(BufferRole::Image, image);
    for (i, gradient) in gradients.into_iter().enumerate() {
        given.insert(BufferRole::ResultGradient(i), gradient);
    }
    let emulated = EmulatedProgram::compile(compiler, &program, &place(&program));
    let found = emulated.run(&given, BufferMemory::Guarded, 1);
    for (i, result) in expected.results.iter().enumerate() {
        tolerance.assert_close(&format!("result {i}"), &found[&BufferRole::Result(i)], result);
    }
    let largest = passed.weights.iter().flat_map(|gradient| &gradient.values).fold(0f32, |most, x| most.max(x.abs()));
    let of_gradients = Tolerance { floor: 1e-3 * f64::from(largest), ..tolerance };
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

    // One block of memory gives the same bits, and so does another order of the threads.
    let packed = emulated.run(&given, BufferMemory::Arena, 2);
    for (role, numbers) in &found {
        assert_eq!(numbers, &packed[role], "{role:?}");
    }
}

const SMALL_UNET: &str = "npc 1
model Small(x: [3, h, w]) -> [2, h, w] {
  let a = x |> conv(12, bias = false) |> bn |> relu |> conv(10, dilation = 2, bias = false) |> bn |> relu
  let b = a |> maxpool(2) |> conv(20, stride = 2) |> relu
  let c = b |> conv_transpose(12, k = 2, stride = 2, bias = false) |> bn |> up(2)
  return (a ++ c) |> conv(36, k = 1, bias = false) |> bn |> relu |> conv(2, k = 1)
}";

#[test]
fn a_small_unet_trains_as_on_the_processor() {
    same_step(SMALL_UNET, "Small", [12, 16], F32);
}

#[test]
fn one_pass_of_tf32_keeps_three_digits() {
    same_step(SMALL_UNET, "Small", [12, 16], TF32);
}
