//! Optimisers, clipping and schedules against PyTorch (`tests/reference/torch_optim.py`), and their state in a
//! checkpoint.

use crate::support::device::{device, double_precision_work, in_double_precision};
use crate::support::toy_graphs::{Build, act, conv};
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Int, Tensor, TensorData};
use npc::graph::op::ActivationFunction;
use npc::internals::compute::engine_bridge::{BackwardPath, RecordedPass};
use npc::internals::compute::lower::lower;
use npc::internals::compute::network::Network;
use npc::internals::compute::weights;
use npc::internals::compute::weights::{NamedTensor, read_safetensors};
use npc::internals::learn::checkpoint;
use npc::internals::learn::checkpoint::{CheckpointMeta, CheckpointState};
use npc::internals::learn::loss::cross_entropy;
use npc::internals::learn::optim::{AccumulatedGradients, OptimState};
use npc::internals::learn::schedule::rate;
use npc::text::config::schema::override_train;
use npc::text::config::{Optimizer, TrainSpec};
use npc::text::source::{SourceMap, Span, Spanned};
use npc::text::syntax::ast::Entry;
use npc::text::syntax::parse_value;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Fixture {
    weights: BTreeMap<String, Whole>,
    images: Vec<i64>,
    classes: Vec<i64>,
    per_epoch: u64,
    cases: Vec<Case>,
    schedules: Vec<Rates>,
}

/// The images in units of 1/256.
#[derive(Deserialize)]
struct Whole {
    shape: Vec<usize>,
    values: Vec<i64>,
}

#[derive(Deserialize)]
struct Case {
    optimizer: String,
    schedule: String,
    clip: Option<f64>,
    losses: Vec<f64>,
    norms: Vec<f64>,
    weights: BTreeMap<String, Vec<f64>>,
}

#[derive(Deserialize)]
struct Rates {
    schedule: String,
    lr: f64,
    per_epoch: u64,
    epochs: u64,
    rates: Vec<f64>,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../../reference/optim.json")).unwrap()
}

/// Returns a run with these keys, in the words of the language.
fn train_spec(keys: &[(&str, &str)]) -> TrainSpec {
    let mut sources = SourceMap::new();
    let mut entry = |(key, text): &(&str, &str)| {
        let id = sources.add("--set", *text);
        let Ok(value) = parse_value(&sources, id) else { panic!("{text} is an expression") };
        Entry { key: Spanned::new((*key).into(), Span::default()), value }
    };
    let entries: Vec<Entry> = keys.iter().map(&mut entry).collect();
    override_train(crate::learn::train::recipe(), &entries).unwrap_or_else(|_| panic!("{keys:?} can be read"))
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.without_autodiff().into_data().convert::<f64>().try_into_vec().unwrap()
}

/// Returns the fixture's network with its initial weights.
fn network(fixture: &Fixture) -> Network {
    let mut b = Build::new(1, 6, 6);
    let x = b.image;
    let x = b.at("a", conv(3, 3), &[x]);
    let x = b.at("act", act(ActivationFunction::Relu), &[x]);
    let x = b.at("b", conv(2, 1), &[x]);
    let tensor = |(name, w): (&String, &Whole)| NamedTensor {
        name: name.clone(),
        shape: w.shape.clone(),
        values: w.values.iter().map(|&v| v as f32 / 256.0).collect(),
    };
    let network = lower(&b.done(x), &device().autodiff(), 0).train();
    weights::load(network, fixture.weights.iter().map(tensor).collect()).unwrap()
}

/// Returns the loss on the images of a range.
fn loss(fixture: &Fixture, network: &Network, images: std::ops::Range<usize>) -> (Tensor<1>, BackwardPath) {
    let (device, n) = (device().autodiff(), images.len());
    let pixels = images.start * 36..images.end * 36;
    let x: Vec<f64> = fixture.images[pixels.clone()].iter().map(|&v| v as f64 / 256.0).collect();
    let x = Tensor::<4>::from_data(TensorData::new(x, [n, 1, 6, 6]), &device);
    let y = Tensor::<3, Int>::from_data(TensorData::new(fixture.classes[pixels].to_vec(), [n, 6, 6]), &device);
    let RecordedPass { mut results, back } = network.record(x, 0);
    (cross_entropy(results.remove(0), y), back)
}

fn gradients(fixture: &Fixture, network: &Network) -> AccumulatedGradients {
    let (value, back) = loss(fixture, network, 0..3);
    AccumulatedGradients::of(network, back, value.backward())
}

/// Returns the weights by name, in their own precision.
fn named_weights(network: &Network) -> BTreeMap<String, Vec<f64>> {
    struct Visitor(Vec<String>, BTreeMap<String, Vec<f64>>);
    impl ModuleVisitor for Visitor {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.0.push(name.to_string());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.0.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.1.insert(self.0.join("."), numbers(param.val()));
        }
    }
    let mut visitor = Visitor(Vec::new(), BTreeMap::new());
    network.visit(&mut visitor);
    visitor.1
}

