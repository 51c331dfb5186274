//! Initial weights: from a run, from safetensors, from PyTorch.

use super::*;
use npc::internals::compute::lower::lower;
use npc::internals::compute::network::Network;
use npc::internals::compute::weights::{NamedTensor, tensors, write_safetensors};
use npc::internals::learn::init::{InitOutcome, InitReport, init};
use std::collections::BTreeMap;

fn initialized_network(checked: &CheckedGraph, seed: u64) -> Network {
    lower(checked, &npc::internals::compute::device::open(Default::default()).unwrap(), seed)
}

fn initialized_from(checked: &CheckedGraph, from: &Path) -> (Vec<NamedTensor>, InitReport) {
    let (network, report) = init(initialized_network(checked, 7), from).unwrap_or_else(|e| panic!("{e}"));
    (tensors(&network), report)
}

fn tensor_outcomes(report: &InitReport) -> Vec<String> {
    report.tensors.iter().map(|row| format!("{} {}", row.name, row.fate.text())).collect()
}

fn reference(name: &str) -> std::path::PathBuf {
    crate::support::repository::repository(&format!("tests/reference/{name}"))
}

/// `torch_weights.py` fills tensor `i` of the model's order with `(i + 1) / 8 + k / 1024`, `k` counting its numbers.
fn is_filled(tensors: &[NamedTensor]) {
    for (i, t) in tensors.iter().enumerate() {
        let expected: Vec<f32> = (0..t.values.len()).map(|k| (i + 1) as f32 / 8.0 + k as f32 / 1024.0).collect();
        assert_eq!(t.values, expected, "{}", t.name);
    }
}

#[test]
fn a_state_dict_of_pytorch_is_loaded_by_name() {
    for file in ["weights_named.pt", "weights_checkpoint.pth", "weights_f16.pt"] {
        let (tensors, report) = initialized_from(&model("Tiny"), &reference(file));
        is_filled(&tensors);
        assert!(
            report.tensors.iter().all(|row| matches!(row.fate, InitOutcome::Loaded { .. })),
            "{file}: {:?}",
            tensor_outcomes(&report)
        );
    }
    let (_, report) = initialized_from(&model("Tiny"), &reference("weights_checkpoint.pth"));
    assert_eq!(report.prefix, "state_dict.module.");
    assert!(report.unused.iter().any(|n| n.contains("exp_avg")), "{:?}", report.unused);
    assert!(report.unused.iter().any(|n| n.ends_with("num_batches_tracked")), "{:?}", report.unused);
}

#[test]
fn other_names_of_the_same_structure_are_loaded_by_order() {
    let (tensors, report) = initialized_from(&model("Tiny"), &reference("weights_foreign.pt"));
    is_filled(&tensors);
    assert!(report.summary().contains("12 of 12 tensors loaded by order"), "{}", report.summary());
    // Another width changes all shapes, and no name fits.
    let error = init(initialized_network(&model("Wide"), 0), &reference("weights_foreign.pt")).unwrap_err().to_string();
    for word in [
        "no tensor of this file fits the model `Wide`",
        "the file has 12 tensors: `stem.0.weight`",
        "the model has 12 tensors",
    ] {
        assert!(error.contains(word), "`{word}` is not in: {error}");
    }
}

#[test]
fn tensors_that_do_not_fit_keep_their_initial_values_and_are_reported() {
    let wide = model("Wide");
    let (new, report) = initialized_from(&wide, &reference("weights_named.pt"));
    let own = tensors(&initialized_network(&wide, 7));
    let last = report.tensors.last().unwrap();
    assert_eq!(last.name, "conv3.bias", "the head's bias has one number a class");
    assert!(matches!(last.fate, InitOutcome::Loaded { .. }));
    assert_ne!(new.last(), own.last());
    assert!(
        tensor_outcomes(&report)[0].contains("conv.weight shape differs: `conv.weight` is [8, 1, 3, 3]"),
        "{:?}",
        tensor_outcomes(&report)
    );
    assert_eq!(new[0], own[0]);
    assert!(report.summary().contains("1 of 12 tensors loaded by name, 11 of another shape"), "{}", report.summary());
}

#[test]
fn a_run_starts_from_the_best_weights_of_another() {
    let mut fixture = TrainingFixture::new();
    let (first, _) = fixture.start("first");
    fixture.settings.train.init = Some(first.root().display().to_string());
    let (second, observed) = fixture.start("second");
    let (_, fresh) = TrainingFixture::new().start("fresh");
    assert!(observed.steps[0].2 < 0.7 * fresh.steps[0].2, "{} after {}", observed.steps[0].2, fresh.steps[0].2);
    let report: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(second.root().join("init.json")).unwrap()).unwrap();
    assert_eq!(report["tensors"].as_array().unwrap().len(), 12);
    assert!(report["file"].as_str().unwrap().ends_with("best_dice.safetensors"));
    // After an interruption the run resumes from its own checkpoint.
    let cut = fixture.folder("cut");
    assert!(fixture.run(&cut, false, Some(2)).unwrap().interrupted());
    fixture.run(&cut, true, None).unwrap();
    assert_same_runs(&second, &cut);
}

