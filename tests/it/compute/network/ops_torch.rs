//! Every operator against PyTorch: `tests/reference/torch_ops.py` defines the cases and the source of their numbers.
//!
//! Differences are relative: of single elements to the tensor's root mean square, of sums to its L2 norm. PyTorch
//! computed in 64 bits, npc in 32.

use crate::support::compile::compile_text;
use crate::support::device::device;
use crate::support::repository::repository;
use burn::module::{Flag, Module, ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData};
use npc::graph::op::SIGNATURES;
use npc::internals::compute::engine_bridge::RecordedPass;
use npc::internals::compute::lower::lower;
use npc::internals::compute::network::Network;
use npc::internals::compute::weights;
use npc::internals::compute::weights::NamedTensor;
use npc::internals::learn::optim::AccumulatedGradients;
use serde::Deserialize;
use std::collections::BTreeMap;

const FORWARD: f64 = 1e-5;
const GRADIENT: f64 = 1e-4;

#[derive(Deserialize)]
struct Case {
    op: String,
    name: String,
    model: String,
    seed: u64,
    input: [usize; 4],
    kind: Kind,
    mode: Mode,
    output: Record,
    image: Record,
    /// Gradients in declaration order.
    #[serde(default)]
    parameters: Vec<Record>,
    /// Running means and variances after the pass.
    #[serde(default)]
    statistics: Vec<Record>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Smooth,
    Grid,
    Positive,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Train,
    Eval,
}