fn assert_pytorch_agrees(allowed: f64) {
    let fixture = fixture();
    let epochs = fixture.cases[0].losses.len() as u64 / fixture.per_epoch;
    let (mut refused, mut clipped) = (Vec::new(), 0);
    for case in &fixture.cases {
        let keys = [("epochs", &*epochs.to_string()), ("optimizer", &case.optimizer), ("schedule", &case.schedule)];
        let spec = train_spec(&keys);
        let (mut network, mut optim) = (network(&fixture), OptimState::new(spec.optimizer.clone()));
        let mut worst = [0.0f64; 3];
        for (step, (&expected, &norm)) in case.losses.iter().zip(&case.norms).enumerate() {
            let (value, back) = loss(&fixture, &network, 0..3);
            worst[0] = worst[0].max((numbers(value.clone())[0] - expected).abs());
            let mut gradients = AccumulatedGradients::of(&network, back, value.backward());
            let found = match case.clip {
                Some(max) => gradients.clip(max),
                None => gradients.norm(),
            };
            clipped += usize::from(case.clip.is_some_and(|max| found > max));
            worst[1] = worst[1].max((found - norm).abs());
            let rate = rate(&spec.schedule, spec.optimizer.lr(), step as u64, fixture.per_epoch, epochs);
            network = optim.step(network, gradients, rate);
        }
        let end = named_weights(&network);
        assert!(end.keys().eq(case.weights.keys()), "{:?}", end.keys());
        for (name, values) in &case.weights {
            let pairs = values.iter().zip(&end[name]);
            worst[2] = pairs.map(|(a, b)| (a - b).abs()).fold(worst[2], f64::max);
        }
        println!("{:<80} loss {:.0e}, norm {:.0e}, weights {:.0e}", case.optimizer, worst[0], worst[1], worst[2]);
        if !worst.iter().all(|&w| w <= allowed) {
            refused.push(format!("{}: {worst:?}", case.optimizer));
        }
    }
    assert!(clipped > 20, "steps whose gradients were clipped: {clipped}");
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

#[test]
fn twenty_steps_agree_with_pytorch() {
    assert_pytorch_agrees(1e-5);
}

/// The number format belongs to the process, so this test runs in a process of its own.
#[test]
fn twenty_steps_agree_with_pytorch_in_double_precision() {
    in_double_precision(module_path!());
}

#[test]
#[ignore = "it sets the float type of the whole process to f64; the test above runs it in a child process, so nothing is skipped"]
fn double_precision_worker() {
    double_precision_work(|| {
        assert_pytorch_agrees(1e-10);
    });
}

#[test]
fn rates_agree_with_pytorchs_schedulers() {
    for Rates { schedule, lr, per_epoch, epochs, rates } in fixture().schedules {
        let text = (epochs.to_string(), lr.to_string());
        let spec = train_spec(&[("epochs", &text.0), ("lr", &text.1), ("schedule", &schedule)]);
        assert_eq!(rates.len() as u64, per_epoch * epochs);
        for (step, expected) in rates.into_iter().enumerate() {
            let found = rate(&spec.schedule, lr, step as u64, per_epoch, epochs);
            assert!(
                (found - expected).abs() <= 1e-13 + 1e-12 * expected,
                "{schedule}, step {step}: {found}, {expected}"
            );
        }
    }
}

/// Cases that PyTorch's schedulers lack or treat otherwise: the end, and restarts that do not divide the steps.
#[test]
fn rates_are_right_at_the_edges() {
    let schedule = |text| train_spec(&[("epochs", "5"), ("schedule", text)]).schedule;
    assert_eq!(rate(&schedule("poly"), 0.1, 10, 2, 5), 0.0);
    assert_eq!(rate(&schedule("poly"), 0.1, 1 << 60, 2, 5), 0.0);
    assert_eq!(rate(&schedule("cosine(min = 1e-4)"), 0.1, 10, 2, 5), 1e-4);
    assert_eq!(rate(&schedule("cosine(restarts = 2)"), 0.1, u64::MAX, u64::MAX, 5), 0.0);
    // Ten steps in three parts: 3 1/3 steps each.
    let part = |step: u64| rate(&schedule("cosine(restarts = 2)"), 1.0, step, 2, 5);
    let at = |step: f64| (1.0 + (std::f64::consts::PI * (step % (10.0 / 3.0)) / (10.0 / 3.0)).cos()) / 2.0;
    for step in 0..10 {
        assert!((part(step) - at(step as f64)).abs() < 1e-12, "step {step}");
    }
}

fn bits(tensors: Vec<NamedTensor>) -> Vec<(String, Vec<u32>)> {
    tensors.into_iter().map(|t| (t.name, t.values.iter().map(|v| v.to_bits()).collect())).collect()
}

fn step(fixture: &Fixture, network: Network, optim: &mut OptimState) -> Network {
    let gradients = gradients(fixture, &network);
    optim.step(network, gradients, 0.05)
}

#[test]
fn each_optimizer_resumes_from_a_checkpoint_bit_for_bit() {
    let fixture = fixture();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("last.safetensors");
    for (text, state) in [
        ("adam", &["adam.first", "adam.second"][..]),
        ("adamw(weight_decay = 0.1)", &["adam.first", "adam.second"]),
        ("sgd", &[]),
        ("sgd(momentum = 0.9)", &["sgd.momentum"]),
        ("sgd(momentum = 0.9, nesterov = true, weight_decay = 0.1)", &["sgd.momentum"]),
    ] {
        let rule = train_spec(&[("optimizer", text)]).optimizer;
        let (mut whole, mut optim) = (network(&fixture), OptimState::new(rule.clone()));
        for _ in 0..4 {
            whole = step(&fixture, whole, &mut optim);
        }
        save(&path, &whole, &optim);
        let names: Vec<String> = read_safetensors(&path).unwrap().0.into_iter().map(|t| t.name).collect();
        let mut expected: Vec<String> = fixture.weights.keys().map(|n| format!("model.{n}")).collect();
        expected.extend(state.iter().flat_map(|s| fixture.weights.keys().map(move |n| format!("{s}.{n}"))));
        expected.sort();
        assert_eq!(
            {
                let mut names = names;
                names.sort();
                names
            },
            expected,
            "{text}"
        );
        assert_eq!(rule.moment_count() as usize, state.len());
        let loaded = checkpoint::load(&path, network(&fixture), rule).unwrap();
        let (mut other, mut restored) = (loaded.network, loaded.optim);
        for _ in 0..4 {
            whole = step(&fixture, whole, &mut optim);
            other = step(&fixture, other, &mut restored);
        }
        assert!(bits(weights::tensors(&whole)) == bits(weights::tensors(&other)), "{text}");
    }
}

fn save(path: &std::path::Path, network: &Network, optim: &OptimState) {
    let meta = CheckpointMeta::default();
    checkpoint::save(path, &CheckpointState { network, average: None, optim, meta: &meta }).unwrap();
}

#[test]
fn the_state_of_another_optimizer_is_refused() {
    let fixture = fixture();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("last.safetensors");
    let saved = |from: &str| {
        let mut optim = OptimState::new(train_spec(&[("optimizer", from)]).optimizer);
        let network = step(&fixture, network(&fixture), &mut optim);
        save(&path, &network, &optim);
    };
    let refusal = |to: &str| {
        let rule: Optimizer = train_spec(&[("optimizer", to)]).optimizer;
        checkpoint::load(&path, network(&fixture), rule).err().map(|e| e.message)
    };
    saved("adam");
    assert_eq!(refusal("sgd").unwrap(), "contains `adam.first` of `a.bias`, which `sgd` does not use");
    assert_eq!(refusal("sgd(momentum = 0.9)").unwrap(), "`sgd.momentum` of `a.bias` is missing, but `sgd` needs it");
    assert_eq!(refusal("adamw"), None);
    saved("sgd");
    assert_eq!(refusal("adam").unwrap(), "contains no state of `adam`");
    saved("sgd(momentum = 0.5)");
    assert_eq!(refusal("adam").unwrap(), "`adam.first` of `a.bias` is missing, but `adam` needs it");
    assert_eq!(refusal("sgd(momentum = 0.9, nesterov = true)"), None);
}

/// Without batch norm, the gradients of the parts of a batch, weighted by their images, add up to the gradient of the
/// batch.
#[test]
fn parts_add_up_to_the_batch() {
    let fixture = fixture();
    let network = network(&fixture);
    let whole = gradients(&fixture, &network);
    let mut parts = AccumulatedGradients::default();
    assert!(parts.is_empty());
    for (images, share) in [(0..1, 1.0 / 3.0), (1..3, 2.0 / 3.0)] {
        let (value, back) = loss(&fixture, &network, images);
        parts.add(&network, back, value.backward(), share);
    }
    let names: Vec<_> = parts.iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(names, ["a.bias", "a.weight", "b.bias", "b.weight"]);
    for ((name, a), (_, b)) in whole.iter().zip(parts.iter()) {
        let worst = numbers(a.clone()).iter().zip(numbers(b.clone())).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst < 1e-7, "{name}: {worst}");
    }
    assert!((whole.norm() - parts.norm()).abs() < 1e-6 * whole.norm());
}

#[test]
fn clipping_does_not_change_small_or_invalid_gradients() {
    let fixture = fixture();
    let network = network(&fixture);
    let gradients = |factor: f32| {
        let (value, back) = loss(&fixture, &network, 0..3);
        AccumulatedGradients::of(&network, back, value.mul_scalar(factor).backward())
    };
    let all = |g: &AccumulatedGradients| g.iter().flat_map(|(_, g)| numbers(g.clone())).collect::<Vec<_>>();
    let (before, mut clipped) = (gradients(1.0), gradients(1.0));
    let norm = clipped.clip(1e3);
    assert!(all(&before) == all(&clipped) && norm == before.norm());
    clipped.clip(norm / 4.0);
    assert!((clipped.norm() - norm / 4.0).abs() < 1e-4 * norm);
    let mut broken = gradients(f32::INFINITY);
    assert!(!broken.clip(1.0).is_finite());
    assert!(all(&broken).iter().any(|g| !g.is_finite()), "what is broken stays to be seen");
}
