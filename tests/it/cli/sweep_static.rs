//! `npc sweep --static`: the table is compared with its own definition and with other commands.

use crate::support::compile::compile_text;
use crate::support::program::{ProgramOutput, npc};
use crate::support::repository::repository;
use npc::internals::graph::canon::{CanonicalGraph, GraphComparison, compare};
use npc::internals::show::chart::{AxisUnit, ChartTheme, ScatterAxis, ScatterChart, ScatterPoint, scatter};
use proptest::prelude::*;
use serde_json::Value;

const NET: &str = "npc 1

import std

enum Gate { none, se, cam }

/// A larger stride has fewer MACs for as many parameters; a second half trades one for the other.
model Net(x: [3, H, W], width: int = 8, stride: int = 1, gate: Gate = none, reduction: int = 2) -> [2, H, W]
  = x
    |> conv(width, stride = stride)
    |> relu
    |> conv(width * stride)
    |> match gate { none => identity, se => se(reduction), cam => cam(reduction) }
    |> conv(2, k = 1)
    |> resize(to = x)

variant Wide = Net(width = 32)

data scans {
  source = phantoms(count = 8)
  size = [32, 48]
  classes = [\"background\", \"lung\"]
  labels = [0, 255]
  empty = one
}

train fit = Net on scans {
  epochs = 1
  batch = 3
}

sweep all = Net(width = 4..17 step 4 | 24, stride = 1 | 2 | 4, gate = none | se | cam, reduction = 2 | 4)

sweep few
  = Net(width = 4..17 step 4 | 24, stride = 1 | 2 | 4, gate = none | se | cam, reduction = 2 | 4)
  keep where params < 5K and macs <= 1.2M and memory(training) <= 0.8MB

sweep both = Net(width = 8 | 16) | Wide
";

/// Runs npc in a folder that holds `net.model` with the text [`NET`].
fn run(args: &[&str]) -> ProgramOutput {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("net.model"), NET).unwrap();
    npc(folder.path(), args)
}

fn document(name: &str, args: &[&str]) -> Value {
    let output = run(&[&["sweep", "net.model", name, "--static", "--format", "json"], args].concat());
    serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}{}", output.stdout, output.stderr))
}

/// A variant in the JSON output.
#[derive(Debug, Clone, PartialEq)]
struct Variant {
    args: Vec<(String, String)>,
    /// params, MACs, inference, training, field
    numbers: [u64; 5],
}

const KEYS: [&str; 5] = ["params", "macs", "inference", "training", "field"];
const QUANTITIES: [&str; 5] = ["params", "macs", "memory(inference)", "memory(training)", "receptive_field"];

fn variant_of(value: &Value) -> Variant {
    let args = value["args"].as_object().unwrap().iter().map(|(n, v)| (n.clone(), v.as_str().unwrap().into()));
    let first = &value["sizes"][0];
    let memory = &first["memory"];
    let numbers = [&value["params"], &first["macs"], &memory["inference"], &memory["training"], &first["field"]];
    Variant { args: args.collect(), numbers: numbers.map(|n| n.as_u64().unwrap()) }
}

/// Returns all variants of a document, those listed as computing the same as another included.
fn all_variants(document: &Value) -> Vec<Variant> {
    let rows = document["models"].as_array().unwrap();
    let mut all: Vec<Variant> =
        rows.iter().flat_map(|r| std::iter::once(r).chain(r["same"].as_array().unwrap())).map(variant_of).collect();
    all.sort_by(|a, b| a.args.cmp(&b.args));
    all
}

