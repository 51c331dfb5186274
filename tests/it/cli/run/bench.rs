//! `npc bench`: the fields of its report. The times themselves are not judged.

use crate::support::program::{ProgramOutput, npc};
use serde_json::Value;
use std::path::Path;

const NET: &str = "npc 1

import std

model Net(x: [3, H, W]) -> [2, H, W]
  = x |> cbr(4, stride = 2) |> cbr(8) |> conv(2, k = 1) |> resize(to = x)

model Classes(x: [3, H, W]) -> [5] = x |> conv(4) |> avgpool_to(1) |> flatten |> linear(5)
";

/// Multiply-accumulates of `Net` at 16x16: 27 and 36 products for each of 4 and 8 channels of 8x8, then 8 for each of
/// 2.
const MACS: u64 = 64 * (27 * 4 + 36 * 8 + 8 * 2);

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("net.model"), NET).unwrap();
    folder
}

fn bench(folder: &Path, model: &str, more: &[&str]) -> ProgramOutput {
    let common = ["bench", "net.model", "--model", model, "--size", "16x16", "--seconds", "0", "--calls", "2"];
    npc(folder, &[&common, more].concat())
}

fn json(more: &[&str]) -> Value {
    let output = bench(folder().path(), "Net", more);
    assert_eq!(output.code, 0, "{}", output.stderr);
    serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", output.stdout))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn assert_close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-9 * b.abs(), "{a} and {b}");
}

#[test]
fn figures_of_a_phase_are_consistent() {
    let report = json(&["--batch", "3", "--train", "--threads", "1", "--format", "json"]);
    assert_eq!(report["macs"], MACS);
    assert_eq!((report["batch"].as_u64(), report["threads"].as_u64()), (Some(3), Some(1)));
    assert_eq!(report["input"], serde_json::json!([3, 16, 16]));
    let peak = number(&report["peak_gflops"]);
    assert!(peak > 0.0);
    for (phase, passes) in [("forward", 1.0), ("train_step", 3.0)] {
        let phase = &report[phase];
        assert_eq!(phase["calls"], 2);
        let [median, min, max] = ["median_ms", "min_ms", "max_ms"].map(|key| number(&phase[key]));
        assert!(0.0 < min && min <= median && median <= max, "{phase}");
        assert_close(number(&phase["images_per_s"]), 3.0 * 1e3 / median);
        let gflops = 2.0 * passes * 3.0 * MACS as f64 / median / 1e6;
        assert_close(number(&phase["achieved_gflops"]), gflops);
        assert_close(number(&phase["share_of_peak"]), gflops / peak);
    }
    let memory = |phase: &str| report[phase]["peak_rss_mb"].as_f64();
    if cfg!(target_os = "linux") {
        let [forward, train] = ["forward", "train_step"].map(|phase| memory(phase).unwrap());
        assert!(1.0 < forward && forward <= train && train < 1e5, "{forward} and {train} MB");
    }
    assert_eq!(report["median_ms"], report["train_step"]["median_ms"]);
}

#[test]
fn without_train_only_forward_passes_are_timed() {
    let report = json(&["--json"]);
    assert_eq!(report["train_step"], Value::Null);
    assert_eq!(report["median_ms"], report["forward"]["median_ms"]);
    assert!(report.get("profile").is_none());
}

#[test]
fn a_model_without_a_map_is_timed_forward_only() {
    let folder = folder();
    let output = bench(folder.path(), "Classes", &["--threads", "1"]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert!(output.stdout.contains("forward") && !output.stdout.contains("train step"), "{}", output.stdout);
    let output = bench(folder.path(), "Classes", &["--train"]);
    assert_eq!(
        (output.code, output.stderr.contains("the model's result is not a map")),
        (1, true),
        "{}",
        output.stderr
    );
}

/// With Burn's operations every step has a time; steps that the engine fuses have no time of their own.
#[test]
fn a_profile_names_every_step() {
    let folder = folder();
    let output = bench(folder.path(), "Net", &["--backend", "burn", "--format", "json", "--profile", "where.svg"]);
    assert_eq!((output.code, output.stderr.as_str()), (0, "wrote where.svg\n"));
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    let nodes = report["profile"]["nodes"].as_array().unwrap();
    let plan = npc(folder.path(), &["lower", "net.model", "--model", "Net", "--size", "16x16"]).stdout;
    let steps: Vec<&str> =
        plan.lines().filter_map(|l| Some(l.split_once("  # ")?.1.split(' ').next().unwrap())).collect();
    assert_eq!(nodes.iter().map(|n| n["path"].as_str().unwrap()).collect::<Vec<_>>(), steps);
    assert!(nodes.iter().all(|n| number(&n["forward_ms"]) > 0.0), "{nodes:?}");
    assert_eq!(nodes.iter().map(|n| n["macs"].as_u64().unwrap()).sum::<u64>(), MACS);
    let sum: f64 = nodes.iter().map(|n| number(&n["forward_ms"])).sum();
    assert_close(number(&report["profile"]["total_ms"]), sum);
    let picture = std::fs::read_to_string(folder.path().join("where.svg")).unwrap();
    assert!(
        picture.starts_with("<svg ") && picture.ends_with("</svg>\n") && picture.contains("<title>cbr.conv, conv: ")
    );

    let table = bench(folder.path(), "Net", &["--backend", "burn", "--profile"]).stdout;
    assert!(
        table.lines().any(|l| l.starts_with("cbr2.conv ")) && table.lines().any(|l| l.starts_with("all nodes ")),
        "{table}"
    );
}

#[test]
fn wrong_usage_is_refused_and_nothing_written() {
    let folder = folder();
    let refused = |args: &[&str], part: &str| {
        let output = npc(folder.path(), args);
        assert_eq!(output.code, 2, "{args:?}: {}", output.stderr);
        assert!(output.stderr.contains(part), "{args:?}: {}", output.stderr);
    };
    refused(&["bench", "--profile", "net.model"], "write `--profile` last");
    refused(&["bench", "net.model", "--backend", "torch"], "[possible values: engine, burn]");
    refused(&["bench", "net.model", "--seconds", "nan"], "not a number of seconds");
    refused(&["bench", "net.model", "--batch", "0"], "0 is not in 1..");
    refused(&["bench", "net.model", "--threads", "0"], "0 is not in 1..");
    refused(&["bench", "net.model", "--size", "16x16"], "choose one with `--model`");
    assert_eq!(std::fs::read_to_string(folder.path().join("net.model")).unwrap(), NET);
}
