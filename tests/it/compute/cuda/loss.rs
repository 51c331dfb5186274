//! Losses and the gradients of logits beside loops in 64 bits.

use super::emulator::{BufferMemory, BufferNumbers, EmulatedProgram, HostAction, Numbers, compiler};
use super::loss_reference::LossCase;
use crate::support::compile::compile_text;
use npc::graph::plan::plan;
use npc::internals::compute::cuda::{
    BufferRole, CudaOptions, CudaProgram, StepScalars, TrainingStep, lower_step, place,
};
use npc::text::config::{FocalAlpha, LossSpec, LossTerm, Optimizer, WeightedLossTerm};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeMap;

const HEIGHT: usize = 13;
const WIDTH: usize = 21;
const PIXELS: usize = HEIGHT * WIDTH;
const IMAGES: usize = 3;

/// A network whose first result is its image, and whose second is it with negative numbers halved.
fn program(classes: usize, spec: &LossSpec, supervise: &BTreeMap<String, f64>) -> CudaProgram {
    let text = format!(
        "npc 1\nmodel Halves(x: [{classes}, H, W]) -> {{ main = [{classes}, H, W], side = [{classes}, H, W] }} {{
  return {{ main = x |> prelu, side = x |> prelu }}
}}"
    );
    let plan = plan(&compile_text(&text, Some([HEIGHT, WIDTH]), &[]).model("Halves"));
    let dims = [IMAGES, classes, HEIGHT, WIDTH];
    let step = TrainingStep { loss: spec.clone(), supervise: supervise.clone(), ..TrainingStep::default() };
    lower_step(&plan, dims, &step, &CudaOptions::default()).unwrap()
}

/// Packs bytes as numbers.
pub fn packed(bytes: &[u8]) -> Vec<f32> {
    let word = |four: &[u8]| {
        let mut all = [0; 4];
        all[..four.len()].copy_from_slice(four);
        f32::from_bits(u32::from_le_bytes(all))
    };
    bytes.chunks(4).map(word).collect()
}

/// The scalars of a step's only batch.
pub const SCALARS: StepScalars =
    StepScalars { seed: 0, share: 1.0, first_batch: true, rate: 1e-3, step: 1, first_step: true, first_average: true };

pub fn scalars(scalars: StepScalars, optimizer: &Optimizer) -> Vec<f32> {
    scalars.words(optimizer).map(f32::from_bits).to_vec()
}

/// What the host writes before a pass.
fn given(program: &CudaProgram, image: &[f32], targets: &[u8]) -> Numbers {
    let slope = |layer: usize, slope: f32| (BufferRole::Weight { layer, name: "weight" }, vec![slope]);
    let mut all = Numbers::from([
        (BufferRole::Image, image.to_vec()),
        (BufferRole::Targets, packed(targets)),
        (BufferRole::Scalars, scalars(SCALARS, &Optimizer::default())),
    ]);
    all.extend([slope(0, 1.0), slope(1, 0.5)]);
    all.retain(|role, _| program.buffer(role).is_some());
    all
}

/// Runs the pass. Returns the loss buffer, and the gradients as `[n][c][pixels]`.
fn run(program: &CudaProgram, given: &Numbers, classes: usize, seed: u32) -> (Vec<f32>, Vec<Vec<f32>>) {
    let compiler = compiler().unwrap();
    let emulated = EmulatedProgram::compile(compiler, program, &place(program));
    let is_gradient =
        |launch: &&npc::internals::compute::cuda::Launch| program.kernels[launch.kernel].name == "loss_gradient";
    let written = program.launches.iter().filter(is_gradient).map(|launch| launch.arguments[3].unwrap().buffer);
    let gradients: Vec<usize> = written.collect();
    let loss = program.buffer(&BufferRole::Loss).unwrap();
    let ids = [&gradients[..], &[loss]].concat();
    let actions = [HostAction::Give(given.clone()), HostAction::Run(program.pass()), HostAction::Take(ids)];
    let taken: BufferNumbers = emulated.act(&actions, BufferMemory::Guarded, seed).pop().unwrap();
    let pitch = classes.next_multiple_of(4);
    let planar = |last: &Vec<f32>| -> Vec<f32> {
        let at = |i: usize| {
            let (pixel, c, image) = (i % PIXELS, i / PIXELS % classes, i / PIXELS / classes);
            last[(image * PIXELS + pixel) * pitch + c]
        };
        (0..IMAGES * classes * PIXELS).map(at).collect()
    };
    (taken[&loss].clone(), gradients.iter().map(|id| planar(&taken[id])).collect())
}