/// Every bound keeps the variants of the whole table that satisfy it, by itself and together with others.
#[test]
fn bounds_filter_the_table() {
    let whole = all_variants(&document("all", &[]));
    assert_eq!(whole.len(), 5 * 3 * 3 * 2);
    let median = |k: usize| {
        let mut numbers: Vec<u64> = whole.iter().map(|v| v.numbers[k]).collect();
        numbers.sort_unstable();
        numbers[numbers.len() / 2]
    };
    let sets: [&[(usize, &str)]; 6] =
        [&[(0, "<")], &[(1, "<=")], &[(2, ">")], &[(3, "<=")], &[(4, ">=")], &[(0, "<="), (1, "<"), (3, "!=")]];
    for set in sets {
        let texts: Vec<String> = set.iter().map(|&(k, r)| format!("{} {r} {}", QUANTITIES[k], median(k))).collect();
        let holds = |v: &Variant, &(k, relation): &(usize, &str)| {
            let (n, m) = (v.numbers[k], median(k));
            match relation {
                "<" => n < m,
                "<=" => n <= m,
                ">" => n > m,
                ">=" => n >= m,
                _ => n != m,
            }
        };
        let wanted: Vec<Variant> = whole.iter().filter(|v| set.iter().all(|b| holds(v, b))).cloned().collect();
        let table = document("all", &["--keep", &texts.join(" and ")]);
        assert_eq!(all_variants(&table), wanted, "{texts:?}");
        for (bound, out) in set.iter().zip(table["bounds"].as_array().unwrap()) {
            let fails: Vec<&Variant> = whole.iter().filter(|v| !holds(v, bound)).collect();
            let others = |v: &&&Variant| set.iter().filter(|b| *b != bound).all(|b| holds(v, b));
            assert_eq!(out["left_out"], fails.len(), "{texts:?}");
            assert_eq!(out["alone"], fails.iter().filter(others).count(), "{texts:?}");
        }
    }
}

#[test]
fn check_reports_the_variants_that_a_sweep_excludes() {
    let whole = all_variants(&document("all", &[]));
    let few = document("few", &[]);
    let wanted = |v: &&Variant| v.numbers[0] < 5000 && v.numbers[1] <= 1_200_000 && v.numbers[3] <= 800_000;
    let kept: Vec<Variant> = whole.iter().filter(wanted).cloned().collect();
    assert!(!kept.is_empty() && kept.len() < whole.len());
    assert_eq!(all_variants(&few), kept);
    let printed = run(&["check", "net.model", "--model", "Net"]).stdout;
    let line = format!("{} of {} left out by `keep where`", whole.len() - kept.len(), whole.len());
    assert!(printed.contains(&line), "{printed}");
}

/// A bound on `macs` in the file uses the convention `conv` whatever the table shows; on the command line it uses that
/// of the table.
#[test]
fn bounds_of_a_file_use_one_convention() {
    let macs = |args: &[&str]| all_variants(&document("both", args)).iter().map(|v| v.numbers[1]).collect::<Vec<_>>();
    let (conv, thop) = (macs(&[]), macs(&["--convention", "thop"]));
    assert!(conv.iter().zip(&thop).any(|(c, t)| c != t));
    let bound = format!("macs <= {}", conv.iter().max().unwrap());
    let all = |text: &str| all_variants(&document(text, &["--convention", "thop"])).len();
    assert_eq!(all(&format!("Net(width = 8 | 16) | Wide keep where {bound}")), 3);
    assert_eq!(
        all_variants(&document("both", &["--convention", "thop", "--keep", &bound])).len(),
        thop.iter().filter(|t| *t <= conv.iter().max().unwrap()).count()
    );
}

/// No variant on the front is dominated, and every other one is.
#[test]
fn the_front_holds_the_variants_that_none_dominates() {
    for (x, y) in [(0, 1), (1, 0), (1, 3), (0, 4), (4, 1), (2, 3)] {
        let table = document("all", &["--axes", &format!("{},{}", KEYS[x], KEYS[y])]);
        let rows: Vec<([i64; 2], bool)> = table["models"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| {
                let numbers = variant_of(row).numbers;
                // A larger field is better.
                let cost = |k: usize| if k == 4 { -(numbers[k] as i64) } else { numbers[k] as i64 };
                ([cost(x), cost(y)], row["front"].as_bool().unwrap())
            })
            .collect();
        assert!(rows.iter().any(|r| r.1));
        for (p, on) in &rows {
            let dominated = rows.iter().any(|(q, _)| q != p && q[0] <= p[0] && q[1] <= p[1]);
            assert_eq!(*on, !dominated, "{} {} {p:?}", KEYS[x], KEYS[y]);
        }
    }
}

