//! Deep supervision: the weights of several results in the loss.

use super::*;
use burn::module::Module;
use burn::tensor::{Int, Tensor, TensorData};
use npc::internals::compute::lower::lower;
use npc::internals::data::{BatchLoader, Dataset, LastBatch};
use npc::internals::learn::loss::{LossTargets, cross_entropy, total};
use std::sync::Arc;

const SEVERAL: &str = "npc 1

model Several(x: [1, H, W], channels: int = 2)
    -> { main = [2, H, W], aux = [channels, H, W], small = [2, ceil(H / 2), ceil(W / 2)] } {
  let y = x |> conv(8) |> relu
  let z = y |> conv(8, stride = 2) |> relu
  return { small = z |> conv(2, k = 1), aux = z |> conv(channels) |> resize(to = x), main = y |> conv(2) }
}
";

fn several(with: &[(&str, &str)]) -> CheckedGraph {
    compile_text(SEVERAL, Some([32, 32]), with).model("Several")
}

fn fixture(weights: &[(&str, f64)]) -> TrainingFixture {
    let mut fixture = TrainingFixture::new();
    fixture.checked = several(&[]);
    fixture.settings.train.epochs = 1;
    fixture.settings.train.supervise = weights.iter().map(|&(name, weight)| (name.to_string(), weight)).collect();
    fixture
}

/// One pixel and two classes: the scores 0 and ln 3 give the first class the probability 1/4, equal scores 1/2.
#[test]
fn the_loss_is_the_weighted_sum() {
    let device = crate::support::device::device();
    let logits = |a: f32, b: f32| Tensor::<4>::from_data([[[[a]], [[b]]]], &device);
    let targets = LossTargets::new(&[0], [1, 1, 1], &device);
    let loss = |weighted| total(&LossSpec::default(), weighted, &targets).into_scalar::<f32>();
    let ln2 = std::f32::consts::LN_2;
    let (first, second) = (|| logits(0.0, 3f32.ln()), || logits(5.0, 5.0));
    assert!((loss(vec![(first(), 1.0)]) - 2.0 * ln2).abs() < 1e-6);
    assert!((loss(vec![(first(), 1.0), (second(), 0.5)]) - 2.5 * ln2).abs() < 1e-6);
    assert!((loss(vec![(first(), 0.25), (second(), 3.0)]) - 3.5 * ln2).abs() < 1e-6);
}

/// The loss of the first step is that of the initial weights on the first batch, for each result.
#[test]
fn a_run_weights_its_results() {
    let losses = |weights: &[(&str, f64)]| {
        let fixture = fixture(weights);
        let observed = fixture.run(&fixture.folder("a"), false, None).unwrap();
        (fixture, observed.steps[0].2)
    };
    let (fixture, unweighted_loss) = losses(&[]);
    let device = crate::support::device::device().autodiff();
    let network = lower(&fixture.checked, &device, 0).train();
    let data = Arc::new(Dataset::open(&fixture.settings.data, Path::new(".")).unwrap());
    let order = npc::internals::data::epoch_order(data.len(SplitRole::Train), 0, 0);
    let loader = BatchLoader::new(data, SplitRole::Train, 1);
    let batch = loader.batches(order, 3, LastBatch::Keep).next().unwrap().unwrap();
    let [n, _, h, w] = batch.shape;
    let targets: Vec<i32> = batch.targets.iter().map(|&t| i32::from(t)).collect();
    let targets = Tensor::<3, Int>::from_data(TensorData::new(targets, [n, h, w]), &device);
    let results = network.forward(Tensor::from_data(TensorData::new(batch.images.clone(), batch.shape), &device));
    // The order is that of the declared results, not of the body.
    let [main, aux] = [0, 1]
        .map(|i| f64::from(cross_entropy(results[i].clone(), targets.clone()).without_autodiff().into_scalar::<f32>()));
    let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-5, "{found}, expected {expected}");
    near(unweighted_loss, main);
    near(losses(&[("main", 1.0), ("aux", 0.4)]).1, main + 0.4 * aux);
    near(losses(&[("aux", 2.0), ("main", 0.0)]).1, 2.0 * aux);
}

/// A result without a weight is not trained, and one with a weight is.
#[test]
fn results_without_a_weight_stay_as_they_were() {
    let moved = |weights: &[(&str, f64)]| {
        let fixture = fixture(weights);
        let folder = fixture.folder("a");
        fixture.run(&folder, false, None).unwrap();
        let before =
            npc::internals::compute::weights::tensors(&lower(&fixture.checked, &crate::support::device::device(), 0));
        let (after, _) = read_safetensors(&folder.last()).unwrap();
        let differs = |name: &str| {
            let find = |list: &[npc::internals::compute::weights::NamedTensor]| {
                list.iter()
                    .find(|t| t.name.trim_start_matches("model.") == name)
                    .unwrap_or_else(|| panic!("no {name}"))
                    .values
                    .clone()
            };
            find(&before) != find(&after)
        };
        ["main.conv.weight", "aux.conv.weight", "small.conv.weight"].map(differs)
    };
    assert_eq!(moved(&[]), [true, false, false]);
    assert_eq!(moved(&[("main", 1.0), ("aux", 0.1)]), [true, true, false]);
}

#[test]
fn invalid_weights_are_refused() {
    let refused = |weights: &[(&str, f64)], with: &[(&str, &str)]| {
        let mut fixture = fixture(weights);
        fixture.checked = several(with);
        fixture.refused(&fixture.folder("a"), false).to_string()
    };
    let message = refused(&[("side", 1.0)], &[]);
    assert!(message.contains("`Several` has no result `side`") && message.contains("main, aux, small"), "{message}");
    let message = refused(&[("small", 1.0)], &[]);
    assert!(message.contains("result `small` of `Several` is a map [2, 16, 16]"), "{message}");
    let message = refused(&[("main", 1.0), ("aux", 1.0)], &[("channels", "3")]);
    assert!(message.contains("result `aux` of `Several` has 3 channels"), "{message}");
    assert!(refused(&[("aux", 0.0)], &[]).contains("has a weight above 0"));
}