fn spec(terms: impl IntoIterator<Item = (f64, LossTerm)>) -> LossSpec {
    LossSpec { terms: terms.into_iter().map(|(weight, term)| WeightedLossTerm { weight, term }).collect() }
}

fn dice(squared: bool, smooth: f64, batch: bool, include_background: bool) -> LossTerm {
    LossTerm::Dice { squared, smooth, batch, include_background }
}

fn tversky(alpha: f64, beta: f64, gamma: f64, batch: bool) -> LossTerm {
    LossTerm::Tversky { alpha, beta, gamma, smooth: 1e-5, batch, include_background: false }
}

/// Every term with its options.
fn specs(classes: usize) -> Vec<LossSpec> {
    let weights: Vec<f64> = (0..classes).map(|c| 0.5 + c as f64).collect();
    let cross = |weights: &[f64], smoothing| LossTerm::CrossEntropy { weights: weights.to_vec(), smoothing };
    let focal = |gamma, alpha| LossTerm::Focal { gamma, alpha };
    vec![
        LossSpec::default(),
        spec([(0.7, cross(&weights, 0.0)), (1.0, cross(&[], 0.1)), (0.3, cross(&weights, 0.2))]),
        spec([(1.0, cross(&[], 0.0)), (0.5, LossTerm::DICE)]),
        spec([(1.0, dice(true, 1.0, true, true)), (2.0, dice(true, 1e-5, false, false))]),
        spec([(1.0, dice(false, 0.0, false, true)), (1.0, focal(2.0, FocalAlpha::None))]),
        spec([(1.0, focal(1.5, FocalAlpha::Foreground(0.25))), (0.5, focal(0.0, FocalAlpha::PerClass(weights)))]),
        spec([(1.0, tversky(0.3, 0.7, 1.0, true)), (1.0, tversky(0.6, 0.2, 0.75, false))]),
    ]
}

/// Fails unless value, terms and gradients are those of the definition.
fn same_as_loops(classes: usize, spec: &LossSpec, supervise: &[(&str, f64)], range: f32, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let image: Vec<f32> = (0..IMAGES * classes * PIXELS).map(|_| random.random_range(-range..range)).collect();
    // The last image has only ignored pixels; the last of several classes is in no image.
    let present = if classes > 2 { classes - 1 } else { classes };
    let mut class = |i: usize| match (i / PIXELS == IMAGES - 1) || random.random_bool(0.2) {
        true => 255,
        false => random.random_range(0..present) as u8,
    };
    let targets: Vec<u8> = (0..IMAGES * PIXELS).map(&mut class).collect();
    let supervise: BTreeMap<String, f64> =
        supervise.iter().map(|(name, weight)| ((*name).to_owned(), *weight)).collect();
    let program = program(classes, spec, &supervise);
    let (loss, gradients) = run(&program, &given(&program, &image, &targets), classes, seed as u32);

    let halved: Vec<f32> = image.iter().map(|&x| if x > 0.0 { x } else { 0.5 * x }).collect();
    let weight = |name: &str| supervise.get(name).copied().unwrap_or(0.0);
    let results = match supervise.is_empty() {
        true => vec![(&image[..], 1.0)],
        false => vec![(&image[..], weight("main")), (&halved[..], weight("side"))],
    };
    let results = results.into_iter().filter(|(_, weight)| *weight > 0.0).collect();
    let case = LossCase { images: IMAGES, classes, pixels: PIXELS, targets: &targets, results };
    let exact = case.loss(spec);
    let what = format!("{classes} classes, logits to {range}, {spec:?}");
    for (found, exact) in [(loss[0], exact.total), (loss[1], exact.total)]
        .into_iter()
        .chain(loss[2..].iter().copied().zip(exact.terms.iter().copied()))
    {
        let away = (f64::from(found) - exact).abs();
        assert!(away <= 2e-6 * exact.abs().max(1e-2), "{what}: {found} instead of {exact}");
    }
    assert_eq!(loss.len(), 2 + exact.terms.len());
    assert_eq!(gradients.len(), exact.gradients.len());
    for (found, exact) in gradients.iter().zip(&exact.gradients) {
        let largest = exact.iter().fold(0f64, |most, g| most.max(g.abs()));
        let worst = found.iter().zip(exact).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
        assert!(worst <= 2e-6 * largest, "{what}: at worst {worst:.2e} of {largest:.2e}");
    }
}