/// Variants listed in one row compute the same function, and those of different rows do not.
#[test]
fn equal_functions_share_a_row() {
    let table = document("Net(width = 4 | 8, gate = none | se | cam, reduction = 2 | 4)", &[]);
    let canon = |row: &Value| {
        let args = variant_of(row).args;
        let args: Vec<(&str, &str)> = args.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let text = NET.replace(
            "import std\n",
            &std::fs::read_to_string(repository("src/text/import/std.model")).unwrap().replace("npc 1\n", ""),
        );
        CanonicalGraph::new(compile_text(&text, Some([32, 48]), &args).model("Net").graph())
    };
    let equal = |a: &CanonicalGraph, b: &CanonicalGraph| matches!(compare(a, b), GraphComparison::Equal { .. });
    let rows = table["models"].as_array().unwrap();
    // Each width has one variant without a gate, whatever the reduction, and one with a gate for each reduction.
    assert_eq!(rows.len(), 2 * 3);
    let first: Vec<CanonicalGraph> = rows.iter().map(canon).collect();
    for (row, own) in rows.iter().zip(&first) {
        let same = row["same"].as_array().unwrap();
        assert_eq!(same.len(), 1);
        assert!(same.iter().all(|other| equal(own, &canon(other))), "{row}");
        assert_eq!(first.iter().filter(|other| equal(own, other)).count(), 1, "{row}");
    }
}

/// Models that choose by the size may be one function at one size and two at another.
#[test]
fn functions_are_compared_at_every_size() {
    let folder = tempfile::tempdir().unwrap();
    let body = "x |> conv(8, k = if deep and W > 40 { 5 } else { 3 }) |> conv(2)";
    let text = format!("npc 1\nmodel Net(x: [3, H, W], deep: bool = false) -> [2, H, W] = {body}\n");
    std::fs::write(folder.path().join("net.model"), text).unwrap();
    let rows = |sizes: &[&str]| {
        let base = ["sweep", "net.model", "Net(deep = true | false)", "--static", "--format", "json"];
        let output = npc(folder.path(), &[&base[..], sizes].concat());
        let table: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", output.stderr));
        table["models"].as_array().unwrap().len()
    };
    assert_eq!((rows(&["--size", "32x32"]), rows(&["--size", "48x48"])), (1, 2));
    assert_eq!(rows(&["--size", "32x32", "--size", "48x48"]), 2);
}

/// The numbers of a variant equal those of `npc check` at every size.
#[test]
fn numbers_equal_those_of_check() {
    let sizes = ["--size", "16x24", "--size", "40x40"];
    let table = document("Net(width = 12, stride = 2, gate = se)", &[&sizes[..], &["--batch", "5"]].concat());
    let with = ["--model", "Net", "--with", "width=12,stride=2,gate=se", "--batch", "5", "--format", "json"];
    let output = run(&[&["check", "net.model"], &with[..], &sizes].concat());
    let check: Value = serde_json::from_str(&output.stdout).unwrap();
    let row = &table["models"][0];
    for (i, size) in row["sizes"].as_array().unwrap().iter().enumerate() {
        let model = &check["models"][i];
        assert_eq!((&row["params"], &row["buffers"]), (&model["params"], &model["buffers"]));
        assert_eq!(
            (&size["input"], &size["output"], &size["macs"]),
            (&model["input"], &model["output"], &model["macs"])
        );
        for pass in ["inference", "training"] {
            assert_eq!(size["memory"][pass], model["memory"][pass]["peak"], "{pass}");
        }
        let last = model["nodes"].as_array().unwrap().last().unwrap();
        assert_eq!(size["receptive_field"], last["receptive_field"]);
    }
    // Without --batch, the batch is that of the run that trains the model.
    assert_eq!(document("all", &["--top", "1"])["batch"], 3);
}

#[test]
fn rows_are_sorted_and_limited() {
    for (k, key) in KEYS.iter().enumerate() {
        let table = document("all", &["--sort", key, "--top", "7"]);
        let numbers: Vec<u64> = table["models"].as_array().unwrap().iter().map(|r| variant_of(r).numbers[k]).collect();
        assert_eq!(numbers.len(), 7);
        let sorted = if *key == "field" { numbers.is_sorted_by(|a, b| a >= b) } else { numbers.is_sorted() };
        assert!(sorted, "{key}: {numbers:?}");
    }
    let widths: Vec<String> = document("Net(width = 16 | 4 | 8)", &["--sort", "sweep"])["models"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| variant_of(r).args[0].1.clone())
        .collect();
    assert_eq!(widths, ["16", "4", "8"]);
}

#[test]
fn models_that_cannot_be_built_are_reported() {
    let output = run(&["sweep", "net.model", "Net(width = 6 | 8, gate = se, reduction = 2 | 4)", "--static"]);
    assert_eq!(output.code, 1);
    assert!(
        output.stderr.contains("[E0306]") && output.stderr.ends_with("1 of 4 models cannot be built or measured\n"),
        "{}",
        output.stderr
    );
    assert_eq!(output.stdout.lines().filter(|l| l.starts_with(['6', '8'])).count(), 3, "{}", output.stdout);
}

