//! Losses against PyTorch, MONAI and segmentation_models_pytorch (`tests/reference/torch_losses.py`): values, gradients,
//! and in 64 bits gradients against finite differences.

use crate::support::device::{device, double_precision_work, in_double_precision};
use burn::tensor::{Device, Tensor, TensorData};
use npc::internals::learn::loss::{LossTargets, total};
use npc::text::config::schema::override_train;
use npc::text::config::{FocalAlpha, LossSpec, LossTerm, TrainSpec};
use npc::text::source::{SourceMap, Span, Spanned};
use npc::text::syntax::ast::Entry;
use npc::text::syntax::parse_value;
use serde::Deserialize;
use std::collections::BTreeMap;

const FIXTURE: &str = include_str!("../../reference/losses.json");
/// Made by `torch_ignore.py`; class 255 is an ignored pixel.
const IGNORED: &str = include_str!("../../reference/losses_ignored.json");

#[derive(Deserialize)]
struct Fixture {
    inputs: BTreeMap<String, Input>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Input {
    shape: [usize; 4],
    /// The logits in units of 1/65536.
    logits: Vec<i64>,
    classes: Vec<i64>,
}

#[derive(Deserialize)]
struct Case {
    loss: String,
    library: String,
    results: BTreeMap<String, Figures>,
}

#[derive(Deserialize)]
struct Figures {
    value: f64,
    l2: f64,
    signed_sum: f64,
    sample: Vec<f64>,
}

/// Returns a loss as the language writes it; lists of numbers are cut to `classes`.
fn loss(text: &str, classes: usize) -> LossSpec {
    let mut sources = SourceMap::new();
    let id = sources.add("--set", text);
    let Ok(value) = parse_value(&sources, id) else { panic!("{text} is an expression") };
    let entry = Entry { key: Spanned::new("loss".into(), Span::default()), value };
    let spec: Result<TrainSpec, _> = override_train(crate::learn::train::recipe(), &[entry]);
    let Ok(TrainSpec { mut loss, .. }) = spec else { panic!("{text} is a loss") };
    for weighted in &mut loss.terms {
        match &mut weighted.term {
            LossTerm::CrossEntropy { weights: list, .. }
            | LossTerm::Focal { alpha: FocalAlpha::PerClass(list), .. } => {
                list.truncate(classes);
            }
            LossTerm::Focal { .. } | LossTerm::Dice { .. } | LossTerm::Tversky { .. } | LossTerm::Lovasz { .. } => {}
        }
    }
    loss.check(classes).unwrap();
    loss
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.without_autodiff().into_data().convert::<f64>().try_into_vec().unwrap()
}

fn targets(classes: &[i64], shape: [usize; 3], device: &Device) -> LossTargets {
    let classes: Vec<u8> = classes.iter().map(|&class| class as u8).collect();
    LossTargets::new(&classes, shape, device)
}

/// Returns the value and its gradient by the logits.
fn value_and_gradient(loss: &LossSpec, shape: [usize; 4], logits: &[f64], classes: &[i64]) -> (f64, Vec<f64>) {
    let device = device().autodiff();
    let [n, _, h, w] = shape;
    let x = Tensor::<4>::from_data(TensorData::new(logits.to_vec(), shape), &device).require_grad();
    let y = targets(classes, [n, h, w], &device);
    let value = total(loss, vec![(x.clone(), 1.0)], &y);
    let gradient = x.grad(&value.backward()).expect("the logits are a leaf");
    (numbers(value)[0], numbers(gradient))
}

/// Returns the lowest bit of splitmix64's output `i`.
fn sign(i: usize) -> f64 {
    let mut z = (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    if (z ^ (z >> 31)) & 1 == 1 { -1.0 } else { 1.0 }
}

impl Figures {
    /// Returns the relative difference of the value; and of the gradient, that to its L2 norm, and of single elements
    /// to the norm too.
    fn difference(&self, value: f64, gradient: &[f64]) -> [f64; 2] {
        let scale = self.l2.max(1e-9);
        let l2 = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
        let signed: f64 = gradient.iter().enumerate().map(|(i, g)| sign(i) * g).sum();
        let stride = ((gradient.len() - 1) / 10).max(1);
        let elements = gradient.iter().step_by(stride).zip(&self.sample).map(|(a, b)| (a - b).abs());
        let worst = elements.fold((l2 - self.l2).abs().max((signed - self.signed_sum).abs()), f64::max) / scale;
        let finite = gradient.iter().all(|g| g.is_finite()) && value.is_finite();
        let nan = if finite { 0.0 } else { f64::INFINITY };
        [(value - self.value).abs() / self.value.abs().max(1e-3) + nan, worst + nan]
    }
}

fn assert_references_agree(fixture: &str, comparisons: usize, allowed: f64) {
    let fixture: Fixture = serde_json::from_str(fixture).unwrap();
    let (mut refused, mut compared) = (Vec::new(), 0);
    for case in &fixture.cases {
        let mut worst = [0.0f64; 2];
        for (name, figures) in &case.results {
            let Input { shape, logits, classes } = &fixture.inputs[name];
            let logits: Vec<f64> = logits.iter().map(|&l| l as f64 / 65536.0).collect();
            let (value, gradient) = value_and_gradient(&loss(&case.loss, shape[1]), *shape, &logits, classes);
            let difference = figures.difference(value, &gradient);
            worst = [0, 1].map(|i| worst[i].max(difference[i]));
            compared += 1;
            if !difference.iter().all(|&d| d <= allowed) {
                refused.push(format!("{} on {name}: {value}, expected {}: {difference:?}", case.loss, figures.value));
            }
        }
        println!("{:<90} value {:.0e}, gradient {:.0e}: {}", case.loss, worst[0], worst[1], case.library);
    }
    assert!(compared >= comparisons && refused.is_empty(), "{}", refused.join("\n"));
}

#[test]
fn values_and_gradients_agree_with_the_libraries() {
    assert_references_agree(FIXTURE, 91, 1e-5);
}

#[test]
fn ignored_pixels_count_in_no_loss() {
    assert_references_agree(IGNORED, 52, 1e-5);
    let fixture: Fixture = serde_json::from_str(IGNORED).unwrap();
    let Input { shape, logits, classes } = &fixture.inputs["an image of ignored pixels alone"];
    let logits: Vec<f64> = logits.iter().map(|&l| l as f64 / 65536.0).collect();
    let pixels = shape[2] * shape[3];
    for case in &fixture.cases {
        let spec = loss(&case.loss, shape[1]);
        let (_, gradient) = value_and_gradient(&spec, *shape, &logits, classes);
        for (i, slope) in gradient.iter().enumerate() {
            let pixel = i / (shape[1] * pixels) * pixels + i % pixels;
            assert!(classes[pixel] != 255 || *slope == 0.0, "{}: {slope} at the ignored pixel {pixel}", case.loss);
        }
        // PyTorch divides 0 by 0 here.
        let nothing = value_and_gradient(&spec, *shape, &logits, &vec![255; classes.len()]);
        assert_eq!(nothing, (0.0, vec![0.0; logits.len()]), "{}", case.loss);
    }
}

/// Compares the slopes along some directions, from the values only.
fn slopes_agree() {
    let fixture: Fixture = serde_json::from_str(FIXTURE).unwrap();
    for (case, name) in
        fixture.cases.iter().zip(["three images, three classes", "a class that is nowhere"].iter().cycle())
    {
        let Input { shape, logits, classes } = &fixture.inputs[*name];
        let logits: Vec<f64> = logits.iter().map(|&l| l as f64 / 65536.0).collect();
        let spec = loss(&case.loss, shape[1]);
        let value = |logits: &[f64]| value_and_gradient(&spec, *shape, logits, classes).0;
        let (_, gradient) = value_and_gradient(&spec, *shape, &logits, classes);
        let scale = gradient.iter().fold(0.0f64, |m, g| m.max(g.abs()));
        for i in (0..logits.len()).step_by(7) {
            let moved = |by: f64| {
                let mut moved = logits.clone();
                moved[i] += by;
                value(&moved)
            };
            let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            let difference = (slope - gradient[i]).abs();
            assert!(difference <= 1e-6 * scale, "{} by logit {i}: {}, slope {slope}", case.loss, gradient[i]);
        }
    }
}

/// The number format belongs to the process, so this test runs in a process of its own.
#[test]
fn gradients_are_slopes_in_double_precision() {
    in_double_precision(module_path!());
}

#[test]
#[ignore = "it sets the float type of the whole process to f64; the test above runs it in a child process, so nothing is skipped"]
fn double_precision_worker() {
    double_precision_work(|| {
        assert_references_agree(FIXTURE, 91, 1e-9);
        assert_references_agree(IGNORED, 52, 1e-9);
        slopes_agree();
    });
}

/// Sums and orders of 2 * 200 * 200 pixels in 32 bits agree with the definitions in 64 bits.
#[test]
fn large_maps_lose_no_digits() {
    let shape = [2, 2, 200, 200];
    let pixels = 40_000;
    let noise = |i: usize| {
        let mut z = (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (z ^ (z >> 27)) >> 40
    };
    // A class has few pixels, which are mostly found.
    let classes: Vec<i64> = (0..2 * pixels).map(|i| i64::from(noise(i) % 50 == 0)).collect();
    let logits: Vec<f64> = (0..4 * pixels)
        .map(|i| {
            let (image, class, pixel) = (i / (2 * pixels), i / pixels % 2, i % pixels);
            let toward = if classes[image * pixels + pixel] as usize == class { 2.0 } else { 0.0 };
            toward + noise(i + 3 * pixels) as f64 / f64::from(1 << 24) * 3.0
        })
        .collect();
    let probability = |image: usize, class: usize, pixel: usize| {
        let at = |class: usize| logits[(image * 2 + class) * pixels + pixel];
        1.0 / (1.0 + (at(1 - class) - at(class)).exp())
    };
    let mut lovasz = 0.0;
    for class in 0..2 {
        let mut errors: Vec<(f64, bool)> = (0..2 * pixels)
            .map(|i| {
                let ours = classes[i] as usize == class;
                let p = probability(i / pixels, class, i % pixels);
                (if ours { 1.0 - p } else { p }, ours)
            })
            .collect();
        errors.sort_by(|a, b| b.0.total_cmp(&a.0));
        let size = errors.iter().filter(|e| e.1).count() as f64;
        let (mut hit, mut missed, mut before) = (size, 0.0, 0.0);
        for (error, ours) in errors {
            if ours {
                hit -= 1.0
            } else {
                missed += 1.0
            }
            let jaccard = 1.0 - hit / (size + missed);
            lovasz += error * (jaccard - before) / 2.0;
            before = jaccard;
        }
    }
    let sums = (0..2 * pixels).fold([0.0; 3], |[both, p, g], i| {
        let (q, t) = (probability(i / pixels, 1, i % pixels), classes[i] as f64);
        [both + q * t, p + q, g + t]
    });
    let dice = 1.0 - (2.0 * sums[0] + 1e-5) / (sums[1] + sums[2] + 1e-5);
    for (text, expected) in [("lovasz", lovasz), ("dice", dice)] {
        let found = value_and_gradient(&loss(text, 2), shape, &logits, &classes).0;
        assert!((found - expected).abs() < 1e-5 * expected, "{text}: {found}, expected {expected}");
    }
}

/// Weights of results and of terms multiply.
#[test]
fn deep_supervision_weights_every_term() {
    let fixture: Fixture = serde_json::from_str(FIXTURE).unwrap();
    let Input { shape, logits, classes } = &fixture.inputs["two classes"];
    let values: Vec<f64> = logits.iter().map(|&l| l as f64 / 65536.0).collect();
    let doubled: Vec<f64> = values.iter().map(|l| 2.0 * l).collect();
    let value = |text: &str, logits: &[f64]| value_and_gradient(&loss(text, 2), *shape, logits, classes).0;
    let device = device();
    let tensor = |values: &[f64]| Tensor::<4>::from_data(TensorData::new(values.to_vec(), *shape), &device);
    let y = targets(classes, [shape[0], shape[2], shape[3]], &device);
    let results = vec![(tensor(&values), 1.0), (tensor(&doubled), 0.4)];
    let found = numbers(total(&loss("3 * lovasz + focal", 2), results, &y))[0];
    let expected = 3.0 * value("lovasz", &values)
        + value("focal", &values)
        + 0.4 * (3.0 * value("lovasz", &doubled) + value("focal", &doubled));
    assert!((found - expected).abs() < 1e-5, "{found}, expected {expected}");
}

/// PyTorch divides 0 by 0 here: no pixel has a class that counts.
#[test]
fn a_batch_without_weight_has_no_loss() {
    let spec = loss("cross_entropy(weights = [0, 1])", 2);
    let (value, gradient) = value_and_gradient(&spec, [1, 2, 1, 2], &[0.0, 1.0, 2.0, 3.0], &[0, 0]);
    assert_eq!((value, gradient), (0.0, vec![0.0; 4]));
}