#[test]
fn losses_and_gradients_agree_with_loops() {
    if compiler().is_none() {
        return;
    }
    let of_two: &[(&str, f64)] = &[("main", 1.0), ("side", 0.4)];
    let supervised = [&[][..], of_two, &[("side", 2.0)]];
    // Classes that fill no group of four, that fill one, and that need two.
    let classes = [(2, 3.0), (3, 1e4), (6, 8.0)];
    let all = std::env::var_os("NPC_LONG").is_some();
    for (i, (classes, range)) in classes.into_iter().enumerate() {
        for (j, spec) in specs(classes).iter().enumerate().filter(|(j, _)| all || j % 3 == i || *j == 5) {
            same_as_loops(classes, spec, supervised[(i + j) % supervised.len()], range, 7 * i as u64 + j as u64);
        }
    }
}

/// A batch of ignored pixels has loss 0, and so has one whose classes have no weight.
#[test]
fn a_batch_that_does_not_count_has_no_loss() {
    if compiler().is_none() {
        return;
    }
    let weightless = LossTerm::CrossEntropy { weights: vec![0.0, 1.0], smoothing: 0.1 };
    let all = [(1.0, weightless), (1.0, LossTerm::FOCAL), (1.0, LossTerm::DICE), (1.0, LossTerm::TVERSKY)];
    let image: Vec<f32> = (0..IMAGES * 2 * PIXELS).map(|i| (i % 17) as f32 - 8.0).collect();
    for (spec, class) in [(spec(all.clone()), 255), (spec(all[..1].to_vec()), 0)] {
        let program = program(2, &spec, &BTreeMap::new());
        let given = given(&program, &image, &[class; IMAGES * PIXELS]);
        let (loss, gradients) = run(&program, &given, 2, 1);
        assert_eq!(loss, vec![0.0; 2 + spec.terms.len()]);
        assert!(gradients[0].iter().all(|&g| g == 0.0));
    }
}

/// NaN and infinity anywhere, ignored pixels included, give a loss that is not finite.
#[test]
fn logits_that_are_not_finite_give_no_finite_loss() {
    if compiler().is_none() {
        return;
    }
    let program = program(2, &spec([(1.0, LossTerm::CROSS_ENTROPY), (1.0, LossTerm::DICE)]), &BTreeMap::new());
    let mut targets = vec![1; IMAGES * PIXELS];
    targets[5] = 255;
    for (i, bad) in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY].into_iter().enumerate() {
        let mut image = vec![0.5; IMAGES * 2 * PIXELS];
        image[5 + i * PIXELS] = bad;
        let (loss, _) = run(&program, &given(&program, &image, &targets), 2, 1);
        assert!(loss.iter().all(|loss| !loss.is_finite()), "{bad}: {loss:?}");
    }
}

/// Lovász sorts pixels; a program refuses it by its name.
#[test]
fn lovasz_is_refused() {
    let text = "npc 1\nmodel One(x: [2, H, W]) -> [2, H, W] = x |> conv(2)";
    let plan = plan(&compile_text(text, Some([8, 8]), &[]).model("One"));
    let loss = spec([(1.0, LossTerm::LOVASZ)]);
    let step = TrainingStep { loss, ..TrainingStep::default() };
    let refused = lower_step(&plan, [1, 2, 8, 8], &step, &CudaOptions::default()).map(drop);
    assert!(refused.unwrap_err().0.contains("lovasz"));
}