#[test]
fn refusals_name_what_is_wrong() {
    for (args, code, part) in [
        (&["al"][..], 1, "did you mean `all`?"),
        (&["Nett(width = 8)"], 1, "did you mean `Net`?"),
        (&["Net(width = 8"], 2, "the sweep cannot be read"),
        (&["all", "--keep", "macs < 2 or params < 1"], 2, "joined with `and`"),
        (&["all", "--keep", "memory < 2GB"], 2, "memory(training)"),
        (&["all", "--axes", "params"], 2, "two keys"),
        (&["all", "--axes", "params,params"], 2, "names `params` twice"),
        (&["all", "--axes", "params,macs,field"], 2, "two keys"),
        (&["all", "--axes", "params,speed"], 2, "[possible values: params, macs, inference, training, field]"),
        (&["all", "--sort", "speed"], 2, "[possible values: params, macs, inference, training, field, sweep]"),
        (&["all", "--on", "scan"], 2, "did you mean `scans`?"),
        (&["all", "--plot", "none/x.svg"], 1, "none/x.svg: cannot be written"),
        (&["all", "--keep", "params < 1", "--plot", "x.svg"], 1, "no model is left to draw"),
    ] {
        let output = run(&[&["sweep", "net.model", "--static"], args].concat());
        assert_eq!(output.code, code, "{args:?}: {}", output.stderr);
        assert!(output.stderr.contains(part), "{args:?}: {}", output.stderr);
    }
}

#[test]
fn tables_match_their_snapshots() {
    let ran = |args: &[&str]| {
        let output =
            npc(&repository(""), &[&["sweep", "models/npnet.model"], args, &["--static", "--on", "cvc"]].concat());
        assert_eq!(output.code, 0, "{}", output.stderr);
        output.stdout
    };
    assert_snapshot!("it", "it__sweep_static__the_tables_read_as_kept", ran(&["ablation"]));
    let bounds = ["--keep", "params < 0.7M", "--keep", "macs <= 2.15976G", "--convention", "conv"];
    assert_snapshot!("it", "it__sweep_static__the_tables_read_as_kept-2", ran(&[&["ablation"], &bounds[..]].concat()));
    assert_snapshot!(
        "it",
        "it__sweep_static__the_tables_read_as_kept-3",
        ran(&["NPNet | NPNet_Plain", "--format", "markdown", "--axes", "training,field"])
    );
    assert_snapshot!(
        "it",
        "it__sweep_static__the_tables_read_as_kept-4",
        ran(&["ablation", "--format", "csv", "--sort", "sweep"])
    );
    assert_snapshot!("it", "it__sweep_static__the_tables_read_as_kept-5", ran(&["NPNet", "--keep", "macs < 1M"]));
}

/// Returns the rectangles of the labels in a picture, read from its text.
fn labels(picture: &str) -> Vec<[f64; 4]> {
    let number = |line: &str, name: &str| -> f64 {
        let from = line.find(&format!(" {name}=\"")).unwrap() + name.len() + 3;
        line[from..].split('"').next().unwrap().parse().unwrap()
    };
    let lines = picture.lines().filter(|l| l.starts_with("<text class=\"label"));
    lines
        .map(|line| {
            let text = &line[line.find('>').unwrap() + 1..line.rfind('<').unwrap()];
            // 11 px letters of a fixed-width font, 0.602 em wide, 11 above and 2.5 below the line.
            let width = text.chars().count() as f64 * 11.0 * 0.602;
            let (x, y) = (number(line, "x"), number(line, "y"));
            [x, y - 11.0, x + width, y + 2.5]
        })
        .collect()
}