#[derive(Deserialize)]
struct Record {
    shape: Vec<usize>,
    #[serde(flatten)]
    values: Values,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Values {
    Whole { all: Vec<f64> },
    Summary { l2: f64, sums: [f64; 2], sample: Vec<f64> },
}

impl Record {
    /// Returns the difference between `tensor` and the recorded one; axes of 1 at the end do not count.
    fn difference(&self, tensor: &NamedTensor) -> f64 {
        let trim = |shape: &[usize]| shape.iter().rposition(|&d| d != 1).map_or(Vec::new(), |i| shape[..=i].to_vec());
        assert_eq!(trim(&tensor.shape), trim(&self.shape), "shape of {}", tensor.name);
        let values: Vec<f64> = tensor.values.iter().map(|&v| f64::from(v)).collect();
        let l2 = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
        let root = (values.len() as f64).sqrt();
        let worst = |pairs: &mut dyn Iterator<Item = (f64, f64)>, scale: f64| {
            let difference = |(a, b): (f64, f64)| if a == b { 0.0 } else { (a - b).abs() / scale.max(1e-12) };
            // `f64::max` would drop a NaN.
            pairs.map(difference).fold(0.0, |m, d| if d.is_nan() || d > m { d } else { m })
        };
        match &self.values {
            Values::Whole { all } => worst(&mut values.iter().copied().zip(all.iter().copied()), l2(all) / root),
            Values::Summary { l2: norm, sums, sample } => {
                let signed = |bit: u64| -> f64 {
                    (0..).zip(&values).map(|(i, &v)| if splitmix(0, i) >> bit & 1 == 1 { -v } else { v }).sum()
                };
                let stride = ((values.len() - 1) / sample.len()).max(1);
                let whole = [(l2(&values), *norm), (signed(0), sums[0]), (signed(1), sums[1])];
                let elements = values.iter().step_by(stride).copied().zip(sample.iter().copied());
                worst(&mut whole.into_iter(), *norm).max(worst(&mut elements.into_iter(), norm / root))
            }
        }
    }
}

/// Returns output `index` of splitmix64 from `seed`.
fn splitmix(seed: u64, index: u64) -> u64 {
    let mut z = seed.wrapping_add((index + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn formula(seed: u64, shape: &[usize], kind: Kind) -> Vec<f32> {
    let number = |i: u64| {
        let noise = (splitmix(seed, i) >> 41) as i64;
        match kind {
            Kind::Smooth => (noise - (1 << 22)) as f32 / (1 << 22) as f32,
            Kind::Grid => ((noise >> 17) - 32) as f32 / 4.0,
            Kind::Positive => (noise + (1 << 23)) as f32 / (1 << 24) as f32,
        }
    };
    (0..shape.iter().product::<usize>() as u64).map(number).collect()
}

fn tensor(seed: u64, shape: [usize; 4], kind: Kind) -> Tensor<4> {
    let device = device().autodiff();
    Tensor::from_data(TensorData::new(formula(seed, &shape, kind), shape), &device)
}

/// Switches batch statistics off and leaves gradients on.
struct Freeze;

impl ModuleMapper for Freeze {
    fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        flag.with_value(false)
    }
}

struct Worst {
    forward: f64,
    gradient: f64,
}

impl Case {
    fn network(&self) -> Network {
        let [_, _, h, w] = self.input;
        let network = lower(&compile_text(&self.model, Some([h, w]), &[]).model("T"), &device().autodiff(), 0);
        let layout = weights::layout(&network);
        let tensors = (1..).zip(layout).map(|(j, (name, shape))| {
            let kind = if name.ends_with("running_var") { Kind::Positive } else { Kind::Smooth };
            let values = formula(16 * self.seed + j, &shape, kind);
            NamedTensor { name, shape, values }
        });
        let tensors = tensors.collect();
        weights::load(network, tensors).unwrap()
    }

    fn run(&self) -> Worst {
        let image = tensor(16 * self.seed, self.input, self.kind);
        let mut network = self.network();
        let mut forward = 0.0f64;
        if self.mode == Mode::Eval {
            let output = network.valid().forward(image.clone()).remove(0);
            forward = self.output.difference(&NamedTensor::new("output, evaluating".into(), output));
            if self.op == "dropout" {
                return Worst { forward, gradient: 0.0 };
            }
            network = network.map(&mut Freeze);
        }
        let image = image.require_grad();
        let RecordedPass { mut results, back } = network.record(image, 0);
        let output = results.remove(0);
        let weighting = tensor(16 * self.seed + 15, output.dims(), Kind::Smooth);
        let gradients = output.clone().mul(weighting).sum().backward();
        let gradients = AccumulatedGradients::of(&network, back, gradients);
        let collected = gradients.tensors(&network);
        let mut all = vec![(&self.output, NamedTensor::new("output".into(), output))];
        let tensors = weights::tensors(&network);
        let statistics = tensors.into_iter().filter(|t| t.name.contains(".running_"));
        if !self.statistics.is_empty() {
            all.extend(self.statistics.iter().zip(statistics));
        }
        forward = all.iter().map(|(record, found)| record.difference(found)).fold(forward, nan_max);
        assert_eq!(collected.len(), self.parameters.len(), "parameters with a gradient");
        let values = gradients.image().expect("the image requires a gradient").to_vec();
        let from = NamedTensor { name: "gradient of the image".into(), shape: self.input.to_vec(), values };
        let mut gradient = self.image.difference(&from);
        for (record, found) in self.parameters.iter().zip(&collected) {
            gradient = nan_max(gradient, record.difference(found));
        }
        Worst { forward, gradient }
    }
}

fn nan_max(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(repository("tests/reference/ops.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn operators_agree_with_pytorch() {
    let mut by_op: BTreeMap<String, (usize, Worst)> = BTreeMap::new();
    let mut refused = Vec::new();
    for case in cases() {
        let ran = std::panic::catch_unwind(|| case.run());
        let Ok(Worst { forward, gradient }) = ran else {
            refused.push(format!("{} ({}) panics", case.op, case.name));
            continue;
        };
        let fits = forward <= FORWARD && gradient <= GRADIENT;
        if !fits {
            refused.push(format!("{} ({}): forward {forward:.1e}, gradient {gradient:.1e}", case.op, case.name));
        }
        let (count, worst) = by_op.entry(case.op).or_insert((0, Worst { forward: 0.0, gradient: 0.0 }));
        *count += 1;
        *worst = Worst { forward: nan_max(worst.forward, forward), gradient: nan_max(worst.gradient, gradient) };
    }
    println!("\n{:<20} cases  forward  gradient", "operator");
    for (op, (count, worst)) in by_op {
        println!("{op:<20} {count:>5}  {:.1e}  {:.1e}", worst.forward, worst.gradient);
    }
    assert!(refused.is_empty(), "\n{}", refused.join("\n"));
}

#[test]
fn every_operator_has_a_case() {
    let cases = cases();
    let missing: Vec<_> = SIGNATURES.iter().map(|s| s.name).filter(|n| !cases.iter().any(|c| c.op == *n)).collect();
    assert!(missing.is_empty(), "no case in tests/reference/torch_ops.py for {}", missing.join(", "));
    for case in cases {
        let called = case.model.contains(&case.op) || ["add", "sub", "mul", "div"].contains(&case.op.as_str());
        assert!(called, "{} ({}) does not call it", case.op, case.name);
    }
}
