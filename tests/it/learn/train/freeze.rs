//! Freezing: frozen tensors stay, bit for bit, and the gradients of the others do not change.

use super::*;
use npc::internals::compute::lower::lower;
use npc::internals::compute::weights::{NamedTensor, tensors};
use std::collections::BTreeMap;

const FREEZABLE: &str = "npc 1

block Stage(x: [c, h, w], width: int) -> [width, h, w] = x |> conv(width, bias = false) |> bn |> relu

model Staged(x: [1, H, W]) -> { main = [2, H, W], aux = [2, H, W] } {
  let s[0] = x |> Stage(4)
  let s[1] = s[0] |> Stage(6)
  return { main = s[1] |> conv(2, k = 1), aux = s[0] |> conv(2, k = 1) }
}
";

fn fixture(paths: &[&str]) -> TrainingFixture {
    let mut fixture = TrainingFixture::new();
    fixture.checked = compile_text(FREEZABLE, Some([32, 32]), &[]).model("Staged");
    fixture.settings.train.epochs = 2;
    fixture.settings.train.freeze = paths.iter().map(|p| p.to_string()).collect();
    fixture
}

/// Returns the bits of a checkpoint's tensors under a prefix, by names without it.
fn bits(folder: &RunFolder, prefix: &str) -> BTreeMap<String, Vec<u32>> {
    let tensors = checkpoint_state(&folder.last()).0.into_iter();
    tensors.filter_map(|(name, bits)| Some((name.strip_prefix(prefix)?.to_string(), bits))).collect()
}

fn first_weights(fixture: &TrainingFixture) -> BTreeMap<String, Vec<u32>> {
    let bits = |t: NamedTensor| (t.name, t.values.iter().map(|v| v.to_bits()).collect());
    tensors(&lower(&fixture.checked, &crate::support::device::device(), 0)).into_iter().map(bits).collect()
}

const FIRST: [&str; 3] = ["s.0.Stage.bn.bias", "s.0.Stage.bn.weight", "s.0.Stage.conv.weight"];
const SECOND: [&str; 3] = ["s.1.Stage.bn.bias", "s.1.Stage.bn.weight", "s.1.Stage.conv.weight"];
const HEAD: [&str; 2] = ["main.conv.bias", "main.conv.weight"];

#[test]
fn frozen_tensors_stay_and_have_no_moments() {
    for (paths, trained) in [
        (&[][..], [&HEAD[..], &FIRST, &SECOND].concat()),
        (&["s.0"], [&HEAD[..], &SECOND].concat()),
        // The frozen part follows the trained one: the gradient passes through it.
        (&["s.1", "main"], FIRST.to_vec()),
        (&["s.0.Stage.bn", "s.1.Stage.conv"], [&HEAD[..], &FIRST[2..], &SECOND[..2]].concat()),
        (&["s", "aux"], HEAD.to_vec()),
    ] {
        let fixture = fixture(paths);
        let folder = fixture.folder("a");
        fixture.run(&folder, false, None).unwrap();
        for moments in ["adam.first.", "adam.second."] {
            assert_eq!(bits(&folder, moments).keys().collect::<Vec<_>>(), trained, "{moments}, {paths:?}");
        }
        let before = first_weights(&fixture);
        let moved: Vec<String> =
            bits(&folder, "model.").into_iter().filter(|(n, b)| before[n] != *b).map(|(n, _)| n).collect();
        // The statistics of frozen norms follow the batches too.
        let statistics = [0, 1].map(|i| ["mean", "var"].map(|s| format!("s.{i}.Stage.bn.running_{s}"))).concat();
        let mut expected = [trained.iter().map(|n| n.to_string()).collect(), statistics].concat();
        expected.sort();
        assert_eq!(moved, expected, "{paths:?}");
    }
}

/// Weights and losses before the first step are the same, so its gradients are too, and all trained tensors after it.
#[test]
fn the_first_step_moves_the_rest_as_without_freezing() {
    let step = |paths: &[&str]| {
        let fixture = fixture(paths);
        let folder = fixture.folder("a");
        assert!(fixture.run(&folder, false, Some(1)).unwrap().interrupted());
        (bits(&folder, "model."), bits(&folder, "adam.first."))
    };
    let (all, gradients) = step(&[]);
    for paths in [&["s.0"][..], &["s.1"], &["s.0.Stage.bn", "main"]] {
        let (some, moments) = step(paths);
        assert!(!moments.is_empty() && moments.len() < gradients.len());
        for (name, moment) in moments {
            assert_eq!(gradients[&name], moment, "gradient of {name}, {paths:?}");
            assert_eq!(all[&name], some[&name], "{name}, {paths:?}");
        }
    }
}

#[test]
fn a_frozen_run_resumes_bit_for_bit() {
    let fixture = fixture(&["s.0", "s.1.Stage.bn"]);
    let (whole, observed) = fixture.start("whole");
    for at in [1, 6, 8] {
        let folder = fixture.folder(&format!("at_{at}"));
        let first = fixture.run(&folder, false, Some(at)).unwrap();
        let second = fixture.run(&folder, true, None).unwrap();
        let steps: Vec<_> = first.steps.iter().chain(&second.steps).copied().collect();
        assert_eq!(steps, observed.steps, "stopped after {at} steps");
        assert_same_runs(&whole, &folder);
    }
    assert_eq!(read_settings(&whole.settings()).unwrap().train.freeze, ["s.0", "s.1.Stage.bn"]);
}

#[test]
fn invalid_freezing_is_refused() {
    for (paths, expected) in [
        (&["s.2"][..], "`Staged` has no node or block `s.2`"),
        (&["s.0", "x"], "`x` of `Staged` has no parameters"),
        (&["s.0.Stage.relu"], "`s.0.Stage.relu` of `Staged` has no parameters"),
        // A part of a name is no path.
        (&["s.0.Sta"], "`Staged` has no node or block `s.0.Sta`"),
        // `aux` does not contribute to the loss.
        (&["s", "main"], "`Staged` has no trainable parameters left"),
    ] {
        let fixture = fixture(paths);
        let message = fixture.refused(&fixture.folder("a"), false).to_string();
        assert!(message.contains(expected), "{paths:?}: {message}");
    }
    let mut fixture = fixture(&["s", "main"]);
    fixture.settings.train.supervise = BTreeMap::from([("aux".into(), 1.0)]);
    assert!(fixture.run(&fixture.folder("a"), false, Some(1)).is_ok());
}