fn overlap(a: &[f64; 4], b: &[f64; 4]) -> bool {
    a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn labels_of_a_picture_do_not_overlap(
        points in prop::collection::vec((1u64..5_000_000, 1u64..40_000_000_000, 1usize..30, any::<bool>()), 1..50),
    ) {
        let dots = points.iter().map(|&(x, y, letters, front)| {
            ScatterPoint { at: [x as f64, y as f64], interval: None, label: "m".repeat(letters), tooltip: "a\nb".into(), on_front: front }
        });
        let side = |name: &str, unit| ScatterAxis { name: name.into(), unit };
        let (x, y) = (side("params", AxisUnit::Count), side("memory", AxisUnit::Bytes));
        let chart = ScatterChart { title: "t".into(), key: "k".into(), x, y, points: dots.collect(), notes: Vec::new() };
        let picture = scatter(&chart).unwrap().file(ChartTheme::Auto);
        let labels = labels(&picture);
        prop_assert!(!labels.is_empty());
        for (i, a) in labels.iter().enumerate() {
            prop_assert!(a[0] >= 0.0 && a[2] <= 820.0 && a[1] >= 0.0 && a[3] <= 520.0, "{:?}", a);
            prop_assert!(labels[..i].iter().all(|b| !overlap(a, b)), "{:?}", labels);
        }
    }
}

/// A picture file holds every listed model, and no other file is left in its folder.
#[test]
fn a_picture_is_written() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("net.model"), NET).unwrap();
    let args = ["sweep", "net.model", "all", "--static", "--plot", "front.svg", "--format", "json"];
    let output = npc(folder.path(), &args);
    let table: Value = serde_json::from_str(&output.stdout).unwrap();
    let picture = std::fs::read_to_string(folder.path().join("front.svg")).unwrap();
    let mut places: Vec<[u64; 2]> = table["models"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| [variant_of(r).numbers[0], variant_of(r).numbers[1]])
        .collect();
    places.sort_unstable();
    places.dedup();
    // Each variant has a dot, and the legend has two.
    assert_eq!(picture.matches("<circle").count(), places.len() + 2);
    assert_eq!(picture.matches("<title>").count(), places.len() + 2);
    let mut files: Vec<String> =
        (std::fs::read_dir(folder.path()).unwrap()).map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    assert_eq!(files, ["front.svg", "net.model"]);
}

#[test]
fn variants_of_one_model_are_named_by_their_arguments() {
    let folder = tempfile::tempdir().unwrap();
    let net = "npc 1\nmodel Net(x: [3, H, W], width: int = 4) -> [2, H, W] = x |> conv(width) |> conv(2)\n\
               sweep some = Net | Net(width = 8) | Net(width = 16)\n";
    std::fs::write(folder.path().join("net.model"), net).unwrap();
    let args = ["sweep", "net.model", "some", "--static", "--size", "8x8", "--plot", "front.svg"];
    let output = npc(folder.path(), &args);
    assert_eq!(output.code, 0, "{}", output.stderr);
    let picture = std::fs::read_to_string(folder.path().join("front.svg")).unwrap();
    for name in [">Net<", ">8<", ">16<"] {
        assert!(picture.contains(name), "no {name} in {picture}");
    }
}

/// A sweep may name models of other files, and several of them.
#[test]
fn imported_models_are_counted() {
    let args = ["sweep", "models/paper.model", "table1", "--static", "--on", "cvc", "--format", "json"];
    let output = npc(&repository(""), &args);
    let table: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", output.stderr));
    let rows = table["models"].as_array().unwrap();
    let unet = rows.iter().find(|r| r["model"] == "UNet").expect("the table has U-Net");
    let check = ["check", "models/unet.model", "--model", "UNet", "--with", "classes=2"];
    let check = npc(&repository(""), &[&check[..], &["--size", "288x384", "--format", "json"]].concat());
    let check: Value = serde_json::from_str(&check.stdout).unwrap();
    assert_eq!(unet["params"], check["models"][0]["params"]);
    assert_eq!(unet["sizes"][0]["macs"], check["models"][0]["macs"]);
}

/// The picture of docs/sweeps.md is the one that its command draws.
#[test]
fn the_picture_of_the_docs_is_drawn() {
    let page = std::fs::read_to_string(repository("docs/sweeps.md")).unwrap();
    let from = page.find("'UNet(width").expect("the page has the command") + 1;
    let models = page[from..].split('\'').next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("sweep.svg");
    let plot = ["--static", "--size", "256x256", "--axes", "macs,field", "--plot", picture.to_str().unwrap()];
    let output = npc(&repository(""), &[&["sweep", "models/unet.model", models], &plot[..]].concat());
    assert_eq!(output.code, 0, "{}", output.stderr);
    let drawn = std::fs::read_to_string(picture).unwrap();
    let kept = std::fs::read_to_string(repository("docs/sweep.svg")).unwrap();
    assert!(drawn == kept, "draw docs/sweep.svg again with the command of docs/sweeps.md");
}
