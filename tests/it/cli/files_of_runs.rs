//! `npc check` of files without models: the models of their runs, and their data blocks.

use crate::support::program::{ProgramOutput, npc};
use serde_json::{Value, json};
use std::fs;

const INNER: &str = "npc 1

model Inner(x: [3, H, W], classes: int = 2, width: int = 8) -> [classes, H, W]
  = x |> conv(width) |> relu |> conv(classes, k = 1)
";

const DATA: &str = "data small {
  source = phantoms(count = 8)
  size = [32, 48]
  classes = [\"background\", \"lung\"]
  labels = [0, 255]
  empty = one
  split = random(val = 0.1, test = 0.2, seed = 3)
}
";

/// Runs npc in a folder with `inner.model`, and `runs.model` with this text after its import.
fn run(rest: &str, args: &[&str]) -> ProgramOutput {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("inner.model"), INNER).unwrap();
    let text = format!("npc 1\n\nimport \"inner.model\"\n\n{rest}");
    fs::write(folder.path().join("runs.model"), text).unwrap();
    npc(folder.path(), args)
}

fn runs(blocks: &[&str]) -> String {
    let run =
        |(i, model): (usize, &&str)| format!("\ntrain run{i} = {model} on small {{\n  epochs = 1\n  batch = 2\n}}\n");
    DATA.to_string() + &blocks.iter().enumerate().map(run).collect::<String>()
}

#[track_caller]
fn document(rest: &str, more: &[&str]) -> Value {
    let output = run(rest, &[&["check", "runs.model", "--format", "json"], more].concat());
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
    serde_json::from_str(&output.stdout).unwrap()
}

#[test]
fn the_models_of_runs_and_the_data_are_shown() {
    let output = run(&runs(&["Inner(width = 16)"]), &["check", "runs.model"]);
    assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{}", output.stdout);
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(lines[..2], ["Inner  [3, 32, 48] -> [2, 32, 48]  on small", "  classes = 2, width = 16"]);
    let table = [
        "data   size   classes           split",
        "-----  -----  ----------------  ---------------------------------------",
        "small  32x48  background, lung  random(val = 0.1, test = 0.2, seed = 3)",
    ];
    assert_eq!(lines[lines.len() - 3..], table, "{}", output.stdout);
}

#[test]
fn a_file_of_data_alone_lists_them() {
    let list = "data other {\n  list = \"cases.csv\"\n  size = [8, 8]\n  classes = [\"a\", \"b\", \"c\", \"d\", \"e\", \"f\", \"g\"]\n  \
                labels = [0, 1, 2, 3, 4, 5, 6]\n  empty = one\n}\n";
    let output = run(&format!("{DATA}\n{list}"), &["check", "runs.model"]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    let rows: Vec<&str> = output.stdout.lines().skip(2).collect();
    assert_eq!(rows.len(), 2, "{}", output.stdout);
    assert!(rows[0].starts_with("small  32x48  background, lung  random("), "{}", rows[0]);
    assert!(rows[1].starts_with("other  8x8    7 classes         column of the list, or random"), "{}", rows[1]);
    let lists = DATA.replace(
        "random(val = 0.1, test = 0.2, seed = 3)",
        "lists(train = \"a.txt\", val = 0.1, test = \"b.txt\", group = \"{group}_*\", stratify = classes)",
    );
    let split = document(&lists, &[])["data"][0]["split"].clone();
    let written = "lists(train = \"a.txt\", val = 0.1, test = \"b.txt\", group = \"{group}_*\", stratify = classes)";
    assert_eq!(split, written);
}

#[test]
fn a_model_of_several_runs_is_shown_once() {
    let document = document(&runs(&["Inner", "Inner(width = 4)", "Inner", "Inner(width = 8)"]), &[]);
    let params: Vec<u64> =
        document["models"].as_array().unwrap().iter().map(|model| model["params"].as_u64().unwrap()).collect();
    // 3x3 convolution of 3 channels and 1x1 convolution to 2 classes, with biases.
    assert_eq!(params, [8, 4].map(|width| (27 + 1) * width + 2 * width + 2));
    let data = json!([{"name": "small", "size": [32, 48], "classes": ["background", "lung"],
        "split": "random(val = 0.1, test = 0.2, seed = 3)"}]);
    assert_eq!(document["data"], data);
}

#[test]
fn options_apply_to_the_models_of_runs() {
    let text = runs(&["Inner(width = 16)"]);
    let sized = document(&text, &["--size", "8x8"]);
    assert_eq!(sized["models"][0]["output"], json!([2, 8, 8]));
    let set = document(&text, &["--with", "width=4"]);
    assert_eq!(set["models"][0]["params"], (27 + 1) * 4 + 2 * 4 + 2);
    let graph = run(&text, &["graph", "runs.model", "--format", "svg"]);
    assert!(graph.code == 0 && graph.stdout.starts_with("<svg "), "{}", graph.stderr);
    // A model by name is the model as written, and no data block is asked for.
    let named = document(&text, &["--model", "Inner"]);
    assert_eq!(named["models"][0]["params"], (27 + 1) * 8 + 2 * 8 + 2);
    assert_eq!(named["data"], Value::Null);
}

#[test]
fn a_wrong_run_is_reported_once() {
    let output = run(&runs(&["Inner(width = 0)"]), &["check", "runs.model"]);
    assert_eq!(output.code, 1);
    assert_eq!(output.stderr.matches("error[").count(), 1, "{}", output.stderr);
    let output = run(&runs(&["Inner(16)"]), &["check", "runs.model"]);
    assert_eq!((output.code, output.stderr.matches("has no name").count()), (1, 1), "{}", output.stderr);
}

/// A file with models of its own shows those, as before.
#[test]
fn files_with_models_list_no_data() {
    let own = format!("variant Own = Inner(width = 4)\n\n{}", runs(&["Inner"]));
    let document = document(&own, &[]);
    let names: Vec<&Value> = document["models"].as_array().unwrap().iter().map(|model| &model["name"]).collect();
    assert_eq!((names, &document["data"]), (vec![&json!("Own")], &Value::Null));
}