#[test]
fn files_that_hold_no_weights_are_refused() {
    let dir = tempdir().unwrap();
    let refused = |name: &str, bytes: &[u8], words: &[&str]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let error = init(initialized_network(&model("Tiny"), 0), &path).unwrap_err().to_string();
        words.iter().for_each(|word| assert!(error.contains(word), "`{word}` is not in: {error}"));
    };
    refused("a.pt", b"no pickle", &["a.pt", "not a readable PyTorch file"]);
    refused("b.safetensors", b"no weights at all", &["b.safetensors", "not a safetensors file"]);
    let whole = std::fs::read(reference("weights_named.pt")).unwrap();
    refused("c.pt", &whole[..whole.len() / 2], &["c.pt"]);
    let odd = NamedTensor { name: "x".into(), shape: vec![2], values: vec![0.0; 2] };
    write_safetensors(&dir.path().join("d.safetensors"), &[odd], &BTreeMap::new()).unwrap();
    let error =
        init(initialized_network(&model("Tiny"), 0), &dir.path().join("d.safetensors")).unwrap_err().to_string();
    assert!(error.contains("no tensor of this file fits the model `Tiny`"), "{error}");
    assert!(init(initialized_network(&model("Tiny"), 0), &dir.path().join("none.pt")).is_err());
    assert!(
        init(initialized_network(&model("Tiny"), 0), dir.path())
            .unwrap_err()
            .to_string()
            .contains("no checkpoint in this run folder")
    );
}

/// A run of NPNet initializes its variants: shared tensors are copied by path and shape, those of the attention are
/// not.
#[test]
fn variants_load_shared_tensors() {
    let path = crate::support::repository::repository("models/npnet.model");
    let compiled = |name: &str| crate::support::compile::compile_file(&path, Some([64, 64]), &[]).model(name);
    let (plain, with_se) = (compiled("NPNet"), compiled("NPNet_SE"));
    let dir = tempdir().unwrap();
    let file = dir.path().join("plain.safetensors");
    let given = tensors(&initialized_network(&plain, 3));
    write_safetensors(&file, &given, &BTreeMap::new()).unwrap();
    let (new, report) = initialized_from(&with_se, &file);
    let own = tensors(&initialized_network(&with_se, 7));
    let mut carried = 0;
    for ((row, new), own) in report.tensors.iter().zip(&new).zip(&own) {
        match given.iter().find(|t| t.name == row.name && t.shape == row.shape) {
            Some(assert_same_runs) => {
                carried += 1;
                assert!(new == assert_same_runs && matches!(row.fate, InitOutcome::Loaded { .. }), "{}", row.name);
            }
            None => assert!(new == own && row.fate.source().is_none(), "{}", row.name),
        }
    }
    assert!(carried > given.len() / 2 && carried < own.len(), "{carried} of {} and {}", given.len(), own.len());
}

/// The tensors of `Tiny` under names that the model does not have: `features.3.bias`.
fn foreign_tensors(checked: &CheckedGraph) -> Vec<NamedTensor> {
    let rename = |(i, t): (usize, NamedTensor)| {
        let last = t.name.rsplit('.').next().unwrap();
        NamedTensor { name: format!("features.{i}.{last}"), ..t }
    };
    tensors(&initialized_network(checked, 3)).into_iter().enumerate().map(rename).collect()
}

/// Writes tensors in this order, as npc does. Others sort them by name, and their order is not used.
fn write_in_order(path: &Path, tensors: &[NamedTensor]) {
    write_safetensors(path, tensors, &BTreeMap::from([("model".to_string(), "Other".to_string())])).unwrap();
}

/// All four vectors of a batch norm have one shape, so a shape at the right position does not say which of them it is.
#[test]
fn vectors_of_a_norm_in_another_order_load_nothing() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("foreign.safetensors");
    let checked = model("Tiny");
    let right = foreign_tensors(&checked);
    write_in_order(&path, &right);
    let (loaded, report) = initialized_from(&checked, &path);
    assert!(loaded.iter().zip(&right).all(|(a, b)| a.values == b.values));
    // Convolution, then weight, bias, mean and variance of its norm, twice; a convolution and its bias.
    for (i, j) in [(1, 2), (3, 4), (1, 4), (7, 8)] {
        let mut swapped = right.clone();
        swapped.swap(i, j);
        write_in_order(&path, &swapped);
        let error = init(initialized_network(&checked, 0), &path).unwrap_err().to_string();
        for words in ["by name or by order", &format!("tensor {} of the file", i + 1), "the last words must agree"] {
            assert!(error.contains(words), "`{words}` is not in: {error}");
        }
    }
    assert!(report.doubts().is_empty(), "every tensor has a shape and a last word of its own: {:?}", report.doubts());
}

#[test]
fn tensors_that_only_the_order_tells_apart_are_told() {
    let text = "npc 1\nmodel Deep(x: [1, H, W]) -> [2, H, W] = x |> conv(4) |> conv(4) |> conv(4) |> conv(2, k = 1)";
    let checked = compile_text(text, Some([32, 32]), &[]).model("Deep");
    let dir = tempdir().unwrap();
    let path = dir.path().join("foreign.safetensors");
    let mut given = foreign_tensors(&checked);
    // Two convolutions of one shape in another order: no one can know.
    given.swap(2, 4);
    write_in_order(&path, &given);
    let (_, report) = initialized_from(&checked, &path);
    let doubts = report.doubts().join("\n");
    for words in [
        "3 tensors of shape [4] were matched by order alone: `conv.bias` from `features.1.bias`",
        "2 tensors of shape [4, 4, 3, 3] were matched by order alone: `conv2.weight` from `features.4.weight`",
        "check that the model declares its layers in the order of the file",
    ] {
        assert!(doubts.contains(words), "`{words}` is not in: {doubts}");
    }
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["exchangeable"][0]["shape"], serde_json::json!([4]));
}

/// A checkpoint with the weights of two networks, as of a student and its teacher.
#[test]
fn a_second_prefix_that_fits_as_well_is_told() {
    let checked = model("Tiny");
    let own = tensors(&initialized_network(&checked, 3));
    let under = |prefix: &str| {
        let renamed = own.iter().map(|t| NamedTensor { name: format!("{prefix}{}", t.name), ..t.clone() });
        renamed.collect::<Vec<_>>()
    };
    let dir = tempdir().unwrap();
    let path = dir.path().join("two.safetensors");
    write_in_order(&path, &[under("student."), under("teacher.")].concat());
    let (_, report) = initialized_from(&checked, &path);
    assert_eq!(
        report.doubts(),
        ["the file has as many fitting tensors under `teacher.`; those under `student.` were loaded"]
    );
    assert!(report.summary().contains("loaded by name, without the prefix `student.`"), "{}", report.summary());
}

#[test]
fn weights_that_are_no_numbers_are_refused_wherever_they_are_loaded() {
    let checked = model("Tiny");
    let dir = tempdir().unwrap();
    let path = dir.path().join("diverged.safetensors");
    let refused = |name: &str, value: f32, words: &[&str]| {
        let mut given = tensors(&initialized_network(&checked, 3));
        given.iter_mut().find(|t| t.name == name).unwrap().values[1] = value;
        write_in_order(&path, &given);
        let network = || initialized_network(&checked, 0);
        let errors = [
            init(network(), &path).unwrap_err(),
            npc::internals::learn::checkpoint::load_weights(&path, network()).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(format!("{:?}", error.code), "E0724");
            let text = error.to_string();
            words.iter().chain(&["diverged.safetensors", name]).for_each(|word| {
                assert!(text.contains(word), "`{word}` is not in: {text}");
            });
        }
    };
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        refused("conv2.weight", value, &["1 of 1,152 numbers that are NaN or infinite", "index 1"]);
        refused("bn.running_mean", value, &["NaN or infinite"]);
    }
    refused("bn.running_var", -0.5, &["is a variance and holds -0.5 at index 1, which is negative"]);
}

/// A name of a file may have any length, a tensor any number of dims.
#[test]
fn names_of_any_length_end_in_a_short_message() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("long.safetensors");
    let odd = |name: String, rank: usize| NamedTensor { name, shape: vec![1; rank], values: vec![0.0] };
    write_in_order(&path, &[odd("n".repeat(1 << 20), 1), odd("y".into(), 10_000)]);
    let error = init(initialized_network(&model("Tiny"), 0), &path).unwrap_err().to_string();
    assert!(error.len() < 2000, "{} bytes", error.len());
    let error = npc::internals::learn::checkpoint::load_weights(&path, initialized_network(&model("Tiny"), 0));
    let error = error.unwrap_err().to_string();
    assert!(error.len() < 3000, "{} bytes", error.len());
}
